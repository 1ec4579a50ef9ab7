"""ConvNet: every part of the notation computes, differentiates and trains as it should."""

from __future__ import annotations

import copy
import json
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from models.specs import specs, torch_scores

import handgrad
from handgrad import layers
from handgrad.checking import numerical_gradient
from handgrad.models import ConvNet, build
from handgrad.models.notation import SpecError
from handgrad.models.notation.kinds import KINDS
from handgrad.models.steps import Chain
from handgrad.training import Solver, optim

IMAGE = {"input_dim": (2, 6, 7), "num_classes": 3}
F64 = {"dtype": np.float64, "seed": 0, "dropout_seed": 5}

# Every layer, option, sandwich and form of a block is in one of them.
SPECS = {
    "conv": "conv - affine",
    "conv options": "conv2x3-4/2x1(pad=1, bias=no) - conv3-2(pad=0x2) - affine(bias=no) - svm",
    "sandwiches": "conv-4 - relu - conv-4 - bn - relu - conv-4 - relu - pool2 - affine5 - relu - affine",
    "a pool without relu": "conv-4 - pool3/2 - conv-4 - pool2/1 - gelu - affine",
    "normed sandwiches": "conv-4 - bn - relu - pool3/2 - affine5 - bn - relu - affine - bn",
    "a norm without relu": "conv-4 - bn - gelu - conv-4 - bn - affine",
    "sandwiches with what is fixed": "conv-3(bias=no) - bn(gamma=no) - relu - affine4(bias=no)"
    " - bn(gamma=no, momentum=0.6, eps=0.1) - relu - affine",
    "pools": "pool2/1 - conv-4 - avgpool3x2/2 - conv-3 - globalpool",
    "norms of images": "conv-4 - ln - relu - conv-4 - gn2 - gelu - conv-6 - gn(eps=0.1) - affine",
    "norms of features": "affine6 - ln - relu - affine4 - ln(eps=0.1) - affine",
    "dropout": "conv-4 - dropout0.3 - affine6 - relu - dropout - affine",
    "activations": "conv-4 - leaky_relu - conv-4 - elu - conv-4 - gelu - affine6 - sigmoid - affine6 - tanh"
    " - affine",
    "slopes": "conv-4 - prelu - leaky_relu0.3 - conv-4 - elu0.7 - affine6 - prelu(shared=yes) - affine",
    "maxout": "conv-4 - maxout - affine6 - maxout3 - affine - scale0.25",
    "residual": "conv-4 - res(conv-4 - bn - relu - conv-4 - bn) - relu - affine",
    "projections": "res(conv-4/2 - relu) - res(pool2 - conv-5) - res(affine7 - relu) - affine",
    "shortcuts": "res(conv-4 - bn | conv1-4 - bn) - relu - res(globalpool - affine5 | affine5) - affine",
    "residual within": "res(conv-3 - res(conv-3 - relu) - res(relu | dropout0.2)) - res(bn) - affine",
    "repetition": "[[conv-3 - relu]x2 - pool2]x1 - [affine5 - relu]x2 - [affine - relu]x0 - affine - svm",
    "courses": "[conv-relu-pool]x1 - conv - relu - [affine]x2 - [svm]",
}
each_spec = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def make(spec, **more):
    return ConvNet(spec, **{**IMAGE, **F64, **more})


def batch(n=3, dtype=np.float64, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, *IMAGE["input_dim"])).astype(dtype), rng.integers(0, 3, n)


def derivative(net, name, f, direction):
    """Return the derivative of f() along a direction of a parameter, by fourth-order differences."""
    kept = net.params[name]

    def moved(step):
        net.params[name] = kept + step * direction
        return np.array([f()])

    slope = numerical_gradient(lambda s: moved(s[0]), np.zeros(1), np.ones(1), step=1e-6)
    net.params[name] = kept
    return slope[0]


def settled(net):
    """Move biases, gammas and the like from where they begin, lest they hide a mistake."""
    rng = np.random.default_rng(9)
    for name, w in net.params.items():
        if not name.startswith("W"):
            net.params[name] = w + 0.2 * rng.standard_normal(w.shape)
    return net


