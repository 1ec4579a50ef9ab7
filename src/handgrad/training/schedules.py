"""Learning-rate schedules: pure functions from the step to a factor.

A schedule is called as ``schedule(step, total_steps)`` with `step` counted from 0 and gives the number by
which the learning rate of ``optim_config`` is multiplied in that step: 1 leaves it as it is. Nothing is
remembered between calls, so that a resumed run goes on where it was. The courses' ``lr_decay`` is apart:
it lowers the learning rate itself at each epoch's end, and a schedule multiplies what is left.

Any function of that form is a schedule. The ones made here also have a text, ``str(schedule)``, which
`parse` turns into the schedule again.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

from handgrad._errors import nearest
from handgrad._numbers import finite_number
from handgrad.training.cycles import cosine_cycles, one_cycle, triangle
from handgrad.training.schedule import (
    Factor,
    Schedule,
    check_not_negative,
    check_positive,
    half_cosine,
    share_of,
)

__all__ = [
    "SCHEDULES",
    "Factor",
    "Schedule",
    "constant",
    "cosine",
    "cosine_cycles",
    "exponential",
    "factor_at",
    "get_schedule",
    "one_cycle",
    "parse",
    "step",
    "triangle",
    "warm_up",
]


def constant() -> Schedule:
    """Leave the learning rate as it is.

    Examples
    --------
    >>> constant()(7, 100)
    1.0
    """
    return Schedule("constant", lambda step, total_steps: 1.0)


def step(*milestones: float, factor: float = 0.1) -> Schedule:
    """Multiply the learning rate by `factor` at each milestone.

    Parameters
    ----------
    *milestones : float
        Fractions of the run, each above 0 and below 1, rising; default 0.5 and 0.75 (He et al., "Deep
        residual learning for image recognition", 2016, divide by 10 at 32k and 48k of 64k steps).
    factor : float
        Above 0.

    Examples
    --------
    >>> [step(0.5, 0.9)(t, 10) for t in (0, 4, 5)]
    [1.0, 1.0, 0.1]
    """
    milestones = milestones or (0.5, 0.75)
    if not all(0 < a < 1 for a in milestones) or list(milestones) != sorted(milestones):
        raise ValueError(f"step's milestones must be rising fractions between 0 and 1, got {milestones}")
    check_positive("step", factor=factor)

    def at(step: int, total_steps: int) -> float:
        return float(factor) ** sum(step >= milestone * total_steps for milestone in milestones)

    return Schedule(f"step({', '.join(map(repr, milestones))}, factor={factor!r})", at)


def exponential(final: float = 0.01) -> Schedule:
    """Fall by the same ratio in each step, from 1 to `final`: ``final ** (step / total_steps)``.

    Parameters
    ----------
    final : float
        The factor at the end of the run, above 0.

    Examples
    --------
    >>> [round(exponential(final=0.01)(t, 10), 3) for t in (0, 5, 10)]
    [1.0, 0.1, 0.01]
    """
    check_positive("exponential", final=final)
    return Schedule(
        f"exponential(final={final!r})", lambda step, total: float(final) ** share_of(step, total)
    )


def cosine(final: float = 0.0) -> Schedule:
    """Fall from 1 to `final` along half a cosine.

    ``final + (1 - final) * (1 + cos(pi * step / total_steps)) / 2``

    Parameters
    ----------
    final : float
        The factor at the end of the run, 0 or above.

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.

    Examples
    --------
    >>> [round(cosine()(t, 100), 3) for t in (0, 25, 50, 100)]
    [1.0, 0.854, 0.5, 0.0]
    """
    check_not_negative("cosine", final=final)

    def at(step: int, total_steps: int) -> float:
        return half_cosine(1.0, final, share_of(step, total_steps))

    return Schedule(f"cosine(final={final!r})", at)


def warm_up(steps: float, then: Factor | None = None) -> Schedule:
    """Rise in equal parts to 1 in the first `steps`, then follow another schedule in the steps that remain.

    In step t, counted from 0, the factor is ``(t + 1) / steps`` while t is below `steps`.

    Parameters
    ----------
    steps : int or float
        A whole number of steps, or below 1 a fraction of the run.
    then : schedule, optional
        Called as ``then(step - steps, total_steps - steps)``; default `constant`.

    References
    ----------
    Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017.

    Examples
    --------
    >>> [warm_up(4, cosine())(t, 104) for t in (0, 1, 3, 4, 54)]
    [0.25, 0.5, 1.0, 1.0, 0.5]
    """
    then = constant() if then is None else then
    if not (0 < steps < 1 or (steps >= 1 and steps == int(steps))):
        raise ValueError(f"warm_up's steps must be a whole number or a fraction below 1, got {steps!r}")

    def at(step: int, total_steps: int) -> float:
        rise = max(1, round(steps * total_steps)) if steps < 1 else int(steps)
        return (step + 1) / rise if step < rise else then(step - rise, max(total_steps - rise, 0))

    return Schedule(f"warm_up({steps!r})+{then}", at)


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    make.__name__: make
    for make in (constant, step, exponential, cosine, cosine_cycles, one_cycle, triangle, warm_up)
}
"""Every maker of a schedule by its name."""

_TERM = r"\s*(\w+)\s*(?:\(([^()]*)\))?\s*"


def parse(text: str) -> Schedule:
    """Make a schedule from its text.

    A text is a name of this module with its numbers in parentheses, as in Python; ``warm_up(...)`` may be
    followed by ``+`` and another one.

    Raises
    ------
    ValueError
        For a text that is none, a name that is unknown (with the nearest known one) or wrong numbers.

    Examples
    --------
    >>> str(parse("cosine"))
    'cosine(final=0.0)'
    >>> parse("warm_up(500) + step(0.6, 0.9, factor=0.2)") == warm_up(500, step(0.6, 0.9, factor=0.2))
    True
    >>> parse("cosin")
    Traceback (most recent call last):
    ValueError: schedule has no option 'cosin'; did you mean 'cosine'?
    """
    match = re.fullmatch(rf"{_TERM}(?:\+{_TERM})?", text)
    if match is None:
        raise ValueError(f"schedule must read like 'cosine' or 'warm_up(500)+cosine', got {text!r}")
    first, numbers, second, more_numbers = match.groups()
    if second is None:
        return _make(first, numbers)
    if first != "warm_up" or second == "warm_up":
        raise ValueError(f"only warm_up can be followed by another schedule, got {text!r}")
    return _make(first, numbers, then=_make(second, more_numbers))


def get_schedule(schedule: str | Factor | None) -> Factor:
    """Return the schedule of a text; a function is passed through, and None is `constant`.

    Raises
    ------
    ValueError
        For a text that `parse` refuses.
    TypeError
        For what is neither a text nor a function.
    """
    if schedule is None:
        return constant()
    if isinstance(schedule, str):
        return parse(schedule)
    if not callable(schedule):
        raise TypeError(f"schedule must be a text or a function, got {schedule!r}")
    return schedule


def factor_at(schedule: Factor, step: int, total_steps: int) -> float:
    """Return what a schedule gives, if it is a finite number."""
    return finite_number("the factor of schedule", schedule(step, total_steps))


def _make(name: str, numbers: str | None, **extra: Schedule) -> Schedule:
    if name not in SCHEDULES:
        raise ValueError(f"schedule has no option {name!r}{nearest(name, SCHEDULES)}")
    positional: list[float] = []
    named: dict[str, float] = {}
    for part in filter(str.strip, (numbers or "").split(",")):
        key, equals, number = part.rpartition("=")
        if equals:
            named[key.strip()] = _number(name, number)
        else:
            positional.append(_number(name, number))
    try:
        inspect.signature(SCHEDULES[name]).bind(*positional, **named, **extra)
    except TypeError as error:
        raise ValueError(f"schedule {name}({numbers or ''}): {error}") from None
    return SCHEDULES[name](*positional, **named, **extra)


def _number(name: str, text: str) -> float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise ValueError(f"schedule {name} takes numbers, got {text.strip()!r}")
