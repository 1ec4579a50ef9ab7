"""Saliency and Grad-CAM: the numbers, what a trained net looks at, and the pictures of both."""

import numpy as np
import pytest

from handgrad import viz
from handgrad.data import Standardize, load_shapes, shapes
from handgrad.models import ConvNet, Ensemble, ThreeLayerConvNet, TwoLayerNet
from handgrad.training import Solver


def batch(n=3, shape=(3, 6, 8)):
    return np.random.default_rng(1).standard_normal((n, *shape)), np.arange(n) % 4


def net(spec="conv3-5 - bn - relu - pool2 - conv3-6 - relu - affine", **more):
    return ConvNet(spec, (3, 6, 8), 4, dtype=np.float64, **{"seed": 0, **more})


def test_saliency_is_the_largest_size_of_the_numerical_gradient_over_the_channels():
    model, (X, y), h = net(), batch(2), 1e-6
    maps = viz.saliency_maps(model, X, y)
    for n, i, j in [(0, 0, 0), (0, 3, 4), (1, 5, 7), (1, 2, 2)]:
        sizes = []
        for c in range(3):
            up, down = X.copy(), X.copy()
            up[n, c, i, j] += h
            down[n, c, i, j] -= h
            sizes.append(abs((model.loss(up) - model.loss(down))[n, y[n]]) / (2 * h))
        assert maps[n, i, j] == pytest.approx(max(sizes), rel=1e-5)


def test_without_classes_the_likeliest_ones_are_followed():
    model, (X, _) = net(), batch()
    said = model.loss(X).argmax(axis=1)
    np.testing.assert_array_equal(viz.saliency_maps(model, X), viz.saliency_maps(model, X, said))
    np.testing.assert_array_equal(viz.grad_cam_maps(model, X), viz.grad_cam_maps(model, X, said))


def test_a_linear_nets_saliency_is_its_weights():
    model = ConvNet("affine", (3, 6, 8), 4, dtype=np.float64, seed=0)
    X, y = batch()
    w = np.abs(model.params["W1"].T.reshape(4, 3, 6, 8)).max(axis=1)
    np.testing.assert_allclose(viz.saliency_maps(model, X, y), w[y])


def test_grad_cam_before_average_pooling_and_an_affine_layer_is_the_class_activation_map():
    model, (X, y) = net("conv3-5 - relu - conv3-6/2 - relu - globalpool - affine"), batch()
    A, w = model.activations(X)["relu2"], model.params["W3"]
    cam = np.einsum("kn,nkhw->nhw", w[:, y], A) / (A.shape[2] * A.shape[3])
    maps = viz.grad_cam_maps(model, X, y)
    np.testing.assert_allclose(maps, np.maximum(cam, 0), rtol=1e-10, atol=1e-15)
    assert (maps > 0).any()
    assert (cam < 0).any()  # the cut at 0 does something here


def test_grad_cam_of_a_layer_is_the_formula_of_the_paper():
    model, (X, y) = net(), batch()
    A, dA = model.activations(X)["pool1"], model.score_gradients(X, y)["pool1"]
    expected = sum(dA[:, k].mean(axis=(1, 2))[:, None, None] * A[:, k] for k in range(5))
    np.testing.assert_allclose(viz.grad_cam_maps(model, X, y, "pool1"), np.maximum(expected, 0), atol=1e-15)


@pytest.mark.parametrize(
    ("spec", "layer"),
    [
        ("conv3-4 - affine", "conv1"),
        ("conv3-4 - relu - pool2 - affine", "relu1"),
        ("[conv3-4 - bn - relu]x2 - globalpool - affine", "relu2"),
        ("conv3-4 - relu - res(conv3-4 - bn - relu - conv3-4 - bn) - relu - pool2 - affine", "relu3"),
    ],
)
def test_grad_cam_looks_at_what_the_last_convolution_becomes(spec, layer):
    assert viz.grad_cam_layer(net(spec)) == layer


@pytest.fixture(scope="module")
def trained():
    """A net, prepared images of shapes, their classes, and how much of each pixel the figure covers."""
    data = load_shapes(3000, 100, 0)
    arrays = data.split()
    prepare = Standardize.fit(arrays["X_train"], per="channel", scale=True)
    model = ConvNet(
        "conv5-16/2 - bn - relu - conv3-32/2 - bn - relu - conv3-32 - bn - relu - globalpool - affine", seed=0
    )
    settings = {"update_rule": "adam", "optim_config": {"learning_rate": 5e-3}, "schedule": "one_cycle"}
    Solver(
        model, arrays, batch_size=100, num_epochs=6, preprocess=prepare, seed=0, verbose=False, **settings
    ).train()
    rng = np.random.default_rng([0, 1, 0])  # the first block of the validation images once more
    labels = np.arange(250) % 10
    labels = labels[np.argsort(rng.random(250))]
    np.testing.assert_array_equal(labels[:100], data.y_val)
    return model, prepare(data.X_val), data.y_val, shapes._coverage(rng, labels)[:100]


