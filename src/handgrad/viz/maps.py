"""Numbers that may be negative as colours: 0 is the theme's neutral one, and one scale serves a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.viz.figures import Colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CUT = 0.995  # a part of the numbers this large sets the scale, lest a single one make all others pale
_NO_NUMBER = "#cc79a7"  # NaN and infinite, in both themes


def tiled(maps: np.ndarray, gap: int) -> np.ndarray:
    """Return maps (R, C, H, W) as one (H', W') of R rows; what lies between them is masked.

    Examples
    --------
    >>> tiled(np.ones((1, 2, 2, 2)), gap=1)
    masked_array(
      data=[[1.0, 1.0, --, 1.0, 1.0],
            [1.0, 1.0, --, 1.0, 1.0]],
      mask=[[False, False,  True, False, False],
            [False, False,  True, False, False]],
      fill_value=1e+20)
    """
    rows, columns, h, w = maps.shape
    shape = rows * (h + gap) - gap, columns * (w + gap) - gap
    sheet: Any = np.ma.array(np.zeros(shape), mask=np.ones(shape, bool))
    for row, column in np.ndindex(rows, columns):
        top, left = row * (h + gap), column * (w + gap)
        sheet[top : top + h, left : left + w] = maps[row, column]
    return sheet


def scale_of(numbers: np.ndarray) -> float:
    """Return the size at which colours are full: what one number in 200 exceeds; 1 where all are 0.

    Examples
    --------
    >>> scale_of(np.array([-3.0, 2.0, np.nan])), scale_of(np.zeros(4))
    (3.0, 1.0)
    """
    sizes = np.abs(numbers[np.isfinite(numbers)])
    if sizes.size == 0 or sizes.max() == 0:
        return 1.0
    # Most outputs of a relu are 0: the large ones among the others are what one wants to tell apart.
    return float(np.quantile(sizes[sizes > 0], _CUT, method="higher"))


def draw_signed(axes: Axes, sheet: np.ndarray, scale: float, colours: Colours, **options: Any) -> Any:
    """Draw numbers from -scale to scale; NaN and infinite ones are pink. Return the image."""
    from matplotlib.colors import LinearSegmentedColormap

    ends = LinearSegmentedColormap.from_list("signed", [colours.second, colours.nought, colours.first])
    ramp = ends.with_extremes(bad="none", over=_NO_NUMBER)
    mask, numbers = np.ma.getmaskarray(sheet), np.ma.getdata(sheet)
    shown = np.where(np.isfinite(numbers), np.clip(numbers, -scale, scale), 2 * scale)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    options = {"interpolation": "nearest"} | options
    return axes.imshow(np.ma.array(shown, mask=mask), cmap=ramp, vmin=-scale, vmax=scale, **options)
