"""Schedules that rise: in one cycle, along curves or straight lines, or again and again."""

from __future__ import annotations

from collections.abc import Callable

from handgrad.training.schedule import (
    Schedule,
    check_not_negative,
    check_peak,
    half_cosine,
    share_of,
)


def cosine_cycles(cycles: int = 5, final: float = 0.0) -> Schedule:
    """Fall from 1 to `final` along half a cosine, several times: after each fall it begins again at 1.

    Parameters
    ----------
    cycles : int
        Falls in the run, of equal length, at least 1; 1 is `cosine`.
    final : float
        The factor at the end of each, 0 or above.

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017; Huang et al.,
    "Snapshot ensembles: train 1, get M for free", 2017, who keep the weights at the end of each fall
    (``Solver(num_snapshots=5)``).

    Examples
    --------
    >>> [round(cosine_cycles(2)(t, 8), 3) for t in range(9)]
    [1.0, 0.854, 0.5, 0.146, 1.0, 0.854, 0.5, 0.146, 0.0]
    """
    if not (cycles >= 1 and cycles == int(cycles)):
        raise ValueError(f"cosine_cycles' cycles must be a whole number of at least 1, got {cycles!r}")
    check_not_negative("cosine_cycles", final=final)

    def at(step: int, total_steps: int) -> float:
        if step >= total_steps:
            return float(final)
        # In whole numbers, lest rounding put a beginning at the end of the fall before it.
        return half_cosine(1.0, final, step * int(cycles) % total_steps / total_steps)

    return Schedule(f"cosine_cycles({int(cycles)}, final={final!r})", at)


def one_cycle(peak: float = 0.3, start: float = 0.04, final: float = 4e-6) -> Schedule:
    """Rise from `start` to 1, then fall to `final`, each along half a cosine.

    The learning rate of ``optim_config`` is thus the highest one, which may be larger than one would dare
    to begin with.

    Parameters
    ----------
    peak : float
        The fraction of the run at which the factor is 1, above 0 and below 1.
    start, final : float
        The factors at both ends, 0 or above.

    References
    ----------
    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning
    rates", 2018. The defaults are those of PyTorch's OneCycleLR.

    Examples
    --------
    >>> [round(one_cycle()(t, 100), 3) for t in (0, 15, 30, 65, 100)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """

    def along(begin: float, end: float, done: float, length: float) -> float:
        return half_cosine(begin, end, done / length)

    return _rise_and_fall("one_cycle", peak, start, final, along)


def triangle(peak: float = 0.25, start: float = 0.2, final: float = 0.0) -> Schedule:
    """Rise from `start` to 1 along a line, then fall to `final` along another.

    Parameters
    ----------
    peak : float
        The fraction of the run at which the factor is 1, above 0 and below 1.
    start, final : float
        The factors at both ends, 0 or above.

    References
    ----------
    Smith, "Cyclical learning rates for training neural networks", 2017, with one cycle; Jordan, "94% on
    CIFAR-10 in 3.29 seconds on a single GPU", 2024, with triangle(0.23, 0.2, 0.07).

    Examples
    --------
    >>> [round(triangle(0.2, start=0.5)(t, 100), 3) for t in (0, 10, 20, 60, 100)]
    [0.5, 0.75, 1.0, 0.5, 0.0]
    """

    def along(begin: float, end: float, done: float, length: float) -> float:
        return begin + (end - begin) * done / length

    return _rise_and_fall("triangle", peak, start, final, along)


def _rise_and_fall(
    name: str, peak: float, start: float, final: float, along: Callable[[float, float, float, float], float]
) -> Schedule:
    """Return a schedule from `start` to 1 at `peak`, then to `final`, by along(begin, end, done, length)."""
    check_peak(name, peak)
    check_not_negative(name, start=start, final=final)

    def at(step: int, total_steps: int) -> float:
        share = share_of(step, total_steps)
        if share < peak:
            return along(start, 1.0, share, peak)
        return along(1.0, final, share - peak, 1 - peak)

    return Schedule(f"{name}(peak={peak!r}, start={start!r}, final={final!r})", at)
