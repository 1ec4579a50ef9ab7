"""The models: their losses, their gradients and their settings."""

from __future__ import annotations

import json

import numpy as np
import pytest

import handgrad
from handgrad.checking import numerical_gradient
from handgrad.layers import softmax_loss
from handgrad.models import Ensemble, FullyConnectedNet, ThreeLayerConvNet, TwoLayerNet, build

F64 = {"dtype": np.float64, "seed": 0}
SMALL_CONV = {"input_dim": (2, 6, 5), "num_filters": 3, "filter_size": 3, "hidden_dim": 4, "num_classes": 3}

NETS = {
    "two layers": lambda **more: TwoLayerNet(30, 7, 3, weight_scale=0.1, **more),
    "fully connected": lambda **more: FullyConnectedNet([6, 5], 30, 3, weight_scale=0.3, **more),
    "one layer": lambda **more: FullyConnectedNet([], 30, 3, weight_scale=0.3, **more),
    "batch norm": lambda **more: FullyConnectedNet(
        [6, 5], 30, 3, normalization="batchnorm", weight_scale=0.3, **more
    ),
    "layer norm": lambda **more: FullyConnectedNet(
        [6, 5], 30, 3, normalization="layernorm", weight_scale=0.3, **more
    ),
    "dropout": lambda **more: FullyConnectedNet(
        [6, 5], 30, 3, dropout=0.4, weight_scale=0.3, **more | {"dropout_seed": 9}
    ),
    "conv": lambda **more: ThreeLayerConvNet(**SMALL_CONV, weight_scale=0.3, **more),
    "conv and batch norm": lambda **more: ThreeLayerConvNet(
        **SMALL_CONV, weight_scale=0.3, use_batchnorm=True, **more
    ),
}
each_net = pytest.mark.parametrize("make", NETS.values(), ids=NETS)


def batch(make, dtype=np.float64, n=4):
    rng = np.random.default_rng(1)
    conv = isinstance(make(), ThreeLayerConvNet)
    shape = (n, 2, 6, 5) if conv else (n, 5, 6)
    return rng.normal(size=shape).astype(dtype), rng.integers(0, 3, n)


@each_net
@pytest.mark.parametrize("reg", [0.0, 0.7])
def test_gradients_agree_with_differences(make, reg):
    net = make(**F64, reg=reg)
    X, y = batch(make)
    _, grads = net.loss(X, y)
    assert grads.keys() == net.params.keys()
    for name, param in net.params.items():

        def f(moved, name=name):
            kept, net.params[name] = net.params[name], moved
            loss = net.loss(X, y)[0]
            net.params[name] = kept
            return loss

        expected = numerical_gradient(f, param, step=1e-5)
        np.testing.assert_allclose(grads[name], expected, rtol=0, atol=1e-8, err_msg=name)


@each_net
def test_float32_stays_float32(make):
    """Bug B4 of the courses' code: dtype was ignored, and everything ran in float64."""
    net = make(seed=0)
    X, y = batch(make)  # float64 in
    assert net.loss(X).dtype == np.float32
    loss, grads = net.loss(X, y)
    assert isinstance(loss, float)
    for name, param in net.params.items():
        assert param.dtype == np.float32
        assert grads[name].dtype == np.float32
        assert grads[name].shape == param.shape
    for bn_param in net.bn_params:
        assert bn_param["running_mean"].dtype == np.float32


@each_net
def test_bytes_are_cast(make):
    net = make(seed=0)
    X = (10 * np.abs(batch(make)[0])).astype(np.uint8)
    np.testing.assert_array_equal(net.loss(X), net.loss(X.astype(np.float32)))


@each_net
def test_config_builds_it_again(make):
    net = make(seed=3, reg=0.25)
    config = json.loads(json.dumps(net.config()))
    again = build(config)
    assert type(again) is type(net)
    assert {n: p.shape for n, p in again.params.items()} == {n: p.shape for n, p in net.params.items()}
    assert again.config() == net.config()
    assert again.reg == 0.25