@each_spec
@pytest.mark.parametrize("reg", [0.0, 0.3])
def test_gradients_agree_with_differences(spec, reg):
    net = settled(make(spec, reg=reg))
    X, y = batch()
    _, grads = net.loss(X, y)
    assert list(grads) == list(net.params)
    rng = np.random.default_rng(2)
    for name, w in net.params.items():
        assert grads[name].shape == w.shape
        # Along random directions, each of which every number of the gradient has a part in.
        for _ in range(4):
            direction = rng.standard_normal(w.shape)
            found = np.vdot(grads[name], direction)
            due = derivative(net, name, lambda: net.loss(X, y)[0], direction)
            assert abs(found - due) <= 1e-6 * max(0.01, abs(found), abs(due)), name


def test_every_part_of_the_notation_is_in_a_network_above():
    """The gradient check covers each kind, each of its options away from the default, each sandwich."""
    found, options, functions = set(), set(), set()

    def walk(chain):
        for step in chain.steps:
            functions.add(getattr(step, "function", type(step).__name__))
            if hasattr(step, "main"):
                walk(step.main)
                walk(step.shortcut)

    def note(items):
        for node in items:
            if hasattr(node, "kind"):
                found.add(node.kind)
                before = {}
                for setting in KINDS[node.kind].settings:
                    value = node.settings[setting.name]
                    if value != setting.default_for(before):
                        options.add((node.kind, setting.name))
                    before[setting.name] = value
            else:
                note(getattr(node, "items", ()) or (*node.main, *(node.shortcut or ())))

    for spec in SPECS.values():
        net = make(spec)
        note(net.spec.items)
        walk(net.steps)
    assert found == set(KINDS)
    assert options == {(kind, s.name) for kind, row in KINDS.items() for s in row.settings}
    sandwiches = {name for name in layers.sandwich.__dict__ if name.endswith("_forward")}
    assert functions >= {"conv_bn", "conv_pool"} | {
        s.removesuffix("_forward") for s in sandwiches if s.count("_") > 2
    }


@each_spec
def test_the_text_of_a_net_makes_the_same_net(spec):
    net = make(spec)
    again = make(str(net))
    assert str(again) == str(net)
    assert again.layer_names == net.layer_names
    X, _ = batch()
    np.testing.assert_array_equal(net.loss(X), again.loss(X))


@each_spec
def test_config_builds_it_again(spec):
    net = ConvNet(spec, **IMAGE, reg=0.25, init="glorot", seed=3)
    again = build(json.loads(json.dumps(net.config())))
    assert again.config() == net.config()
    assert {n: p.shape for n, p in again.params.items()} == {n: p.shape for n, p in net.params.items()}


@each_spec
def test_float32_stays_float32(spec):
    net = make(spec, dtype=np.float32)
    X, y = batch()  # float64 in
    loss, grads = net.loss(X, y)
    assert isinstance(loss, float)
    assert {g.dtype for g in grads.values()} == {np.dtype(np.float32)}
    assert net.loss(X).dtype == np.float32
    assert {a.dtype for a in net.activations(X).values()} == {np.dtype(np.float32)}


@each_spec
def test_tiers_give_the_same_net(spec):
    X, y = batch(2)
    loss, grads = make(spec).loss(X, y)
    for tier in ("numpy", "reference"):
        with handgrad.use_backend(tier):
            other, slow = make(spec).loss(X, y)
        assert other == pytest.approx(loss, rel=1e-10)
        for name in grads:
            np.testing.assert_allclose(grads[name], slow[name], rtol=1e-8, atol=1e-10)


@each_spec
def test_an_empty_batch_and_a_single_image(spec):
    net = make(spec)
    X, y = batch()
    assert net.loss(X[:0]).shape == (0, 3)
    loss, grads = net.loss(X[:0], y[:0])
    assert loss == 0
    assert all(np.all(g == 0) for g in grads.values())
    np.testing.assert_allclose(net.loss(X[:1]), net.loss(X)[:1], rtol=1e-12)


