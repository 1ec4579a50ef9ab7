"""The parts of a run with snapshots: for what goes with time, each is a run of its own."""

from __future__ import annotations


def begin(number: int, total_steps: int, parts: int) -> int:
    """Return the step, from 0, with which a part, counted from 0, begins; that of ``parts`` is the end.

    Examples
    --------
    >>> [begin(number, 18, parts=4) for number in range(5)]
    [0, 5, 9, 14, 18]
    """
    return -(-number * total_steps // parts)


def shares(step: int, total_steps: int, parts: int) -> tuple[float, float]:
    """Return how much of its part is over before a step, counted from 0, and after it; past the end, all.

    Examples
    --------
    >>> [shares(step, 18, parts=4) for step in (0, 4, 5, 18)]
    [(0.0, 0.2), (0.8, 1.0), (0.0, 0.25), (1.0, 1.0)]
    """
    if step >= total_steps:
        return 1.0, 1.0
    number = step * parts // total_steps
    first, end = (begin(n, total_steps, parts) for n in (number, number + 1))
    return (step - first) / (end - first), (step + 1 - first) / (end - first)
