"""The courses' models as a ConvNet: the same scores and gradients from the same arrays."""

import numpy as np
import pytest

from handgrad.models import (
    ConvNet,
    Ensemble,
    FullyConnectedNet,
    ThreeLayerConvNet,
    TwoLayerNet,
    as_conv_net,
)

SHAPE = {"num_classes": 4, "dtype": np.float64, "reg": 0.1, "seed": 0, "weight_scale": 0.2}
NETS = {
    "three-layer": ThreeLayerConvNet((2, 6, 8), num_filters=3, filter_size=3, hidden_dim=5, **SHAPE),
    "even filters": ThreeLayerConvNet((2, 7, 8), num_filters=3, filter_size=4, hidden_dim=5, **SHAPE),
    "three-layer, bn": ThreeLayerConvNet((2, 6, 8), 3, 3, 5, use_batchnorm=True, **SHAPE),
    "two-layer": TwoLayerNet(2 * 6 * 8, hidden_dim=5, **SHAPE),
    "fully connected": FullyConnectedNet([7, 5, 6], 2 * 6 * 8, **SHAPE),
    "batchnorm": FullyConnectedNet([7, 5], 2 * 6 * 8, normalization="batchnorm", **SHAPE),
    "layernorm": FullyConnectedNet([7, 5], 2 * 6 * 8, normalization="layernorm", dropout=0.25, **SHAPE),
    "no hidden layer": FullyConnectedNet([], 2 * 6 * 8, **SHAPE),
}


@pytest.mark.parametrize("name", NETS)
def test_it_computes_the_same(name):
    net = NETS[name]
    X = np.random.default_rng(0).standard_normal((6, 2, 7 if name == "even filters" else 6, 8))
    y = np.array([0, 1, 2, 3, 0, 1])
    loss, grads = net.loss(X, y)  # moves the running statistics, too
    twin = as_conv_net(net, (2, *X.shape[2:]))
    np.testing.assert_allclose(twin.loss(X), net.loss(X), rtol=1e-10)
    assert twin.params is net.params
    if name != "layernorm":  # its dropout draws masks of its own
        again, slopes = twin.loss(X, y)
        assert again == pytest.approx(loss, rel=1e-12)
        for each in grads:
            np.testing.assert_allclose(slopes[each], grads[each], rtol=1e-8, atol=1e-12)


def test_its_layers_can_be_asked_for():
    twin = as_conv_net(NETS["three-layer, bn"])
    assert twin.layer_names == ["conv1", "bn1", "relu1", "pool1", "affine2", "bn2", "relu2", "affine3"]
    assert twin.layer("affine2").inputs == (3, 3, 4)


def test_a_conv_net_is_itself():
    net = ConvNet("conv - affine", seed=0)
    assert as_conv_net(net) is net


def test_a_net_of_rows_without_a_shape_takes_rows_as_columns_of_one_pixel():
    assert as_conv_net(NETS["two-layer"]).input_dim == (96, 1, 1)


def test_what_cannot_be_one_is_refused():
    with pytest.raises(ValueError, match=r"input_dim must have the 96 numbers .* got \(3, 6, 8\)"):
        as_conv_net(NETS["two-layer"], (3, 6, 8))
    with pytest.raises(TypeError, match=r"net must be one of handgrad\.models with layers, got Ensemble"):
        as_conv_net(Ensemble([NETS["two-layer"]]))
