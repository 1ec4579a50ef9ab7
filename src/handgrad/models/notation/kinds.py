"""Every layer of the notation: its names, its numbers and their defaults.

A number stands behind the name (``pool2``), behind a dash (``conv3-64``), behind a slash (``conv3/2``, the
stride, as papers write it), or in parentheses under its own name (``conv3-64(pad=0, bias=no)``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

MOST = 1_000_000  # of any whole number: far beyond what a machine trains, and far below what stops one

Values = dict[str, Any]


class Form(NamedTuple):
    """What a number may be: in words, and a function that returns its value, or None for another's."""

    words: str
    read: Callable[[Any], Any]


class Setting(NamedTuple):
    """A number of a layer.

    `mark` is what it stands behind: '' (the name), '-', '/', or '(' for parentheses. `default` is a value
    or a function of the settings before it; None leaves it to the place in the net.
    """

    name: str
    mark: str
    form: Form
    default: Any = None

    def default_for(self, others: Values) -> Any:
        """Return its value where it is left out."""
        return self.default(others) if callable(self.default) else self.default


class Kind(NamedTuple):
    """A layer of the notation; `needs` names the setting that has no default."""

    settings: tuple[Setting, ...] = ()
    also: tuple[str, ...] = ()
    needs: str = ""


def _count(least: int) -> Form:
    def read(value: Any) -> int | None:
        whole = _whole(value)
        return whole if whole is not None and least <= whole <= MOST else None

    return Form(f"a whole number from {least} to {MOST:,}", read)


def _sides(least: int) -> Form:
    count = _count(least)

    def read(value: Any) -> tuple[int, int] | None:
        pair = value if isinstance(value, tuple) else (value, value)
        sides = tuple(count.read(side) for side in pair)
        return None if None in sides else (sides[0], sides[1])

    return Form(f"{count.words} (or a height and a width, as in 3x5)", read)


def _whole(value: Any) -> int | None:
    if isinstance(value, bool | tuple) or not float(value).is_integer():
        return None
    return int(value)


def _number(words: str, fits: Callable[[float], bool]) -> Form:
    def read(value: Any) -> float | None:
        usable = not isinstance(value, bool | tuple) and math.isfinite(value) and fits(value)
        return float(value) if usable else None

    return Form(words, read)


COUNT = _count(1)
SIDES = _sides(1)
PAD = _sides(0)
ANY = _number("a number", lambda value: True)
SHARE = _number("a number from 0 to below 1", lambda value: value < 1)
MEMORY = _number("a number from 0 to 1", lambda value: value <= 1)
SWITCH = Form("yes or no", lambda value: value if isinstance(value, bool) else None)


def _same(settings: Values) -> tuple[int, int]:
    """Return the padding with which filters of an odd side keep the size of an image."""
    height, width = settings["size"]
    return (height - 1) // 2, (width - 1) // 2


_EPS = Setting("eps", "(", ANY, 1e-5)
_BIAS = Setting("bias", "(", SWITCH, True)
_POOL = (Setting("size", "", SIDES, (2, 2)), Setting("stride", "/", SIDES, lambda settings: settings["size"]))

KINDS: Mapping[str, Kind] = {
    "conv": Kind(
        (
            Setting("size", "", SIDES, (3, 3)),
            Setting("filters", "-", COUNT, 32),
            Setting("stride", "/", SIDES, (1, 1)),
            Setting("pad", "(", PAD, _same),
            _BIAS,
        )
    ),
    "affine": Kind((Setting("units", "", COUNT), _BIAS), also=("fc",)),
    "pool": Kind(_POOL, also=("max_pool", "maxpool")),
    "avgpool": Kind(_POOL, also=("avg_pool",)),
    "globalpool": Kind(also=("global_avg_pool", "gap")),
    "bn": Kind(
        (Setting("momentum", "(", MEMORY, 0.9), _EPS, Setting("gamma", "(", SWITCH, True)),
        also=("batchnorm", "spatial_batchnorm"),
    ),
    "ln": Kind((_EPS,), also=("layernorm",)),
    "gn": Kind((Setting("groups", "", COUNT), _EPS), also=("groupnorm", "spatial_groupnorm")),
    "dropout": Kind((Setting("p", "", SHARE, 0.5),)),
    "relu": Kind(),
    "leaky_relu": Kind((Setting("alpha", "", ANY, 0.01),)),
    "prelu": Kind((Setting("shared", "(", SWITCH, False),)),
    "elu": Kind((Setting("alpha", "", ANY, 1.0),)),
    "gelu": Kind(),
    "sigmoid": Kind(),
    "tanh": Kind(),
    "maxout": Kind((Setting("pieces", "", COUNT, 2),)),
    "scale": Kind((Setting("factor", "", ANY),), needs="factor"),
}
"""The layers by their names in the canonical form."""

NAMES = {name: kind for kind, row in KINDS.items() for name in (kind, *row.also)}
"""The kind that each name stands for."""

LOSSES = {"softmax": "softmax", "svm": "svm"}


def written(value: Any) -> str:
    """Return the text of a setting's value.

    Examples
    --------
    >>> written((3, 3)), written((3, 5)), written(0.5), written(1.0), written(False)
    ('3', '3x5', '0.5', '1', 'no')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "x".join(map(str, value if value[0] != value[1] else value[:1]))
    return repr(value).removesuffix(".0")
