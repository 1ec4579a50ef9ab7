"""Images side by side in one array, for ``plt.imshow``."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def visualize_grid(Xs: np.ndarray, ubound: float = 255.0, padding: int = 1) -> np.ndarray:
    """Lay out images on a square grid, each stretched to 0 .. `ubound` on its own.

    Parameters
    ----------
    Xs : ndarray (N, H, W, C)
    ubound : float, default 255
    padding : int, default 1
        Black pixels between images.

    Returns
    -------
    ndarray of float64
        An image of one value is black.
    """
    N, H, W, C = Xs.shape
    side = math.ceil(math.sqrt(N))
    grid = np.zeros((side * (H + padding) - padding, side * (W + padding) - padding, C))
    for n, image in enumerate(Xs.astype(np.float64)):
        top, left = n // side * (H + padding), n % side * (W + padding)
        low, high = image.min(), image.max()
        if high > low:
            grid[top : top + H, left : left + W] = ubound * (image - low) / (high - low)
    return grid


def vis_grid(Xs: np.ndarray) -> np.ndarray:
    """Lay out images (N, H, W, C) on a square grid, stretched to 0 .. 1 all alike."""
    side = math.ceil(math.sqrt(len(Xs)))
    rows = [Xs[start : start + side] for start in range(0, len(Xs), side)]
    return _tile(rows, (side, side), Xs.min())


def vis_nn(rows: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Lay out rows of images (H, W, C), stretched to 0 .. 1 all alike."""
    return _tile(rows, (len(rows), len(rows[0])), 1)


def _tile(
    rows: Sequence[Sequence[np.ndarray]] | Sequence[np.ndarray], sides: tuple[int, int], background: float
) -> np.ndarray:
    H, W, C = rows[0][0].shape
    grid = np.full((sides[0] * (H + 1), sides[1] * (W + 1), C), background, rows[0][0].dtype)
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            grid[y * (H + 1) : y * (H + 1) + H, x * (W + 1) : x * (W + 1) + W] = image
    low, high = grid.min(), grid.max()
    return (grid - low) / (high - low) if high > low else np.zeros(grid.shape)
