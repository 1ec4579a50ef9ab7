"""Nobody computes the gradient of what nobody trains."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad
from handgrad import layers
from handgrad.data import get_shapes_data
from handgrad.models import ConvNet
from handgrad.training import Solver
from handgrad.training.lr_find import find_learning_rate

SPEC = (
    "conv3-4 - relu - conv3-6 - bn - relu - pool2 - res(conv3-6 - relu - conv3-6) - affine8 - relu - affine5"
)


def batch(n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 3, 8, 8)), rng.integers(0, 5, n)


def net() -> ConvNet:
    return ConvNet(SPEC, (3, 8, 8), 5, reg=0.1, dtype=np.float64, seed=0)


@pytest.mark.parametrize(
    "frozen",
    [
        {"b1"},
        {"W1", "b1"},
        {"W1", "b1", "W2", "b2"},
        {"W1", "b1", "W2", "b2", "gamma1", "beta1"},
        {"W1", "b1", "W2", "b2", "gamma1", "beta1", "W3", "b3"},
        {"W2", "b6"},
        {f"{letter}{number}" for letter in "Wb" for number in range(1, 6)} | {"gamma1", "beta1"},
        set(net().params),
    ],
    ids=lambda frozen: f"{len(frozen)}-{'-'.join(sorted(frozen)[:2])}",
)
def test_the_other_gradients_and_the_loss_are_the_same_to_the_last_bit(frozen):
    X, y = batch()
    loss, grads = net().loss(X, y)
    ours = net()
    ours.frozen = frozen
    same_loss, fewer = ours.loss(X, y)
    assert same_loss == loss
    assert list(fewer) == [name for name in grads if name not in frozen]
    for name, dw in fewer.items():
        np.testing.assert_array_equal(dw, grads[name])


def test_backward_ends_where_nothing_below_is_trained():
    seen = []

    def backward(dout, cache, **options):
        seen.append((dout.shape[1], options))
        return taken(dout, cache, **options)

    taken = layers.conv_backward
    X, y = batch()
    ours = ConvNet("conv3-4 - gelu - conv3-5 - gelu - conv3-6 - gelu - affine", (3, 8, 8), 5, seed=0)
    ours.frozen = {"W1", "b1"}
    with handgrad.use_backend("numpy"), handgrad.use_layer(conv_backward=backward):
        ours.loss(X, y)
    assert seen == [(6, {}), (5, {"need_dx": False})]


def train(model: ConvNet, param_config: dict) -> Solver:
    data = get_shapes_data(num_training=40, num_validation=10, num_test=10, seed=0)
    solver = Solver(
        model, data, param_config=param_config, num_epochs=3, batch_size=20, seed=0, verbose=False
    )
    solver.train()
    return solver


def test_a_solver_leaves_the_frozen_out_only_while_it_trains():
    rates = {name: {"learning_rate": 0} for name in ("W1", "b1")}
    frozen = {name: {"freeze_after": 0} for name in ("W1", "b1")}
    settings = {"spec": "conv3-4 - gelu - conv3-6 - bn - gelu - affine", "seed": 0}
    one, other = ConvNet(**settings), ConvNet(**settings)
    train(one, rates)
    train(other, frozen)
    for name, w in one.params.items():
        np.testing.assert_array_equal(w, other.params[name])
    assert other.frozen == ()
    X, y = np.ones((2, 3, 32, 32)), np.array([0, 1])
    assert list(other.loss(X, y)[1]) == list(other.params)


def test_a_search_for_a_learning_rate_leaves_them_out_too():
    model = ConvNet("conv3-4 - gelu - affine", seed=0)
    data = get_shapes_data(num_training=40, num_validation=10, num_test=10, seed=0)
    asked = []
    loss = model.loss
    model.loss = lambda X, y=None: asked.append(set(model.frozen)) or loss(X, y)
    solver = Solver(model, data, param_config={"W1": {"freeze_after": 0}}, batch_size=20, seed=0)
    find_learning_rate(solver, steps=10)
    assert {"W1"} in asked
    assert model.frozen == ()