def contrast(maps, cover):
    """How much brighter each map is on the figure than beside it."""
    side = maps.shape[1]
    cover = cover.reshape(len(cover), side, 32 // side, side, 32 // side).mean(axis=(2, 4))
    on = (maps * cover).sum(axis=(1, 2)) / cover.sum(axis=(1, 2))
    off = (maps * (1 - cover)).sum(axis=(1, 2)) / (1 - cover).sum(axis=(1, 2))
    return on / np.maximum(off, 1e-12)


def test_grad_cam_of_a_trained_net_is_bright_on_the_drawn_figure(trained):
    model, X, y, cover = trained
    maps = viz.grad_cam_maps(model, X, y)
    assert maps.shape == (100, 8, 8)
    assert np.median(contrast(maps, cover)) > 1.6
    assert np.mean(contrast(maps, cover) > 1) > 0.8
    of_another_image = contrast(maps, np.roll(cover, 1, axis=0))  # most figures are near the middle
    assert np.median(contrast(maps, cover)) > 1.25 * np.median(of_another_image)


def test_saliency_of_a_trained_net_is_bright_on_the_drawn_figure(trained):
    model, X, y, cover = trained
    found = contrast(viz.saliency_maps(model, X, y), cover)
    assert np.median(found) > 1.4
    assert np.mean(found > 1) > 0.9


@pytest.mark.parametrize("draw", [viz.saliency, viz.grad_cam])
def test_each_image_has_a_column_of_itself_its_map_and_both(draw):
    model, (X, y) = net(), batch()
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 24, 32), dtype=np.uint8)
    axes = draw(model, X, y, images=images, labels=["a", "b\nc", "d"]).get_axes()
    assert len(axes) == 9
    shown = np.asarray(axes[1].images[0].get_array())
    np.testing.assert_array_equal(shown[..., :3], images[1].transpose(1, 2, 0))
    map_ = np.asarray(axes[4].images[0].get_array())
    assert 0 <= map_.min() < map_.max() == 1
    assert axes[4].images[0].get_extent() == axes[7].images[0].get_extent() == [-0.5, 31.5, 23.5, -0.5]
    assert [each.get_title() for each in axes[:3]] == ["a", "b\nc", "d"]


def test_new_rows_begin_after_so_many_columns():
    model, (X, _) = net(), batch(5)
    figure = viz.saliency(model, X, columns=2)
    assert len(figure.get_axes()) == 3 * 3 * 2
    assert figure.get_figwidth() < 3
    assert [bool(each.images) for each in figure.get_axes()[-2:]] == [True, False]


def test_a_map_of_nothing_says_so():
    model, (X, y) = net("conv3-4 - relu - globalpool - affine"), batch()
    model.params["W2"][:] = -1  # every channel speaks against every class
    axes = viz.grad_cam(model, X, y).get_axes()
    assert [text.get_text() for text in axes[3].texts] == ["nothing"]
    assert not axes[3].images[0].get_array().any()


def test_the_courses_nets_can_be_asked_too():
    three = ThreeLayerConvNet((3, 6, 8), num_filters=4, filter_size=3, hidden_dim=5, num_classes=4, seed=0)
    X, y = batch()
    assert viz.grad_cam_maps(three, X, y).shape == (3, 6, 8)
    assert viz.saliency_maps(TwoLayerNet(3 * 6 * 8, num_classes=4, seed=0), X, y).shape == (3, 6, 8)


@pytest.mark.parametrize("draw", [viz.saliency, viz.grad_cam])
def test_what_cannot_be_drawn_is_refused(draw):
    model, (X, y) = net(), batch()
    with pytest.raises(ValueError, match=r"X must have shape \(N, C, H, W\) and none empty, got \(3, 6, 8\)"):
        draw(model, X[0])
    with pytest.raises(ValueError, match="X must have shape"):
        draw(model, X[:0])
    with pytest.raises(ValueError, match=r"X must have shape \(N, 3, 6, 8\), got \(3, 3, 6, 7\)"):
        draw(model, X[..., 1:])
    with pytest.raises(ValueError, match="X must hold finite numbers, got nan"):
        draw(model, np.where(X.max() == X, np.nan, X))
    with pytest.raises(ValueError, match="y must hold classes from 0 to 3"):
        draw(model, X, y + 2)
    with pytest.raises(ValueError, match="labels must be as many as the 3 images, got 1"):
        draw(model, X, labels=["one"])
    with pytest.raises(TypeError, match=r"net must be one of handgrad\.models with layers, got Ensemble"):
        draw(Ensemble([model]), X)
    with pytest.raises(ValueError, match="images must be as many as X, 3, got 2"):
        draw(model, X, images=X[:2])
    model.params["W2"][0] = np.nan
    with pytest.raises(ValueError, match=r"net must have finite outputs and gradients, .* viz\.activations"):
        draw(model, X, y)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("relu9", "the network has no layer 'relu9'; did you mean 'relu"),
        (
            "affine3",
            r"layer must give images \(conv1, bn1, relu1, pool1, conv2, relu2\), but affine3 gives \(4,\)",
        ),
    ],
)
def test_a_layer_that_gives_no_images_is_refused(layer, message):
    with pytest.raises(ValueError, match=message):
        viz.grad_cam_maps(net(), batch()[0], layer=layer)


def test_a_net_without_convolution_has_no_grad_cam():
    with pytest.raises(ValueError, match="net must have a convolution for Grad-CAM, got 'affine5 - affine"):
        viz.grad_cam_maps(net("affine5 - affine"), batch()[0])
