"""From settings to what the library works with: data, a net, a Solver."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from handgrad._errors import nearest
from handgrad.cli.settings import MODELS, Settings

if TYPE_CHECKING:
    import numpy as np

    from handgrad.data import Dataset, Standardize
    from handgrad.training import Solver

_WHITENED = 2000  # images whose patches whiten a first layer: two million patches
GET_CIFAR10 = "'handgrad data download' gets it (170 MB)"


class Parts(NamedTuple):
    """What a Solver is made of."""

    dataset: Dataset
    arrays: dict[str, np.ndarray]
    net: Any
    preprocess: Standardize | None


def settle(settings: Settings) -> Settings:
    """Return the settings with data and seed decided, where that was left open."""
    if settings.data == "auto":
        settings = replace(settings, data="cifar10" if _cifar10_is_here(settings) else "shapes")
    if settings.path is not None and settings.data != "cifar10":
        raise ValueError(f"path says where CIFAR-10 is, but data is {settings.data!r}")
    if settings.seed is None:
        settings = replace(settings, seed=secrets.randbelow(2**31))
    return settings


def load_data(settings: Settings) -> tuple[Dataset, dict[str, np.ndarray]]:
    """Return the data set and its six arrays, uint8, with as many images as the settings want.

    Raises
    ------
    FileNotFoundError, ValueError, OSError
        In one sentence, when it is not there, damaged or too small.
    """
    from handgrad import data

    counts = [settings.num_training, settings.num_validation, settings.num_test]
    if settings.data == "shapes":
        names = ("num_training", "num_validation", "num_test")
        given = {name: n for name, n in zip(names, counts, strict=True) if n is not None}
        dataset = data.load_shapes(**given)
    elif settings.data == "cifar10":
        if not _cifar10_is_here(settings):
            raise FileNotFoundError(
                f"CIFAR-10 is not on disk: {GET_CIFAR10}, 'handgrad data' tells the places"
            )
        dataset = data.load_cifar10(settings.path, download=False)
    elif Path(settings.data).expanduser().is_dir():
        dataset = data.load_folder(settings.data, settings.image_size)
    else:
        near = nearest(settings.data, ("cifar10", "shapes", "auto")).partition("; known")[0]
        raise ValueError(
            f"data must be cifar10, shapes, auto or a folder of images, got {settings.data!r}{near}"
        )
    arrays = dataset.split(*counts)
    data.check_split("train", arrays["X_train"], arrays["y_train"], dataset.num_classes)
    data.check_split("val", arrays["X_val"], arrays["y_val"], dataset.num_classes)
    return dataset, arrays


def assemble(settings: Settings) -> Parts:
    """Return data, net and preprocessing for settled settings."""
    dataset, arrays = load_data(settings)
    net, preprocess = _net(settings, dataset), _preprocess(settings, arrays["X_train"])
    if settings.whiten:
        some = arrays["X_train"][:_WHITENED]
        net.whiten(some if preprocess is None else preprocess(some))
    return Parts(dataset, arrays, net, preprocess)


def solver(settings: Settings, parts: Parts, **more: Any) -> Solver:
    """Return the Solver of a run; `more` are arguments of it that are no settings."""
    from handgrad.data import augment
    from handgrad.training import Lookahead, Solver

    if settings.num_epochs < 1:
        raise ValueError(f"num_epochs must be 1 or above, got {settings.num_epochs}")
    return Solver(
        parts.net,
        parts.arrays,
        update_rule=settings.update_rule,
        optim_config=_optim_config(settings),
        param_config=settings.param_config,
        lr_decay=settings.lr_decay,
        batch_size=_batch_size(settings, len(parts.arrays["y_train"])),
        num_epochs=settings.num_epochs,
        num_train_samples=settings.num_train_samples,
        num_val_samples=settings.num_val_samples,
        print_every=settings.print_every,
        schedule=settings.schedule,
        preprocess=parts.preprocess,
        augment=None if settings.augment is None else augment.parse(settings.augment),
        seed=settings.seed,
        ema=settings.ema,
        lookahead=None if settings.lookahead is None else Lookahead.parse(settings.lookahead),
        image_side=_image_side(settings),
        num_snapshots=settings.num_snapshots,
        recalibrate=settings.recalibrate,
        mixup=settings.mixup,
        prune=settings.prune,
        clip_norm=settings.clip_norm,
        clip_value=settings.clip_value,
        background=settings.background,
        checkpoint_every=settings.checkpoint_every,
        **more,
    )


def as_run(settings: Settings, parts: Parts, solver: Solver) -> Settings:
    """Return the settings with every default of the library written out, so that they outlive its changes."""
    import handgrad

    train, val, test = (len(parts.arrays[f"y_{part}"]) for part in ("train", "val", "test"))
    numbers = dict(solver.optim_config)
    return replace(
        settings,
        num_training=train,
        num_validation=val,
        num_test=test,
        batch_size=solver.batch_size,
        learning_rate=numbers.pop("learning_rate"),
        optim_config=numbers,
        backend=handgrad.get_backend(),
        threads=handgrad.get_num_threads(),
    )


def _cifar10_is_here(settings: Settings) -> bool:
    from handgrad.data import find_cifar10

    return find_cifar10(settings.path) is not None


def _net(settings: Settings, dataset: Dataset) -> Any:
    from handgrad import models

    own = (
        "num_filters",
        "filter_size",
        "hidden_dim",
        "hidden_dims",
        "use_batchnorm",
        "normalization",
        "dropout",
        "spec",
        "init",
        "label_smoothing",
    )
    shared = ("weight_scale", "reg", "dtype", "seed")
    config = {name: value for name, value in settings.of_model().items() if name in (*own, *shared)}
    channels, height, width = dataset.input_dim
    flat = settings.model in ("two-layer", "fully-connected")
    return models.build(
        {
            "model": MODELS[settings.model],
            "input_dim": channels * height * width if flat else (channels, height, width),
            "num_classes": dataset.num_classes,
            **config,
        }
    )


def _preprocess(settings: Settings, X: np.ndarray) -> Standardize | None:
    from handgrad.data import Standardize

    if settings.preprocess == "none":
        return None
    if settings.preprocess == "mean":
        return Standardize.fit(X, per="image", dtype=settings.dtype)
    return Standardize.fit(X, per="channel", scale=True, dtype=settings.dtype)


def _batch_size(settings: Settings, num_training: int) -> int:
    return min(50, num_training) if settings.batch_size is None else settings.batch_size


def _image_side(settings: Settings) -> dict[int, int] | None:
    if settings.image_side is None:
        return None
    for epoch in settings.image_side:
        if not epoch.isdecimal():
            raise ValueError(f"image_side must have epochs before the '=', as in 0=20,5=32, got {epoch!r}")
    return {int(epoch): side for epoch, side in settings.image_side.items()}


def _optim_config(settings: Settings) -> dict[str, float]:
    config = dict(settings.optim_config)
    if settings.learning_rate is not None:
        if "learning_rate" in config:
            raise ValueError("learning_rate must be given once, got it in optim_config, too")
        config["learning_rate"] = settings.learning_rate
    return config
