"""A run of training: its state, and what is done in each of its steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.backend.factored import factored_gradients
from handgrad.training import checkpoint, checks, evaluation, feeding, logging, model_state, parts
from handgrad.training import param_config as own_settings
from handgrad.training import resume as resuming
from handgrad.training.ahead import Ahead
from handgrad.training.averages import Averages
from handgrad.training.descent import decay, descend
from handgrad.training.lookahead import Lookahead
from handgrad.training.optim import Rule, own_name
from handgrad.training.optim_config import Config
from handgrad.training.pruning import Pruning
from handgrad.training.recalibration import recalibrated
from handgrad.training.schedule import Factor
from handgrad.training.schedules import factor_at


class Run:
    """What is inside a `handgrad.training.Solver`, whose constructor sets these and documents them."""

    model: Any
    X_train: np.ndarray
    y_train: np.ndarray
    X_val: np.ndarray
    y_val: np.ndarray
    update_rule: Rule
    optim_config: Config
    param_config: own_settings.ByName
    lr_decay: float
    batch_size: int
    num_epochs: int
    num_train_samples: int | None
    num_val_samples: int | None
    schedule: Factor
    preprocess: feeding.Preprocess | None
    augment: feeding.Augment | None
    ema: float | None
    lookahead: Lookahead | None
    image_side: dict[int, int] | None
    num_snapshots: int | None
    recalibrate: int | None
    mixup: float | None
    prune: float | None
    clip_norm: float | None
    clip_value: float | None
    background: bool
    checkpoint_every: int | None
    checkpoint_name: Path | None
    _batches: feeding.Batches
    _broadcast: logging.Broadcast
    _seed: int

    @property
    def iterations_per_epoch(self) -> int:
        """Batches that hold every training image once."""
        return self._batches.per_epoch

    @property
    def num_iterations(self) -> int:
        """Iterations of the whole run."""
        return self.num_epochs * self.iterations_per_epoch

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.iteration // self.iterations_per_epoch

    def check_accuracy(
        self, X: np.ndarray, y: np.ndarray, num_samples: int | None = None, batch_size: int = 100
    ) -> float:
        """Return the fraction of images that the model, as it is now, puts in their class.

        Parameters
        ----------
        X : ndarray (N, ...)
            Images as in `data`; `preprocess` is applied.
        y : ndarray (N,)
        num_samples : int, optional
            Draw so many images, each at most once; the same ones whenever it is asked in this iteration.
            None, or N and above, takes all.
        batch_size : int
            Images at once, which bounds the memory.
        """
        if num_samples is not None and num_samples < len(X):
            rng = feeding.random(self._seed, feeding.SUBSAMPLE, self.iteration)
            chosen = rng.choice(len(X), num_samples, replace=False)
            X, y = X[chosen], y[chosen]
        return evaluation.accuracy(self.model, X, y, batch_size, self.preprocess)

    def _begin(self) -> None:
        self.iteration = 0
        self.loss_history: list[float] = []
        self.train_acc_history: list[float] = []
        self.val_acc_history: list[float] = []
        self.snapshots: list[model_state.Weights] = []
        self.best_val_acc = 0.0
        self.best_params: dict[str, np.ndarray] = {}
        self.best_bn_params: list[dict[str, np.ndarray]] = []
        self.optim_configs = own_settings.begin(self.optim_config, self.param_config, self.model.params)
        self._pruning = None if self.prune is None else Pruning(self.prune, len(self.X_train))
        self._averages = Averages(self.model, self.ema, self.lookahead)
        # Asks for the seed when it is called: a checkpoint may bring another.
        self._ahead = Ahead(lambda t: self._batches.at(t, self._seed)) if self.background else None
        self._checked_at = self._written_at = 0
        self._last: model_state.Weights | None = None

    def _descend(self) -> tuple[float, float | None]:
        """Take one step of gradient descent, whole or not at all; return loss and learning rate."""
        if self.iteration == 0 or self.mixup is not None:
            self._know_classes()
        factor = factor_at(self.schedule, self.iteration, self.num_iterations)
        done, share = parts.shares(self.iteration, self.num_iterations, self.num_snapshots or 1)
        chosen, weights = self._pruned(done)
        X, y = self._batch() if chosen is None else self._batches.of(chosen, self.iteration, self._seed)
        with model_state.unchanged_on_error(self.model):
            frozen = own_settings.frozen(self.param_config, self.epoch)
            loss, grads = self._loss_and_grads(X, y, frozen, weights)
            checks.finite_loss(loss, self.iteration + 1, self.optim_configs)
            state = self.model.params, grads, self.optim_configs
            clip = self.clip_norm, self.clip_value
            params, configs, rates = descend(self.update_rule, *state, factor, frozen, *clip)
            ends_epoch = (self.iteration + 1) % self.iterations_per_epoch == 0
            configs = decay(configs, self.lr_decay) if ends_epoch else configs
        self.model.params.update(params)
        self.optim_configs = configs
        self.loss_history.append(loss)
        self.iteration += 1
        if self._pruning is not None and chosen is not None:
            self._pruning.saw(chosen, self.model.sample_losses)
        self._averages.update(self.model, self.iteration, share)
        return loss, rates.get(own_settings.typical(self.param_config, self.model.params))

    def _loss_and_grads(
        self, X: np.ndarray, y: np.ndarray, frozen: set[str], weights: np.ndarray | None = None
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Return the loss of a batch, and the gradients of all parameters but the `frozen` ones."""
        trained = {name: w for name, w in self.model.params.items() if name not in frozen}
        with model_state.frozen(self.model, frozen), factored_gradients(self._takes_factors()):
            found = self.model.loss(X, y) if weights is None else self.model.loss(X, y, weights)
            return checks.loss_and_grads(found, trained)

    def _takes_factors(self) -> bool:
        """Return whether nobody but a rule of ours looks at the gradients on their way."""
        clips = self.clip_norm is not None or self.clip_value is not None
        return not clips and own_name(self.update_rule) is not None and model_state.is_ours(self.model)

    def _know_classes(self) -> None:
        """Ask the model once for how many classes it has scores; refuse labels of others."""
        if self._batches.num_classes is None:
            data = (self.X_train, self.y_train, self.y_val)
            self._batches.num_classes = evaluation.check_classes(self.model, *data, self.preprocess)

    def _pruned(self, done: float) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return which images the next step sees, and how much they count; with no pruning None."""
        if self._pruning is None:
            return None, None
        return self._batches.pruned(self._pruning, self.iteration, self._seed, done)

    def _batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the images and labels of the next step."""
        if self._ahead is None:
            return self._batches.at(self.iteration, self._seed)
        return self._ahead.get(self.iteration, last=self.num_iterations - 1)

    def _settle(self) -> None:
        """Check accuracy where the last iteration calls for it and it is not done yet."""
        t = self.iteration
        due = t in (1, self.num_iterations) or t % self.iterations_per_epoch == 0
        if due and t != self._checked_at:
            self._check()
        self._keep_snapshot()

    def _keep_snapshot(self) -> None:
        """Keep the weights where a part of the run ends and it is not done yet."""
        wanted, kept = self.num_snapshots or 0, len(self.snapshots)
        if kept < wanted and self.iteration >= max(1, parts.begin(kept + 1, self.num_iterations, wanted)):
            with self._judged():
                self.snapshots.append(model_state.weights(self.model))

    def _check(self) -> None:
        checks.finite_params(self.model.params, self.iteration, self.optim_configs)
        with self._judged():
            train_acc = self.check_accuracy(self.X_train, self.y_train, self.num_train_samples)
            val_acc = self.check_accuracy(self.X_val, self.y_val, self.num_val_samples)
            if val_acc > self.best_val_acc or not self.best_params:
                self.best_val_acc = val_acc
                self.best_params, self.best_bn_params = model_state.weights(self.model)
        self.train_acc_history.append(train_acc)
        self.val_acc_history.append(val_acc)
        self._checked_at = self.iteration
        self._log("accuracy", train_acc=train_acc, val_acc=val_acc, best_val_acc=self.best_val_acc)

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """Let the model hold the weights that are evaluated."""
        with self._averages.judged(self.model, self.iteration):
            if self.recalibrate is None:
                yield
                return
            some = self._batches.some(self.recalibrate, self.iteration, self._seed)
            with recalibrated(self.model, some):
                yield

    def _write_checkpoint(self) -> None:
        if self.checkpoint_name is not None and self._written_at != self.iteration:
            checks.finite_params(self.model.params, self.iteration, self.optim_configs)
            checkpoint.write(self.checkpoint_name, self.iteration, resuming.capture(self))
            self._written_at = self.iteration

    def _finish(self) -> None:
        """Swap the best parameters in, once the end is reached."""
        if self.iteration >= self.num_iterations and self.best_params:
            self._last = model_state.weights(self.model)
            model_state.set_weights(self.model, (self.best_params, self.best_bn_params))

    def _take_up_last(self) -> None:
        if self._last is not None:
            model_state.set_weights(self.model, self._last)
            self._last = None

    def _log(self, event: str, **values: float | None) -> None:
        where = {name: getattr(self, name) for name in ("iteration", "num_iterations", "epoch", "num_epochs")}
        self._broadcast({"event": event, **where, **values})