@each_spec
def test_inputs_stay_as_they_are(spec):
    net = make(spec)
    X, y = batch()
    X.setflags(write=False)
    for w in net.params.values():
        w.setflags(write=False)
    before = net.loss(X, y)
    again = net.loss(X, y)
    assert before[0] == again[0]


TWENTY = (
    "conv3-8 - bn - relu - [res(conv3-8 - bn - relu - conv3-8 - bn) - relu]x3"
    " - res(conv3-12/2 - bn - relu - conv3-12 - bn) - relu"
    " - [res(conv3-12 - bn - relu - conv3-12 - bn) - relu]x2"
    " - res(conv3-16/2 - bn - relu - conv3-16 - bn | conv1-16/2 - bn) - relu"
    " - [res(conv3-16 - bn - relu - conv3-16 - bn) - relu]x2 - globalpool - affine"
)  # 19 convolutions and an affine layer one after the other, as in ResNet-20


def torch_loss(net, params, X, y):
    scores = torch_scores(net._layers, torch.tensor(X), params)
    loss = F.cross_entropy(scores, torch.tensor(y)) if net.spec.loss == "softmax" else _hinge(scores, y)
    return loss + 0.5 * net.reg * sum((w**2).sum() for name, w in params.items() if name.startswith("W"))


def _hinge(scores, y):
    return F.multi_margin_loss(scores, torch.tensor(y)) * scores.shape[1]


def as_torch(params):
    return {name: torch.tensor(w, requires_grad=True) for name, w in params.items()}


@pytest.mark.parametrize(
    ("activation", "dtype", "tolerance"), [("gelu", np.float32, 1e-4), ("relu", np.float64, 1e-8)]
)
def test_a_net_of_twenty_layers_goes_with_pytorch_for_ten_steps(activation, dtype, tolerance):
    """In float32 with a smooth activation: among 300,000 relus, one turned by rounding parts two runs."""
    net = ConvNet(TWENTY.replace("relu", activation), (3, 16, 16), reg=1e-3, dtype=dtype, seed=0)
    assert sum(name.startswith("W") for name in net.params) == 22  # with the two projections
    params = as_torch(net.params)
    rule = torch.optim.SGD(params.values(), lr=0.02, momentum=0.9)
    configs = {name: {"learning_rate": 0.02, "momentum": 0.9} for name in params}
    rng = np.random.default_rng(0)
    for _ in range(10):
        X = rng.standard_normal((8, 3, 16, 16)).astype(dtype)
        y = rng.integers(0, 10, 8)
        loss, grads = net.loss(X, y)
        rule.zero_grad()
        due = torch_loss(net, params, X, y)
        due.backward()
        assert loss == pytest.approx(due.item(), rel=tolerance)
        for name, dw in grads.items():
            theirs = params[name].grad.numpy()
            # A bias in front of batch norm has gradient 0, and rounding is all that is seen of it.
            floor = 0.01 * max(float(np.linalg.norm(g)) for g in grads.values())
            assert np.linalg.norm(dw - theirs) <= tolerance * (np.linalg.norm(theirs) + floor), name
            net.params[name], configs[name] = optim.sgd_momentum(net.params[name], dw, configs[name])
        rule.step()


@pytest.mark.parametrize("name", [name for name in SPECS if "dropout" not in SPECS[name]])
def test_every_part_goes_with_pytorch(name):
    net = settled(make(SPECS[name], reg=0.1))
    X, y = batch()
    params = as_torch(net.params)
    due = torch_loss(net, params, X, y)
    due.backward()
    loss, grads = net.loss(X, y)
    assert loss == pytest.approx(due.item(), rel=1e-10)
    for key, dw in grads.items():
        np.testing.assert_allclose(dw, params[key].grad.numpy(), rtol=1e-8, atol=1e-9, err_msg=key)


