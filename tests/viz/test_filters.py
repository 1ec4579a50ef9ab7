"""Filters of deeper layers, and of which layer they are."""

import numpy as np
import pytest

from handgrad import viz
from handgrad.models import ConvNet, ThreeLayerConvNet, TwoLayerNet

NET = ConvNet(
    "conv3-4 - bn - relu - res(conv3-6/2 - relu) - globalpool - affine5 - affine", (3, 8, 8), 3, seed=0
)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (None, (4, 3, 3, 3)),
        ("conv1", (4, 3, 3, 3)),
        ("conv2", (6, 4, 3, 3)),
        ("conv3", (6, 4, 1, 1)),
        ("affine4", (5, 6, 1, 1)),
    ],
)
def test_the_filters_of_a_layer_are_those_of_its_weights(layer, shape):
    w = viz.layer_filters(NET, layer)
    assert w.shape == shape
    number = "1" if layer is None else layer[-1]
    np.testing.assert_array_equal(np.sort(w, axis=None), np.sort(NET.params[f"W{number}"], axis=None))


def test_a_unit_of_an_affine_layer_is_a_filter_that_spans_all_it_sees():
    net = ConvNet("conv3-4 - pool2 - affine", (3, 8, 8), 3, seed=0)
    w = viz.layer_filters(net, "affine2")
    x = np.random.default_rng(0).standard_normal((1, 4, 4, 4))
    np.testing.assert_allclose((w * x).sum(axis=(1, 2, 3)), (x.reshape(1, -1) @ net.params["W2"])[0])


def test_the_courses_nets_have_layers_too():
    assert viz.layer_filters(ThreeLayerConvNet(num_filters=4, seed=0), "affine2").shape == (100, 4, 16, 16)
    assert viz.layer_filters(TwoLayerNet(48, seed=0), input_dim=(3, 4, 4)).shape == (100, 3, 4, 4)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("conv9", "the network has no layer 'conv9'; did you mean 'conv"),
        ("relu1", r"layer must be one with weights \(conv1, conv2, conv3, affine4, affine5\), got 'relu1'"),
        ("res1", "layer must be one with weights"),
    ],
)
def test_a_layer_without_weights_is_refused(layer, message):
    with pytest.raises(ValueError, match=message):
        viz.layer_filters(NET, layer)


def drawn(figure):
    return figure.get_axes()[0].images[0].get_array()


def test_each_weight_is_a_square_in_the_place_of_its_filter_and_channel():
    w = np.arange(-12, 12).reshape(2, 2, 2, 3) / 12.0
    sheet = drawn(viz.filters(w))
    assert sheet.shape == (2 * 6 + 2, 2 * 9 + 2)  # 3 pixels a weight, 2 between filters
    for f, c, i, j in np.ndindex(w.shape):
        assert (sheet[f * 8 + 3 * i :, c * 11 + 3 * j :][:3, :3] == w[f, c, i, j]).all()
    assert sheet.mask[:, 9:11].all()
    assert sheet.mask[6:8].all()


def test_nought_lies_in_the_middle_of_the_colours():
    image = viz.filters(np.linspace(-1, 3, 36).reshape(2, 2, 3, 3)).get_axes()[0].images[0]
    assert image.get_clim() == (-3, 3)
    assert image.cmap(0.5)[:3] == pytest.approx((0xE8 / 255, 0xEC / 255, 0xF0 / 255), abs=0.01)
    assert image.cmap(0.0)[0] > image.cmap(0.0)[2]  # negative: orange
    assert image.cmap(1.0)[2] > image.cmap(1.0)[0]  # positive: blue


def test_only_the_first_ones_are_drawn_and_the_axes_say_of_how_many():
    figure = viz.filters(np.ones((20, 40, 1, 1)), most=5)
    axes = figure.get_axes()[0]
    assert drawn(figure).shape == (5 * 5 - 2, 5 * 5 - 2)
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("filter (5 of 20)", "input channel (5 of 40)")
    assert viz.filters(np.ones((70, 3, 5, 5))).get_axes()[0].get_title(loc="left").endswith(", 64 of 70")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("channels", [3, 8])
def test_weights_that_are_no_numbers_are_refused(bad, channels):
    w = np.ones((2, channels, 3, 3))
    w[1, 0, 0, 0] = bad
    with pytest.raises(ValueError, match=f"w must hold finite numbers, got {bad}"):
        viz.filters(w)


@pytest.mark.parametrize("shape", [(3, 3), (4, 8, 0, 3), (0, 3, 3, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"w must have shape \(F, C, HH, WW\) and none empty, got"):
        viz.filters(np.zeros(shape))


def test_most_must_be_a_whole_number():
    with pytest.raises(ValueError, match="most must be at least 1, got 0"):
        viz.filters(np.ones((2, 8, 3, 3)), most=0)
