"""The picture of an image's way through a net."""

import numpy as np
import pytest

from handgrad import viz
from handgrad.models import ConvNet, FullyConnectedNet

NET = ConvNet("conv3-4 - relu - res(conv3-4 - bn) - pool2 - affine6 - relu - affine", (3, 6, 8), 4, seed=0)
X = np.random.default_rng(1).standard_normal((3, 6, 8))


def rows(figure):
    """The rows by the name of their layer, the image first."""
    return {axes.get_ylabel().partition("\n")[0]: axes for axes in figure.get_axes()}


def test_each_layer_has_a_row_in_order():
    found = rows(viz.activations(NET, X))
    assert list(found) == ["image", *NET.layer_names]
    assert found["pool1"].get_ylabel() == "pool1\n4x3x4"
    bottoms = [axes.get_position().y0 for axes in found.values()]
    assert bottoms == sorted(bottoms, reverse=True)
    assert bottoms[-1] > 0


def test_rows_hold_the_numbers_of_their_layers():
    found, outputs = rows(viz.activations(NET, X)), NET.activations(X[None])
    scores = found["affine4"].images[0]
    np.testing.assert_allclose(scores.get_array()[0], outputs["affine4"][0], rtol=1e-6)
    assert scores.get_clim()[1] == pytest.approx(np.abs(outputs["affine4"]).max())
    assert found["affine4"].texts[0].get_text() == f"±{np.abs(outputs['affine4']).max():.2g}"
    sheet = found["pool1"].images[0].get_array()  # 5 pixels a number, 2 between maps of 20
    out, scale = outputs["pool1"][0], found["pool1"].images[0].get_clim()[1]
    for c, i, j in np.ndindex(out.shape):
        block = sheet[5 * i : 5 * i + 5, c * 22 + 5 * j :][:, :5]
        np.testing.assert_allclose(block, np.clip(out[c, i, j], -scale, scale), rtol=1e-6)
    assert sheet.mask[:, 20:22].all()


def test_only_the_first_channels_of_the_chosen_layers_are_drawn():
    figure = viz.activations(NET, X, layers=["relu1", "conv1"], channels=2)
    assert list(rows(figure)) == ["image", "relu1", "conv1"]
    assert rows(figure)["relu1"].images[0].get_array().shape[1] == 2 * 24 + 3
    assert figure.get_figwidth() < viz.activations(NET, X).get_figwidth()


def test_few_channels_leave_room_for_the_names_of_classes():
    wide, narrow = (rows(viz.activations(NET, X, channels=n))["relu1"].get_window_extent() for n in (5, 1))
    assert wide.width == narrow.width


def test_the_classes_stand_below_the_scores():
    axes = rows(viz.activations(NET, X, class_names=["cat", "dog", "cow", "ant"]))["affine4"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog", "cow", "ant"]
    numbers = [label.get_text() for label in rows(viz.activations(NET, X))["affine4"].get_xticklabels()]
    assert numbers == ["0", "1", "2", "3"]


def test_where_nan_begins_can_be_seen():
    net = ConvNet("conv3-4 - relu - conv3-2 - affine", (3, 6, 8), 4, seed=0)
    net.params["W2"][1, 0, 0, 0] = np.nan
    found = rows(viz.activations(net, X))
    assert [name for name, axes in found.items() if "NaN" in axes.texts[0].get_text()] == ["conv2", "affine3"]
    image = found["conv2"].images[0]
    pink = image.cmap(image.norm(image.get_array()))[5, -5]
    assert pink[:3] == pytest.approx((0xCC / 255, 0x79 / 255, 0xA7 / 255))


def test_layers_without_images_are_enough():
    net = FullyConnectedNet([5], 3 * 6 * 8, num_classes=4, seed=0)
    assert list(rows(viz.activations(net, X))) == ["image", "affine1", "relu1", "affine2"]


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (X[None], {}, r"x must have shape \(C, H, W\), got \(1, 3, 6, 8\)"),
        (X[:, 1:], {}, r"X must have shape \(N, 3, 6, 8\), got \(1, 3, 5, 8\)"),
        (X * np.inf, {}, "X must hold finite numbers, got "),
        (X, {"layers": ["relu9"]}, "the network has no layer 'relu9'; did you mean 'relu"),
        (X, {"layers": []}, "layers must name at least one layer, got none"),
        (X, {"channels": 0}, "channels must be at least 1, got 0"),
        (X, {"class_names": ["cat"]}, "class_names must be 4, got 1"),
        (X, {"theme": "drak"}, "there is no theme 'drak'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(x, options, message):
    with pytest.raises(ValueError, match=message):
        viz.activations(NET, x, **options)
