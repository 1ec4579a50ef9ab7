"""The learning-rate finder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from training.test_resume import everything, full
from training.toys import Linear, Normed, solver

from handgrad.training import find_learning_rate, lr_find


def test_the_model_and_the_run_are_left_as_they_were(tmp_path) -> None:
    plain, ours = full(tmp_path / "plain"), full(tmp_path / "ours")
    plain.train(8)
    ours.train(8)
    found = find_learning_rate(ours, 1e-4, 1e3, steps=40)
    assert len(found.rates) > 5
    assert everything(ours) == everything(plain)
    plain.train()
    ours.train()
    assert everything(ours) == everything(plain)


def test_the_model_is_restored_when_a_step_fails() -> None:
    class Failing(Normed):
        calls = 0

        def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
            self.calls += 1
            if self.calls == 9:
                raise RuntimeError("out of memory")
            return super().loss(X, y)

    ours = solver(Failing())
    before, state = ours.model.params["W"].copy(), ours.model.rng.bit_generator.state
    with pytest.raises(RuntimeError, match="out of memory"):
        find_learning_rate(ours)
    np.testing.assert_array_equal(ours.model.params["W"], before)
    assert ours.model.rng.bit_generator.state == state
    assert "running_mean" not in ours.model.bn_params[0]


def test_each_step_has_its_rate() -> None:
    """Re-enacted by hand; a parameter with a factor keeps it."""
    found = find_learning_rate(solver(param_config={"b": {"lr_factor": 3}}), 1e-3, 1.0, steps=4)
    np.testing.assert_allclose(found.rates, [1e-3, 1e-2, 1e-1, 1.0])
    model, batches = Linear(), solver()._batches
    for t, rate in enumerate(found.rates):
        loss, grads = model.loss(*batches.at(t, solver()._seed))
        assert found.losses[t] == pytest.approx(loss)
        model.params["W"] -= rate * grads["W"]
        model.params["b"] -= 3 * rate * grads["b"]


def test_a_quadratic_bowl() -> None:
    """Gradient descent on 0.5 * c * w**2 shrinks w while the rate is below 2 / c, and no more above."""

    class Bowl(Linear):
        def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
            if y is None:
                return super().loss(X)
            w = self.params["W"]
            return 0.5 * 20 * float((w**2).sum()), {"W": 20 * w, "b": np.zeros(3)}

    found = find_learning_rate(solver(Bowl()), 1e-5, 100, steps=200)
    assert 0.1 / 3 < 10 * found.suggestion < 0.1 * 3
    assert found.rates[-1] < 10  # it stopped early
    assert len(found.rates) == len(found.losses) == len(found.smoothed)


def test_no_suggestion_where_the_loss_never_falls() -> None:
    found = find_learning_rate(solver(), 1e-9, 1e-8, steps=10)
    assert found.suggestion is None
    assert len(found.rates) == 10


def test_a_net_that_breaks_and_dies_is_not_taken_for_one_that_learns() -> None:
    """Its loss falls to that of guessing, after it was far above: the finder has stopped before."""
    losses = [3.0] * 10 + [2.5] * 10 + [9.0] * 10 + [2.3] * 50

    class Scripted(Linear):
        t = -1

        def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
            if y is None:
                return super().loss(X)
            self.t += 1
            return losses[self.t], {name: np.zeros_like(w) for name, w in self.params.items()}

    found = find_learning_rate(solver(Scripted()), 1e-4, 1.0, steps=80)
    assert found.losses.min() == 2.5
    assert found.suggestion < found.rates[20] / 5


def test_smoothing_is_centred_and_fair_at_the_ends() -> None:
    line = np.arange(30.0)
    np.testing.assert_allclose(lr_find._smooth(line)[4:-4], line[4:-4])
    np.testing.assert_allclose(lr_find._smooth(np.full(3, 2.0)), 2)
    assert len(lr_find._smooth(np.array([]))) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lowest": 0}, "lowest must be above 0, got 0"),
        ({"lowest": 1.0, "highest": 0.5}, r"highest must be above lowest \(1\), got 0.5"),
        ({"steps": 1}, "steps must be at least 2, got 1"),
    ],
)
def test_what_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_learning_rate(solver(), **arguments)


def test_rules_without_a_learning_rate() -> None:
    ours = solver(update_rule=lambda w, dw, config: (w - dw, config), optim_config={})
    with pytest.raises(ValueError, match=r"optim_config\['learning_rate'\] must be there and not 0, got"):
        find_learning_rate(ours)
