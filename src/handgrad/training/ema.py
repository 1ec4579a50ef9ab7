"""An exponential moving average of the weights."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from handgrad.training import model_state


class Average:
    """The average of a model's parameters and running statistics over the steps of a run.

    The average of step t is the weighted mean of the values of steps 1 to t with the weights
    ``decay ** (t - i)``. It has no memory of the initial weights, so that it is of use from the start; the
    plain ``decay * average + (1 - decay) * value`` would drag them along for some ``1 / (1 - decay)`` steps.
    Running statistics are averaged likewise, since they belong to the weights that they were measured with.

    Parameters
    ----------
    decay : float
        From 0, where the average is the last value, to below 1.

    References
    ----------
    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992. The correction for
    the start is that of Adam's moments.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.params: dict[str, np.ndarray] = {}
        self.statistics: list[dict[str, np.ndarray]] = []

    def update(self, model: Any, t: int) -> None:
        """Take in the model after step t, counted from 1."""
        now = model_state.statistics(model)
        old = self.statistics or [{} for _ in now]
        self.params = update(self.params, model.params, self.decay, t)
        self.statistics = [update(a, b, self.decay, t) for a, b in zip(old, now, strict=True)]

    def swapped_into(self, model: Any) -> AbstractContextManager[None]:
        """Let the model hold the average for a while."""
        return model_state.swapped(model, self.params, self.statistics)


def update(
    average: dict[str, np.ndarray], values: dict[str, np.ndarray], decay: float, t: int
) -> dict[str, np.ndarray]:
    """Return the average after step t (from 1) of arrays that now have `values`.

    Examples
    --------
    >>> a = update({}, {"w": np.array(1.0)}, 0.5, t=1)
    >>> round(float(update(a, {"w": np.array(4.0)}, 0.5, t=2)["w"]), 12)  # (0.5 * 1 + 1 * 4) / 1.5
    3.0
    """
    keep = decay * (1 - decay ** (t - 1)) / (1 - decay**t)
    # What was not there before begins its own average. In this form a frozen parameter is its own average,
    # to the last bit.
    return {
        name: np.asarray(value + keep * (average[name] - value)) if name in average else value.copy()
        for name, value in values.items()
    }
