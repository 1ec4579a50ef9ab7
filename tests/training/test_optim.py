from __future__ import annotations

import numpy as np
import pytest
import torch
from tolerances import assert_close

import handgrad
from handgrad.training.optim import RULES, adam, adamw, get_rule, rmsprop, sgd, sgd_momentum
from handgrad.training.optim_config import DEFAULTS

SHAPE = (4, 5)


def line(start: float, stop: float) -> np.ndarray:
    return np.linspace(start, stop, 20).reshape(SHAPE)


W, DW = line(-0.4, 0.6), line(-0.6, 0.4)


def first_row(array: np.ndarray) -> list[float]:
    return array[0].round(8).tolist()


class TestNumbersOfCS231n:
    """The cells of the course's FullyConnectedNets notebook that check update rules."""

    def test_sgd_momentum(self) -> None:
        next_w, config = sgd_momentum(W, DW, {"learning_rate": 1e-3, "velocity": line(0.6, 0.9)})
        assert first_row(next_w) == [0.1406, 0.20738947, 0.27417895, 0.34096842, 0.40775789]
        assert first_row(config["velocity"]) == [0.5406, 0.55475789, 0.56891579, 0.58307368, 0.59723158]

    def test_rmsprop(self) -> None:
        next_w, config = rmsprop(W, DW, {"learning_rate": 1e-2, "cache": line(0.6, 0.9)})
        assert first_row(next_w) == [-0.39223849, -0.34037513, -0.28849239, -0.23659121, -0.18467247]
        assert first_row(config["cache"]) == [0.5976, 0.6126277, 0.6277108, 0.64284931, 0.65804321]

    def test_adam(self) -> None:
        config = {"learning_rate": 1e-2, "m": line(0.6, 0.9), "v": line(0.7, 0.5), "t": 5}
        next_w, config = adam(W, DW, config)
        assert first_row(next_w) == [-0.40094747, -0.34836187, -0.29577703, -0.24319299, -0.19060977]
        assert first_row(config["v"]) == [0.69966, 0.68908382, 0.67851319, 0.66794809, 0.65738853]
        assert first_row(config["m"]) == [0.48, 0.49947368, 0.51894737, 0.53842105, 0.55789474]
        assert config["t"] == 6


TORCH = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.02),
    "sgd_momentum": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9),
    "sgd_nesterov_momentum": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.02, eps=1e-8),
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=0.02, rho=0.95, eps=1e-6),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.02, alpha=0.99, eps=1e-8),
    "adam": lambda p: torch.optim.Adam(p, lr=0.02),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.01),
}


@pytest.mark.parametrize("name", RULES)
def test_rules_agree_with_pytorch_over_25_steps(name: str) -> None:
    """The same gradients for both: all rules have PyTorch's formulas while the learning rate is constant."""
    rng = np.random.default_rng(1)
    ours, config = rng.standard_normal(SHAPE), {"learning_rate": 0.02}
    theirs = torch.tensor(ours, requires_grad=True)
    optimizer = TORCH[name]([theirs])
    for _ in range(25):
        dw = rng.standard_normal(SHAPE)
        ours, config = RULES[name](ours, dw, config)
        theirs.grad = torch.tensor(dw)
        optimizer.step()
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", [name for name in RULES if "weight_decay" in DEFAULTS[name]])
def test_weight_decay_is_apart_from_the_gradient(name: str) -> None:
    """PyTorch's rule without decay, on weights that shrink by themselves before each step (SGDW, AdamW)."""
    rng, rate, decay = np.random.default_rng(4), 0.02, 0.3
    ours, config = rng.standard_normal(SHAPE), {"learning_rate": rate, "weight_decay": decay}
    theirs = torch.tensor(ours, requires_grad=True)
    optimizer = TORCH[name.removesuffix("w")]([theirs])
    for _ in range(25):
        dw = rng.standard_normal(SHAPE)
        ours, config = RULES[name](ours, dw, config)
        theirs.grad = torch.tensor(dw)
        with torch.no_grad():
            theirs.mul_(1 - rate * decay)
        optimizer.step()
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 17), (130, 1031)])
def test_tiers_agree_over_steps(name: str, dtype: type, shape: tuple[int, ...]) -> None:
    """Vectors, their rest, and several threads; memory orders that kernels do not take as they are."""
    w = np.random.default_rng(2).standard_normal(shape).astype(dtype)
    results = {}
    for tier in ("numpy", handgrad.get_backend()):
        rng, results[tier], config = np.random.default_rng(3), w, None
        with handgrad.use_backend(tier):
            for step in range(4):
                if config and "weight_decay" in config:
                    config["weight_decay"] = 0.5
                dw = rng.standard_normal(shape).astype(dtype)
                if step % 2 and dw.ndim > 1:
                    dw = np.asfortranarray(dw)
                results[tier], config = RULES[name](results[tier], dw, config)
        assert results[tier].dtype == dtype
    assert_close(results[handgrad.get_backend()], results["numpy"], 4)


@pytest.mark.parametrize("name", RULES)
def test_what_is_given_is_not_changed(name: str) -> None:
    w, dw = np.ones(70000), np.full(70000, 0.5)
    _, config = RULES[name](w, dw)
    memory = {key: value for key, value in config.items() if isinstance(value, np.ndarray)}
    before = {key: value.copy() for key, value in memory.items()}
    for array in (w, dw, *memory.values()):
        array.flags.writeable = False
    RULES[name](w, dw, config)
    assert (w == 1).all()
    assert (dw == 0.5).all()
    for key, value in memory.items():
        np.testing.assert_array_equal(value, before[key])


