"""Each point of the checklist, on a net or data with one thing wrong: the first finding names it."""

from __future__ import annotations

import numpy as np
import pytest
from checking.training.toys import Net, like_shapes, shapes

from handgrad.checking import examine_model
from handgrad.models import FullyConnectedNet, ThreeLayerConvNet, TwoLayerNet

IMBALANCE = "class-imbalance-or-constant-labels"
SGD = {"update_rule": "sgd_momentum"}


def shuffled(y):
    return np.random.default_rng(0).permutation(y)


def with_nan(array):
    array = array.copy()
    array.flat[7] = np.nan
    return array


def changed(model, **params):
    for name, change in params.items():
        model.params[name] = change(model.params[name])
    return model


def data_with_copies(change=lambda X: X):
    X_val = shapes()["X_val"].copy()
    X_val[:30] = change(shapes()["X_train"][:30])
    return like_shapes(X_val=X_val)


MODELS = {
    "loss summed": (Net("summed"), "first-loss-wrong", "loss"),
    "loss doubled": (Net("doubled"), "first-loss-wrong", "loss"),
    "loss doubled, batch norm": (Net("doubled", batchnorm=True), "first-loss-wrong", "loss"),
    "weights too large": (TwoLayerNet(hidden_dim=20, weight_scale=1.0, seed=0), "first-loss-wrong", "scores"),
    "penalty huge": (Net(reg=1e3), "first-loss-wrong", "regularisation"),
    "penalty forgotten": (Net("penalty forgotten", reg=0.1), "regularisation-has-no-effect", "loss"),
    "penalty without gradient": (
        Net("penalty without gradient", reg=0.1),
        "regularisation-has-no-effect",
        "gradients",
    ),
    "penalty of one": (Net("penalty of W1 only", reg=0.1), "regularisation-has-no-effect", "W2"),
    "parameter NaN": (changed(TwoLayerNet(hidden_dim=20, seed=0), W2=with_nan), "nan-layer", "W2"),
    "bias far below": (Net(bias=-1e3), "dead-relus", "relu after W1"),
    "bias far below, our layers": (
        changed(TwoLayerNet(hidden_dim=20, seed=0), b1=lambda b: b - 1e3),
        "dead-relus",
        "relu after W1",
    ),
    "half of the filters dead": (
        changed(
            ThreeLayerConvNet(num_filters=4, filter_size=3, hidden_dim=20, seed=0),
            b1=lambda b: b - np.float32([0, 9, 9, 0]),
        ),
        "dead-relus",
        "relu after W1",
    ),
    "tanh saturated": (Net(act="tanh", scale=0.3), "saturated", "tanh after W1"),
    "sigmoid saturated": (Net(act="sigmoid", scale=0.3), "saturated", "sigmoid after W1"),
    "train mode at test": (Net("train mode at test", batchnorm=True), "bn-wrong-mode", "test mode"),
    "test mode in training": (Net("test mode in training", batchnorm=True), "bn-wrong-mode", "training mode"),
    "recreated": (Net("recreated", batchnorm=True), "bn-recreated", "running statistics"),
    "drops at test": (Net("drops at test", dropout=0.5), "drops-at-test", "scores"),
    "float64 inside": (Net("doubles"), "float64-drift", "gradient of W2"),
    "one gradient float64": (Net("gradient in float64"), "float64-drift", "gradient of W2"),
    "one parameter float64": (
        changed(TwoLayerNet(hidden_dim=20, seed=0), W1=lambda w: w.astype(np.float64)),
        "float64-drift",
        "W1",
    ),
    "images changed": (Net("in place"), "input-changed", "X"),
    "gradient missing": (Net("no gradient of W1"), "gradient-missing", "W1"),
    "gradient zero": (Net("gradient of W1 zero"), "gradient-zero", "gradient of W1"),
    "gradient three times": (Net("gradient of W1 three times"), "gradient-wrong", "gradient of W1"),
    "gradient negative": (Net("gradient of W2 negative"), "gradient-wrong", "gradient of W2"),
    "gradient of a bias zero": (Net("gradient of b1 zero"), "gradient-zero", "gradient of b1"),
    "gradient of W1 half reversed": (Net("gradient of W1 mixed"), "gradient-wrong", "gradient of W1"),
    "penalty twice in the loss": (
        Net("penalty twice", reg=0.1),
        "regularisation-has-no-effect",
        "gradients",
    ),
    "all weights alike": (
        changed(TwoLayerNet(hidden_dim=20, seed=0), W1=lambda w: w * 0 + 1e-3, W2=lambda w: w * 0 + 1e-3),
        "units-alike",
        "W1",
    ),
    "all weights 0": (Net(scale=0.0), "units-alike", "W1"),
    "hundred classes": (TwoLayerNet(hidden_dim=20, num_classes=100, seed=0), IMBALANCE, "y_train"),
}
DATA = {
    "raw pixels": (like_shapes(X_train=shapes()["X_train"] + 2), "not-centred", "X_train"),
    "another mean": (like_shapes(X_val=shapes()["X_val"] + 1), "not-centred", "X_val"),
    "another scale": (like_shapes(X_val=shapes()["X_val"] * 57), "not-centred", "X_val"),
    "labels shuffled": (like_shapes(y_train=shuffled(shapes()["y_train"])), "labels-shuffled", "y_train"),
    "validation labels shuffled": (
        like_shapes(y_val=shuffled(shapes()["y_val"])),
        "labels-shuffled",
        "y_val",
    ),
    "one label": (
        like_shapes(y_train=np.full(300, 3)),
        IMBALANCE,
        "y_train",
    ),
    "one label mostly": (
        like_shapes(y_train=np.where(np.arange(300) % 10, 4, shapes()["y_train"])),
        IMBALANCE,
        "y_train",
    ),
    "classes missing": (
        like_shapes(y_train=shapes()["y_train"] // 2),
        IMBALANCE,
        "y_train",
    ),
    "labels from 1": (
        like_shapes(y_train=np.maximum(shapes()["y_train"], 1), y_val=np.maximum(shapes()["y_val"], 1)),
        IMBALANCE,
        "y_train",
    ),
    "validation from training": (data_with_copies(), "validation-leak", "X_val"),
    "validation mirrored": (data_with_copies(lambda X: X[..., ::-1]), "validation-leak", "X_val"),
    "validation with noise": (
        data_with_copies(lambda X: X + np.random.default_rng(0).normal(0, 0.05, X.shape)),
        "validation-leak",
        "X_val",
    ),
    "image NaN": (like_shapes(X_train=with_nan(shapes()["X_train"])), "nan-layer", "X_train"),
}
STEPS = {
    "adam, too large": (
        TwoLayerNet(hidden_dim=20, seed=0),
        {"optim_config": {"learning_rate": 1.0}},
        "large",
    ),
    "sgd, too large": (
        TwoLayerNet(hidden_dim=20, seed=0),
        {**SGD, "optim_config": {"learning_rate": 1e2}},
        "large",
    ),
    "adam, too small": (
        TwoLayerNet(hidden_dim=20, seed=0),
        {"optim_config": {"learning_rate": 1e-8}},
        "small",
    ),
    "sgd, too small": (
        FullyConnectedNet([20], normalization="batchnorm", seed=0),
        {**SGD, "optim_config": {"learning_rate": 1e-9}},
        "small",
    ),
}


@pytest.mark.parametrize("case", MODELS)
def test_model(case):
    model, mistake, where = MODELS[case]
    first = examine_model(model, shapes()).findings[0]
    assert (first.mistake, first.where) == (mistake, first.where if where is None else where)
    assert first.evidence
    assert first.hint


@pytest.mark.parametrize("case", DATA)
def test_data(case):
    data, mistake, where = DATA[case]
    report = examine_model(TwoLayerNet(hidden_dim=20, seed=0), data)
    assert [(found.mistake, found.where) for found in report.findings][:1] == [(mistake, where)]


@pytest.mark.parametrize("case", STEPS)
def test_steps(case):
    model, options, size = STEPS[case]
    report = examine_model(model, shapes(), **options)
    assert [found.mistake for found in report.findings] == [f"update-ratio-too-{size}"]


@pytest.mark.parametrize("shift", [-1, 1])
@pytest.mark.parametrize("part", ["y_train", "y_val"])
def test_labels_that_name_no_class(shift, part):
    report = examine_model(Net(), like_shapes(**{part: shapes()[part] + shift}))
    mistake = "label-off-by-one" if shift == 1 else "label-out-of-range"
    assert [(found.mistake, found.where) for found in report.findings] == [(mistake, part)]


def test_a_model_that_fails_is_told_with_its_line():
    class Fails(Net):
        def loss(self, X, y=None):
            return super().loss(X, y) if y is None else X @ self.params["W1"]

    report = examine_model(Fails(), shapes())
    assert report.verdict == "broken"
    assert report.findings[0].mistake == "raises"
    assert 'X @ self.params["W1"]' in report.findings[0].evidence


def test_loss_that_is_no_pair_is_told():
    class Alone(Net):
        def loss(self, X, y=None):
            return super().loss(X, y) if y is None else 1.0

    assert "a number and a dictionary" in examine_model(Alone(), shapes()).findings[0].evidence
