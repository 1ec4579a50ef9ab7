"""What a convolution with filters that were set by hand does to pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from handgrad.layers import conv_forward
from handgrad.viz.drawings import boat, cat
from handgrad.viz.figures import new_figure, style
from handgrad.viz.images import rgba

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TILE = 1.9  # inches
_SOBEL = np.array([[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]])
_NAMES = ("greyscale", "horizontal edges", "vertical edges")
_NOTES = ("0.3 red + 0.6 green\n+ 0.1 blue", " 1  2  1\n 0  0  0\n-1 -2 -1", " 1  0 -1\n 2  0 -2\n 1  0 -1")


def hand_set_filters() -> np.ndarray:
    """Return three filters (3, 3, 3, 3) on colours: greyscale, horizontal and vertical edges of it.

    Notes
    -----
    After the notebook on convolutional networks of Stanford CS231n; the edges are Sobel's.

    Examples
    --------
    >>> hand_set_filters()[0, :, 1, 1]  # what greyscale takes of red, green and blue
    array([0.3, 0.6, 0.1])
    """
    grey = np.array([0.3, 0.6, 0.1]).reshape(3, 1, 1)
    centre = np.zeros((3, 3))
    centre[1, 1] = 1
    return np.stack([grey * centre, grey * _SOBEL, grey * _SOBEL.T])


def convolution(
    images: np.ndarray | None = None, labels: Sequence[str] | None = None, theme: str = "light"
) -> Figure:
    """Draw pictures, and what `handgrad.layers.conv_forward` makes of them with `hand_set_filters`.

    Parameters
    ----------
    images : ndarray (N, 3, H, W), optional
        uint8, or floats from 0 to 1; default: a cat and a boat, drawn here.
    labels : sequence of N str, optional
        A text beside each picture.
    theme : 'light' or 'dark'

    Returns
    -------
    matplotlib.figure.Figure
        A row for each picture. Where there is no edge, edges are grey; they are bright where it is lighter
        above (or on the left) than below (or on the right), dark the other way round. There is no padding,
        which would be an edge, too.

    Raises
    ------
    ValueError
        When images have another shape or are smaller than the filters.
    """
    pictures = np.stack([cat(), boat()]) if images is None else np.asarray(images)
    if pictures.ndim != 4 or pictures.shape[1] != 3 or 0 in pictures.shape or min(pictures.shape[2:]) < 3:
        raise ValueError(
            f"images must have shape (N, 3, H, W), H and W of 3 or more and N of 1, got {pictures.shape}"
        )
    if labels is not None and len(labels) != len(pictures):
        raise ValueError(f"labels must be as many as the {len(pictures)} images, got {len(labels)}")
    x = pictures / 255 if pictures.dtype == np.uint8 else np.asarray(pictures, dtype=float)
    if not np.isfinite(x).all():
        raise ValueError(f"images must hold finite numbers, got {x[~np.isfinite(x)][0]}")
    w = hand_set_filters()
    out, _ = conv_forward(x, w, np.zeros(len(w)), {"stride": 1, "pad": 0})
    n, _, h, width = x.shape
    with style(theme):
        figure = new_figure((len(w) + 1) * _TILE + 0.3, n * _TILE * h / width + 0.9)
        axes = figure.subplots(n, len(w) + 1, squeeze=False)
        for each in axes.ravel():
            each.set(xticks=[], yticks=[])
            each.grid(visible=False)
            each.spines[:].set_visible(False)
        for i, picture in enumerate(rgba(pictures)):
            axes[i, 0].imshow(picture, interpolation="nearest")
            axes[i, 0].set_ylabel("" if labels is None else labels[i])
            _draw(axes[i, 1:], out[i])
        _explain(axes)
    return figure


def _draw(axes: np.ndarray, out: np.ndarray) -> None:
    axes[0].imshow(out[0], cmap="gray", vmin=0, vmax=1)
    # A picture of one colour has edges of rounding, which must not fill the scale.
    largest = max(float(np.abs(out[1:]).max()), 0.01)
    for each, edges in zip(axes[1:], out[1:], strict=True):
        each.imshow(edges, cmap="gray", vmin=-largest, vmax=largest)


def _explain(axes: np.ndarray) -> None:
    """Write above the columns what they are, and below them what the filters are."""
    top: list[Axes] = list(axes[0])
    for each, name in zip(top, ("picture", *_NAMES), strict=True):
        each.set_title(name)
    for each, note in zip(axes[-1, 1:], _NOTES, strict=True):
        each.set_xlabel(note, family="monospace", fontsize=8)
