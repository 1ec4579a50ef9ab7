"""What every rule does to its gradient and parameter in its own pass: the penalty, clipping, decay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers.cases import ISAS
from training.test_optim import TORCH

import handgrad
from handgrad import backend
from handgrad.backend.before import Before
from handgrad.training import optim
from handgrad.training.optim import RULES
from handgrad.training.optim_config import DEFAULTS, OF_ALL

# The tiers, the native one on every instruction set that this machine has.
TIERS = [("numpy", ""), ("reference", ""), *(("native", isa) for isa in ISAS)]
SIZES = [0, 1, 7, 16, 33, 100_003]  # none, parts of vectors, whole ones, several threads


@pytest.fixture(params=TIERS, ids=[isa or tier for tier, isa in TIERS])
def tier(request: pytest.FixtureRequest) -> Iterator[str]:
    """The tier in use while the test runs."""
    name, isa = request.param
    before = backend.extension.isa() if isa else ""
    with handgrad.use_backend(name):
        if isa:
            backend.extension.set_isa(isa)
        yield name
    if isa:
        backend.extension.set_isa(before)


@pytest.fixture(autouse=True)
def _nan_is_no_surprise() -> Iterator[None]:
    with np.errstate(invalid="ignore"):
        yield


def arrays(size: int, dtype: type, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    w, dw = (rng.standard_normal(size).astype(dtype) for _ in range(2))
    for index, number in ((2, np.nan), (3, np.inf), (4, -np.inf), (5, -0.0)):
        dw[index : index + 1] = number
    w[6:7] = np.inf
    return w, dw


def composed(name: str, w: np.ndarray, dw: np.ndarray, config: dict[str, Any], before: Before) -> Any:
    """The same as the rule with these settings, step by step, and then the plain rule."""
    own = DEFAULTS[name] | config
    g = np.clip(dw, -before.limit, before.limit) * before.scale
    if own["l2"]:  # else an infinite w would make the gradient NaN
        g = g + own["l2"] * w
    if own["clip_value"]:
        g = np.clip(g, -own["clip_value"], own["clip_value"])
    decayed = (1 - own["learning_rate"] * own.get("weight_decay", 0.0)) * w
    off = {key: 0.0 for key in ("l2", "clip_value", "weight_decay") if key in own}
    return RULES[name](decayed, g, config | off)


def assert_same(ours: Any, theirs: Any) -> None:
    np.testing.assert_array_equal(ours[0], theirs[0])
    for key, value in theirs[1].items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(ours[1][key], value, err_msg=key)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", RULES)
def test_one_pass_is_the_composition(tier: str, name: str, dtype: type) -> None:
    """To the last bit: the kernels round as the formulas are written."""
    decay = {"weight_decay": 0.3} if "weight_decay" in DEFAULTS[name] else {}
    for size in SIZES:
        for own, before in (
            ({"l2": 0.3}, Before()),
            ({"l2": 0.3, "clip_value": 0.5}, Before()),
            ({"clip_value": 0.5}, Before(scale=0.7)),
            ({"l2": 0.3, "clip_value": 0.9} | decay, Before(limit=1.1, scale=0.7)),
            (decay, Before()),
        ):
            config: dict[str, Any] = DEFAULTS[name] | {"learning_rate": 0.1} | own
            w, dw = arrays(size, dtype)
            ours, theirs = (w, dict(config)), (w, dict(config))
            for step in range(2):
                ours = RULES[name](ours[0], dw, ours[1], before)
                theirs = composed(name, theirs[0], dw, theirs[1] | config, before)
                assert_same(ours, theirs)
                _, dw = arrays(size, dtype, seed=step)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", RULES)
def test_what_is_not_asked_for_changes_no_bit(tier: str, name: str, dtype: type) -> None:
    """A limit that nothing reaches takes the longer way to the same numbers."""
    off = {"weight_decay": 0.0} if "weight_decay" in DEFAULTS[name] else {}
    for size in SIZES:
        w, dw = arrays(size, dtype)
        plain = RULES[name](w, dw, dict(off))
        assert_same(RULES[name](w, dw, off | OF_ALL), plain)
        dw[np.isinf(dw)] = 3.0
        assert_same(RULES[name](w, dw, off | {"clip_value": 1e30}), RULES[name](w, dw, dict(off)))


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(sorted(RULES)),
    size=st.integers(0, 70),
    l2=st.floats(0, 10),
    clip_value=st.floats(0, 3),
    scale=st.floats(0, 1),
    limit=st.floats(0.01, 5),
    seed=st.integers(0, 99),
)
def test_any_settings(
    name: str, size: int, l2: float, clip_value: float, scale: float, limit: float, seed: int
) -> None:
    config, before = {"l2": l2, "clip_value": clip_value}, Before(limit=limit, scale=scale)
    w, dw = arrays(size, np.float64, seed)
    assert_same(RULES[name](w, dw, dict(config), before), composed(name, w, dw, dict(config), before))


@pytest.mark.parametrize("name", [name for name in RULES if name != "adamw"])
def test_l2_is_what_pytorch_calls_weight_decay(name: str) -> None:
    rng = np.random.default_rng(1)
    ours, config = rng.standard_normal((4, 5)), {"learning_rate": 0.02, "l2": 0.3}
    theirs = torch.tensor(ours, requires_grad=True)
    optimizer = TORCH[name]([theirs])
    optimizer.param_groups[0]["weight_decay"] = 0.3
    for _ in range(25):
        dw = rng.standard_normal((4, 5))
        ours, config = RULES[name](ours, dw, config)
        theirs.grad = torch.tensor(dw)
        optimizer.step()
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", RULES)
def test_clip_value_is_that_of_pytorch(name: str) -> None:
    rng = np.random.default_rng(2)
    ours, config = rng.standard_normal((4, 5)), {"learning_rate": 0.02, "clip_value": 0.5}
    theirs = torch.tensor(ours, requires_grad=True)
    optimizer = TORCH[name]([theirs])
    for _ in range(25):
        dw = rng.standard_normal((4, 5))
        ours, config = RULES[name](ours, dw, config)
        theirs.grad = torch.tensor(dw)
        torch.nn.utils.clip_grad_value_([theirs], 0.5)
        optimizer.step()
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_nan_stays_and_infinity_is_clipped() -> None:
    w, config = np.zeros(3), {"learning_rate": 1.0, "clip_value": 2.0}
    next_w, _ = optim.sgd(w, np.array([np.nan, np.inf, -np.inf]), config)
    np.testing.assert_array_equal(next_w, [np.nan, -2.0, 2.0])


def test_float16_and_what_is_given() -> None:
    w, dw = np.ones(3, np.float16), np.full(3, 4, np.float16)
    for array in (w, dw):
        array.flags.writeable = False
    next_w, _ = optim.sgd(w, dw, {"learning_rate": 1.0, "l2": 0.5, "clip_value": 3.0})
    assert next_w.dtype == np.float16
    assert (next_w == -2).all()
    assert (dw == 4).all()


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"l2": -0.1}, "l2 must be 0 or above, got -0.1"),
        ({"l2": np.nan}, "l2 must be a finite number, got nan"),
        ({"l2": None}, "l2 must be a finite number, got None"),
        ({"clip_value": -1}, r"clip_value must be 0 \(no clipping\) or above, got -1"),
        ({"clip_value": "1"}, "clip_value must be a finite number, got '1'"),
        ({"clip_valu": 1}, r"has no option 'clip_valu'; did you mean 'clip_value'\?"),
    ],
)
def test_wrong_settings(name: str, config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RULES[name](np.ones(2), np.ones(2), dict(config))
