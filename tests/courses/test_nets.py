"""The courses' nets: keywords, first weights, losses. Figures from formulas and PyTorch."""

# ruff: noqa: NPY002 - courses draw from the global generator

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch

from handgrad import courses, models
from handgrad.courses import CourseNote

FC_NETS = [
    ("ucla", "nndl.fc_net"),
    ("stanford", "cs231n.classifiers.fc_net"),
    ("utah", "cs6353.classifiers.fc_net"),
]
CNNS = [("ucla", "nndl.cnn"), ("stanford", "cs231n.classifiers.cnn"), ("utah", "cs6353.classifiers.cnn")]


def module(course, name):
    with courses.enable(course):
        return importlib.import_module(name)


def cross_entropy(scores, y):
    return torch.nn.functional.cross_entropy(torch.tensor(scores), torch.tensor(y)).item()


@pytest.mark.parametrize(("course", "name"), FC_NETS)
def test_two_layer_net_prints_the_courses_losses(course, name):
    N, D, H, C = 3, 5, 50, 7
    net = module(course, name).TwoLayerNet(
        input_dim=D,
        num_classes=C,
        weight_scale=1e-2,
        **{"hidden_dims" if course == "ucla" else "hidden_dim": H},
    )
    assert net.params["W1"].dtype == np.float64
    p = net.params
    p["W1"], p["b1"] = np.linspace(-0.7, 0.3, num=D * H).reshape(D, H), np.linspace(-0.1, 0.9, num=H)
    p["W2"], p["b2"] = np.linspace(-0.3, 0.4, num=H * C).reshape(H, C), np.linspace(-0.9, 0.1, num=C)
    X, y = np.linspace(-5.5, 4.5, num=N * D).reshape(D, N).T, np.array([0, 5, 1])
    scores = np.maximum(X @ p["W1"] + p["b1"], 0) @ p["W2"] + p["b2"]
    np.testing.assert_allclose(net.loss(X), scores, rtol=1e-12)
    loss, _ = net.loss(X, y)
    assert abs(loss - cross_entropy(scores, y)) < 1e-12
    assert f"{loss:.4f}" == "3.4702"
    net.reg = 1.0
    penalty = 0.5 * (np.sum(p["W1"] ** 2) + np.sum(p["W2"] ** 2))
    assert abs(net.loss(X, y)[0] - cross_entropy(scores, y) - penalty) < 1e-11


@pytest.mark.parametrize(("course", "name"), FC_NETS)
def test_first_weights_are_the_courses(course, name):
    net_class = module(course, name).FullyConnectedNet
    np.random.seed(231)
    X, y = np.random.randn(2, 15), np.random.randint(10, size=2)
    state = np.random.get_state()
    net = net_class([20, 30], input_dim=15, num_classes=10, reg=3.14, weight_scale=5e-2, dtype=np.float64)
    after = np.random.get_state()
    np.random.set_state(state)
    weights = [np.random.normal(0, 5e-2, shape) for shape in ((15, 20), (20, 30), (30, 10))]
    for number, w in enumerate(weights, 1):
        np.testing.assert_allclose(net.params[f"W{number}"], w, rtol=1e-15)
    np.testing.assert_array_equal(after[1], np.random.get_state()[1])  # nothing else was drawn
    hidden = X
    for w in weights[:-1]:
        hidden = np.maximum(hidden @ w, 0)
    expected = cross_entropy(hidden @ weights[-1], y) + 0.5 * 3.14 * sum(np.sum(w**2) for w in weights)
    assert abs(net.loss(X, y)[0] - expected) < 1e-10


@pytest.mark.parametrize(("course", "name"), CNNS)
def test_three_layer_conv_net(course, name):
    np.random.seed(3)
    net = module(course, name).ThreeLayerConvNet(
        input_dim=(3, 8, 8), num_filters=4, filter_size=3, hidden_dim=7
    )
    np.random.seed(3)
    for number, shape in enumerate([(4, 3, 3, 3), (64, 7), (7, 10)], 1):
        w = (1e-3 * np.random.randn(*shape)).astype(np.float32)
        np.testing.assert_array_equal(net.params[f"W{number}"], w)
    X, y = np.random.randn(5, 3, 8, 8), np.arange(5)
    loss, grads = net.loss(X, y)
    assert abs(loss - np.log(10)) < 1e-3
    assert grads["W1"].dtype == np.float32
    net.reg = 0.5
    assert net.loss(X, y)[0] > loss + 1e-5
    assert models.build(net.config()).params.keys() == net.params.keys()


def test_batch_norm_by_every_name():
    net_class = module("stanford", "cs231n.classifiers.fc_net").FullyConnectedNet
    for settings in ({"use_batchnorm": True}, {"normalization": "batchnorm"}, {"normalization": True}):
        net = net_class([4], input_dim=3, **settings)
        assert "gamma1" in net.params
        assert net.use_batchnorm
    assert len(net_class([4], 3, 10, 1, "layernorm").params) == 6
    assert net_class([4], 3, 10, 1, False).normalization is None
    cnn = module("ucla", "nndl.cnn").ThreeLayerConvNet((3, 8, 8), 4, 3, 7, 10, 1e-3, 0.0, np.float64, True)
    assert "beta2" in cnn.params