def test_float16_is_left_to_numpy() -> None:
    next_w, config = adam(np.ones(3, np.float16), np.ones(3, np.float16))
    assert next_w.dtype == config["m"].dtype == np.float16


def test_momentum_differs_from_pytorch_when_the_learning_rate_changes() -> None:
    """The courses' velocity holds the learning rates of its steps; PyTorch's is multiplied by today's."""
    w, config = sgd_momentum(np.ones(1), np.ones(1), {"learning_rate": 1.0, "momentum": 0.5})
    w, _ = sgd_momentum(w, np.zeros(1), config | {"learning_rate": 0.0})
    assert w == [-0.5]  # PyTorch: 0, for it does not move at a learning rate of 0


@pytest.mark.parametrize("name", RULES)
def test_rules_find_the_minimum_of_a_bowl(name: str) -> None:
    """Of (w - 3)^2 / 2, whose gradient is w - 3."""
    rates = {"adagrad": 1.0, "adadelta": 100.0, "adam": 0.1, "adamw": 0.1, "rmsprop": 0.01}
    w, config = np.array([-1.0, 5.0]), {"learning_rate": rates.get(name, 0.1)}
    config |= {"weight_decay": 0.0} if name == "adamw" else {}
    for _ in range(800):
        w, config = RULES[name](w, w - 3, config)
    np.testing.assert_allclose(w, 3, atol=0.02)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", RULES)
def test_dtype_stays_and_inputs_are_not_changed(name: str, dtype: type) -> None:
    w, dw = W.astype(dtype), DW.astype(dtype)
    for array in (w, dw):
        array.flags.writeable = False
    config = {key: np.float64(value) for key, value in DEFAULTS[name].items()}
    next_w, config = RULES[name](w, dw, config)
    memory = [value for value in config.values() if isinstance(value, np.ndarray)]
    for array in memory:
        array.flags.writeable = False
    last_w, config = RULES[name](next_w, dw.astype(np.float64), config)
    assert {a.dtype for a in (next_w, last_w, *memory)} == {np.dtype(dtype)}
    assert {v.dtype for v in config.values() if isinstance(v, np.ndarray)} <= {np.dtype(dtype)}
    np.testing.assert_array_equal(w, W.astype(dtype))


@pytest.mark.parametrize("name", RULES)
def test_the_config_that_came_is_updated_and_returned(name: str) -> None:
    config: dict = {}
    _, returned = RULES[name](W, DW, config)
    assert returned is config
    assert config["learning_rate"] == DEFAULTS[name]["learning_rate"]
    _, first = RULES[name](W, DW)
    _, second = RULES[name](W, DW)
    assert first is not second


@pytest.mark.parametrize("name", RULES)
def test_arrays_of_no_dimension_and_of_no_size(name: str) -> None:
    assert RULES[name](np.array(1.0), np.array(0.5))[0] < 1
    assert RULES[name](np.zeros((0, 3)), np.zeros((0, 3)))[0].shape == (0, 3)


def test_limits() -> None:
    same = {"learning_rate": 0.1}
    plain = sgd(W, DW, dict(same))[0]
    for name in ("sgd_momentum", "sgd_nesterov_momentum"):
        np.testing.assert_array_equal(RULES[name](W, DW, {**same, "momentum": 0})[0], plain)
    np.testing.assert_array_equal(adamw(W, DW, {**same, "weight_decay": 0})[0], adam(W, DW, dict(same))[0])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"learning_rat": 0.1}, "config of adam has no option 'learning_rat'; did you mean 'learning_rate'?"),
        ({"velocity": W}, "config of adam has no option 'velocity'"),
        ({"learning_rate": float("nan")}, "learning_rate must be a finite number, got nan"),
        ({"learning_rate": np.inf}, "learning_rate must be a finite number, got inf"),
        ({"learning_rate": "0.1"}, "learning_rate must be a finite number, got '0.1'"),
        ({"learning_rate": True}, "learning_rate must be a finite number, got True"),
        ({"learning_rate": None}, "learning_rate must be a finite number, got None"),
        ({"beta1": 1.0}, "beta1 must be from 0 to below 1, got 1.0"),
        ({"beta2": -0.1}, "beta2 must be from 0 to below 1, got -0.1"),
        ({"epsilon": -1}, "epsilon must be 0 or above, got -1"),
        ({"t": 1.5}, "t must be a whole number, 0 or above, got 1.5"),
        ({"t": -1}, "t must be a whole number, 0 or above, got -1"),
        ({"m": np.zeros(3)}, r"config\['m'\] must have the shape of w, \(4, 5\), got \(3,\)"),
    ],
)
def test_wrong_configs(config: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        adam(W, DW, config)


def test_wrong_arrays() -> None:
    with pytest.raises(ValueError, match=r"dw must have the shape of w, \(4, 5\), got \(20,\)"):
        sgd(W, DW.ravel())
    with pytest.raises(TypeError, match="w must be floating point, got dtype int64"):
        sgd(np.arange(3), np.arange(3))
    with pytest.raises(TypeError, match="dw must hold real numbers, got dtype complex128"):
        sgd(W, DW * 1j)


def test_rules_by_name() -> None:
    assert get_rule(sgd) is sgd
    assert list(RULES) == list(DEFAULTS)
    with pytest.raises(ValueError, match=r"update_rule has no option 'adm'; did you mean 'adam'\?"):
        get_rule("adm")
    with pytest.raises(TypeError, match="update_rule must be a name or a function, got 3"):
        get_rule(3)
