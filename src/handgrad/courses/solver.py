"""The Solver, with a course's update rules, that lets a notebook go on after a run that diverged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from handgrad import training
from handgrad.courses.notes import note
from handgrad.training import DivergenceError, model_state, optim


class Solver(training.Solver):
    """Trains a model as `handgrad.training.Solver` does.

    Parameters
    ----------
    model, data
        As there.
    **settings
        As there. `update_rule` names a rule of the course. A `batch_size` above the number of training
        images means all of them, since an epoch visits each once.

    Notes
    -----
    Where the loss is no longer a finite number the courses' Solver runs on to the end. This one stops with
    a note, so that a notebook that tries bad learning rates on purpose goes on to its next cell.
    """

    rules: ClassVar[Mapping[str, optim.Rule]] = {}

    def __init__(self, model: Any, data: dict[str, np.ndarray], **settings: Any) -> None:
        rule = settings.get("update_rule", "sgd")
        settings["update_rule"] = self.rules.get(rule, rule) if isinstance(rule, str) else rule
        images = len(data["X_train"])
        if settings.get("batch_size", 100) > images:
            note(f"batch_size {settings.get('batch_size', 100)} means all {images} training images")
            settings["batch_size"] = images
        super().__init__(model, data, **settings)

    def train(self, num_iterations: int | None = None) -> None:
        """Train; see `handgrad.training.Solver.train`."""
        try:
            super().train(num_iterations)
        except DivergenceError as error:
            note(f"training stopped: {error}")
            if self.best_params:
                model_state.set_weights(self.model, (self.best_params, self.best_bn_params))
            else:  # no accuracy was measured, and notebooks ask for the greatest one
                self.train_acc_history.append(0.0)
                self.val_acc_history.append(0.0)
