"""What a learning-rate schedule is, and what the makers of schedules share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

Factor = Callable[[int, int], float]


@dataclass(frozen=True)
class Schedule:
    """A function ``(step, total_steps) -> factor`` with the text that makes it again.

    Past the end of the run a schedule stays at its last value.
    """

    text: str
    factor: Factor = field(repr=False, compare=False)

    def __call__(self, step: int, total_steps: int) -> float:
        """Return the factor at `step` (from 0) of a run of `total_steps`."""
        return self.factor(min(step, total_steps), total_steps)

    def __str__(self) -> str:
        return self.text


def share_of(step: int, total_steps: int) -> float:
    """Return how much of the run is over at `step`, from 0 to 1."""
    return step / total_steps if total_steps else 1.0


def share_of_cycle(step: int, total_steps: int, cycles: int) -> float:
    """Return how much of its cycle is over at `step`; at the end of the run 1."""
    # In whole numbers, lest rounding put a beginning at the end of the cycle before it.
    return step * cycles % total_steps / total_steps if step < total_steps else 1.0


def half_cosine(begin: float, end: float, share: float) -> float:
    """Return the value at `share` of the way from `begin` to `end` along half a cosine."""
    return end + (begin - end) * (1 + math.cos(math.pi * share)) / 2


def check_peak(where: str, peak: float) -> None:
    """Refuse a peak at or outside the ends of the run."""
    if not 0 < peak < 1:
        raise ValueError(f"{where}'s peak must be a fraction between 0 and 1, got {peak!r}")


def check_cycles(where: str, cycles: int) -> None:
    """Refuse what is no number of cycles."""
    if not (cycles >= 1 and cycles == int(cycles)):
        raise ValueError(f"{where} cycles must be a whole number of at least 1, got {cycles!r}")


def check_positive(where: str, **values: float) -> None:
    """Refuse numbers of 0 or below, and what is no finite number."""
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{where}'s {name} must be above 0, got {value!r}")


def check_not_negative(where: str, **values: float) -> None:
    """Refuse numbers below 0, and what is no finite number."""
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{where}'s {name} must be 0 or above, got {value!r}")
