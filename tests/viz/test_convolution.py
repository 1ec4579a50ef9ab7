"""Filters that were set by hand, and the pictures that they are shown on."""

import numpy as np
import pytest

from handgrad import viz
from handgrad.viz.drawings import boat, cat


def shown(figure):
    """The arrays of the figure, row by row."""
    return [np.asarray(axes.images[0].get_array()) for axes in figure.get_axes()]


def test_greyscale_is_the_weighted_sum_of_the_colours():
    x = np.random.default_rng(0).random((1, 3, 6, 7))
    grey = shown(viz.convolution(x))[1]
    np.testing.assert_allclose(grey, np.tensordot([0.3, 0.6, 0.1], x[0], 1)[1:-1, 1:-1])


def test_edges_are_bright_where_it_is_lighter_above_or_on_the_left():
    x = np.zeros((1, 3, 9, 9))
    x[:, :, :4, :] = 1
    _, _, horizontal, vertical = shown(viz.convolution(x))
    step = np.array([0, 0, 4, 4, 0, 0, 0])[:, None]  # the two rows whose window reaches over it
    np.testing.assert_allclose(horizontal, np.broadcast_to(step, (7, 7)), atol=1e-12)
    np.testing.assert_allclose(vertical, 0, atol=1e-12)
    turned = shown(viz.convolution(x.transpose(0, 1, 3, 2)))
    np.testing.assert_allclose(turned[3], horizontal.T, atol=1e-12)
    np.testing.assert_allclose(shown(viz.convolution(1 - x))[2], -horizontal, atol=1e-12)


def test_grey_is_no_edge_in_every_picture():
    for pictures in (None, np.full((1, 3, 8, 8), 0.7)):
        low, high = viz.convolution(pictures).get_axes()[2].images[0].get_clim()
        assert low == -high
    rounding = shown(viz.convolution(np.full((1, 3, 8, 8), 0.7)))[2]
    assert np.abs(rounding).max() < 1e-9 * high


def test_bytes_and_fractions_look_the_same():
    x = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 9), dtype=np.uint8)
    for one, other in zip(shown(viz.convolution(x)), shown(viz.convolution(x / 255)), strict=True):
        np.testing.assert_allclose(one, other)


def test_without_pictures_a_cat_and_a_boat_are_drawn():
    figure = viz.convolution(theme="dark")
    assert len(figure.get_axes()) == 8
    assert [axes.get_title(loc="left") for axes in figure.get_axes()[:2]] == ["picture", "greyscale"]
    np.testing.assert_array_equal(shown(figure)[0][..., :3], cat().transpose(1, 2, 0))


@pytest.mark.parametrize("draw", [cat, boat])
@pytest.mark.parametrize("side", [32, 101])
def test_drawings_are_the_same_at_every_size_and_have_colours(draw, side):
    small, large = draw(side), draw(4 * side)
    assert small.shape == (3, side, side)
    assert small.dtype == np.uint8
    averaged = large.reshape(3, side, 4, side, 4).mean(axis=(2, 4))
    assert np.abs(averaged - small).mean() < 3
    assert small.std(axis=0).mean() > 20


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((3, 8, 8)), r"images must have shape \(N, 3, H, W\), .* got \(3, 8, 8\)"),
        (np.zeros((1, 1, 8, 8)), "images must have shape"),
        (np.zeros((0, 3, 8, 8)), "images must have shape"),
        (np.zeros((1, 3, 2, 8)), "H and W of 3 or more"),
        (np.full((1, 3, 8, 8), np.nan), "images must hold finite numbers, got nan"),
    ],
)
def test_other_pictures_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        viz.convolution(images)
    with pytest.raises(ValueError, match="labels must be as many as the 2 images, got 1"):
        viz.convolution(labels=["one"])