class TestNamesAndSteps:
    def test_parameters_have_the_courses_names_in_order(self):
        net = make("conv-4 - bn - relu - res(conv-6 - gn2) - conv-2 - prelu - affine5 - ln - affine")
        assert list(net.params) == [
            *("W1", "b1", "gamma1", "beta1"),
            *("W2", "b2", "gamma2", "beta2", "W3", "b3"),  # W3 is the projection
            *("W4", "b4", "alpha1", "W5", "b5", "gamma3", "beta3", "W6", "b6"),
        ]
        assert net.layer_names == [
            *("conv1", "bn1", "relu1", "conv2", "gn2", "conv3", "res1", "conv4", "prelu1"),
            *("affine5", "ln3", "affine6"),
        ]
        assert net.params["W3"].shape == (6, 4, 1, 1)
        assert len(net.bn_params) == 1

    def test_what_is_left_out_is_no_parameter(self):
        net = make("conv-4(bias=no) - bn(gamma=no, momentum=0.6, eps=1e-3) - affine(bias=no)")
        assert list(net.params) == ["W1", "beta1", "W2"]
        assert net.bn_params[0].items() >= {"momentum": 0.6, "eps": 1e-3}.items()

    def test_slopes_are_of_each_channel_or_of_all(self):
        net = make("conv-4 - prelu - conv-4 - prelu(shared=yes) - affine")
        assert [net.params[f"alpha{n}"].tolist() for n in (1, 2)] == [[0.25] * 4, [0.25]]

    def test_neighbours_with_a_sandwich_are_one_step(self):
        net = make(
            "conv-4 - bn - relu - pool2 - conv-4 - relu - bn - res(conv-4 - bn - relu - conv-4 - relu)"
            " - conv-4 - relu - pool2 - affine5 - bn - relu - affine5 - relu - affine"
        )
        steps = net.steps.steps
        assert [step.name for step in steps] == [
            *("conv1-bn1-relu1-pool1", "conv2-relu2", "bn2", "res1", "conv5-relu5-pool2"),
            *("affine6-bn4-relu6", "affine7-relu7", "affine8"),
        ]
        assert [step.name for step in steps[3].main.steps] == ["conv3-bn3-relu3", "conv4-relu4"]

    def test_an_average_pool_is_in_no_sandwich(self):
        assert [s.name for s in make("conv-4 - relu - avgpool2 - affine").steps.steps][1] == "avgpool1"

    @pytest.mark.parametrize(
        ("spec", "shape"),
        [
            ("conv - affine", (2, 6, 7)),
            ("pool - bn - affine", (2, 3, 3)),
            ("globalpool - affine", (2,)),
            ("res(pool - res(maxout2 - conv-4 | conv-4)) - affine", (1, 3, 3)),
            ("res(pool | conv2-2/2) - affine", (2, 6, 7)),
        ],
    )
    def test_what_the_first_weights_see(self, spec, shape):
        assert make(spec).first_input == shape

    def test_affine_layers_without_a_number(self):
        net = make("[affine - relu]x2 - affine - scale2")
        assert [net.params[f"W{n}"].shape[1] for n in (1, 2, 3)] == [100, 100, 3]
        assert make("affine - relu - affine3").params["W1"].shape[1] == 100

    def test_group_norm_without_a_number(self):
        net = make("conv-48 - gn - affine")
        assert net._layers.steps[1].arguments[2] == 16

    @pytest.mark.parametrize("name", ["conv_backward", "conv_relu_backward"])
    @pytest.mark.parametrize(
        "spec", ["conv-4 - relu - conv-4 - relu - affine", "pool2 - conv-4 - relu - affine"]
    )
    def test_the_first_layer_computes_no_input_gradient(self, name, spec):
        asked = []

        def spy(dout, cache, *, need_dx=True):
            asked.append(need_dx)
            return getattr(layers, name)(dout, cache, need_dx=need_dx)

        net = make(spec)
        with handgrad.use_layer(**{name: spy}):
            net.loss(*batch())
        assert asked == [True] * (len(asked) - 1) + [False]

    def test_a_learners_layer_is_used_in_sandwiches_and_alone(self):
        net = make("conv-4 - relu - gelu - affine")
        X, _ = batch()
        with handgrad.use_layer(relu_forward=lambda x: (0 * x, x), gelu_forward=lambda x: (x + 1, x)):
            assert np.ptp(net.loss(X)) > 0
            np.testing.assert_allclose(net.loss(X)[0], net.loss(X)[1])
        assert np.any(net.loss(X)[0] != net.loss(X)[1])

    def test_a_deep_copy_is_a_net_of_its_own(self):
        net = make("conv-4 - bn - relu - dropout - affine")
        X, y = batch()
        before = net.loss(X)
        twin = copy.deepcopy(net)
        twin.loss(X, y)
        np.testing.assert_array_equal(net.loss(X), before)
        assert np.any(twin.loss(X) != before)


