"""Gradients that are left as two factors: the same training, and an array for whoever wants one."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from tolerances import assert_close

import handgrad
from handgrad.backend import factored
from handgrad.backend.before import Before
from handgrad.backend.factored import Product, factored_gradients
from handgrad.models import ConvNet, FullyConnectedNet, ThreeLayerConvNet, TwoLayerNet
from handgrad.training import Solver, optim
from handgrad.training.lr_find import find_learning_rate

pytestmark = pytest.mark.usefixtures("native_tier")

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(12, 3, 8, 8)), RNG.integers(0, 5, 12)
DATA = {"X_train": X, "y_train": y, "X_val": X[:4], "y_val": y[:4]}
MODELS = {
    "conv": lambda reg: ConvNet(
        "conv3-4 - relu - pool2 - affine6 - bn - relu - affine5", (3, 8, 8), 5, reg, seed=0
    ),
    "three": lambda reg: ThreeLayerConvNet((3, 8, 8), 4, 3, 6, 5, reg=reg, seed=0),
    "fully": lambda reg: FullyConnectedNet([7, 6], 192, 5, reg=reg, normalization="batchnorm", seed=0),
    "two": lambda reg: TwoLayerNet(192, 6, 5, reg=reg, seed=0),
}


@pytest.fixture
def _of_any_size(monkeypatch):
    monkeypatch.setattr(factored, "LEAST_BYTES", 0)


def weights_of(model) -> set[str]:
    return {name for name, w in model.params.items() if name[0] == "W" and w.ndim == 2}


@pytest.mark.usefixtures("_of_any_size")
@pytest.mark.parametrize("reg", [0.0, 0.3])
@pytest.mark.parametrize("name", MODELS)
def test_multiplied_out_a_product_is_the_gradient(name, reg):
    loss, grads = MODELS[name](reg).loss(X, y)
    model = MODELS[name](reg)
    with factored_gradients():
        same_loss, products = model.loss(X, y)
    assert loss == same_loss
    assert list(products) == list(grads)
    assert {key for key, dw in products.items() if isinstance(dw, Product)} == weights_of(model)
    for key, dw in products.items():
        assert (dw.shape, dw.ndim, dw.dtype) == (grads[key].shape, grads[key].ndim, grads[key].dtype)
        assert_close(np.asarray(dw), grads[key], 12, what=key)
    assert np.asarray(products["b1"]) is products["b1"]
    first = products[max(weights_of(model))]
    assert np.asarray(first, np.float64).dtype == np.float64
    assert np.asarray(first) is not np.asarray(first)
    with pytest.raises(ValueError, match="copy=False cannot be had"):
        first.__array__(copy=False)


@pytest.mark.usefixtures("_of_any_size")
@pytest.mark.parametrize("rule", optim.RULES)
@pytest.mark.parametrize("settings", [{}, {"l2": 0.1, "clip_value": 0.01}])
@pytest.mark.parametrize("reg", [0.0, 0.3])
def test_every_rule_takes_a_product_for_the_gradient(rule, settings, reg):
    model = MODELS["conv"](reg)
    _, grads = model.loss(X, y)
    with factored_gradients():
        _, products = model.loss(X, y)
    w = model.params["W2"]
    config, same = dict(settings), dict(settings)
    for _ in range(3):
        next_w, config = optim.RULES[rule](w, grads["W2"], config)
        also, same = optim.RULES[rule](w, products["W2"], same)
        assert_close(also, next_w, 12, 10)
        assert config.keys() == same.keys()


@pytest.mark.usefixtures("_of_any_size")
def test_what_comes_between_gradient_and_rule_is_kept_in_order():
    model = MODELS["conv"](0.3)
    _, grads = model.loss(X, y)
    with factored_gradients():
        _, products = model.loss(X, y)
    before = Before(limit=0.01, scale=0.5)  # of the gradient, its penalty included
    w = model.params["W2"]
    right, _ = optim.sgd(w, grads["W2"], {"learning_rate": 1.0}, before)
    assert_close(optim.sgd(w, products["W2"], {"learning_rate": 1.0}, before)[0], right, 12)
    # The penalty is that of the model's w.
    elsewhere, _ = optim.sgd(w + 1, products["W2"], {"learning_rate": 1.0})
    assert_close(elsewhere, w + 1 - grads["W2"], 12)


@pytest.mark.usefixtures("_of_any_size")
@pytest.mark.parametrize("tier", ["numpy", "reference"])
def test_another_tier_or_dtype_multiplies_it_out(tier):
    model = MODELS["two"](0.1)
    _, grads = model.loss(X.reshape(12, -1), y)
    with factored_gradients():
        _, products = model.loss(X.reshape(12, -1), y)
        with handgrad.use_backend(tier):
            assert all(isinstance(dw, np.ndarray) for dw in model.loss(X.reshape(12, -1), y)[1].values())
    w = model.params["W1"]
    with handgrad.use_backend(tier):
        assert_close(optim.sgd(w, products["W1"])[0], optim.sgd(w, grads["W1"])[0], 12)
    wide = w.astype(np.float64)
    np.testing.assert_array_equal(
        optim.sgd(wide, products["W1"])[0], optim.sgd(wide, np.asarray(products["W1"]))[0]
    )
    with pytest.raises(ValueError, match=r"dw must have the shape of w, \(3,\), got \(192, 6\)"):
        optim.sgd(np.ones(3), products["W1"])


def test_it_ends_with_the_block_and_holds_for_one_thread():
    found = []

    def look():
        found.append(factored.pays(np.ones((2, 3)), np.ones((1 << 10, 1 << 10))))

    with factored_gradients():
        look()
        other = threading.Thread(target=look)
        other.start()
        other.join()
        with factored_gradients(False):
            look()
        look()
    look()
    assert found == [True, False, False, True, False]
    with factored_gradients():
        assert not factored.pays(np.ones((2, 3)), np.ones((1 << 9, 1 << 9)))
        assert not factored.pays(np.ones((513, 3)), np.ones((1 << 10, 1 << 10)))


def trained(model):
    # Of a rule that scales by the size of gradients, noise about zero makes whole steps.
    solver = Solver(model, DATA, "sgd_momentum", batch_size=4, num_epochs=2, verbose=False, seed=1)
    solver.train()
    return solver


@pytest.mark.usefixtures("_of_any_size")
@pytest.mark.parametrize("reg", [0.0, 0.3])
@pytest.mark.parametrize("name", MODELS)
def test_a_solver_trains_the_same_with_products(name, reg, monkeypatch):
    with_products = trained(MODELS[name](reg))
    monkeypatch.setattr(factored, "LEAST_BYTES", 1 << 40)
    with_arrays = trained(MODELS[name](reg))
    for key, w in with_arrays._last[0].items():
        assert_close(with_products._last[0][key], w, 12, 100, what=key)
    np.testing.assert_allclose(with_products.loss_history, with_arrays.loss_history, rtol=1e-4)


def kinds(model, **settings) -> set[type]:
    """Return the types of the gradients that a Solver gets."""
    seen: set[type] = set()
    solver = Solver(model, DATA, batch_size=4, num_epochs=1, verbose=False, seed=1, **settings)
    asked = solver._loss_and_grads
    solver._loss_and_grads = lambda *args: (
        seen.update(map(type, (found := asked(*args))[1].values())) or found
    )
    solver.train()
    return seen


@pytest.mark.usefixtures("_of_any_size")
def test_a_solver_asks_for_products_where_a_rule_of_ours_takes_them():
    assert kinds(MODELS["conv"](0.1)) == {np.ndarray, Product}
    assert kinds(MODELS["conv"](0.1), clip_norm=1.0) == {np.ndarray}
    assert kinds(MODELS["conv"](0.1), clip_value=1.0) == {np.ndarray}
    assert kinds(MODELS["conv"](0.1), update_rule=lambda w, dw, config: (w - 0.1 * dw, config)) == {
        np.ndarray
    }


class Doubling(TwoLayerNet):
    """A learner's own loss on top of ours."""

    def loss(self, X, y=None):
        found = super().loss(X, y)
        if y is not None:
            found[1]["W1"] *= 2
        return found


@pytest.mark.usefixtures("_of_any_size")
def test_who_looks_at_gradients_gets_arrays():
    assert kinds(Doubling(192, 6, 5, seed=0)) == {np.ndarray}
    patched = MODELS["two"](0.1)
    loss = patched.loss
    patched.loss = lambda X, y=None: loss(X, y)
    assert kinds(patched) == {np.ndarray}


@pytest.mark.usefixtures("_of_any_size")
def test_frozen_weights_have_no_gradient_but_a_penalty():
    model = MODELS["conv"](0.3)
    loss, _ = model.loss(X, y)
    model.frozen = {"W2"}
    with factored_gradients():
        again, grads = model.loss(X, y)
    assert again == loss
    assert "W2" not in grads


@pytest.mark.usefixtures("_of_any_size")
def test_the_learning_rate_finder_takes_them():
    solver = Solver(MODELS["conv"](0.1), DATA, "sgd", batch_size=4, num_epochs=5, verbose=False, seed=1)
    assert np.isfinite(find_learning_rate(solver, steps=10).losses).all()