@pytest.mark.parametrize(
    ("course", "name", "settings", "drop"),
    [
        ("ucla", "nndl.fc_net", {"dropout": 0.25}, 0.25),
        ("ucla", "nndl.fc_net", {"dropout": 0}, 0),
        ("utah", "cs6353.classifiers.fc_net", {"dropout": 0.25}, 0.25),
        ("stanford-2017", "cs231n.classifiers.fc_net", {"dropout": 0.25}, 0.25),
        ("stanford", "cs231n.classifiers.fc_net", {"dropout": 0.25}, 0.75),
        ("stanford", "cs231n.classifiers.fc_net", {"dropout": 1}, 0),
        ("stanford", "cs231n.classifiers.fc_net", {"dropout": 0}, 0),
        ("stanford", "cs231n.classifiers.fc_net", {}, 0),
        ("stanford", "cs231n.classifiers.fc_net", {"dropout_keep_ratio": 0.25}, 0.75),
        ("utah", "cs6353.classifiers.fc_net", {"dropout_keep_ratio": 1}, 0),
    ],
)
def test_the_meaning_of_dropout(course, name, settings, drop):
    net = module(course, name).FullyConnectedNet([5], input_dim=3, **settings)
    assert net.dropout_param["p"] == drop
    assert net.use_dropout == (drop > 0)


def test_a_seed_makes_dropout_repeat():
    net_class = module("ucla", "nndl.fc_net").FullyConnectedNet
    X, y = np.ones((4, 3)), np.arange(4)
    net = net_class([50], input_dim=3, dropout=0.5, seed=123, dtype=np.float64, weight_scale=1.0)
    assert net.loss(X, y)[0] == net.loss(X, y)[0]
    net = net_class([50], input_dim=3, dropout=0.5, dtype=np.float64, weight_scale=1.0)
    assert net.loss(X, y)[0] != net.loss(X, y)[0]


def test_everything_dropped_gives_the_logarithm_of_the_classes():
    net = module("utah", "cs6353.classifiers.fc_net").FullyConnectedNet(
        [20, 30], input_dim=15, dropout=1, seed=123, dtype=np.float64
    )
    loss, grads = net.loss(np.ones((2, 15)), np.array([0, 1]))
    assert abs(loss - np.log(10)) < 1e-12
    assert not grads["W1"].any()


def test_dropout_of_ucla_s_two_layer_net_is_ignored_with_a_note():
    courses.enable("ucla")
    net_class = importlib.import_module("nndl.fc_net").TwoLayerNet
    with pytest.warns(CourseNote, match="TwoLayerNet has no dropout"):
        net = net_class(4, 5, 3, 0.5, 1e-2, 0.1)
    assert net.reg == 0.1
    assert net.params["W1"].shape == (4, 5)


@pytest.mark.parametrize(
    ("course", "name", "turned", "factor"),
    [("ucla", "nndl.neural_net", True, 0.5), ("stanford", "cs231n.classifiers.neural_net", False, 1.0)],
)
def test_the_older_net(course, name, turned, factor):
    net_class = module(course, name).TwoLayerNet
    np.random.seed(0)
    net = net_class(4, 10, 3, std=1e-1)
    np.random.seed(0)
    shapes = [(10, 4), (3, 10)] if turned else [(4, 10), (10, 3)]
    W1, W2 = (1e-1 * np.random.randn(*shape) for shape in shapes)
    np.testing.assert_array_equal(net.params["W1"], W1)
    np.random.seed(1)
    X, y = 10 * np.random.randn(5, 4), np.array([0, 1, 2, 2, 1])
    scores = np.maximum(X @ (W1.T if turned else W1), 0) @ (W2.T if turned else W2)
    np.testing.assert_allclose(net.loss(X), scores, rtol=1e-12)
    loss, grads = net.loss(X, y, reg=0.05)
    assert abs(loss - cross_entropy(scores, y) - factor * 0.05 * (np.sum(W1**2) + np.sum(W2**2))) < 1e-12
    assert {key: g.shape for key, g in grads.items()} == {key: w.shape for key, w in net.params.items()}


def test_the_older_net_trains_and_prints(capsys):
    net = module("stanford", "cs231n.classifiers.neural_net").TwoLayerNet(4, 10, 3, std=1e-1)
    rng = np.random.default_rng(0)
    X, y = 10 * rng.standard_normal((30, 4)), rng.integers(3, size=30)
    stats = net.train(X, y, X, y, learning_rate=1e-2, num_iters=101, batch_size=7, verbose=True)
    assert [len(stats[k]) for k in ("loss_history", "train_acc_history", "val_acc_history")] == [101, 21, 21]
    assert stats["loss_history"][-1] < stats["loss_history"][0]
    assert stats["val_acc_history"][-1] == np.mean(net.predict(X) == y)  # the last weights stay
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"iteration 0 / 101: loss {stats['loss_history'][0]:f}"
    assert lines[1].startswith("iteration 100 / 101: loss ")
    assert len(lines) == 2
    net.train(X, y, X, y, num_iters=2, batch_size=200)  # more than there are: all of them