class TestMemory:
    class Watched:
        """A step whose cache tells when it is gone."""

        parameters = ("W1",)
        name = "watched"

        def __init__(self, alive):
            self.alive = alive

        def forward(self, x, params, keep=True, seen=None):
            cache = np.zeros(1)
            self.alive.append(weakref.ref(cache))
            return x, [cache]

        def backward(self, dout, cache, grads, need_dx=True, seen=None):
            self.left = sum(ref() is not None for ref in self.alive)
            return dout

    def test_backward_frees_as_it_goes(self):
        alive = []
        steps = [self.Watched(alive) for _ in range(4)]
        chain = Chain(steps)
        out, caches = chain.forward(np.zeros(1), {})
        assert sum(ref() is not None for ref in alive) == 4
        chain.backward(out, caches, {}, need_dx=False)
        assert [step.left for step in steps] == [1, 2, 3, 4]
        assert caches == []

    def test_scores_keep_nothing(self):
        alive = []
        chain = Chain([self.Watched(alive), self.Watched(alive)])
        _, caches = chain.forward(np.zeros(1), {}, keep=False)
        assert caches == []
        assert [ref() for ref in alive] == [None, None]

    @each_spec
    def test_no_activation_outlives_a_call(self, spec):
        net = make(spec)
        refs = []

        def spy(x, *args):
            out, cache = layers.affine_forward(x, *args)
            refs.append(weakref.ref(out))
            return out, cache

        X, y = batch()
        with handgrad.use_layer(affine_forward=spy):
            net.loss(X, y)
            net.loss(X)
        assert all(ref() is None for ref in refs)


class TestSeeing:
    @each_spec
    def test_gradients_of_scores_agree_with_differences(self, spec):
        net = settled(make(spec))
        X, y = batch(2)
        net.loss(X, y)  # running statistics
        found = net.score_gradients(X, y)
        outputs = net.activations(X)
        assert list(found) == ["input", *net.layer_names]
        assert {n: a.shape for n, a in outputs.items()} == {n: found[n].shape for n in net.layer_names}
        np.testing.assert_array_equal(found["input"], net.input_gradient(X, y))
        np.testing.assert_allclose(outputs[net.layer_names[-1]], net.loss(X), rtol=1e-12)

        def f(x):
            return net.loss(x)[np.arange(2), y].sum()

        rng = np.random.default_rng(3)
        for _ in range(3):
            direction = rng.standard_normal(X.shape)
            slope = numerical_gradient(
                lambda s, d=direction: np.array([f(X + s[0] * d)]), np.zeros(1), step=1e-6
            )
            assert np.vdot(found["input"], direction) == pytest.approx(slope[0], rel=1e-6, abs=1e-7)

    def test_a_gradient_in_the_middle(self):
        """Each layer's gradient is the one of what comes after it: here of an affine layer alone."""
        net = make("conv-4 - relu - globalpool - affine")
        X, y = batch(2)
        found = net.score_gradients(X, y)
        np.testing.assert_array_equal(found["globalpool1"], net.params["W2"].T[y])
        spread = net.params["W2"].T[y][:, :, None, None] / 42
        np.testing.assert_allclose(found["relu1"], np.broadcast_to(spread, found["relu1"].shape))
        np.testing.assert_array_equal(found["conv1"], found["relu1"] * (net.activations(X)["conv1"] > 0))

    def test_without_classes_the_highest_score_is_followed(self):
        net = make("conv-4 - relu - affine")
        X, _ = batch()
        best = net.loss(X).argmax(axis=1)
        np.testing.assert_array_equal(net.input_gradient(X), net.input_gradient(X, best))

    @pytest.mark.parametrize("y", [np.array([0, 1]), np.array([0, 1, 3]), np.array([0.0, 1.0, 2.0])])
    def test_refusals(self, y):
        with pytest.raises(ValueError, match=r"^y must hold "):
            make("conv-4 - affine").score_gradients(batch()[0], y)