@each_net
def test_one_seed_one_net(make):
    first, same, other = make(seed=1), make(seed=1), make(seed=2)
    np.testing.assert_array_equal(first.params["W1"], same.params["W1"])
    assert np.any(first.params["W1"] != other.params["W1"])


def test_numpy_s_global_seed_still_makes_a_notebook_repeatable():
    np.random.seed(231)  # noqa: NPY002 - as a course notebook does
    first = TwoLayerNet(4).params["W1"]
    np.random.seed(231)  # noqa: NPY002
    np.testing.assert_array_equal(TwoLayerNet(4).params["W1"], first)


def test_first_loss_is_the_logarithm_of_the_classes():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3, 32, 32)), rng.integers(0, 10, 50)
    assert ThreeLayerConvNet(seed=0).loss(X, y)[0] == pytest.approx(2.3026, abs=2e-4)
    assert ThreeLayerConvNet(seed=0, reg=0.5).loss(X, y)[0] == pytest.approx(2.5088, abs=2e-3)


def test_names_of_the_parameters():
    assert list(ThreeLayerConvNet(**SMALL_CONV).params) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert set(ThreeLayerConvNet(**SMALL_CONV, use_batchnorm=True).params) == {
        "W1", "b1", "W2", "b2", "W3", "b3", "gamma1", "beta1", "gamma2", "beta2",
    }  # fmt: skip


@pytest.mark.parametrize("make", [NETS["batch norm"], NETS["conv and batch norm"]])
def test_batch_norm_uses_running_statistics_for_scores(make):
    net = make(**F64)
    X, y = batch(make)
    before = net.loss(X)
    net.loss(X, y)
    statistics = [bn["running_mean"].copy() for bn in net.bn_params]
    after = net.loss(X)
    assert np.any(before != after)
    np.testing.assert_allclose(after[:1], net.loss(X[:1]), rtol=1e-12)  # a sample does not see its neighbours
    for bn, mean in zip(net.bn_params, statistics, strict=True):
        np.testing.assert_array_equal(bn["running_mean"], mean)


def test_dropout_draws_anew_in_training_and_rests_in_testing():
    net = FullyConnectedNet([50], 30, 3, dropout=0.5, weight_scale=0.3, **F64)
    X, y = batch(NETS["dropout"])
    assert net.loss(X, y)[0] != net.loss(X, y)[0]
    np.testing.assert_array_equal(net.loss(X), net.loss(X))
    fixed = FullyConnectedNet([50], 30, 3, dropout=0.5, weight_scale=0.3, dropout_seed=1, **F64)
    assert fixed.loss(X, y)[0] == fixed.loss(X, y)[0]


def test_tiers_give_the_same_net():
    net = ThreeLayerConvNet(**SMALL_CONV, weight_scale=0.3, use_batchnorm=True, **F64)
    X, y = batch(NETS["conv"])
    _, grads = net.loss(X, y)
    with handgrad.use_backend("reference"):
        _, slow = net.loss(X, y)
    for name in grads:
        np.testing.assert_allclose(grads[name], slow[name], rtol=1e-9, atol=1e-11)


def test_hundred_images_are_learnt_by_heart():
    """The courses' first sign of life: 10 epochs of Adam over 100 images, and above 0.9 of them are right."""
    from handgrad.data import get_shapes_data
    from handgrad.training import Solver

    data = get_shapes_data(num_training=100, num_validation=50, num_test=10)
    net = ThreeLayerConvNet(num_filters=8, filter_size=3, weight_scale=1e-2, seed=0)
    solver = Solver(
        net, data, "adam", {"learning_rate": 1e-3}, batch_size=10, num_epochs=10, seed=0, verbose=False
    )
    solver.train()
    assert max(solver.train_acc_history) > 0.9


