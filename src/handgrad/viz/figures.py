"""How every figure looks, and how it leaves: as a file or as bytes."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from handgrad._errors import nearest
from handgrad._files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE_CHARACTER = 0.1  # inches that one of a title takes at the most


class Colours(NamedTuple):
    """Those of one theme: page, text, lines of the grid, two curves, a ramp from none to all, and nought.

    `nought` is 0 where numbers may be negative: it stands between `second` and `first`, and off the page.
    `several` are for curves of several runs.
    """

    page: str
    text: str
    faint: str
    first: str
    second: str
    ramp: tuple[str, str]
    text_on_ramp: tuple[str, str]
    nought: str
    several: tuple[str, ...]


# Of Okabe and Ito, "Color universal design", 2008: the colours stay apart in every common colour blindness;
# on the dark page their green is lighter.
_THEMES = {
    "light": Colours(
        page="white",
        text="#1f2328",
        faint="#dfe3e8",
        first="#0072b2",
        second="#d55e00",
        ramp=("#f3f7fb", "#0072b2"),
        text_on_ramp=("black", "white"),
        nought="#e8ecf0",
        several=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#1f2328"),
    ),
    "dark": Colours(
        page="#0d1117",
        text="#e6edf3",
        faint="#343b44",
        first="#56b4e9",
        second="#e69f00",
        ramp=("#1b2530", "#56b4e9"),
        text_on_ramp=("white", "black"),
        nought="#2b3440",
        several=("#56b4e9", "#e69f00", "#2fc49a", "#cc79a7", "#f0e442", "#d55e00", "#e6edf3"),
    ),
}


def check_theme(theme: str) -> str:
    """Return `theme`.

    Raises
    ------
    ValueError
        When it is unknown.
    """
    if theme not in _THEMES:
        raise ValueError(f"there is no theme {theme!r}{nearest(theme, _THEMES)}")
    return theme


@contextmanager
def style(theme: str) -> Iterator[Colours]:
    """Let figures made in the block have this theme, ``"light"`` or ``"dark"``; yield its colours.

    Raises
    ------
    ValueError
        When the theme is unknown.
    """
    import matplotlib

    colours = _THEMES[check_theme(theme)]
    with matplotlib.rc_context(_settings(colours.page, colours.text, colours.faint)):
        yield colours


def _settings(
    page: str, text: str, faint: str
) -> Any:  # matplotlib types the keys one by one, version by version
    return {
        "figure.facecolor": page,
        "axes.facecolor": "none",
        "axes.edgecolor": faint,
        "axes.labelcolor": text,
        "axes.titlesize": "medium",
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": faint,
        "grid.linewidth": 0.6,
        "text.color": text,
        "xtick.color": text,
        "ytick.color": text,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "legend.frameon": False,
        "font.size": 10,
    }


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size in inches, known to no list of open figures."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: str | os.PathLike[str], dpi: int = 150) -> None:
    """Write the figure, whole or not at all; the suffix of `path` (.png, .svg, .pdf) is the format."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=dpi)


def png(figure: Figure, dpi: int = 150, transparent: bool = False) -> bytes:
    """Return the figure as the bytes of a PNG file, on the colour of its theme's page or on none."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, transparent=transparent)
    return buffer.getvalue()
