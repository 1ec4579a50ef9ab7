"""Many images in one figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from handgrad._numbers import whole_number
from handgrad.viz.figures import TITLE_CHARACTER, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FONT = 8  # points
_LINE = 0.15  # inches that a line of it takes
_FINE = 20  # pixels that an image is wide at least


def image_grid(
    images: np.ndarray,
    labels: Sequence[str] | None = None,
    columns: int | None = None,
    title: str = "",
    tile: float = 0.75,
    theme: str = "light",
) -> Figure:
    """Draw images in rows.

    Parameters
    ----------
    images : ndarray (N, C, H, W)
        uint8, or floats from 0 to 1, which are cut off there. C is 1 or 3.
    labels : sequence of str, optional
        A text below each image; may have several lines.
    columns : int, optional
        Images in a row; default: as many as make the figure nearly square.
    title : str
    tile : float
        Width of an image in inches.
    theme : 'light' or 'dark'

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For an array of another shape, and where labels and images are not as many.

    Examples
    --------
    >>> figure = image_grid(np.zeros((6, 3, 32, 32), np.uint8), labels=list("abcdef"), columns=3)
    >>> figure.get_axes()[0].images[0].get_array().shape  # 2 rows of 3, with gaps
    (82, 104, 4)
    """
    pixels = rgba(images)
    n, h, w = pixels.shape[:3]
    if labels is not None and len(labels) != n:
        raise ValueError(f"labels must be as many as the {n} images, got {len(labels)}")
    columns = math.ceil(math.sqrt(n)) if columns is None else whole_number("columns", columns, least=1)
    columns = min(n, columns)
    lines = [label.split("\n") for label in labels or ()]
    inch = tile / w
    line = _LINE / inch
    below = math.ceil(max(map(len, lines), default=0) * line)
    sheet = _sheet(pixels, columns, gap=math.ceil(w / 10), below=below)
    with style(theme):
        width = max(sheet.shape[1] * inch + 0.1, TITLE_CHARACTER * len(title))
        figure = new_figure(width, sheet.shape[0] * inch + (0.5 if title else 0.1))
        axes = figure.add_subplot(anchor="W")
        axes.set_axis_off()
        axes.imshow(sheet, interpolation="nearest")
        if title:
            axes.set_title(title)
        for i, texts in enumerate(lines):
            top, left = _place(i, columns, pixels.shape, gap=math.ceil(w / 10), below=below)
            for j, text in enumerate(texts):
                # On a baseline of its own: aligned by their tops, "square" would hang lower than "star".
                axes.text(left + w / 2, top + h + (j + 0.8) * line, text, ha="center", fontsize=_FONT)
    return figure


def _sheet(pixels: np.ndarray, columns: int, gap: int, below: int) -> np.ndarray:
    """Return one image (H', W', 4) of all, each with room below; what lies between is transparent."""
    n, h, w = pixels.shape[:3]
    bottom, _ = _place(n - 1, columns, pixels.shape, gap, below)
    sheet = np.zeros((bottom + h + below, columns * (w + gap) - gap, 4), np.uint8)
    for i, image in enumerate(pixels):
        top, left = _place(i, columns, pixels.shape, gap, below)
        sheet[top : top + h, left : left + w] = image
    return sheet


def _place(i: int, columns: int, shape: tuple[int, ...], gap: int, below: int) -> tuple[int, int]:
    """Return top and left of image i on the sheet."""
    row, column = divmod(i, columns)
    return row * (shape[1] + gap + below), column * (shape[2] + gap)


def rgba(images: np.ndarray) -> np.ndarray:
    """Return images (N, C, H, W) as pixels (N, H', W', 4) of uint8; small ones are enlarged."""
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1] not in (1, 3) or 0 in images.shape:
        raise ValueError(
            f"images must have shape (N, C, H, W), C of 1 or 3 and none empty, got {images.shape}"
        )
    if images.dtype != np.uint8:
        images = np.round(np.clip(np.nan_to_num(images), 0, 1) * 255).astype(np.uint8)
    n, _, h, w = images.shape
    pixels = np.full((n, h, w, 4), 255, np.uint8)
    pixels[..., :3] = images.transpose(0, 2, 3, 1)
    # Small ones are enlarged, so that a gap of a tenth of their width can be drawn.
    times = math.ceil(_FINE / w)
    return pixels.repeat(times, axis=1).repeat(times, axis=2)


def shortened(name: str, limit: int = 11) -> str:
    """Return a name that fits below an image.

    Examples
    --------
    >>> shortened("automobile"), shortened("lawn-mower man")
    ('automobile', 'lawn-mower…')
    """
    return name if len(name) <= limit else name[: limit - 1] + "…"
