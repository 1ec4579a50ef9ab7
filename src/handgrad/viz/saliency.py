"""Which pixels the score of a class hangs on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.viz.nets import as_images, check_finite, with_layers
from handgrad.viz.overlay import draw_overlays, full_range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CUT = 0.995  # of the pixels; the few largest ones would make the others dark


def saliency_maps(net: Any, X: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
    """Return how strongly the score of a class answers to each pixel.

    Parameters
    ----------
    net : ConvNet, or another of handgrad.models
    X : ndarray (N, C, H, W)
        Images as the net gets them.
    y : ndarray (N,) of whole numbers, optional
        The class of each image; default: the one with the highest score.

    Returns
    -------
    maps : ndarray (N, H, W)
        The largest size of the gradient of ``scores[n, y[n]]`` among the channels of a pixel.

    Raises
    ------
    TypeError, ValueError
        When net, X or y is of another kind, or numbers are not finite.

    Notes
    -----
    Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", ICLR workshop 2014, section 3.

    Examples
    --------
    >>> from handgrad.models import ConvNet
    >>> net = ConvNet("conv3-4 - relu - affine", (3, 8, 8), seed=0)
    >>> saliency_maps(net, np.ones((2, 3, 8, 8))).shape
    (2, 8, 8)
    """
    net, X = with_layers(net, X)
    dx = net.input_gradient(X, y)
    check_finite(dx)
    maps: np.ndarray = np.abs(dx).max(axis=1)
    return maps


def saliency(
    net: Any,
    X: np.ndarray,
    y: np.ndarray | None = None,
    images: np.ndarray | None = None,
    labels: Sequence[str] | None = None,
    title: str = "Saliency",
    theme: str = "light",
    columns: int = 6,
) -> Figure:
    """Draw images, their saliency, and both on top of each other.

    Parameters
    ----------
    net, X, y
        As for `saliency_maps`.
    images : ndarray (N, C, H, W), optional
        What is drawn in the place of X: uint8, or floats from 0 to 1. C is 1 or 3.
    labels : sequence of N str, optional
        A text above each image; may have several lines.
    title : str
    theme : 'light' or 'dark'
    columns : int
        Images side by side.

    Returns
    -------
    matplotlib.figure.Figure
        Each map has its own scale: bright is the strongest of its image, whatever that is.
    """
    maps = full_range(saliency_maps(net, X, y), _CUT)
    images = as_images(np.asarray(X)) if images is None else images
    return draw_overlays(images, maps, labels, title, "saliency", theme, columns)
