"""Whole networks: a learner's function in the place of a layer, whole models, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
from checking.wrong import course

import handgrad
from handgrad import layers
from handgrad.checking import check_in_network, check_model
from handgrad.layers import overrides
from handgrad.models import FullyConnectedNet, ThreeLayerConvNet, TwoLayerNet

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((6, 3, 8, 8)), RNG.integers(0, 5, 6)


def conv_net(**options):
    sizes = {"input_dim": (3, 8, 8), "num_filters": 4, "filter_size": 3, "hidden_dim": 7, "num_classes": 5}
    return ThreeLayerConvNet(**sizes, weight_scale=0.1, seed=0, **options)


def doubled(dout, cache):
    dx, dw, db = layers.conv_backward(dout, cache)
    return dx, 2 * dw, db


# use_layer


def test_a_learners_function_computes_in_a_model():
    net = conv_net(dtype=np.float64)  # a learner's layer leaves the one-pass block: last bits may differ
    _, before = net.loss(X, Y)
    with handgrad.use_layer(conv_backward=doubled):
        _, inside = net.loss(X, Y)
    _, after = net.loss(X, Y)
    np.testing.assert_allclose(inside["W1"], 2 * before["W1"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(inside["W2"], before["W2"], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(after["W1"], before["W1"])


def test_a_learners_pair_with_its_own_cache():
    net = conv_net(dtype=np.float64)
    loss, grads = net.loss(X, Y)
    with handgrad.use_layer(conv_forward=course.conv_forward_naive, conv_backward=course.conv_backward_naive):
        other, others = net.loss(X, Y)
    assert other == pytest.approx(loss, rel=1e-12)
    for name in grads:
        np.testing.assert_allclose(others[name], grads[name], rtol=1e-9, atol=1e-12)


def test_a_learners_forward_with_our_backward():
    net = conv_net(dtype=np.float64)
    _, grads = net.loss(X, Y)
    with handgrad.use_layer(conv_forward=course.conv_forward_naive, affine_forward=course.affine_forward):
        _, others = net.loss(X, Y)
    np.testing.assert_allclose(others["W1"], grads["W1"], rtol=1e-9, atol=1e-12)


def test_blocks_nest_and_end_with_an_error():
    with handgrad.use_layer(relu_forward=course.relu_forward):
        with pytest.raises(ZeroDivisionError), handgrad.use_layer(conv_backward=doubled):
            assert 1 / (1 - overrides.replaced("conv_backward", "max_pool_forward"))
        assert overrides.replaced("relu_forward")
        assert not overrides.replaced("conv_backward")
    assert not overrides.replaced("relu_forward")


def test_unknown_functions_are_refused():
    with pytest.raises(
        ValueError, match="there is no layer function 'conv_backwards'; did you mean 'conv_backward'"
    ):
        handgrad.use_layer(conv_backwards=doubled)
    with pytest.raises(TypeError, match="conv_backward must be a function, got int"):
        handgrad.use_layer(conv_backward=3)


# the first layer that parts


def test_right_functions_part_nowhere():
    pairs = {"conv_forward": course.conv_forward_naive, "conv_backward": course.conv_backward_naive}
    net = conv_net(use_batchnorm=True)
    report = check_in_network(net, X, Y, affine_backward=course.affine_backward, **pairs)
    assert report.verdict == "right", str(report)


def test_the_first_layer_that_parts_is_named():
    report = check_in_network(conv_net(use_batchnorm=True), X, Y, conv_backward=doubled)
    assert [f.where for f in report.findings] == ["conv_backward, call 1 of 1: dw"]
    assert "108 of 108 numbers: everywhere" in report.findings[0].evidence


def test_of_several_calls_the_wrong_one_is_counted():
    def affine_backward(dout, cache):
        dx, dw, db = layers.affine_backward(dout, cache)
        return dx, (dw if dw.shape[1] == 5 else 0 * dw), db

    report = check_in_network(conv_net(), X, Y, affine_backward=affine_backward)
    assert report.findings[0].where == "affine_backward, call 2 of 2: dw"


def test_a_wrong_forward_is_named_before_what_it_spoils():
    report = check_in_network(
        conv_net(), X, Y, affine_forward=lambda x, w, b: course.affine_forward(x, w, 0 * b)
    )
    assert report.findings[0].where == "affine_forward, call 1 of 2: out"


def test_a_function_that_raises_in_the_network():
    report = check_in_network(conv_net(), X, Y, conv_backward=lambda dout, cache: 1 / 0)
    assert report.verdict == "broken"
    assert "ZeroDivisionError" in report.findings[0].evidence


# models


@pytest.mark.parametrize(
    "net",
    [conv_net(reg=0.1), conv_net(use_batchnorm=True),
     FullyConnectedNet([10, 8], 192, 5, normalization="layernorm", reg=0.2, weight_scale=0.1, seed=0),
     FullyConnectedNet([10, 8], 192, 5, normalization="batchnorm", weight_scale=0.1, seed=0),
     FullyConnectedNet([10], 192, 5, dropout=0.5, dropout_seed=3, weight_scale=0.1, seed=0),
     TwoLayerNet(192, 10, 5, reg=0.5, weight_scale=0.1, seed=0)],
    ids=["conv", "conv-bn", "fc-ln", "fc-bn", "fc-dropout", "two-layer"],
)  # fmt: skip
def test_our_models_are_right(net):
    before = {name: value.copy() for name, value in net.params.items()}
    assert check_model(net, X, Y).verdict == "right"
    assert all(np.array_equal(before[name], net.params[name]) for name in before)


class Spoiled(TwoLayerNet):
    """A net with a spoiled gradient."""

    def __init__(self, spoil):
        super().__init__(192, 10, 5, reg=0.5, weight_scale=0.1, seed=0)
        self.spoil = spoil

    def loss(self, X, y=None):
        if y is None:
            return super().loss(X)
        loss, grads = super().loss(X, y)
        self.spoil(self, X, grads)
        return loss, grads


def spoiled_by(change):
    return lambda net, X, grads: grads.update(change(net, grads))


@pytest.mark.parametrize(
    ("spoil", "where", "mistake"),
    [
        (spoiled_by(lambda n, g: {"W1": g["W1"] - n.reg * n.params["W1"]}), "dW1", "regularisation-missing"),
        (spoiled_by(lambda n, g: {"W2": g["W2"] + n.reg * n.params["W2"]}), "dW2", "regularisation-doubled"),
        (spoiled_by(lambda n, g: {"b1": -g["b1"]}), "db1", "sign"),
        (spoiled_by(lambda n, g: {"W2": 3 * g["W2"]}), "dW2", "factor"),
        (spoiled_by(lambda n, g: {"W1": g["W1"][::-1]}), "dW1", "wrong-unknown"),
        (spoiled_by(lambda n, g: {"W1": g["W1"].T}), "W1", "shape-wrong"),
        (lambda n, X, g: g.pop("b2"), "b2", "shape-wrong"),
        (lambda n, X, g: X.__imul__(2), "X", "input-changed"),
    ],
)
def test_wrong_models_are_named(spoil, where, mistake):
    report = check_model(Spoiled(spoil), X, Y)
    assert (report.findings[0].where, report.findings[0].mistake) == (where, mistake)


def test_a_loss_that_draws_cannot_be_checked():
    net = FullyConnectedNet([10], 192, 5, dropout=0.5, weight_scale=0.1, seed=0)
    report = check_model(net, X, Y)
    assert report.verdict == "right"
    assert "it draws numbers" in report.notes[0]


def test_a_loss_that_raises():
    report = check_model(Spoiled(lambda n, X, g: 1 / 0), X, Y)
    assert report.verdict == "broken"