class TestInit:
    SHAPES = ((64, 8, 3, 3), (300, 200), (16, 40, 1, 1), (40, 90))

    @pytest.mark.parametrize("shape", SHAPES)
    def test_variances(self, shape):
        from handgrad.models import init

        w = init.he(shape, np.random.default_rng(0))
        assert w.std() == pytest.approx(np.sqrt(2 / init.fan_in(shape)), rel=0.08)
        w = init.glorot(shape, np.random.default_rng(0))
        assert w.std() == pytest.approx(np.sqrt(2 / (init.fan_in(shape) + init.fan_out(shape))), rel=0.08)

    @pytest.mark.parametrize("shape", SHAPES)
    def test_orthogonal(self, shape):
        from handgrad.models import init

        w = init.orthogonal(shape, np.random.default_rng(0))
        assert w.shape == shape
        units = w.T if len(shape) == 2 else w.reshape(shape[0], -1)
        small = units if len(units) <= units.shape[1] else units.T
        np.testing.assert_allclose(small @ small.T, 2 * np.eye(len(small)), atol=1e-12)

    def test_dirac_hands_channels_on(self):
        net = make("conv3-5 - conv2-2(pad=0) - affine", init="dirac")
        outputs = net.activations(batch()[0])
        np.testing.assert_allclose(outputs["conv1"][:, :2], batch()[0])
        np.testing.assert_allclose(outputs["conv2"], outputs["conv1"][:, :2, 1:, 1:])
        assert np.any(outputs["conv1"][:, 2:])

    def test_a_given_scale(self):
        net = make("conv3-64 - affine50 - affine", weight_scale=0.01)
        for name in ("W1", "W2"):
            assert net.params[name].std() == pytest.approx(0.01, rel=0.1)
        assert net.config()["weight_scale"] == 0.01

    def test_one_seed_one_net(self):
        first, same, other = (make("conv-4 - affine", seed=s).params["W1"] for s in (1, 1, 2))
        np.testing.assert_array_equal(first, same)
        assert np.any(first != other)

    def test_whitened_patches_have_no_correlation(self):
        from handgrad.data import load_shapes

        X = load_shapes(num_training=120, num_validation=1, num_test=1).split()["X_train"] / 255.0 - 0.5
        net = ConvNet("conv2-30(pad=0) - relu - affine", dtype=np.float64, seed=0)
        before = net.params["W1"].copy()
        net.whiten(X, eps=1e-12)
        out = net.activations(X)["conv1"].transpose(1, 0, 2, 3).reshape(30, -1)
        moments = out[:12] @ out[:12].T / out.shape[1]
        np.testing.assert_allclose(moments, np.eye(12), atol=1e-5)
        np.testing.assert_allclose(out[12:24], -out[:12])
        np.testing.assert_array_equal(net.params["W1"][24:], before[24:])
        few = ConvNet("conv2-6(pad=0) - relu - affine", seed=0)
        few.whiten(X, eps=1e-12)
        np.testing.assert_allclose(few.params["W1"][:3], net.params["W1"][:3], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(few.params["W1"][3:], -few.params["W1"][:3])
        assert few.params["W1"].dtype == np.float32

    def test_whitening_needs_a_convolution_and_images(self):
        with pytest.raises(ValueError, match=r"^whiten needs a convolution as the first layer, got pool1$"):
            make("pool - conv - affine").whiten(batch()[0])
        with pytest.raises(ValueError, match=r"^X must hold at least one image, got none$"):
            make("conv - affine").whiten(batch()[0][:0])


MISFITS = [
    ("conv - pool9 - affine", 8, "spec cannot have pool9 at column 8: the window (9, 9) must fit into the"),
    ("conv9(pad=0) - affine", 1, "spec cannot have conv9-32(pad=0) at column 1: the window (9, 9) must fit"),
    ("[conv - pool]x4 - affine", 9, "spec cannot have pool2 at column 9: the window (2, 2) must fit"),
    ("affine - conv - affine", 10, "conv3-32 at column 10: it needs images (C, H, W), but gets 100 numbers"),
    ("affine - gap", 10, "spec cannot have globalpool at column 10: it needs images"),
    ("conv-6 - gn4 - affine", 10, "spec cannot have gn4 at column 10: 4 groups do not divide 6 channels"),
    ("conv-6 - maxout4 - affine", 10, "maxout4 at column 10: its 4 pieces do not divide 6 channels"),
    ("conv - relu", 12, "a score for each of 3 classes at column 12, got 32 channels of 6x7; an"),
    ("affine5 - svm", 11, "spec must give svm a score for each of 3 classes at column 11, got 5"),
    ("conv-3 - pool4 - globalpool - [conv]x0 - affine - [relu]x3 - bn - affine2", 74, "got 2 numbers"),
    ("res(pool2/1) - affine", 1, "no projection leads from 2 channels of 6x7 to 2 channels of 5x6; write"),
    ("res(conv-4 | conv-5) - affine", 1, "its two ways end with 4 channels of 6x7 and 5 channels of 6x7"),
    ("maxout2 - globalpool - bn", 26, "got 1 number;"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "column", "sentence"), MISFITS, ids=[row[0][:24] for row in MISFITS])
def test_layers_that_do_not_fit_are_named_with_their_column(spec, column, sentence):
    with pytest.raises(SpecError) as caught:
        make(spec)
    assert sentence in caught.value.sentence
    assert caught.value.place.column == column


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: make("bn - globalpool", num_classes=2),
            ValueError,
            "spec must have at least one conv or affine",
        ),
        (lambda: make("affine", init="hee"), ValueError, "there is no init 'hee'; did you mean 'he'"),
        (
            lambda: make("affine", input_dim=(3, 4)),
            ValueError,
            r"input_dim must be \(C, H, W\), got \(3, 4\)",
        ),
        (lambda: make("affine", num_classes=0), ValueError, "num_classes must be at least 1, got 0"),
        (lambda: make("affine", weight_scale=-1), ValueError, "weight_scale must not be negative, got -1.0"),
        (
            lambda: make("affine", label_smoothing=2),
            ValueError,
            r"label_smoothing must lie in \[0, 1\], got 2",
        ),
        (
            lambda: make("affine - svm", label_smoothing=0.1),
            ValueError,
            "label_smoothing is a setting of softmax, but the loss is svm",
        ),
        (lambda: make("affine").loss(np.zeros((2, 3))), ValueError, r"X must have shape \(N, 2, 6, 7\)"),
        (
            lambda: build({"model": "ConvNet", "spec": "affine", "inti": "he"}),
            ValueError,
            "ConvNet has no option 'inti'; did you mean 'init'",
        ),
    ],
)
def test_refusals(call, error, text):
    with pytest.raises(error, match=r"^" + text):
        call()


