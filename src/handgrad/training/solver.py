"""The Solver: trains any model that has ``params`` and ``loss``."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from handgrad._numbers import whole_number
from handgrad.training import checkpoint, checks, feeding, interrupts, logging, model_state, trials
from handgrad.training import resume as resuming
from handgrad.training.lookahead import Lookahead
from handgrad.training.optim import Rule, get_rule
from handgrad.training.param_config import by_name
from handgrad.training.run import Run
from handgrad.training.schedule import Factor
from handgrad.training.schedules import get_schedule


class Solver(Run):
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
        Settings of the update rule for some parameters, by name or pattern: ``{"beta*": {"lr_factor": 64,
        "weight_decay": 0}, "W1": {"freeze_after": 0}}``; see `handgrad.training.param_config`.
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
    image_side : dict, optional
        Train on smaller images at first: ``{0: 20, 5: 26, 8: 32}`` is the side from epochs 0, 5 and 8 on.
        They are resized after `preprocess` (`handgrad.data.resize`); evaluation sees them as they are. The
        model must take both, as a `ConvNet` with ``globalpool`` does. Howard, "Training Imagenet in 3
        hours", 2018; Tan and Le, "EfficientNetV2", 2021.
    num_snapshots : int, optional
        Keep the weights at the end of each of so many equal parts of the run, for an ensemble; goes with
        the schedules ``"cosine_cycles(5)"`` and ``"triangle(cycles=5)"`` (Huang et al., "Snapshot ensembles",
        2017). `lookahead` and `prune` take each part for a run of its own.
    recalibrate : int, optional
        Measure batch norm's running statistics anew over so many training batches, not augmented, before
        weights are evaluated, as averaged ones want it; see `handgrad.training.recalibration`.
    mixup : float, optional
        Mix the images of a batch in pairs, and their labels: alpha, such as 0.2; see `handgrad.data.mixup`.
        The model's ``loss(X, y)`` then gets soft labels (N, K), which nets of `handgrad.models` with the
        softmax loss take. Random numbers for it are drawn apart from those of `augment`.
    prune : float, optional
        Leave out, in the first seven eighths of the run, or of each part with a snapshot, so great a share of
        the images whose loss was below the mean when they were last seen, and weigh the others of them up:
        0.5 makes an epoch a third shorter, its batches smaller; see `handgrad.training.pruning`. For a model
        whose loss takes weights, as a `ConvNet` with softmax; goes neither with `mixup` nor `background`.
    clip_norm, clip_value : float, optional
        The longest that the gradients may be together, and the largest that a number in them may be; see
        `handgrad.training.clipping`.
    background : bool
        Prepare the next batch on a second thread while the model computes: of use where that leaves a core
        idle. The numbers are the same; `augment` and `preprocess` must not depend on what the model does
        meanwhile.

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
    snapshots : list
        ``(params, running statistics)`` at the end of each part of the run.
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
        image_side: Mapping[int, int] | None = None,
        num_snapshots: int | None = None,
        recalibrate: int | None = None,
        mixup: float | None = None,
        prune: float | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        background: bool = False,
    ) -> None:
        checks.model(model)
        self.model = model
        self.X_train, self.y_train, self.X_val, self.y_val = checks.data_arrays(data)
        self.update_rule = get_rule(update_rule)
        self.optim_config = checks.optim_config(self.update_rule, optim_config, schedule)
        self.param_config = by_name(self.update_rule, param_config, model.params)
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
        self.image_side = checks.image_side(image_side, self.X_train)
        if self.image_side is not None:
            trials.sides(model, self.X_train, self.preprocess, self.image_side.values())
        self.num_snapshots = checks.optional_whole_number("num_snapshots", num_snapshots, 1)
        self.recalibrate = checks.recalibrate(model, recalibrate)
        self.mixup = checks.optional_positive_number("mixup", mixup)
        if self.mixup is not None:
            trials.soft_labels(model, self.X_train, self.preprocess)
        self.prune = checks.prune(prune, mixup=mixup, background=background)
        if self.prune is not None:
            trials.weights(model, self.X_train, self.y_train, self.preprocess)
        self.clip_norm = checks.optional_positive_number("clip_norm", clip_norm)
        self.clip_value = checks.optional_positive_number("clip_value", clip_value)
        self.background = bool(background)
        self.checkpoint_every = checks.optional_whole_number("checkpoint_every", checkpoint_every, 1)
        lines = logging.CourseLines(self.print_every) if verbose else None
        bar = logging.ProgressBar() if progress else None
        self._broadcast = logging.Broadcast(lines, bar, logger)
        self._seed = feeding.run_seed(seed)
        settings = (self.batch_size, self.augment, self.preprocess, self.mixup, self.image_side)
        self._batches = feeding.Batches(self.X_train, self.y_train, *settings)
        self._begin()
        name = None if checkpoint_name is None else checks.folder("checkpoint_name", checkpoint_name)
        self.checkpoint_name = None if name is None else checkpoint.prepare(name)
        resuming.begin(self, resume)

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

    def snapshot_models(self) -> list[Any]:
        """Return a copy of the model for each of `snapshots`: ``Ensemble(solver.snapshot_models())``."""
        models = [copy.deepcopy(self.model) for _ in self.snapshots]
        for model, kept in zip(models, self.snapshots, strict=True):
            model_state.set_weights(model, kept)
        return models
