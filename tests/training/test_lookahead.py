"""Slow weights: the paper's two lines, re-enacted beside a Solver."""

from __future__ import annotations

import numpy as np
import pytest
from training.toys import Linear, Normed, solver

from handgrad.training import Lookahead
from handgrad.training.checks import lookahead as checked


def test_the_solver_meets_the_slow_weights_every_few_steps() -> None:
    """Plain steps between two meetings: a fresh Solver at each, begun at the slow weights."""
    settings = {"optim_config": {"learning_rate": 0.5}}
    ours = solver(Normed(), lookahead=Lookahead(every=3, alpha=0.25), **settings)
    plain = solver(Normed(), **settings)
    slow = plain.model.params["W"].copy()
    for t in range(1, 13):
        ours.step()
        plain.step()
        if t % 3 == 0:
            slow = slow + 0.25 * (plain.model.params["W"] - slow)
            for name in plain.model.params:
                plain.model.params[name] = ours.model.params[name].copy()
            plain.model.bn_params[0].update(ours.model.bn_params[0])
            np.testing.assert_allclose(ours.model.params["W"], slow, rtol=1e-12)
            slow = ours.model.params["W"].copy()
    assert not np.allclose(slow, solver(Normed()).model.params["W"])


def test_running_statistics_take_the_same_way() -> None:
    ours = solver(Normed(), lookahead=Lookahead(every=2, alpha=0.5))
    for _ in range(2):
        ours.step()
    first = ours.model.bn_params[0]["running_mean"].copy()
    for _ in range(2):
        ours.step()
    now = ours.model.bn_params[0]["running_mean"]
    slow = ours._averages.lookahead.statistics[0]["running_mean"]
    np.testing.assert_array_equal(now, slow)
    assert not np.array_equal(now, first)


def test_the_slow_weights_are_evaluated_and_end_in_the_model() -> None:
    ours = solver(Linear(), lookahead=Lookahead(every=4, alpha=0.1), num_epochs=3)
    ours.train()
    assert ours.check_accuracy(ours.X_val, ours.y_val) == ours.best_val_acc
    names = [float(np.abs(ours.best_params["W"] - w).max()) for w in (ours._last[0]["W"],)]
    assert names[0] > 0  # 18 steps: two after the last meeting


def test_alpha_1_is_a_run_without() -> None:
    ours, plain = solver(lookahead=Lookahead(every=1, alpha=1)), solver()
    ours.train()
    plain.train()
    assert ours.loss_history == plain.loss_history


def test_a_lookahead_given_to_two_runs_keeps_them_apart() -> None:
    shared = Lookahead(every=2)
    first, second = solver(lookahead=shared), solver(Normed(), lookahead=shared)
    first.train()
    second.train()
    assert shared.params == {}
    assert checked(None) is None


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Lookahead(every=0), "every must be"),
        (lambda: Lookahead(alpha=0), "alpha must be above 0 and up to 1, got 0"),
        (lambda: Lookahead(alpha=1.5), "alpha must be above 0 and up to 1, got 1.5"),
        (lambda: Lookahead(power=-1), "power must be 0 or above, got -1"),
        (lambda: Lookahead.parse("five"), "lookahead must read like '5'"),
        (lambda: Lookahead.parse("5,0.5,3,1"), "lookahead must read like '5'"),
        (lambda: solver(lookahead=5), "lookahead must be a Lookahead or None, got 5"),
    ],
)
def test_what_is_refused(make, error) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        make()


def test_texts() -> None:
    assert str(Lookahead.parse("5")) == "Lookahead(every=5, alpha=0.5, power=0.0)"
    assert str(Lookahead.parse(" 7, 0.2 , 3")) == "Lookahead(every=7, alpha=0.2, power=3.0)"