def test_label_smoothing_is_that_of_the_loss():
    X, y = batch()
    net = make("conv-4 - relu - affine", label_smoothing=0.2)
    expected = layers.softmax_loss(net.loss(X), y, label_smoothing=0.2)[0]
    assert net.loss(X, y)[0] == pytest.approx(float(expected), rel=1e-12)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_networks_that_fit_have_the_shapes_that_were_planned(data):
    spec = data.draw(specs)
    try:
        net = ConvNet(str(spec), (4, 12, 12), 5, seed=0)
    except SpecError:
        return
    outputs = net.activations(np.zeros((2, 4, 12, 12)))
    for step in net._layers.steps:
        assert outputs[step.name].shape == (2, *step.outputs)


@pytest.mark.parametrize(
    "spec",
    [
        "[conv3-16 - bn - relu - pool2]x2 - affine64 - relu - affine",
        "conv3-16 - relu - pool2 - res(conv3-24/2 - bn - relu - conv3-24 - bn) - relu - pool2 - affine - svm",
    ],
)
def test_fifty_images_are_learnt_by_heart(spec):
    from handgrad.data import Standardize, get_shapes_data

    data = get_shapes_data(num_training=50, num_validation=20, num_test=10)
    net = ConvNet(spec, seed=0)
    solver = Solver(
        net,
        data,
        "adam",
        {"learning_rate": 2e-3},
        batch_size=25,
        num_epochs=30,
        preprocess=Standardize.fit(data["X_train"]),
        seed=0,
        verbose=False,
    )
    solver.train()
    assert max(solver.train_acc_history) == 1.0
    assert solver.loss_history[-1] < 0.1 * solver.loss_history[0]


