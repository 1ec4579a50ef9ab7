"""The Solver as the courses call it."""

from __future__ import annotations

import importlib
import re

import numpy as np
import pytest

from handgrad import courses
from handgrad.courses import CourseNote


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    return {
        "X_train": rng.standard_normal((40, 6)), "y_train": rng.integers(3, size=40),
        "X_val": rng.standard_normal((10, 6)), "y_val": rng.integers(3, size=10),
    }  # fmt: skip


def parts(course, solver, nets):
    courses.enable(course)
    net = importlib.import_module(nets).FullyConnectedNet([8], input_dim=6, num_classes=3, weight_scale=0.1)
    return importlib.import_module(solver).Solver, net


def test_the_courses_lines(data, capsys):
    Solver, net = parts("stanford", "cs231n.solver", "cs231n.classifiers.fc_net")
    Solver(
        net, data, num_epochs=2, batch_size=20, print_every=2, optim_config={"learning_rate": 1e-3}
    ).train()
    lines = capsys.readouterr().out.splitlines()
    accuracy = r"train acc: \d\.\d{6}; val_acc: \d\.\d{6}"
    expected = [
        r"\(Iteration 1 / 4\) loss: \d\.\d{6}",
        rf"\(Epoch 0 / 2\) {accuracy}",
        rf"\(Epoch 1 / 2\) {accuracy}",
        r"\(Iteration 3 / 4\) loss: \d\.\d{6}",
        rf"\(Epoch 2 / 2\) {accuracy}",
    ]
    assert len(lines) == len(expected)
    assert all(map(re.fullmatch, expected, lines))


@pytest.mark.parametrize("solver", ["utils.solver", "cs231n.solver"])
def test_rules_keep_the_courses_state(data, solver):
    Solver, net = parts("ucla", solver, "nndl.fc_net")
    run = Solver(net, data, update_rule="adam", num_epochs=1, batch_size=20, verbose=False, lr_decay=0.5)
    run.train()
    assert {"v", "a", "t"} <= set(run.optim_configs["W1"])
    assert "m" not in run.optim_configs["W1"]
    assert run.optim_configs["W1"]["learning_rate"] == 5e-4
    assert np.all(run.optim_configs["W1"]["a"] >= 0)


def test_a_students_own_rule_and_model(data):
    Solver, _ = parts("utah", "cs6353.solver", "cs6353.classifiers.fc_net")

    class Mine:
        params = {"W": np.zeros((6, 3))}  # noqa: RUF012

        def loss(self, X, y=None):
            scores = X @ self.params["W"]
            return scores if y is None else (float(np.sum(scores**2)), {"W": np.ones((6, 3))})

    run = Solver(Mine(), data, update_rule=lambda w, dw, c: (w - dw, c), batch_size=40, num_epochs=1)
    run.train()
    np.testing.assert_array_equal(run.model.params["W"], -np.ones((6, 3)))


def test_a_batch_above_the_images_means_all(data):
    Solver, net = parts("stanford", "cs231n.solver", "cs231n.classifiers.fc_net")
    with pytest.warns(CourseNote, match="batch_size 100 means all 40 training images"):
        run = Solver(net, data, num_epochs=3, verbose=False)
    assert run.num_iterations == 3


@pytest.mark.parametrize("good_steps", [0, 3])
def test_a_run_that_diverges_ends_with_a_note(data, good_steps):
    Solver, net = parts("stanford", "cs231n.solver", "cs231n.classifiers.fc_net")
    calls = []

    def wild(w, dw, config):
        calls.append(None)
        return np.full_like(w, np.nan if len(calls) > good_steps * len(net.params) else 0), config

    run = Solver(net, data, num_epochs=3, batch_size=20, verbose=False, update_rule=wild)
    with pytest.warns(CourseNote, match="training stopped: "):
        run.train()
    assert len(run.loss_history) < 6
    assert 0 <= max(run.val_acc_history) <= 1
    assert np.isfinite(net.params["W1"]).all() == (good_steps > 0)


def test_unknown_rule(data):
    Solver, net = parts("stanford", "cs231n.solver", "cs231n.classifiers.fc_net")
    with pytest.raises(ValueError, match=r"update_rule has no option 'adamm'; did you mean 'adam'\?"):
        Solver(net, data, batch_size=20, update_rule="adamm")
