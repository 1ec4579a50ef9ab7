"""What was seen inside a model: for each activation, how many units are dead or saturated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

_FLAT = {"tanh": (-0.99, 0.99), "sigmoid": (0.01, 0.99)}  # beyond, the slope is below 2 % of its greatest


@dataclass
class Seen:
    """The output of one step of a forward pass.

    Attributes
    ----------
    kind : str
        'relu', 'sigmoid', 'tanh', 'batchnorm', or the name of another step.
    after : str
        The last parameter that was used before, or ''.
    dtype : numpy.dtype
    finite : bool
    dead : float
        Of a relu: the share of units (axis 1) that are 0 for all samples and positions.
    saturated : float
        Of a sigmoid or tanh: the share of numbers at its bounds.
    units : int
    """

    kind: str
    after: str
    dtype: np.dtype
    finite: bool
    dead: float = 0.0
    saturated: float = 0.0
    units: int = 0

    @property
    def name(self) -> str:
        """The step in words."""
        return f"{self.kind} after {self.after}" if self.after else self.kind


def look(kind: str, after: str, out: np.ndarray) -> Seen:
    """Return what there is to see in `out`, the output of an activation or another step."""
    seen = Seen(kind, after, out.dtype, bool(np.isfinite(out).all()))
    if out.ndim < 2 or not out.size:
        return seen
    seen.units = out.shape[1]
    if kind == "relu":
        others = tuple(axis for axis in range(out.ndim) if axis != 1)
        seen.dead = float(np.mean(~(out > 0).any(axis=others)))
    if kind in _FLAT:
        low, high = _FLAT[kind]
        seen.saturated = float(np.mean((out < low) | (out > high)))
    return seen


class Names:
    """Finds the name of a parameter by its memory, and remembers the last one used."""

    def __init__(self, params: Mapping[str, np.ndarray]) -> None:
        self._at = {_address(w): name for name, w in params.items() if w.size}
        self.last = ""

    def note(self, arrays: list[np.ndarray]) -> None:
        """Take note of the parameters of two axes or more among `arrays`, views and reshapes of them too."""
        for array in arrays:
            name = self._at.get(_address(array)) if array.size else None
            if name is not None and array.ndim >= 2:
                self.last = name


def _address(array: np.ndarray) -> tuple[int, int]:
    return array.__array_interface__["data"][0], array.size
