"""Schedules that rise: in one cycle, along curves or straight lines, or again and again."""

from __future__ import annotations

from collections.abc import Callable

from handgrad.training.schedule import (
    Factor,
    Schedule,
    check_cycles,
    check_not_negative,
    check_peak,
    half_cosine,
    share_of_cycle,
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
    check_cycles("cosine_cycles'", cycles)
    check_not_negative("cosine_cycles", final=final)

    def at(step: int, total_steps: int) -> float:
        return half_cosine(1.0, final, share_of_cycle(step, total_steps, int(cycles)))

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

    check_rise("one_cycle", peak, start, final)
    text = f"one_cycle(peak={peak!r}, start={start!r}, final={final!r})"
    return Schedule(text, _rise_and_fall(peak, start, final, along))


def triangle(peak: float = 0.25, start: float = 0.2, final: float = 0.0, cycles: int = 1) -> Schedule:
    """Rise from `start` to 1 along a line, then fall to `final` along another; as often as `cycles` says.

    Parameters
    ----------
    peak : float
        The fraction of the run, or of each cycle, at which the factor is 1, above 0 and below 1.
    start, final : float
        The factors at both ends, 0 or above.
    cycles : int
        Triangles in the run, of equal length, at least 1; several go with ``Solver(num_snapshots=cycles)``.

    References
    ----------
    Smith, "Cyclical learning rates for training neural networks", 2017; Jordan, "94% on CIFAR-10 in 3.29
    seconds on a single GPU", 2024, with triangle(0.23, 0.2, 0.07).

    Examples
    --------
    >>> [round(triangle(0.2, start=0.5)(t, 100), 3) for t in (0, 10, 20, 60, 100)]
    [0.5, 0.75, 1.0, 0.5, 0.0]
    >>> [round(triangle(0.2, start=0.5, cycles=2)(t, 200), 3) for t in (0, 20, 60, 100, 120, 200)]
    [0.5, 1.0, 0.5, 0.5, 1.0, 0.0]
    """
    check_rise("triangle", peak, start, final)
    check_cycles("triangle's", cycles)

    def along(begin: float, end: float, done: float, length: float) -> float:
        return begin + (end - begin) * done / length

    again = "" if cycles == 1 else f", cycles={int(cycles)}"
    text = f"triangle(peak={peak!r}, start={start!r}, final={final!r}{again})"
    return Schedule(text, _rise_and_fall(peak, start, final, along, int(cycles)))


def check_rise(where: str, peak: float, start: float, final: float) -> None:
    """Refuse a peak outside the run, and factors below 0."""
    check_peak(where, peak)
    check_not_negative(where, start=start, final=final)


def _rise_and_fall(
    peak: float,
    start: float,
    final: float,
    along: Callable[[float, float, float, float], float],
    cycles: int = 1,
) -> Factor:
    """Return what goes from `start` to 1 at `peak`, then to `final`, by along(begin, end, done, length)."""

    def at(step: int, total_steps: int) -> float:
        share = share_of_cycle(step, total_steps, cycles)
        if share < peak:
            return along(start, 1.0, share, peak)
        return along(1.0, final, share - peak, 1 - peak)

    return at
