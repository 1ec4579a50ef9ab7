"""What an image becomes on its way through a net."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad._numbers import whole_number
from handgrad.viz.figures import TITLE_CHARACTER, Colours, new_figure, style
from handgrad.viz.images import rgba
from handgrad.viz.maps import draw_signed, scale_of, tiled
from handgrad.viz.nets import as_images, with_layers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TILE, _STRIP, _GAP = 0.5, 0.22, 0.12  # inches: a map, a row of numbers, between rows
_LEFT, _RIGHT, _TOP, _NAMES = 1.15, 0.55, 0.4, 0.75  # inches around them; below the scores their classes
_LEAST = 5  # maps that there is room for in a row, lest ten classes be written on top of each other
_FINE = 20  # pixels that a map is wide at least, so that a gap can be drawn between two
_MOST_NAMES = 20


def activations(
    net: Any,
    x: np.ndarray,
    layers: Sequence[str] | None = None,
    image: np.ndarray | None = None,
    class_names: Sequence[str] | None = None,
    channels: int = 12,
    title: str = "Activations",
    theme: str = "light",
) -> Figure:
    """Draw the outputs of a net's layers for an image, a row for each layer.

    Parameters
    ----------
    net : ConvNet, or another of handgrad.models
    x : ndarray (C, H, W)
        An image as the net gets it.
    layers : sequence of str, optional
        Names in ``layer_names``; default: all.
    image : ndarray (C, H, W), optional
        What is drawn at the top in the place of x: uint8, or floats from 0 to 1. C is 1 or 3.
    class_names : sequence of K str, optional
        Written below the scores; default: the numbers.
    channels : int, default 12
        So many channels of each layer are drawn at the most, the first ones.
    title : str
    theme : 'light' or 'dark'

    Returns
    -------
    matplotlib.figure.Figure
        0 has the theme's neutral colour, positive numbers are blue, negative ones orange; each row has the
        scale that stands at its right. Pink is NaN or infinite, which stands there, too.

    Raises
    ------
    TypeError, ValueError
        When net or x is of another kind, or a layer is unknown.
    """
    x = np.asarray(x)
    if x.ndim != 3:
        raise ValueError(f"x must have shape (C, H, W), got {x.shape}")
    channels = whole_number("channels", channels, least=1)
    net, X = with_layers(net, x[None])
    names = list(net.layer_names) if layers is None else [net.layer(name).name for name in layers]
    if not names:
        raise ValueError("layers must name at least one layer, got none")
    if class_names is not None and len(class_names) != net.num_classes:
        raise ValueError(f"class_names must be {net.num_classes}, got {len(class_names)}")
    with np.errstate(all="ignore"):  # what is not finite is drawn
        outputs = net.activations(X)
    top = rgba(as_images(X) if image is None else np.asarray(image)[None])[0]
    last = net.layer_names[-1]
    with style(theme) as colours:
        sheet = _Sheet([outputs[name][0] for name in names], top, channels, names[-1] == last, title)
        for name in names:
            axes, out = sheet.row(), outputs[name][0]
            scale = scale_of(out)
            if out.ndim == 3:
                _draw_maps(axes, out[:channels], scale, sheet.room, colours)
            else:
                draw_signed(axes, np.ma.array(out[None]), scale, colours, aspect="auto")
            _note(axes, name, out, scale)
        if names[-1] == last:
            _name_classes(axes, class_names, len(out))
    return sheet.figure


_KEY = "blue: above 0\norange: below 0\nright: the scale of a row"


class _Sheet:
    """A figure whose rows are as high as what they hold, from the top down."""

    def __init__(
        self, outputs: list[np.ndarray], image: np.ndarray, channels: int, named: bool, title: str
    ) -> None:
        heights = [_height(out) for out in outputs]
        self._heights = iter(heights)
        tall = _TILE * image.shape[0] / image.shape[1]
        self.room = max(channels, _LEAST)
        self._width = _TILE * self.room
        below = _NAMES if named else 0.1
        height = _TOP + tall + sum(heights) + _GAP * (len(heights) + 1) + below
        self.figure = new_figure(max(_LEFT + self._width + _RIGHT, TITLE_CHARACTER * len(title)), height)
        self.figure.set_layout_engine("none")
        self.figure.text(0.02, 1 - 0.18 / height, title, fontweight="bold", va="center")
        self._at = height - _TOP
        axes = self._add(tall, _TILE)
        axes.imshow(image, interpolation="nearest", aspect="auto")
        axes.set_ylabel("image", **_LABEL)
        axes.text(1.15, 0.5, _KEY, transform=axes.transAxes, va="center", fontsize=8)

    def row(self) -> Axes:
        """Return axes for the next row, without ticks."""
        return self._add(next(self._heights), self._width)

    def _add(self, height: float, width: float) -> Axes:
        whole_width, whole_height = self.figure.get_size_inches()
        self._at -= height
        place = (_LEFT / whole_width, self._at / whole_height, width / whole_width, height / whole_height)
        self._at -= _GAP
        axes = self.figure.add_axes(place, xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        return axes


_LABEL: Any = {"rotation": 0, "ha": "right", "va": "center", "fontsize": 8}


def _height(out: np.ndarray) -> float:
    # A tenth of a tile's width is the gap to the next one.
    return _TILE / 1.1 * out.shape[1] / out.shape[2] if out.ndim == 3 else _STRIP


def _draw_maps(axes: Axes, maps: np.ndarray, scale: float, room: float, colours: Colours) -> None:
    """Draw maps (C, H, W) side by side where there is room for so many."""
    times = math.ceil(_FINE / maps.shape[2])
    maps = maps.repeat(times, axis=1).repeat(times, axis=2)[None]
    gap = math.ceil(maps.shape[-1] / 10)
    sheet = tiled(maps, gap)
    image = draw_signed(axes, sheet, scale, colours, aspect="auto")
    step = maps.shape[-1] + gap
    image.set_extent((0, sheet.shape[1] / step, 1, 0))
    axes.set(xlim=(0, room - gap / step), ylim=(1, 0))


def _note(axes: Axes, name: str, out: np.ndarray, scale: float) -> None:
    """Write on the left what the row is, on the right what its colours reach to."""
    axes.set_ylabel(f"{name}\n{'x'.join(map(str, out.shape))}", **_LABEL)
    odd = "" if np.isfinite(out).all() else "\nNaN" if np.isnan(out).any() else "\ninfinite"
    axes.text(1.01, 0.5, f"±{scale:.2g}{odd}", transform=axes.transAxes, va="center", fontsize=8)


def _name_classes(axes: Axes, class_names: Sequence[str] | None, count: int) -> None:
    names = list(map(str, range(count))) if class_names is None else list(class_names)
    every = -(-count // _MOST_NAMES)
    axes.set_xticks(
        range(0, count, every), names[::every], rotation=45, ha="right", rotation_mode="anchor", fontsize=8
    )
