"""Training runs, sabotaged and healthy, for the training doctor.

A run's `make` returns a model, the courses' data dictionary, and settings of the Solver. Images are small
(3, 8, 8) and few, so that all the runs together take seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from checking.students import nets
from handgrad.data import get_shapes_data
from handgrad.models import ThreeLayerConvNet

Made = tuple[Any, dict[str, np.ndarray], dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """One run: what is wrong (any one of `verdicts` names it; none when healthy) and how it came about."""

    name: str
    verdicts: frozenset[str]
    make: Callable[[], Made]
    story: str

    def __str__(self) -> str:
        return self.name


def patterns(train: int = 400, val: int = 100, seed: int = 0) -> dict[str, np.ndarray]:
    """Ten patterns under noise and changing light; centred, float32; learnable, and not at a glance."""
    rng = np.random.default_rng(seed)
    templates = rng.standard_normal((nets.K, 3, 8, 8))
    y = rng.permutation(np.arange(train + val) % nets.K)
    X = templates[y] * rng.uniform(0.5, 1.5, (train + val, 1, 1, 1)) + 0.8 * rng.standard_normal(
        (len(y), 3, 8, 8)
    )
    X = (X - X[:train].mean(axis=0)).astype(np.float32)
    return {"X_train": X[:train], "y_train": y[:train], "X_val": X[train:], "y_val": y[train:]}


SETTINGS = {"update_rule": "sgd_momentum", "optim_config": {"learning_rate": 2e-2}, "batch_size": 50}


def made(model: Any = None, data: dict[str, np.ndarray] | None = None, **settings: Any) -> Made:
    """Return a healthy run but for what is given."""
    return model or nets.TwoLayer(), data or patterns(), SETTINGS | settings


def _shuffled() -> Made:
    data = patterns()
    data["y_train"] = np.random.default_rng(3).permutation(data["y_train"])
    return made(data=data)


def _shifted() -> Made:
    data = patterns()
    data["y_train"], data["y_val"] = np.roll(data["y_train"], 1), np.roll(data["y_val"], 1)
    return made(data=data)


def _dead() -> Made:
    model = nets.TwoLayer()
    model.params["b1"] -= 10
    return made(model)


def _constant_labels() -> Made:
    data = patterns()
    data["y_train"] = np.full_like(data["y_train"], 3)
    return made(data=data)


def _one_class_rules() -> Made:
    data = patterns(train=900)
    rare = np.flatnonzero(data["y_train"] != 0)[45:]
    keep = np.setdiff1d(np.arange(900), rare)
    zeros = np.concatenate([keep, np.repeat(np.flatnonzero(data["y_train"] == 0), 5)])
    noise = np.random.default_rng(4).standard_normal((len(zeros), 3, 8, 8)).astype(np.float32)
    data["X_train"], data["y_train"] = data["X_train"][zeros] + 0.3 * noise, data["y_train"][zeros]
    return made(data=data)


def _not_centred() -> Made:
    data = patterns()
    for part in ("X_train", "X_val"):
        data[part] = np.clip(128 + 40 * data[part], 0, 255).astype(np.float32)
    return made(nets.TwoLayer(scale=1e-4), data)


def _leak() -> Made:
    data = patterns()
    data["X_val"], data["y_val"] = data["X_val"].copy(), data["y_val"].copy()
    data["X_val"][:40], data["y_val"][:40] = data["X_train"][100:140], data["y_train"][100:140]
    return made(data=data)


def _nan_layer() -> Made:
    data = patterns()
    data["X_train"] = data["X_train"].copy()
    data["X_train"][::10] = 0
    return made(nets.DividesByDeviation(), data)


def _zeroed() -> Made:
    return made(nets.ZeroesFirstGradient(hidden=4))


def _huge_tanh() -> Made:
    return made(nets.Squashing("tanh", scale=5.0))


def _huge_sigmoid() -> Made:
    return made(nets.Squashing("sigmoid", scale=5.0))


def _rate(rate: float) -> Callable[[], Made]:
    return lambda: made(optim_config={"learning_rate": rate})


def _net(kind: Callable[..., Any], *args: Any, **options: Any) -> Callable[[], Made]:
    return lambda: made(kind(*args, **options))


def _run(name: str, verdicts: str, make: Callable[[], Made], story: str) -> Run:
    return Run(name, frozenset(verdicts.split()), make, story)


SABOTAGED = [
    _run("labels_shuffled", "labels-shuffled", _shuffled, "Shuffles the labels and not the images."),
    _run("labels_one_row_off", "labels-shuffled", _shifted, "Reads the labels one line too late."),
    _run(
        "all_one_label",
        "class-imbalance-or-constant-labels",
        _constant_labels,
        "Takes y from a wrong column.",
    ),
    _run(
        "one_class_rules",
        "class-imbalance-or-constant-labels",
        _one_class_rules,
        "Nine of ten are of class 0.",
    ),
    _run("not_centred", "not-centred", _not_centred, "Feeds raw pixels, 0 to 255."),
    _run("validation_leak", "validation-leak", _leak, "Samples validation images from the training set."),
    _run("rate_too_large", "update-ratio-too-large", _rate(20.0), "A learning rate of 20."),
    _run("rate_too_small", "update-ratio-too-small", _rate(1e-8), "A learning rate of 1e-8."),
    _run("dead_relus", "dead-relus", _dead, "Starts the biases at -10."),
    _run("saturated_tanh", "saturated", _huge_tanh, "Weights of deviation 5 before a tanh."),
    _run("saturated_sigmoid", "saturated", _huge_sigmoid, "Weights of deviation 5 before a sigmoid."),
    _run("nan_layer", "nan-layer", _nan_layer, "Divides by a deviation that can be 0."),
    _run(
        "penalty_forgotten",
        "regularisation-has-no-effect",
        _net(nets.ForgetsPenalty, reg=0.1),
        "Never uses reg.",
    ),
    _run(
        "penalty_not_in_loss",
        "regularisation-has-no-effect",
        _net(nets.PenaltyInGradientOnly, reg=0.1),
        "Adds the penalty to the gradients alone.",
    ),
    _run(
        "weights_too_big", "first-loss-wrong", _net(nets.TwoLayer, out_scale=3.0), "Forgets the weight scale."
    ),
    _run("loss_summed", "first-loss-wrong", _net(nets.SumsLoss), "Sums the loss over the batch."),
    _run(
        "first_layer_frozen",
        "gradient-zero cannot-overfit update-ratio-too-small",
        _zeroed,
        "dW1 stays zero.",
    ),
    _run(
        "climbs", "gradient-wrong cannot-overfit", _net(nets.ClimbsUp), "Every gradient has the wrong sign."
    ),
    _run(
        "bn_always_train", "bn-wrong-mode", _net(nets.BatchNormed, "always train"), "Never switches to test."
    ),
    _run("bn_always_test", "bn-wrong-mode", _net(nets.BatchNormed, "always test"), "Trains in test mode."),
    _run(
        "bn_recreated",
        "bn-recreated",
        _net(nets.BatchNormed, "recreated"),
        "Makes bn_param anew in each call.",
    ),
    _run("float64_drift", "float64-drift", _net(nets.DriftsToFloat64), "One layer is float64."),
]


def _course_recipe() -> Made:
    data = get_shapes_data(num_training=300, num_validation=100, num_test=10)
    model = ThreeLayerConvNet(
        num_filters=4, filter_size=3, hidden_dim=30, weight_scale=1e-3, reg=1e-3, seed=0
    )
    settings = {"update_rule": "adam", "optim_config": {"learning_rate": 1e-3}, "batch_size": 50}
    return model, data, settings


HEALTHY = [
    _run("healthy_two_layer", "", made, "He's weights, momentum."),
    _run("healthy_penalty", "", _net(nets.TwoLayer, reg=1e-2, seed=1), "With a penalty."),
    _run("healthy_tanh", "", _net(nets.Squashing, "tanh", scale=1 / np.sqrt(nets.D)), "Glorot's weights."),
    _run("healthy_batchnorm", "", _net(nets.BatchNormed, reg=1e-3), "Batch norm, its modes in order."),
    _run("healthy_dropout", "", _net(nets.BatchNormed, drop=0.3, seed=2), "Batch norm and dropout."),
    _run("healthy_float64", "", _net(nets.TwoLayer, dtype=np.float64), "float64 all through, on purpose."),
    _run(
        "healthy_course_recipe", "", _course_recipe, "The course's three-layer net, Adam, weight scale 1e-3."
    ),
]
RUNS = SABOTAGED + HEALTHY
