from __future__ import annotations

import numpy as np
import pytest
from training.toys import Linear, Normed, scale, solver

from handgrad.training import ema


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.999])
def test_closed_form(decay: float) -> None:
    """The weighted mean of all values, with weights decay ** (age)."""
    values = np.random.default_rng(0).standard_normal((9, 4))
    average: dict = {}
    for t, value in enumerate(values, start=1):
        average = ema.update(average, {"w": value}, decay, t)
        weights = decay ** np.arange(t - 1, -1, -1.0)
        np.testing.assert_allclose(average["w"], weights @ values[:t] / weights.sum(), rtol=1e-12)


def test_dtype_stays_and_values_are_not_changed() -> None:
    value = np.ones(3, np.float32)
    value.flags.writeable = False
    average = ema.update({}, {"w": value}, 0.9, 1)
    assert average["w"] is not value
    average["w"].flags.writeable = False
    assert ema.update(average, {"w": value}, 0.9, 2)["w"].dtype == np.float32


def test_the_solver_evaluates_and_keeps_the_average() -> None:
    """Re-enacted beside a plain run, whose weights are the same at each step."""
    settings = {"optim_config": {"learning_rate": 2.0}, "num_epochs": 3, "num_train_samples": None}
    plain, averaged = solver(Normed(), **settings), solver(Normed(), ema=0.7, **settings)
    weights, means, spare = [], [], Normed()
    for t in range(plain.num_iterations):
        plain.step()
        averaged.step()
        np.testing.assert_array_equal(averaged.model.params["W"], plain.model.params["W"])
        weights.append(plain.model.params["W"].copy())
        means.append(plain.model.bn_params[0]["running_mean"].copy())
        share = 0.7 ** np.arange(t, -1, -1.0)
        share /= share.sum()
        average = averaged._averages.average
        np.testing.assert_allclose(average.params["W"], np.tensordot(share, weights, 1), rtol=1e-9)
        now = average.statistics[0]["running_mean"]
        np.testing.assert_allclose(now, np.tensordot(share, means, 1), rtol=1e-9)
        if t % 6 == 5:
            spare.params.update(average.params)
            spare.bn_params = average.statistics
            right = spare.loss(scale(plain.X_train)).argmax(axis=1) == plain.y_train
            assert averaged.train_acc_history[-1] == right.mean()
    assert averaged.loss_history == plain.loss_history
    assert averaged.train_acc_history != plain.train_acc_history


def test_the_best_is_an_average_and_in_the_model_at_the_end() -> None:
    ours = solver(Linear(), ema=0.9, num_epochs=2)
    ours.train()
    assert ours.best_val_acc == max(ours.val_acc_history)
    assert ours.check_accuracy(ours.X_val, ours.y_val) == ours.best_val_acc
    assert not np.array_equal(ours.best_params["W"], ours._last[0]["W"])


def test_the_model_gets_its_own_weights_back_when_a_check_fails() -> None:
    class Failing(Normed):
        def loss(self, X, y=None):
            if y is None and getattr(ours, "iteration", 0) == 6:
                raise RuntimeError("no scores today")
            return super().loss(X, y)

    ours = None
    ours = solver(Failing(), ema=0.9)
    plain = solver(Normed())
    plain.train(6)
    with pytest.raises(RuntimeError, match="no scores today"):
        ours.train()
    np.testing.assert_array_equal(ours.model.params["W"], plain.model.params["W"])
    np.testing.assert_array_equal(
        ours.model.bn_params[0]["running_var"], plain.model.bn_params[0]["running_var"]
    )


def test_what_does_not_move_is_its_own_average_to_the_last_bit() -> None:
    value = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    average: dict = {}
    for t in range(1, 30):
        average = ema.update(average, {"w": value}, 0.9, t)
        np.testing.assert_array_equal(average["w"], value)