def test_a_run_goes_on_from_a_checkpoint_to_the_last_bit(tmp_path):
    from handgrad.data import get_shapes_data
    from handgrad.training import load_checkpoint

    data = get_shapes_data(num_training=40, num_validation=20, num_test=10)
    spec = "conv3-4 - bn - relu - pool4 - res(affine8 - dropout0.3) - affine"

    def run(epochs, name, **more):
        net = ConvNet(spec, seed=0)
        options = {"batch_size": 10, "seed": 0, "verbose": False, "checkpoint_name": tmp_path / name, **more}
        solver = Solver(net, data, "adam", {"learning_rate": 1e-3}, num_epochs=epochs, **options)
        solver.train()
        return solver

    whole = run(4, "whole")
    run(2, "part")
    resumed = run(4, "part", resume=True)
    assert resumed.loss_history == whole.loss_history
    checkpoint = load_checkpoint(tmp_path / "part")
    net = build(checkpoint.model)
    checkpoint.apply(net)
    assert str(net) == spec + " - softmax"
    for name, w in whole.model.params.items():
        np.testing.assert_array_equal(net.params[name], w)


def test_a_layer_can_be_asked_for_by_name():
    net = ConvNet("res(conv3-4/2 - bn - relu) - affine", (3, 8, 8), seed=0)
    assert [net.layer(name).outputs for name in ("relu1", "conv2", "res1", "affine3")] == [
        *[(4, 4, 4)] * 3,
        (10,),
    ]
    with pytest.raises(ValueError, match="the network has no layer 'convv2'; did you mean 'conv2'"):
        net.layer("convv2")


class TestOtherSizes:
    def test_behind_globalpool_any_size_is_computed_as_by_a_net_of_that_size(self):
        spec = "conv3-4 - bn - relu - pool2 - res(conv3-8/2 - relu) - globalpool - affine"
        made, small = (ConvNet(spec, (3, side, side), dtype=np.float64, seed=0) for side in (12, 7))
        X, y = np.random.default_rng(0).standard_normal((4, 3, 7, 7)), np.array([0, 3, 9, 3])
        loss, grads = made.loss(X, y)
        expected, others = small.loss(X, y)
        assert loss == expected
        for name in others:
            np.testing.assert_array_equal(grads[name], others[name])
        np.testing.assert_array_equal(made.loss(X), small.loss(X))

    def test_a_size_that_pooling_rounds_to_the_same_fits(self):
        net = ConvNet("pool2 - affine", (3, 8, 8), seed=0)
        assert net.loss(np.zeros((2, 3, 9, 9))).shape == (2, 10)

    @pytest.mark.parametrize("shape", [(3, 16, 16), (1, 8, 8), (3, 8), (3, 1, 1), (0, 8, 8)])
    def test_others_do_not(self, shape):
        net = ConvNet("pool2 - affine", (3, 8, 8), seed=0)
        with pytest.raises(ValueError, match=r"X must have shape \(N, 3, 8, 8\), got"):
            net.loss(np.zeros((2, *shape)))
