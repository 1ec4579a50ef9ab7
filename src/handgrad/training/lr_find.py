"""The learning-rate finder: a few steps, each with a larger learning rate than the one before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from handgrad._numbers import whole_number
from handgrad.training import checks, model_state
from handgrad.training import param_config as own_settings
from handgrad.training.descent import descend

if TYPE_CHECKING:
    from handgrad.training.run import Run

MARGIN = 10  # how far below the rate of the least loss the suggestion lies: Howard's rule of thumb
# Times the loss of the first steps, beyond which a net is broken: it may seem to mend, as a dead one.
STOP = 1.1
SOME = 5  # steps whose mean is compared
FALL = 0.98  # of the first loss, to which it must fall for a rate to be suggested


class LearningRates(NamedTuple):
    """What the finder saw.

    Attributes
    ----------
    rates, losses : ndarray (T,)
        Of each step, as far as it went.
    smoothed : ndarray (T,)
        The losses, averaged over neighbours.
    suggestion : float or None
        A tenth of the rate at which the smoothed loss is least; None where it never fell.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float | None


def find_learning_rate(
    solver: Run, lowest: float = 1e-6, highest: float = 10.0, steps: int = 100
) -> LearningRates:
    """Try learning rates from `lowest` to `highest` on a model, and leave it as it was.

    Parameters
    ----------
    solver : Solver
        Its model, data, update rule and all other settings are used; its schedule is not. A parameter whose
        rate is a multiple of the others' (`param_config`) keeps that ratio.
    lowest, highest : float
        The rates of the first and the last step; those between are in equal ratios.
    steps : int
        At least 2. The finder stops early where the loss rises above that of the first steps.

    Returns
    -------
    LearningRates

    Raises
    ------
    ValueError
        When the rates are not rising from above 0, or the update rule has no learning rate.

    References
    ----------
    Smith, "Cyclical learning rates for training neural networks", WACV 2017 (the range test); Howard and
    Gugger, "fastai", 2020 (one run of steps, and where to stop).

    Examples
    --------
    >>> from handgrad.models import TwoLayerNet
    >>> from handgrad.training import Solver
    >>> X, y = np.eye(2), np.array([1, 0])
    >>> data = {"X_train": X, "y_train": y, "X_val": X, "y_val": y}
    >>> net = TwoLayerNet(input_dim=2, num_classes=2, weight_scale=0.1, seed=0)
    >>> found = find_learning_rate(Solver(net, data, "adam", batch_size=2, seed=0), steps=50)
    >>> 0.01 < found.suggestion < 1
    True
    """
    rates = _rates(lowest, highest, steps)
    losses: list[float] = []
    with _untouched(solver), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for loss in _losses(solver, rates):
            losses.append(loss)
            if not np.isfinite(loss) or np.mean(losses[-SOME:]) > STOP * np.mean(losses[:SOME]):
                break
    seen = np.array([loss for loss in losses if np.isfinite(loss)])
    smoothed = _smooth(seen)
    return LearningRates(rates[: len(seen)], seen, smoothed, _suggest(rates, smoothed))


def _rates(lowest: float, highest: float, steps: int) -> np.ndarray:
    lowest, highest = checks.positive_number("lowest", lowest), checks.positive_number("highest", highest)
    if highest <= lowest:
        raise ValueError(f"highest must be above lowest ({lowest:g}), got {highest:g}")
    return np.geomspace(lowest, highest, whole_number("steps", steps, 2))


def _losses(solver: Run, rates: np.ndarray) -> Iterator[float]:
    """Give the loss before each step; the step follows when the next is asked for."""
    model, base = solver.model, solver.optim_config.get("learning_rate")
    if not base:
        raise ValueError(f"optim_config['learning_rate'] must be there and not 0, got {base!r}")
    configs = own_settings.begin(solver.optim_config, solver.param_config, model.params)
    frozen = own_settings.frozen(solver.param_config, epoch=0)
    for t, rate in enumerate(rates):
        X, y = solver._batches.at(t, solver._seed)
        loss, grads = solver._loss_and_grads(X, y, frozen)
        yield loss
        state, clip = (model.params, grads, configs), (solver.clip_norm, solver.clip_value)
        params, configs, _ = descend(solver.update_rule, *state, float(rate) / base, frozen, *clip)
        model.params.update(params)


@contextmanager
def _untouched(solver: Run) -> Iterator[None]:
    """Give the model its parameters, running statistics and generator back at the end."""
    model = solver.model
    before, rest = dict(model.params), model_state.rest(model)
    model.params.update(model_state.copy_params(before))
    try:
        solver._know_classes()
        yield
    finally:
        model.params.update(before)
        model_state.set_rest(model, rest)


def _smooth(losses: np.ndarray, reach: int = 4) -> np.ndarray:
    """Return weighted means over neighbours on both sides, which lag behind nothing."""
    weights = np.arange(1, 2 * reach + 2)
    weights = np.minimum(weights, weights[::-1]).astype(float)
    if not len(losses):
        return losses
    total = np.convolve(losses, weights)[reach : reach + len(losses)]
    return total / np.convolve(np.ones(len(losses)), weights)[reach : reach + len(losses)]


def _suggest(rates: np.ndarray, smoothed: np.ndarray) -> float | None:
    if not len(smoothed) or smoothed.min() > FALL * smoothed[0]:
        return None
    # Two digits: the next run would find another third one.
    return float(f"{rates[int(smoothed.argmin())] / MARGIN:.1e}")