class TestEnsemble:
    def test_averages_probabilities(self):
        nets = [TwoLayerNet(30, 7, 3, weight_scale=1.0, dtype=np.float64, seed=s) for s in (0, 1)]
        X, y = batch(NETS["two layers"])
        scores = Ensemble(nets).loss(X)
        rows = [np.exp(net.loss(X)) for net in nets]
        expected = sum(r / r.sum(axis=1, keepdims=True) for r in rows) / 2
        np.testing.assert_allclose(np.exp(scores), expected, rtol=1e-12)
        np.testing.assert_allclose(
            softmax_loss(scores, y)[0], -np.log(expected[np.arange(len(y)), y]).mean(), rtol=1e-12
        )

    def test_one_model_decides_as_it_did(self):
        net = TwoLayerNet(30, 7, 3, seed=0)
        X, _ = batch(NETS["two layers"])
        np.testing.assert_array_equal(Ensemble([net]).loss(X).argmax(axis=1), net.loss(X).argmax(axis=1))

    def test_refusals(self):
        X, y = batch(NETS["two layers"])
        with pytest.raises(ValueError, match="models must hold at least one model, got none"):
            Ensemble([])
        with pytest.raises(TypeError, match="an Ensemble has no gradients: train its models one by one"):
            Ensemble([TwoLayerNet(30, 7, 3)]).loss(X, y)
        with pytest.raises(ValueError, match="the models must have the same classes"):
            Ensemble([TwoLayerNet(30, 7, 3), TwoLayerNet(30, 7, 4)]).loss(X)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: TwoLayerNet(dtype=np.float16), TypeError, "dtype must be float32 or float64, got float16"),
        (lambda: TwoLayerNet(reg=-1), ValueError, "reg must not be negative, got -1.0"),
        (lambda: TwoLayerNet(hidden_dim=0), ValueError, "hidden_dim must be at least 1, got 0"),
        (lambda: TwoLayerNet(hidden_dim=1.5), ValueError, "hidden_dim must be a whole number, got 1.5"),
        (
            lambda: TwoLayerNet(seed="x"),
            TypeError,
            "seed must be a whole number, a Generator or None, got 'x'",
        ),
        (
            lambda: TwoLayerNet(weight_scale=float("nan")),
            ValueError,
            "weight_scale must be a finite number, got nan",
        ),
        (
            lambda: FullyConnectedNet([5], normalization="batchnorms"),
            ValueError,
            "normalization must be one of None, 'batchnorm', 'layernorm', got 'batchnorms'",
        ),
        (lambda: FullyConnectedNet([5], dropout=1), ValueError, r"dropout must lie in \[0, 1\), got 1"),
        (lambda: FullyConnectedNet(5), ValueError, "hidden_dims must be a sequence of whole numbers, got 5"),
        (
            lambda: ThreeLayerConvNet(input_dim=(3, 32)),
            ValueError,
            r"input_dim must be \(C, H, W\), got \(3, 32\)",
        ),
        (
            lambda: ThreeLayerConvNet(input_dim=(3, 1, 1)),
            ValueError,
            r"input_dim \(3, 1, 1\) is too small for filters of side 7 and a 2x2 pool",
        ),
        (
            lambda: ThreeLayerConvNet().loss(np.zeros((2, 32, 32, 3))),
            ValueError,
            r"X must have shape \(N, 3, 32, 32\), got \(2, 32, 32, 3\)",
        ),
        (
            lambda: TwoLayerNet().loss(np.zeros((2, 5))),
            ValueError,
            r"X must have shape \(N, 3072\), got \(2, 5\)",
        ),
        (lambda: build({"model": "TwoLayrNet"}), ValueError, "there is no model 'TwoLayrNet'; did you mean"),
        (
            lambda: build({"model": "TwoLayerNet", "hiden_dim": 3}),
            ValueError,
            "TwoLayerNet has no option 'hiden_dim'; did you mean 'hidden_dim'",
        ),
    ],
)
def test_refusals(make, error, text):
    with pytest.raises(error, match="^" + text):
        make()
