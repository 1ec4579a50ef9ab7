from __future__ import annotations

import math

import pytest
import torch

from handgrad.training import schedules
from handgrad.training.schedules import (
    constant,
    cosine,
    cosine_cycles,
    exponential,
    one_cycle,
    parse,
    step,
    triangle,
    warm_up,
)

EVERY = [
    constant(),
    step(),
    exponential(),
    cosine(),
    one_cycle(),
    triangle(),
    triangle(0.23, 0.2, 0.07),
    triangle(0.23, 0.2, 0.07, cycles=3),
    cosine_cycles(),
    cosine_cycles(3, 0.1),
    warm_up(5),
    warm_up(0.1, cosine(0.1)),
]


def test_closed_forms() -> None:
    for t in range(100):
        assert constant()(t, 100) == 1
        assert step(0.6, 0.9, factor=0.2)(t, 100) == pytest.approx(0.2 ** ((t >= 60) + (t >= 90)))
        assert exponential(0.05)(t, 100) == pytest.approx(0.05 ** (t / 100))
        assert cosine(0.1)(t, 100) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi * t / 100)) / 2)
        line = 0.2 + 0.8 * t / 25 if t < 25 else (100 - t) / 75
        assert triangle(0.25, 0.2)(t, 100) == pytest.approx(line)
        assert warm_up(10)(t, 100) == pytest.approx(min(1, (t + 1) / 10))
        assert warm_up(0.1)(t, 100) == warm_up(10)(t, 100)


def test_one_cycle_is_that_of_pytorch() -> None:
    """PyTorch counts to its last step, where we count to the end of the run: 101 steps of its against 100."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=101, pct_start=0.3, cycle_momentum=False
    )
    ours = one_cycle(peak=(0.3 * 101 - 1) / 100)
    for t in range(101):
        assert ours(t, 100) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9)
        if t < 100:
            optimizer.step()
            theirs.step()


def test_each_cycle_is_the_cosine_of_its_own_clock() -> None:
    for t in range(98):
        assert cosine_cycles(7, 0.2)(t, 98) == pytest.approx(cosine(0.2)(t % 14, 14))
    assert [cosine_cycles(5)(t, 490) for t in range(0, 490, 98)] == [1] * 5
    assert cosine_cycles(5, 0.3)(490, 490) == 0.3


def test_warm_up_hands_its_own_clock_to_the_next_schedule() -> None:
    schedule = warm_up(20, cosine())
    assert [schedule(20 + t, 120) for t in (0, 25, 99)] == [cosine()(t, 100) for t in (0, 25, 99)]


@pytest.mark.parametrize("schedule", EVERY, ids=str)
def test_the_text_makes_the_schedule_again(schedule: schedules.Schedule) -> None:
    again = parse(str(schedule))
    assert again == schedule
    assert [again(t, 57) for t in range(60)] == [schedule(t, 57) for t in range(60)]


@pytest.mark.parametrize("schedule", EVERY, ids=str)
def test_steps_past_the_end_and_runs_of_no_length(schedule: schedules.Schedule) -> None:
    assert schedule(1000, 100) == schedule(100, 100)
    assert math.isfinite(schedule(0, 0))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("constant", constant()),
        ("constant()", constant()),
        (" cosine ( 0.1 ) ", cosine(0.1)),
        ("step(0.3, factor=0.5)", step(0.3, factor=0.5)),
        ("one_cycle(0.2, final=1e-3)", one_cycle(0.2, final=1e-3)),
        ("warm_up(500)+cosine", warm_up(500, cosine())),
        ("warm_up(0.05) + exponential(1e-2)", warm_up(0.05, exponential(1e-2))),
    ],
)
def test_parse(text: str, same: schedules.Schedule) -> None:
    assert parse(text) == same


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cosin", "schedule has no option 'cosin'; did you mean 'cosine'?"),
        ("warm_up(5)+liner", "schedule has no option 'liner'; known: constant, cosine"),
        ("", "schedule must read like 'cosine'"),
        ("cosine + cosine", r"only warm_up can be followed by another schedule, got 'cosine \+ cosine'"),
        ("warm_up(3)+warm_up(4)", "only warm_up can be followed"),
        ("warm_up", r"schedule warm_up\(\): missing a required argument: 'steps'"),
        ("cosine(a)", "schedule cosine takes numbers, got 'a'"),
        ("cosine(0, 1)", r"schedule cosine\(0, 1\): too many positional arguments"),
        ("cosine(fin=0)", "got an unexpected keyword argument 'fin'"),
        ("cosine(-1)", "cosine's final must be 0 or above, got -1"),
        ("exponential(0)", "exponential's final must be above 0, got 0"),
        ("step(0.9, 0.5)", "step's milestones must be rising fractions between 0 and 1"),
        ("step(2)", "step's milestones must be rising fractions between 0 and 1"),
        ("one_cycle(1)", "one_cycle's peak must be a fraction between 0 and 1, got 1"),
        ("cosine_cycles(0)", "cosine_cycles' cycles must be a whole number of at least 1, got 0"),
        ("cosine_cycles(2.5)", "cosine_cycles' cycles must be a whole number of at least 1, got 2.5"),
        ("triangle(cycles=0)", "triangle's cycles must be a whole number of at least 1, got 0"),
        ("warm_up(2.5)", "warm_up's steps must be a whole number or a fraction below 1, got 2.5"),
        ("warm_up(0)", "warm_up's steps must be a whole number or a fraction below 1, got 0"),
        ("cosine(nan)", "cosine's final must be 0 or above, got nan"),
    ],
)
def test_wrong_texts(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)
