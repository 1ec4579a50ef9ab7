"""Where in an image a layer finds what speaks for a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.viz.nets import as_images, check_finite, with_layers
from handgrad.viz.overlay import draw_overlays, full_range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from handgrad.models import ConvNet


def grad_cam_maps(
    net: Any, X: np.ndarray, y: np.ndarray | None = None, layer: str | None = None
) -> np.ndarray:
    """Return where the channels of a layer speak for a class.

    Parameters
    ----------
    net : ConvNet, or another of handgrad.models
    X : ndarray (N, C, H, W)
        Images as the net gets them.
    y : ndarray (N,) of whole numbers, optional
        The class of each image; default: the one with the highest score.
    layer : str, optional
        A name in ``layer_names`` of a layer that gives images; default: `grad_cam_layer`.

    Returns
    -------
    maps : ndarray (N, H', W')
        With A the output of the layer, ``max(0, sum_k alpha_k A_k)`` for ``alpha_k``, the mean over the
        places of the gradient of ``scores[n, y[n]]`` with respect to ``A_k``.

    Raises
    ------
    TypeError, ValueError
        When net, X, y or layer is of another kind, or numbers are not finite.

    Notes
    -----
    Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization",
    ICCV 2017, equations 1 and 2. Where global average pooling and an affine layer follow, it is the class
    activation map of Zhou et al., CVPR 2016, divided by the number of places.

    Examples
    --------
    >>> from handgrad.models import ConvNet
    >>> net = ConvNet("conv3-4/2 - relu - globalpool - affine", (3, 8, 8), seed=0)
    >>> grad_cam_maps(net, np.ones((2, 3, 8, 8))).shape
    (2, 4, 4)
    """
    net, X = with_layers(net, X)
    layer = grad_cam_layer(net) if layer is None else layer
    outputs = net.layer(layer).outputs
    if len(outputs) != 3:
        maps = ", ".join(name for name in net.layer_names if len(net.layer(name).outputs) == 3)
        raise ValueError(f"layer must give images ({maps or 'none does'}), but {layer} gives {outputs}")
    A, dA = net.activations(X)[layer], net.score_gradients(X, y)[layer]
    alpha = dA.mean(axis=(2, 3), keepdims=True)
    found: np.ndarray = np.maximum((alpha * A).sum(axis=1), 0)
    check_finite(found)
    return found


def grad_cam_layer(net: ConvNet) -> str:
    """Return the layer that Grad-CAM looks at by itself: what the last convolution becomes at its size.

    It is the convolution's activation where one follows, or the end of its residual block.

    Raises
    ------
    ValueError
        When the net has no convolution.

    Examples
    --------
    >>> from handgrad.models import ConvNet
    >>> grad_cam_layer(ConvNet("[conv - bn - relu]x2 - pool2 - affine", seed=0))
    'relu2'
    """
    names = net.layer_names
    convolutions = [name for name in names if name.startswith("conv")]
    if not convolutions:
        raise ValueError(f"net must have a convolution for Grad-CAM, got {str(net)!r}")
    size = net.layer(convolutions[-1]).outputs
    found = convolutions[-1]
    for name in names[names.index(found) + 1 :]:
        if net.layer(name).outputs != size:
            break
        found = name
    return found


def grad_cam(
    net: Any,
    X: np.ndarray,
    y: np.ndarray | None = None,
    layer: str | None = None,
    images: np.ndarray | None = None,
    labels: Sequence[str] | None = None,
    title: str = "Grad-CAM",
    theme: str = "light",
    columns: int = 6,
) -> Figure:
    """Draw images, their Grad-CAM, and both on top of each other.

    Parameters
    ----------
    net, X, y, layer
        As for `grad_cam_maps`.
    images, labels, title, theme, columns
        As for `handgrad.viz.saliency`.

    Returns
    -------
    matplotlib.figure.Figure
        Each map has its own scale. One that says 'nothing' is 0 everywhere.
    """
    maps = full_range(grad_cam_maps(net, X, y, layer))
    images = as_images(np.asarray(X)) if images is None else images
    return draw_overlays(images, maps, labels, title, "Grad-CAM", theme, columns)
