"""The filters of a layer, as images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad._numbers import whole_number
from handgrad.models import as_conv_net
from handgrad.viz.figures import TITLE_CHARACTER, new_figure, style
from handgrad.viz.images import image_grid
from handgrad.viz.maps import draw_signed, scale_of, tiled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TILE = 0.32  # inches of a filter on a channel
_FINE, _GAP = 3, 2  # pixels for each weight, and between filters
_TICKS = 8  # at most so many filters or channels are numbered


def filters(
    w: np.ndarray,
    columns: int | None = None,
    title: str = "First-layer filters",
    theme: str = "light",
    most: int | None = None,
) -> Figure:
    """Draw the filters of a layer: in colours where it looks at images, else channel by channel.

    Parameters
    ----------
    w : ndarray (F, C, HH, WW)
        `layer_filters` finds those of a network's layer.
    columns : int, optional
        Filters in a row, where C is 1 (grey) or 3 (colours).
    title : str
    theme : 'light' or 'dark'
    most : int, optional
        So many filters are drawn at the most, the first ones, on so many channels; default: 64 in
        colours, 16 channel by channel.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When w has another shape, is empty, or holds NaN or an infinite number.

    Notes
    -----
    A filter on images is drawn in the colours that it answers to; a weight of 0 is middle grey. A deeper
    one is a row of squares, one for each input channel: positive weights blue, negative ones orange. One
    scale serves all filters, so that one that does nothing is plain and does not look like noise.
    """
    w = _checked(w, "")
    on_images = w.shape[1] in (1, 3)
    most = whole_number("most", (64 if on_images else 16) if most is None else most, least=1)
    if not on_images:
        return _sheet(w[:most, :most], w.shape, title, theme)
    images = filter_images(w)[:most]
    title += f", {most} of {len(w)}" if len(w) > most else ""
    tile = 0.5 if images.shape[-1] < 16 else 0.75
    return image_grid(images, columns=columns, title=title, tile=tile, theme=theme)


def layer_filters(
    net: Any, layer: str | None = None, input_dim: tuple[int, int, int] | None = None
) -> np.ndarray:
    """Return the filters (F, C, HH, WW) of a layer; those of an affine layer span all it sees.

    Parameters
    ----------
    net : ConvNet, or another of handgrad.models
    layer : str, optional
        A name in ``layer_names`` such as 'conv2'; default: the first layer with weights.
    input_dim : (C, H, W), optional
        As for `handgrad.models.as_conv_net`.

    Raises
    ------
    ValueError
        When there is no such layer, or it has no weights.

    Examples
    --------
    >>> from handgrad.models import ConvNet
    >>> layer_filters(ConvNet("conv3-8 - relu - pool4 - affine", seed=0), "affine2").shape
    (10, 8, 8, 8)
    """
    net = as_conv_net(net, input_dim)
    weighted = {name: found for name in net.layer_names if (found := _weights(net.layer(name)))}
    layer = next(iter(weighted)) if layer is None else layer
    inputs = net.layer(layer).inputs
    if layer not in weighted:
        raise ValueError(f"layer must be one with weights ({', '.join(weighted)}), got {layer!r}")
    w: np.ndarray = net.params[weighted[layer]]
    if w.ndim == 4:
        return w
    seen = inputs if len(inputs) == 3 else (len(w), 1, 1)
    return w.T.reshape(-1, *seen)


def _weights(step: Any) -> str | None:
    """Return the name of a layer's weights; a residual block has none of its own."""
    single = step.text.partition("(")[0] != "res"
    return next((name for name in step.parameters if single and name.startswith("W")), None)


def filter_images(w: np.ndarray) -> np.ndarray:
    """Return filters (F, C, HH, WW) as floats from 0 to 1, in which 0.5 stands for a weight of 0.

    The largest one in a hundred weights are cut off, lest a single one make all others grey.

    Examples
    --------
    >>> filter_images(np.array([-2.0, -1.0, 0.0, 2.0]).reshape(1, 1, 2, 2)).ravel()
    array([0.  , 0.25, 0.5 , 1.  ])
    """
    w = _checked(w, ", C of 1 or 3", channels=(1, 3))
    largest = float(np.quantile(np.abs(w), 0.99, method="higher"))
    return np.clip(0.5 + w / (2 * largest), 0, 1) if largest > 0 else np.full_like(w, 0.5, dtype=float)


def _checked(w: np.ndarray, rule: str, channels: tuple[int, ...] = ()) -> np.ndarray:
    w = np.asarray(w)
    if w.ndim != 4 or w.size == 0 or (channels and w.shape[1] not in channels):
        raise ValueError(f"w must have shape (F, C, HH, WW){rule} and none empty, got {w.shape}")
    if not np.isfinite(w).all():
        raise ValueError(f"w must hold finite numbers, got {w[~np.isfinite(w)][0]}")
    return w


def _sheet(w: np.ndarray, shape: tuple[int, ...], title: str, theme: str) -> Figure:
    """Draw a row for each filter, a column for each channel that it looks at."""
    f, c, hh, ww = w.shape
    sheet = tiled(w.repeat(_FINE, axis=2).repeat(_FINE, axis=3), gap=_GAP)
    inch = _TILE * min(1.0, max(hh, ww) / 3) / (_FINE * max(hh, ww) + _GAP)
    with style(theme) as colours:
        width = max(sheet.shape[1] * inch + 1.9, TITLE_CHARACTER * len(title))
        figure = new_figure(width, max(sheet.shape[0] * inch + 0.9, 1.8))
        axes = figure.add_subplot()
        image = draw_signed(axes, sheet, scale_of(w), colours)
        axes.set(xlabel=_shown("input channel", c, shape[1]), ylabel=_shown("filter", f, shape[0]))
        figure.suptitle(title, x=0.02, ha="left", fontsize="medium", fontweight="bold")
        axes.set_xticks(*_numbered(c, _FINE * ww + _GAP))
        axes.set_yticks(*_numbered(f, _FINE * hh + _GAP))
        bar = figure.colorbar(image, ax=axes, label="weight", shrink=min(1.0, 2 / figure.get_figheight()))
        bar.outline.set_visible(False)
    return figure


def _shown(what: str, drawn: int, there: int) -> str:
    return what if drawn == there else f"{what} ({drawn} of {there})"


def _numbered(count: int, step: int) -> tuple[np.ndarray, list[str]]:
    """Return the middles of tiles, and their numbers, as far as there is room."""
    every = -(-count // _TICKS)
    chosen = np.arange(0, count, every)
    return chosen * step + (step - _GAP - 1) / 2, [str(i) for i in chosen]
