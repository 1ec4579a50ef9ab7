"""The Solver: trains any model that has ``params`` and ``loss``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from handgrad._numbers import whole_number
from handgrad._random import generator
from handgrad.training import checkpoint, checks, evaluation, feeding, interrupts, logging, model_state
from handgrad.training import resume as resuming
from handgrad.training.averages import Averages
from handgrad.training.descent import decay, descend
from handgrad.training.lookahead import Lookahead
from handgrad.training.optim import Rule, get_rule
from handgrad.training.schedule import Factor
from handgrad.training.schedules import factor_at, get_schedule


class Solver:
    """Trains a model by gradient descent on small batches, as the courses' Solver does.

    Parameters
    ----------
    model : object
        ``model.params``, a dict of arrays, and ``model.loss(X, y=None)``: scores (N, K) without y, else
        ``(loss, grads)``. Where the model has them, the running statistics in ``model.bn_params`` and the
        generator ``model.rng`` are part of checkpoints.
    data : dict
        X_train (N, ...), y_train (N,), X_val, y_val. The images may be uint8, and stay so until batched.
    update_rule : str or function
        A name of `handgrad.training.optim`, or a function of that form.
    optim_config : dict, optional
        Settings of the update rule, such as ``{"learning_rate": 1e-3}``.
    lr_decay : float
        The learning rate is multiplied by this after each epoch.
    batch_size : int
        Each epoch visits every image once, in ``ceil(N / batch_size)`` batches of nearly equal size.
    num_epochs : int
    num_train_samples, num_val_samples : int, optional
        How many images are drawn for a check of accuracy; None takes all.
    checkpoint_name : str or Path, optional
        A folder for the checkpoint. It is made, and tried, at once; the first checkpoint of this run
        replaces one that is there.
    print_every : int
        Iterations from one printed loss to the next.
    verbose : bool
        Print the courses' lines.
    schedule : str or function, optional
        A text for `schedules.parse`, or a function ``(step, total_steps) -> factor`` of the learning rate.
    preprocess : function, optional
        From a batch of images to what the model takes; in training and evaluation.
    augment : function, optional
        ``(batch, generator) -> batch``, in training, before `preprocess`.
    seed : int, Generator or None
        Settles the order of the images, the augmentation and the samples for accuracy.
    ema : float, optional
        Decay, such as 0.999, of an average of the weights and of batch norm's running statistics: the
        average is what is evaluated and kept as the best.
    lookahead : Lookahead, optional
        Slow weights that the others go back to every few steps, and that are evaluated and kept as the best.
    param_config : dict, optional
        Settings of the update rule for some parameters: ``{"b*": {"learning_rate": 0.1}}`` for all whose
        name the pattern fits. A learning rate of 0 freezes a parameter.
    logger : function or several, optional
        See `handgrad.training.logging`.
    progress : bool
        Show a bar where there is a terminal.
    checkpoint_every : int, optional
        Iterations from one checkpoint to the next; default an epoch. The end of ``train`` and Ctrl-C
        write one, too.
    resume : bool or path
        True goes on from the checkpoint in `checkpoint_name`, or begins afresh where there is none; a path
        names the folder of one that must be there. The run goes on as if it had never stopped, to the last
        bit, if the model draws random numbers from ``model.rng`` alone.

    Attributes
    ----------
    loss_history : list of float
        One for each iteration.
    train_acc_history, val_acc_history : list of float
        One for each check: after the first iteration, each epoch and the last iteration.
    best_val_acc, best_params, best_bn_params
        The best validation accuracy, with copies of the parameters and running statistics that first had it.
    iteration, epoch : int
        Iterations and whole epochs done.
    optim_configs : dict
        The update rule's `config` for each parameter.

    Raises
    ------
    ValueError, TypeError, OSError
        In one sentence, for what cannot be trained or resumed, and a folder that cannot be written.

    Examples
    --------
    >>> from handgrad.models import TwoLayerNet
    >>> X, y = np.eye(2), np.array([1, 0])
    >>> data = {"X_train": X, "y_train": y, "X_val": X, "y_val": y}
    >>> net = TwoLayerNet(input_dim=2, num_classes=2, weight_scale=1e-5, seed=0)
    >>> solver = Solver(net, data, "adam", {"learning_rate": 0.1}, batch_size=2, num_epochs=2, seed=0)
    >>> solver.train()
    (Iteration 1 / 2) loss: 0.693147
    (Epoch 1 / 2) train acc: 1.000000; val_acc: 1.000000
    (Epoch 2 / 2) train acc: 1.000000; val_acc: 1.000000
    """

    def __init__(
        self,
        model: Any,
        data: dict[str, np.ndarray],
        update_rule: str | Rule = "sgd",
        optim_config: dict[str, Any] | None = None,
        lr_decay: float = 1.0,
        batch_size: int = 100,
        num_epochs: int = 10,
        num_train_samples: int | None = 1000,
        num_val_samples: int | None = None,
        checkpoint_name: str | os.PathLike[str] | None = None,
        print_every: int = 10,
        verbose: bool = True,
        schedule: str | Factor | None = None,
        preprocess: feeding.Preprocess | None = None,
        augment: feeding.Augment | None = None,
        seed: int | np.random.Generator | None = None,
        ema: float | None = None,
        lookahead: Lookahead | None = None,
        param_config: Mapping[str, Mapping[str, Any]] | None = None,
        logger: logging.Logger | Iterable[logging.Logger] | None = None,
        progress: bool = False,
        checkpoint_every: int | None = None,
        resume: bool | str | os.PathLike[str] = False,
    ) -> None:
        checks.model(model)
        self.model = model
        self.X_train, self.y_train, self.X_val, self.y_val = checks.data_arrays(data)
        self.update_rule = get_rule(update_rule)
        self.optim_config = checks.optim_config(self.update_rule, optim_config, schedule)
        self.param_config = checks.param_config(self.update_rule, model, param_config)
        self.lr_decay = checks.positive_number("lr_decay", lr_decay)
        self.batch_size = whole_number("batch_size", batch_size, 1)
        self.num_epochs = whole_number("num_epochs", num_epochs, 0)
        self.num_train_samples = checks.optional_whole_number("num_train_samples", num_train_samples, 1)
        self.num_val_samples = checks.optional_whole_number("num_val_samples", num_val_samples, 1)
        self.print_every = whole_number("print_every", print_every, 1)
        self.verbose = verbose
        self.schedule = get_schedule(schedule)
        self.preprocess = checks.function("preprocess", preprocess)
        self.augment = checks.function("augment", augment)
        self.ema = checks.optional_fraction("ema", ema)
        self.lookahead = checks.lookahead(lookahead)
        self.checkpoint_every = checks.optional_whole_number("checkpoint_every", checkpoint_every, 1)
        lines = logging.CourseLines(self.print_every) if verbose else None
        bar = logging.ProgressBar() if progress else None
        self._broadcast = logging.Broadcast(lines, bar, logger)
        self._seed = int(generator(seed).integers(2**63))
        settings = (self.batch_size, self.augment, self.preprocess)
        self._batches = feeding.Batches(self.X_train, self.y_train, *settings)
        self._begin()
        name = None if checkpoint_name is None else checks.folder("checkpoint_name", checkpoint_name)
        self.checkpoint_name = None if name is None else checkpoint.prepare(name)
        resuming.begin(self, resume)

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

    def train(self, num_iterations: int | None = None) -> None:
        """Run to the end, or `num_iterations` further iterations, be it beyond the end.

        Once the end is reached the model has the best parameters, those of `best_params`; a further call
        of ``train`` goes on from the last ones all the same. Before the end, and after an error or Ctrl-C,
        the model has the last ones. Ctrl-C takes effect at the end of the iteration, after a checkpoint;
        pressed twice, at once.

        Raises
        ------
        DivergenceError
            When the loss or a parameter is no finite number; the checkpoint before is kept.
        ValueError, TypeError
            When the model does not keep to its protocol, naming for instance the gradient that is missing.
        """
        if num_iterations is None:
            num_iterations = max(0, self.num_iterations - self.iteration)
        last = self.iteration + whole_number("num_iterations", num_iterations, 0)
        self._take_up_last()
        try:
            self._log("start")
            with interrupts.held() as release:
                self._settle()
                while self.iteration < last:
                    self.step()
                    release()
            self._write_checkpoint()
        except KeyboardInterrupt:
            self._write_checkpoint()
            raise
        finally:
            self._broadcast.close()
        self._finish()

    def step(self) -> float:
        """Run one iteration with all that belongs to it (lines, checks, checkpoint); return its loss."""
        self._take_up_last()
        loss, learning_rate = self._descend()
        self._log("iteration", loss=loss, learning_rate=learning_rate)
        self._settle()
        if self.iteration % (self.checkpoint_every or self.iterations_per_epoch) == 0:
            self._write_checkpoint()
        return loss

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
        self.best_val_acc = 0.0
        self.best_params: dict[str, np.ndarray] = {}
        self.best_bn_params: list[dict[str, np.ndarray]] = []
        self.optim_configs = {
            name: self.optim_config | self.param_config.get(name, {}) for name in self.model.params
        }
        self._averages = Averages(self.model, self.ema, self.lookahead)
        self._checked_at = self._written_at = 0
        self._last: model_state.Weights | None = None

    def _descend(self) -> tuple[float, float | None]:
        """Take one step of gradient descent, whole or not at all; return loss and learning rate."""
        if self.iteration == 0:
            evaluation.check_classes(self.model, self.X_train, self.y_train, self.y_val, self.preprocess)
        factor = factor_at(self.schedule, self.iteration, self.num_iterations)
        X, y = self._batches.at(self.iteration, self._seed)
        with model_state.unchanged_on_error(self.model):
            loss, grads = checks.loss_and_grads(self.model.loss(X, y), self.model.params)
            checks.finite_loss(loss, self.iteration + 1, self.optim_configs)
            params, configs, rate = descend(
                self.update_rule, self.model.params, grads, self.optim_configs, factor
            )
            ends_epoch = (self.iteration + 1) % self.iterations_per_epoch == 0
            configs = decay(configs, self.lr_decay) if ends_epoch else configs
        self.model.params.update(params)
        self.optim_configs = configs
        self.loss_history.append(loss)
        self.iteration += 1
        self._averages.update(self.model, self.iteration, self.num_iterations)
        return loss, rate

    def _settle(self) -> None:
        """Check accuracy where the last iteration calls for it and it is not done yet."""
        t = self.iteration
        due = t in (1, self.num_iterations) or t % self.iterations_per_epoch == 0
        if due and t != self._checked_at:
            self._check()

    def _check(self) -> None:
        checks.finite_params(self.model.params, self.iteration, self.optim_configs)
        with self._averages.judged(self.model, self.iteration):
            train_acc = self.check_accuracy(self.X_train, self.y_train, self.num_train_samples)
            val_acc = self.check_accuracy(self.X_val, self.y_val, self.num_val_samples)
            if val_acc > self.best_val_acc or not self.best_params:
                self.best_val_acc = val_acc
                self.best_params, self.best_bn_params = model_state.weights(self.model)
        self.train_acc_history.append(train_acc)
        self.val_acc_history.append(val_acc)
        self._checked_at = self.iteration
        self._log("accuracy", train_acc=train_acc, val_acc=val_acc, best_val_acc=self.best_val_acc)

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
