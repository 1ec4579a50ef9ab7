"""One call that a layer is tried on: its arguments, what is special about it, and how they are drawn."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Args = dict[str, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Case:
    """One call: its arguments by name in the order of the call, and what is special about it.

    `dout` is made for the output that comes. `smooth` is False where inputs sit on a kink or a tie, so
    that there is no one derivative. `backward` is False where only forward is asked for (test mode).
    """

    args: Args
    properties: frozenset[str] = frozenset()
    smooth: bool = True
    backward: bool = True
    arrays: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """List the arrays that have a gradient."""
        names = (n for n, v in self.args.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f")
        object.__setattr__(self, "arrays", tuple(names))

    def copy_args(self) -> Args:
        """Return arguments of its own for one call."""
        return copy.deepcopy(self.args)

    @property
    def words(self) -> str:
        """Shapes and settings, for a line of evidence."""
        words = [f"{name} {self.args[name].shape}" for name in self.arrays[:2]]
        for name, value in self.args.items():
            if isinstance(value, dict):
                words += [f"{k} {v}" for k, v in value.items() if isinstance(v, int | float | str)]
            elif not isinstance(value, np.ndarray):
                words.append(f"{name} {value}")
        return ", ".join(words)


class Maker:
    """Draws arrays for cases."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def array(self, *shape: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
        """Draw numbers that keep away from 0, the kink of the relu family."""
        drawn = self.rng.standard_normal(shape)
        return scale * (drawn + 0.05 * np.sign(drawn)) + shift

    def ties(self, *shape: int) -> np.ndarray:
        """Draw small whole numbers, so that many are equal."""
        return self.rng.integers(-1, 3, shape).astype(float)


def properties(*names: str) -> frozenset[str]:
    """Return what is special about a case."""
    return frozenset(names)
