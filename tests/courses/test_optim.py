"""Update rules under each course's keys; expected numbers from the formulas, one entry after another."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from handgrad import courses
from handgrad.courses import CourseNote

N, D = 4, 5
W = np.linspace(-0.4, 0.6, num=N * D).reshape(N, D)
DW = np.linspace(-0.6, 0.4, num=N * D).reshape(N, D)
FIRST = np.linspace(0.6, 0.9, num=N * D).reshape(N, D)
SECOND = np.linspace(0.7, 0.5, num=N * D).reshape(N, D)
FAMILIES = [
    ("ucla", "nndl.optim", "v", "a", "a"),
    ("stanford", "cs231n.optim", "m", "v", "cache"),
    ("utah", "cs6353.optim", "m", "v", "cache"),
]


def rules(course, module):
    with courses.enable(course):
        return importlib.import_module(module)


def each(rule, *arrays):
    columns = zip(
        *(rule(*numbers) for numbers in zip(*(a.ravel() for a in arrays), strict=True)), strict=True
    )
    return [np.reshape(column, (N, D)) for column in columns]


@pytest.mark.parametrize(("course", "module", "first", "second", "squares"), FAMILIES)
def test_adam_after_five_steps(course, module, first, second, squares):
    def adam(w, g, m, v):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        return w - 1e-2 * (m / (1 - 0.9**6)) / (np.sqrt(v / (1 - 0.999**6)) + 1e-8), m, v

    config = {"learning_rate": 1e-2, first: FIRST, second: SECOND, "t": 5}
    next_w, returned = rules(course, module).adam(W, DW, config=config)
    expected_w, expected_m, expected_v = each(adam, W, DW, FIRST, SECOND)
    np.testing.assert_allclose(next_w, expected_w, rtol=1e-12)
    np.testing.assert_allclose(config[first], expected_m, rtol=1e-12)
    np.testing.assert_allclose(config[second], expected_v, rtol=1e-12)
    assert returned is config
    assert config["t"] == 6
    assert set(config) == {"learning_rate", "beta1", "beta2", "epsilon", "t", first, second}
    np.testing.assert_allclose(
        next_w[0, :2], [-0.40094747, -0.34836187], atol=5e-9
    )  # as the courses print it


@pytest.mark.parametrize(("course", "module", "first", "second", "squares"), FAMILIES)
def test_rmsprop(course, module, first, second, squares):
    def rmsprop(w, g, s):
        s = 0.99 * s + 0.01 * g * g
        return w - 1e-2 * g / (np.sqrt(s) + 1e-8), s

    config = {"learning_rate": 1e-2, squares: FIRST}
    next_w, _ = rules(course, module).rmsprop(W, DW, config=config)
    expected_w, expected_s = each(rmsprop, W, DW, FIRST)
    np.testing.assert_allclose(next_w, expected_w, rtol=1e-12)
    np.testing.assert_allclose(config[squares], expected_s, rtol=1e-12)
    assert set(config) == {"learning_rate", "decay_rate", "epsilon", squares}


def test_momentum_and_nesterov():
    optim = rules("ucla", "nndl.optim")
    velocity = 0.9 * FIRST - 1e-3 * DW
    for rule, step in (
        (optim.sgd_momentum, velocity),
        (optim.sgd_nesterov_momentum, 0.9 * velocity - 1e-3 * DW),
    ):
        config = {"learning_rate": 1e-3, "velocity": FIRST}
        next_w, _ = rule(W, DW, config)
        np.testing.assert_allclose(next_w, W + step, rtol=1e-12)
        np.testing.assert_allclose(config["velocity"], velocity, rtol=1e-12)


@pytest.mark.parametrize(("course", "module", "first", "second", "squares"), FAMILIES)
def test_first_step_from_nothing(course, module, first, second, squares):
    optim = rules(course, module)
    for name in ("sgd", "sgd_momentum", "rmsprop", "adam"):
        w, dw = W.copy(), DW.copy()
        next_w, config = getattr(optim, name)(w, dw)
        assert np.all((next_w < W) == (DW > 0))
        assert config["learning_rate"] > 0
        np.testing.assert_array_equal(w, W)  # the courses' sgd changes it; a rule of ours does not


def test_unknown_settings_stay_and_are_noted():
    optim = rules("stanford", "cs231n.optim")
    config = {"learning_rate": 0.5, "momentum": 0.9}
    courses.enable("stanford")
    with pytest.warns(CourseNote, match="sgd has no setting 'momentum', and ignores it"):
        next_w, _ = optim.sgd([1, 2], [1, 1], config)
    np.testing.assert_array_equal(next_w, [0.5, 1.5])
    assert config == {"learning_rate": 0.5, "momentum": 0.9}


def test_nesterov_is_ucla_s_alone():
    assert not hasattr(rules("stanford", "cs231n.optim"), "sgd_nesterov_momentum")
