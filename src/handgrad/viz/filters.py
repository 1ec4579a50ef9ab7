"""The filters of a first layer, as images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from handgrad.viz.images import image_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def filters(
    w: np.ndarray, columns: int | None = None, title: str = "First-layer filters", theme: str = "light"
) -> Figure:
    """Draw the filters of a layer that looks at images, in the colours that each answers to.

    Parameters
    ----------
    w : ndarray (F, C, HH, WW)
        C of 1 (grey) or 3 (colours). The weights of an affine layer on images, (D, H), are
        ``w.T.reshape(H, C, HH, WW)``.
    columns : int, optional
        Filters in a row.
    title : str
    theme : 'light' or 'dark'

    Returns
    -------
    matplotlib.figure.Figure

    Notes
    -----
    A weight of 0 is middle grey. One scale serves all filters, so that one that does nothing is plain
    grey and does not look like noise.
    """
    images = filter_images(w)
    tile = 0.5 if images.shape[-1] < 16 else 0.75
    return image_grid(images, columns=columns, title=title, tile=tile, theme=theme)


def filter_images(w: np.ndarray) -> np.ndarray:
    """Return filters (F, C, HH, WW) as floats from 0 to 1, in which 0.5 stands for a weight of 0.

    The largest one in a hundred weights are cut off, lest a single one make all others grey.

    Examples
    --------
    >>> filter_images(np.array([-2.0, -1.0, 0.0, 2.0]).reshape(1, 1, 2, 2)).ravel()
    array([0.  , 0.25, 0.5 , 1.  ])
    """
    w = np.asarray(w)
    if w.ndim != 4 or w.shape[1] not in (1, 3) or w.size == 0:
        raise ValueError(f"w must have shape (F, C, HH, WW), C of 1 or 3 and none empty, got {w.shape}")
    largest = float(np.quantile(np.abs(w), 0.99, method="higher"))
    return np.clip(0.5 + w / (2 * largest), 0, 1) if largest > 0 else np.full_like(w, 0.5, dtype=float)
