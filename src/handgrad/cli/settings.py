"""The settings of a training run: names, kinds, defaults and help, stated once for options and TOML files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from handgrad._errors import check_known, nearest
from handgrad.cli.kinds import NUMBER, NUMBERS, SIZES, SWITCH, TABLE, TEXT, WHOLE, Kind

MODELS = {
    "three-layer": "ThreeLayerConvNet",
    "two-layer": "TwoLayerNet",
    "fully-connected": "FullyConnectedNet",
    "conv-net": "ConvNet",
}
"""The models that can be trained here, and their classes in `handgrad.models`."""


@dataclass(frozen=True)
class About:
    """What is known of a setting beside its name and default."""

    group: str
    kind: Kind
    help: str
    also: str = ""  # a second, shorter name of the option
    choices: tuple[str, ...] = ()
    models: tuple[str, ...] = ()  # that have it; none stands for all


def _setting(group: str, kind: Kind, default: Any, help: str, **more: Any) -> Any:
    return field(default_factory=lambda: default, metadata={"about": About(group, kind, help, **more)})


_DATA, _NET, _TRAINING, _MACHINE = "Data", "Network", "Training", "Machine"
_CNN, _FC, _TEXT = ("three-layer",), ("fully-connected",), ("conv-net",)

WEIGHT_SCALE = 0.02  # of the models whose layers are fixed; conv-net has an init for each layer


@dataclass(frozen=True)
class Settings:
    """All settings of a run. None leaves a choice to what its help names."""

    data: str = _setting(
        _DATA,
        TEXT,
        "auto",
        "cifar10, shapes, or a folder with a folder of images for each class; auto is CIFAR-10 where it is "
        "on disk, else shapes",
    )
    path: str | None = _setting(_DATA, TEXT, None, "Where CIFAR-10 is (default: as 'handgrad data' tells)")
    num_training: int | None = _setting(_DATA, WHOLE, None, "Training images (default: all)")
    num_validation: int | None = _setting(_DATA, WHOLE, None, "Validation images (default: all there are)")
    num_test: int | None = _setting(_DATA, WHOLE, None, "Test images (default: all)")
    image_size: int = _setting(_DATA, WHOLE, 32, "Side to which images of a folder are resized")
    preprocess: str = _setting(
        _DATA,
        TEXT,
        "standardize",
        "standardize: subtract each channel's mean and divide by its standard deviation; mean: subtract the "
        "mean image; none",
        choices=("mean", "standardize", "none"),
    )
    augment: str | None = _setting(
        _DATA, TEXT, None, "Such as flip,crop4,cutout8,colour0.1; or alternating_flip,reflect_crop2"
    )

    model: str = _setting(_NET, TEXT, "three-layer", ", ".join(MODELS), choices=tuple(MODELS))
    num_filters: int = _setting(_NET, WHOLE, 32, "Filters of the convolution", models=_CNN)
    filter_size: int = _setting(_NET, WHOLE, 3, "Side of a filter", models=_CNN)
    hidden_dim: int = _setting(
        _NET, WHOLE, 100, "Units of the hidden layer (not of fully-connected)", models=(*_CNN, "two-layer")
    )
    hidden_dims: Sequence[int] = _setting(
        _NET, SIZES, [200, 100], "Units of each hidden layer, such as 200,100 (fully-connected)", models=_FC
    )
    spec: str = _setting(
        _NET,
        TEXT,
        "[conv3-32 - bn - relu - pool2]x3 - affine100 - relu - affine - softmax",
        "The layers of conv-net, which a spec alone chooses",
        models=_TEXT,
    )
    init: str = _setting(
        _NET,
        TEXT,
        "he",
        "How weights begin: he, glorot, orthogonal, dirac (conv-net)",
        choices=("he", "glorot", "orthogonal", "dirac"),
        models=_TEXT,
    )
    whiten: bool = _setting(
        _NET, SWITCH, False, "Let a first convolution whiten patches of the training images", models=_TEXT
    )
    label_smoothing: float = _setting(
        _NET, NUMBER, 0.0, "Share of the target that the softmax loss spreads evenly (conv-net)", models=_TEXT
    )
    weight_scale: float | None = _setting(
        _NET,
        NUMBER,
        None,
        f"Standard deviation of the first weights (default: {WEIGHT_SCALE}; conv-net: by init)",
    )
    reg: float = _setting(_NET, NUMBER, 0.0, "Strength of the L2 penalty")
    use_batchnorm: bool = _setting(_NET, SWITCH, False, "Batch norm after each hidden layer", models=_CNN)
    normalization: str | None = _setting(
        _NET,
        TEXT,
        None,
        "batchnorm or layernorm (fully-connected)",
        choices=("batchnorm", "layernorm"),
        models=_FC,
    )
    dropout: float = _setting(
        _NET, NUMBER, 0.0, "Probability to drop a hidden unit (fully-connected)", models=_FC
    )
    dtype: str = _setting(_NET, TEXT, "float32", "float32 or float64", choices=("float32", "float64"))

    num_epochs: int = _setting(_TRAINING, WHOLE, 5, "Times that each image is seen", also="--epochs")
    batch_size: int | None = _setting(
        _TRAINING, WHOLE, None, "Images in a step (default: 50, or all where there are fewer)"
    )
    update_rule: str = _setting(_TRAINING, TEXT, "adam", "sgd, sgd_momentum, rmsprop, adam, adamw, ...")
    learning_rate: float | None = _setting(
        _TRAINING, NUMBER, None, "Default: the rule's own, 0.001 for adam", also="--lr"
    )
    optim_config: Mapping[str, float] = _setting(
        _TRAINING,
        NUMBERS,
        {},
        "Another number of the rule, such as momentum=0.95 or l2=0.0005",
        also="--optim",
    )
    param_config: Mapping[str, Mapping[str, float]] | None = _setting(
        _TRAINING,
        TABLE,
        None,
        "Numbers for some parameters, such as 'beta*: lr_factor=64, weight_decay=0; W1: freeze_after=0'",
    )
    lr_decay: float = _setting(_TRAINING, NUMBER, 0.9, "Factor of the learning rate after each epoch")
    schedule: str | None = _setting(
        _TRAINING, TEXT, None, "Such as cosine, one_cycle, triangle, 'warm_up(200)+cosine'"
    )
    ema: float | None = _setting(_TRAINING, NUMBER, None, "Decay of an average of the weights, such as 0.999")
    lookahead: str | None = _setting(
        _TRAINING, TEXT, None, "Slow weights: every so many steps, part of the way, such as 5,0.5"
    )
    num_train_samples: int | None = _setting(
        _TRAINING, WHOLE, 1000, "Training images that a check of accuracy draws"
    )
    num_val_samples: int | None = _setting(
        _TRAINING, WHOLE, None, "Validation images that a check of accuracy draws (default: all)"
    )
    seed: int | None = _setting(
        _TRAINING, WHOLE, None, "Makes a run repeatable (default: drawn, written down)"
    )
    print_every: int = _setting(_TRAINING, WHOLE, 100, "Steps from one printed loss to the next")
    image_side: Mapping[str, int] | None = _setting(
        _TRAINING, NUMBERS, None, "Side of training images from an epoch on, such as 0=20,5=26,8=32"
    )
    num_snapshots: int | None = _setting(
        _TRAINING, WHOLE, None, "Weights kept on the way for an ensemble; with schedule 'cosine_cycles(5)'"
    )
    recalibrate: int | None = _setting(
        _TRAINING, WHOLE, None, "Batches over which batch norm is measured anew before weights are evaluated"
    )
    mixup: float | None = _setting(
        _TRAINING, NUMBER, None, "Mix images and labels in pairs: alpha of the share, such as 0.2 (softmax)"
    )
    prune: float | None = _setting(
        _TRAINING, NUMBER, None, "Share left out of the images with small losses, such as 0.5 (softmax)"
    )
    clip_norm: float | None = _setting(
        _TRAINING, NUMBER, None, "Largest norm of all gradients together; larger ones are shrunk"
    )
    clip_value: float | None = _setting(_TRAINING, NUMBER, None, "Largest number in a gradient, up or down")
    checkpoint_every: int | None = _setting(
        _TRAINING, WHOLE, None, "Steps from one checkpoint to the next (default: an epoch)"
    )

    backend: str | None = _setting(_MACHINE, TEXT, None, "Which tier computes (default: the fastest)")
    threads: int | None = _setting(_MACHINE, WHOLE, None, "Threads of native kernels (default: one a core)")
    background: bool = _setting(
        _MACHINE, SWITCH, False, "Prepare the next batch on a second thread; the numbers stay the same"
    )
    tensorboard: bool = _setting(_MACHINE, SWITCH, False, "Write events for TensorBoard, too")

    def of_model(self) -> dict[str, Any]:
        """Return the settings that mean something for the chosen model."""
        return {name: value for name, value in asdict(self).items() if _applies(name, self.model)}


ABOUT: dict[str, About] = {each.name: each.metadata["about"] for each in fields(Settings)}
"""What is known of each setting, by its name."""


def check(given: Mapping[str, Any], where: str) -> None:
    """Refuse settings that cannot be, whatever the others are.

    Parameters
    ----------
    given : mapping
    where : str
        Where they come from, for the message.

    Raises
    ------
    ValueError
        When a name is unknown, or a value is of another kind or not among the choices.
    """
    check_known(where, given, ABOUT)
    for name, value in given.items():
        _check(f"{where}: {name}", ABOUT[name], value)


def make(given: Mapping[str, Any]) -> Settings:
    """Return the given settings, which `check` let pass, with defaults for the others.

    A spec chooses its model; the first weights of the other models have a scale.

    Raises
    ------
    ValueError
        When a setting belongs to another model than the chosen one.
    """
    if "spec" in given and "model" not in given:
        given = {**given, "model": _TEXT[0]}
    settings = Settings(**given)
    for name in given:
        if not _applies(name, settings.model):
            owners = " or ".join(ABOUT[name].models)
            raise ValueError(f"{name} is a setting of {owners}, but model is {settings.model}")
    if settings.weight_scale is None and settings.model not in _TEXT:
        settings = replace(settings, weight_scale=WEIGHT_SCALE)
    return settings


def _check(what: str, about: About, value: Any) -> None:
    if not about.kind.fits(value):
        raise ValueError(f"{what} must be {about.kind.words}, got {value!r}")
    if about.choices and value not in about.choices:
        raise ValueError(f"{what} has no option {value!r}{nearest(value, about.choices)}")


def _applies(name: str, model: str) -> bool:
    return not ABOUT[name].models or model in ABOUT[name].models
