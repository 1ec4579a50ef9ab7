"""The layer contract, on every row of the registry, in every tier."""

from __future__ import annotations

import copy
import inspect

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from layers import referee
from layers.cases import DTYPES, ORDERS, TIERS, Case, computing, make, settled
from tolerances import assert_close

import handgrad
from handgrad import backend, layers, reference
from handgrad.checking import numerical_gradient
from handgrad.layers.registry import LAYERS, Layer

each_layer = pytest.mark.parametrize("layer", LAYERS, ids=str)
each_tier = pytest.mark.parametrize("tier", TIERS)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


def tries(count: int):
    """Hypothesis settings: the same `count` draws every time, so that a red run can be repeated."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def picker(data: st.DataObject):
    return lambda low, high: data.draw(st.integers(low, high))


def assert_same(case: Case, actual, expected) -> None:
    (out, gradients), (right_out, right_gradients) = actual, expected
    assert_close(out, right_out, case.length, case.layer.sensitivity, "out")
    for name, gradient in gradients.items():
        right = right_gradients[name]
        assert_close(gradient, right, case.length, case.layer.sensitivity, f"gradient of {name}")


def test_every_public_layer_stands_in_the_registry():
    forwards = {name.removesuffix("_forward") for name in layers.__all__ if name.endswith("_forward")}
    assert forwards == {layer.name for layer in LAYERS}


def test_every_layer_has_a_referee():
    assert set(referee.LAYERS) == {layer.name for layer in LAYERS}


@each_layer
@given(data=st.data())
@tries(8)
def test_reference_agrees_with_differences(layer: Layer, data):
    case = make(layer, picker(data))
    _, gradients = case.run("reference")
    with handgrad.use_backend("reference"):
        for name, array in case.arrays.items():

            def f(moved, name=name):
                return case.forward(**{name: moved})[0]

            coarse = numerical_gradient(f, array, case.dout, step=1e-3)
            fine = numerical_gradient(f, array, case.dout, step=5e-4)
            scale = max(1.0, float(np.max(np.abs(fine), initial=0.0)))
            assume(np.max(np.abs(coarse - fine), initial=0.0) < 1e-6 * scale)  # else a kink is near
            np.testing.assert_allclose(gradients[name], fine, rtol=0, atol=2e-8 * scale, err_msg=name)


@each_tier
@each_layer
@each_dtype
@given(data=st.data(), order=st.sampled_from(sorted(ORDERS)), ties=st.booleans())
@tries(20)
def test_tier_agrees_with_reference(tier: str, layer: Layer, dtype: type, data, order: str, ties: bool):
    ties = ties and layer.exact
    case = make(layer, picker(data), dtype, ties)
    assume(ties or settled(case))
    expected = case.run("reference")
    case.arrays = {name: ORDERS[order](array) for name, array in case.arrays.items()}
    case.dout = ORDERS[order](case.dout)
    assert_same(case, case.run(tier), expected)


@pytest.mark.slow
@each_tier
@each_layer
@given(data=st.data(), order=st.sampled_from(sorted(ORDERS)))
@tries(1000)
def test_tier_agrees_with_reference_on_a_thousand_draws(tier: str, layer: Layer, data, order: str):
    case = make(layer, picker(data))
    assume(settled(case))
    expected = case.run("reference")
    case.arrays = {name: ORDERS[order](array) for name, array in case.arrays.items()}
    assert_same(case, case.run(tier), expected)


@each_tier
@each_layer
@given(data=st.data())
@tries(15)
def test_tier_agrees_with_pytorch(tier: str, layer: Layer, data):
    case = make(layer, picker(data))
    assume(settled(case))
    expected = referee.judge(referee.LAYERS[layer.name], case.arrays, case.settings, case.dout)
    assert_same(case, case.run(tier), expected)
    assert_same(case, case.run("reference"), expected)


@each_layer
@pytest.mark.parametrize("tier", ["reference", *TIERS])
@each_dtype
def test_inputs_stay_as_they_were(tier: str, layer: Layer, dtype: type):
    rng = np.random.default_rng(0)
    case = make(layer, lambda low, high: int(rng.integers(low, high + 1)), dtype)
    before, dout = copy.deepcopy(case.arrays), case.dout.copy()
    given_settings = copy.deepcopy(case.settings)
    with computing(tier):
        out, cache = layer.forward(**case.arrays, **case.settings)
        assert not any(np.shares_memory(out, array) for array in case.arrays.values())
        gradients = case.gradients(cache)
    for name, array in case.arrays.items():
        np.testing.assert_array_equal(array, before[name])
        assert gradients[name].dtype == dtype
        assert gradients[name].shape == array.shape
        assert not np.shares_memory(gradients[name], array)
    np.testing.assert_array_equal(case.dout, dout)
    for param in (case.settings, given_settings):
        for key in ("running_mean", "running_var"):
            param.get("bn_param", {}).pop(key, None)  # the one thing that a layer may write
    assert str(case.settings) == str(given_settings)


@each_layer
@pytest.mark.parametrize("tier", ["reference", *TIERS])
@each_dtype
@given(data=st.data())
@tries(4)
def test_empty_batch(tier: str, layer: Layer, dtype: type, data):
    case = make(layer, picker(data), dtype, batch=0)
    out, gradients = case.run(tier)
    assert len(out) == 0
    assert out.dtype == dtype
    for name, array in case.arrays.items():
        np.testing.assert_array_equal(gradients[name], np.zeros_like(array))


@each_tier
@each_layer
@given(data=st.data())
@tries(10)
def test_nan_goes_where_the_reference_sends_it(tier: str, layer: Layer, data):
    case = make(layer, picker(data), ties=layer.exact)
    x = case.arrays["x"]
    x.flat[data.draw(st.integers(0, x.size - 1))] = np.nan
    expected = case.run("reference")
    assert_same(case, case.run(tier), expected)


@each_tier
@each_dtype
@pytest.mark.parametrize("layer", [row for row in LAYERS if set(row.example(min).arrays) == {"x"}], ids=str)
def test_limits_are_those_of_the_reference(tier: str, layer: Layer, dtype: type):
    case = make(layer, lambda low, high: high, dtype)
    extremes = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e30, -1e30, 1e-30, 20.0, -20.0], dtype)
    case.arrays["x"] = np.resize(extremes, case.arrays["x"].shape).astype(dtype)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # inf - inf in a mean is NaN by right
        assert_same(case, case.run(tier), case.run("reference"))


@each_layer
def test_backward_follows_the_cache(layer: Layer):
    rng = np.random.default_rng(1)
    case = make(layer, lambda low, high: int(rng.integers(low, high + 1)))
    with handgrad.use_backend("numpy"):
        _, cache = case.forward()
    with handgrad.use_backend("reference"):
        gradients = case.gradients(cache)
    expected = case.run("numpy")[1]
    for name in gradients:
        np.testing.assert_array_equal(gradients[name], expected[name])


@each_layer
def test_a_wrong_number_is_seen(layer: Layer):
    """A comparison that cannot fail proves nothing: spoil one number of each result and demand red."""
    rng = np.random.default_rng(2)
    case = make(layer, lambda low, high: int(rng.integers(low, high + 1)), np.float32)
    _, gradients = expected = case.run("numpy")
    for name in (None, *gradients):
        spoilt = copy.deepcopy(expected)
        array = spoilt[0] if name is None else spoilt[1][name]
        array.flat[array.size // 2] += 0.01 * max(1.0, float(np.max(np.abs(array))))
        with pytest.raises(AssertionError, match="off by"):
            assert_same(case, spoilt, expected)
        array.flat[array.size // 2] = np.nan
        with pytest.raises(AssertionError, match="NaN in the wrong places"):
            assert_same(case, spoilt, expected)


def test_every_tier_has_the_same_functions():
    first, *others = (backend.tier(name) for name in backend.TIERS)

    def signatures(tier):
        functions = inspect.getmembers(tier, inspect.isfunction)
        return {
            name: list(inspect.signature(function).parameters)
            for name, function in functions
            if name.endswith(("_forward", "_backward", "_loss"))
        }

    for other in others:
        assert signatures(other).keys() == signatures(first).keys()


def test_reference_has_every_layer():
    for layer in LAYERS:
        assert callable(getattr(reference, f"{layer.name}_forward_naive"))
        assert callable(getattr(reference, f"{layer.name}_backward_naive"))
