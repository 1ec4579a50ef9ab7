"""Images, what a net sees in each, and both on top of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad._numbers import whole_number
from handgrad.viz.figures import TITLE_CHARACTER, new_figure, style
from handgrad.viz.images import rgba

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TILE = 1.15  # inches
_HEAT = "inferno"  # dark where there is nothing, on pages of both themes
_MIDDLE: Any = {"ha": "center", "va": "center", "fontsize": 8}


def draw_overlays(
    images: np.ndarray,
    maps: np.ndarray,
    labels: Sequence[str] | None,
    title: str,
    name: str,
    theme: str,
    columns: int,
) -> Figure:
    """Draw for each image (N, C, H, W) a column: the image, its map (N, H', W') from 0 to 1, both together.

    Maps are stretched over the images smoothly. After `columns` images new rows begin.
    """
    pixels = rgba(images)
    n, h, w = pixels.shape[:3]
    if n != len(maps):
        raise ValueError(f"images must be as many as X, {len(maps)}, got {n}")
    if labels is not None and len(labels) != n:
        raise ValueError(f"labels must be as many as the {n} images, got {len(labels)}")
    columns = min(n, whole_number("columns", columns, least=1))
    blocks = -(-n // columns)
    lines = max((label.count("\n") + 1 for label in labels or ()), default=0)
    height = blocks * (3 * _TILE * h / w + 0.17 * lines + 0.1) + 0.4
    with style(theme) as colours:
        figure = new_figure(max(columns * _TILE + 0.5, TITLE_CHARACTER * len(title)), height)
        axes = figure.subplots(3 * blocks, columns, squeeze=False)
        figure.suptitle(title, x=0.02, ha="left", fontsize="medium", fontweight="bold")
        for each in axes.ravel():
            each.set(xticks=[], yticks=[])
            each.grid(visible=False)
            each.spines[:].set_visible(False)
        for i in range(n):
            block, column = divmod(i, columns)
            own = axes[3 * block : 3 * block + 3, column]
            _draw_column(own, pixels[i], maps[i])
            if not maps[i].any():
                own[1].text(0.5, 0.5, "nothing", color="white", transform=own[1].transAxes, **_MIDDLE)
            if labels is not None:
                own[0].set_title(labels[i], fontsize=8, fontweight="normal", loc="center", color=colours.text)
        for block in range(blocks):
            for row, text in enumerate(("image", name, "both")):
                axes[3 * block + row, 0].set_ylabel(text, fontsize=9)
    return figure


def _draw_column(axes: Any, pixels: np.ndarray, map_: np.ndarray) -> None:
    h, w = pixels.shape[:2]
    whole = (-0.5, w - 0.5, h - 0.5, -0.5)
    heat = {"cmap": _HEAT, "vmin": 0, "vmax": 1, "extent": whole}
    smooth = {"interpolation": "nearest" if map_.shape == (h, w) else "bilinear"}
    axes[0].imshow(pixels, interpolation="nearest")
    axes[1].imshow(map_, **heat, **smooth)
    grey = pixels[..., :3] @ np.array([0.299, 0.587, 0.114])
    axes[2].imshow(grey, cmap="gray", vmin=0, vmax=255, interpolation="nearest", extent=whole)
    axes[2].imshow(map_, **heat, **smooth, alpha=0.85 * np.sqrt(map_))


def full_range(maps: np.ndarray, cut: float = 1.0) -> np.ndarray:
    """Return maps (N, H, W) of numbers from 0 on, each divided by its largest; one of zeros stays so.

    `cut` is the part of the numbers that the largest one is taken of: what exceeds it becomes 1.

    Examples
    --------
    >>> full_range(np.array([[[0.0, 2.0, 4.0]], [[0.0, 0.0, 0.0]]]))
    array([[[0. , 0.5, 1. ]],
    <BLANKLINE>
           [[0. , 0. , 0. ]]])
    """
    if maps.size == 0:
        return maps
    largest = np.quantile(maps, cut, axis=(1, 2), keepdims=True, method="higher")
    return np.clip(maps / np.where(largest > 0, largest, 1), 0, 1)
