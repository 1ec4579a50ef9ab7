"""Activations, dropout and the L2 penalty through the binding: numbers, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tolerances import assert_close

from handgrad import _native
from handgrad.backend import native_ops, numpy_ops

DTYPES = (np.float32, np.float64)
# Below, at and above a vector of each instruction set; several blocks with a rest, so that threads share it.
COUNTS = (0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 100_003)
each_isa = pytest.mark.parametrize("isa", _native.isas())
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def numbers(count: int, dtype: type, seed: int = 0) -> np.ndarray:
    return (3 * np.random.default_rng(seed).normal(size=count)).astype(dtype)


@each_isa
@each_dtype
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "gelu", "sigmoid", "tanh"])
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("threads", [1, 3])
def test_activations(isa, dtype, name, count, threads):
    _native.set_isa(isa)
    _native.set_num_threads(threads)
    x, dout = numbers(count, dtype), numbers(count, dtype, 1)
    alpha = (0.3,) if name in ("leaky_relu", "elu") else ()
    results = []
    for tier in (native_ops, numpy_ops):
        out, kept = getattr(tier, f"{name}_forward")(x, *alpha)
        results.append((out, getattr(tier, f"{name}_backward")(dout, x, *alpha, kept)))
    for mine, expected in zip(*results, strict=True):
        assert_close(mine, expected)


@each_isa
@each_dtype
@pytest.mark.parametrize("count", COUNTS)
def test_sums_of_two_ways(isa, dtype, count):
    _native.set_isa(isa)
    _native.set_num_threads(3)
    a, b = numbers(count, dtype), numbers(2 * count, dtype, 1)[::2]  # not in one piece
    before = a.copy()
    np.testing.assert_array_equal(native_ops.add(a, b), before + b)
    np.testing.assert_array_equal(a, before)


def _elu(x: float) -> float:
    return x if x > 0 else math.expm1(x)


def _gelu(x: float) -> float:
    return x * math.erfc(-x / math.sqrt(2)) / 2


@each_isa
@each_dtype
@pytest.mark.parametrize(
    ("name", "exact", "allowed"),
    [
        ("tanh", math.tanh, 3),
        ("sigmoid", lambda x: math.exp(min(x, 0)) / (1 + math.exp(-abs(x))), 3),
        ("elu", _elu, 2),
        (
            "gelu",
            _gelu,
            64,
        ),  # far below 0 it is exp(-x^2 / 2), which takes on x^2 times the rounding of x^2 / 2
    ],
)
def test_functions_keep_their_digits_near_zero_and_far_from_it(isa, dtype, name, exact, allowed):
    """Errors in units of rounding of the result itself, however small that is."""
    _native.set_isa(isa)
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=500) * size for size in (1e-7, 1e-3, 1, 3)]).astype(dtype)
    out, _ = getattr(native_ops, f"{name}_forward")(x, *((1.0,) if name == "elu" else ()))
    expected = np.array([exact(float(value)) for value in x])
    error = np.abs(out.astype(np.float64) - expected) / np.abs(expected)
    assert error.max() <= allowed * np.finfo(dtype).eps


@each_isa
@each_dtype
@pytest.mark.parametrize("shape", [(3, 5, 7, 11), (2, 3, 40), (4, 64, 16, 16), (5, 2)])
@pytest.mark.parametrize("shared", [True, False])
def test_prelu(isa, dtype, shape, shared):
    _native.set_isa(isa)
    x, dout = (numbers(math.prod(shape), dtype, seed).reshape(shape) for seed in (0, 1))
    alpha = numbers(1 if shared else shape[1], dtype, 2)
    assert_close(native_ops.prelu_forward(x, alpha)[0], numpy_ops.prelu_forward(x, alpha)[0], what="out")
    mine, expected = (tier.prelu_backward(dout, x, alpha, None) for tier in (native_ops, numpy_ops))
    assert_close(mine[0], expected[0], what="dx")
    assert_close(mine[1], expected[1], x.size, what="dalpha")


@each_isa
@each_dtype
def test_dropout_has_the_same_mask_in_both_tiers(isa, dtype):
    _native.set_isa(isa)
    x = numbers(70_001, dtype)
    results = [tier.dropout_forward(x, 0.3, np.random.default_rng(5)) for tier in (native_ops, numpy_ops)]
    for mine, expected in zip(*results, strict=True):
        assert_close(mine, expected)
        np.testing.assert_array_equal(mine == 0, expected == 0)
    mask = results[0][1]
    np.testing.assert_array_equal(native_ops.dropout_backward(x, mask), x * mask)


def generators() -> dict[str, np.random.Generator]:
    """PCG64 in several states, a new one of its parent's sequence among them, and other sources."""
    made = {f"seed {seed}": np.random.default_rng(seed) for seed in (0, 1, 2**127)}
    made["far on"] = np.random.Generator(np.random.PCG64(3).advance(2**100 + 12345))
    made["spawned"] = np.random.default_rng(4).spawn(2)[1]
    made["half a draw left"] = np.random.default_rng(5)
    made["half a draw left"].integers(10)
    extremes = np.random.PCG64(0)
    extremes.state = extremes.state | {"state": {"state": 2**128 - 1, "inc": 2**128 - 1}}
    made["all bits set"] = np.random.Generator(extremes)
    for source in (np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64):
        made[source.__name__] = np.random.Generator(source(6))
    return made


@each_isa
@each_dtype
@pytest.mark.parametrize("threads", [1, 3])
def test_dropout_draws_as_numpy_does_and_leaves_the_generator_as_numpy_would(isa, dtype, threads):
    _native.set_isa(isa)
    _native.set_num_threads(threads)
    for count in (0, 1, 2047, 2048, 2049, 4095, 10_007, 70_001):
        x = numbers(count, dtype)
        for (name, mine), theirs in zip(generators().items(), generators().values(), strict=True):
            for p in (0.0, 0.3, 0.999):  # twice: the second call goes on where the first stopped
                out, mask = native_ops.dropout_forward(x, p, mine)
                expected = np.where(theirs.random(count) >= p, 1 / dtype(1 - p), 0).astype(dtype)
                np.testing.assert_array_equal(mask, expected, err_msg=name)
                np.testing.assert_array_equal(out, x * expected, err_msg=name)
            assert str(mine.bit_generator.state) == str(theirs.bit_generator.state), name
            assert mine.integers(2**20, size=3).tolist() == theirs.integers(2**20, size=3).tolist(), name


@each_isa
def test_a_draw_equal_to_p_is_kept_and_one_below_is_not(isa):
    _native.set_isa(isa)
    x = np.ones(4096)
    drawn = np.random.default_rng(1).random(x.size)
    for at in (0, 17, 4095):
        for p, kept in ((drawn[at], True), (np.nextafter(drawn[at], 1), False)):
            mask = native_ops.dropout_forward(x, float(p), np.random.default_rng(1))[1]
            np.testing.assert_array_equal(mask != 0, drawn >= p)
            assert (mask[at] != 0) == kept


def test_large_dropout_is_written_past_the_caches_and_right():
    x = numbers(8_500_003, np.float32)
    mine, expected = (
        tier.dropout_forward(x, 0.25, np.random.default_rng(2)) for tier in (native_ops, numpy_ops)
    )
    for one, other in zip(mine, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("p", [-0.1, 1.0, math.nan])
def test_dropout_takes_probabilities_below_one(p):
    arrays = {name: np.ones(3) for name in ("x", "out", "mask")}
    with pytest.raises(ValueError, match=r"^p must lie in \[0, 1\)$"):
        _native.dropout_pcg64(**arrays, state=(0, 1), increment=(0, 1), p=p)


@each_isa
@each_dtype
@pytest.mark.parametrize("count", COUNTS)
def test_add_scaled(isa, dtype, count):
    _native.set_isa(isa)
    a, b = numbers(count, dtype), numbers(count, dtype, 1)
    expected = a + dtype(0.25) * b
    total = _native.add_scaled(a, b, 0.25)
    assert_close(a, expected)
    exact = float(np.square(b.astype(np.float64)).sum())
    assert total == pytest.approx(exact, rel=16 * float(np.finfo(dtype).eps))


def test_large_results_are_written_past_the_caches_and_right():
    x = numbers(17_000_003, np.float32)  # 68 MB
    assert_close(native_ops.relu_forward(x)[0], np.maximum(x, 0))


@each_dtype
def test_runs_are_repeated_bit_for_bit(dtype):
    _native.set_num_threads(3)
    x = numbers(3 * 64 * 500, dtype).reshape(3, 64, 500)
    alpha = numbers(64, dtype, 1)
    first, second = (native_ops.prelu_backward(x, x, alpha, None)[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert _native.add_scaled(x.copy(), x, 0.5) == _native.add_scaled(x.copy(), x, 0.5)


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("name", ["relu", "gelu", "sigmoid", "tanh", "leaky_relu", "elu"])
@pytest.mark.parametrize(
    "changed",
    [
        {"x": np.ones((2, 3))},
        {"x": np.ones((2, 3), np.int32)},
        {"x": np.ones((3, 2), np.float32).T},
        {"x": np.ones((2, 6), np.float32)[:, ::2]},
        {"x": [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]},
        {"x": None},
        {"out": np.ones((2, 3))},
        {"out": np.ones((3, 2), np.float32).T},
        {"out": read_only(np.ones((2, 3), np.float32))},
    ],
)
def test_nothing_is_converted(name, changed):
    a = {"x": np.ones((2, 3), np.float32), "out": np.ones((2, 3), np.float32)} | changed
    alpha = {"alpha": 0.5} if name in ("leaky_relu", "elu") else {}
    with pytest.raises(TypeError, match="incompatible function arguments"):
        getattr(_native, f"{name}_forward")(**a, **alpha)
    with pytest.raises(TypeError, match="incompatible function arguments"):
        getattr(_native, f"{name}_backward")(dout=np.ones((2, 3), np.float32), x=a["x"], dx=a["out"], **alpha)


def floats(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("prelu_forward", (np.ones((2, 3, 4)), floats(3), floats(2, 3, 4))),
        ("prelu_forward", (floats(2, 3), floats(3), floats(2, 3, 4))),
        ("prelu_backward", (floats(2, 3, 4), floats(2, 3, 4), floats(3, 1), floats(2, 3, 4), floats(3))),
        ("dropout_forward", (floats(3), floats(3), 0.5, floats(3), floats(3))),
        ("dropout_forward", (floats(3), np.ones(3), 0.5, read_only(floats(3)), floats(3))),
        ("dropout_pcg64", (floats(3), (0, 1), (0, 1), 0.5, floats(3), np.ones(3))),
        ("dropout_pcg64", (floats(3), (0, -1), (0, 1), 0.5, floats(3), floats(3))),
        ("dropout_pcg64", (floats(3), (0, 1), (0, 2**64), 0.5, floats(3), floats(3))),
        ("dropout_pcg64", (floats(3), (0, 1), (0, 1), 0.5, floats(3), read_only(floats(3)))),
        ("multiply", (floats(3), np.ones(3), floats(3))),
        ("add", (floats(3), np.ones(3), floats(3))),
        ("add_scaled", (read_only(floats(3)), floats(3), 0.5)),
        ("add_scaled", (floats(3), np.ones(3), 0.5)),
    ],
)
def test_the_others_convert_nothing_either(name, arguments):
    with pytest.raises(TypeError, match="incompatible function arguments"):
        getattr(_native, name)(*arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("relu_forward", (floats(3), floats(4))),
        ("relu_backward", (floats(3), floats(4), floats(3))),
        ("elu_backward", (floats(3), floats(3), 0.5, floats(4))),
        ("prelu_forward", (floats(2, 3, 4), floats(2), floats(2, 3, 4))),
        ("prelu_backward", (floats(2, 3, 4), floats(2, 3, 4), floats(3), floats(2, 3, 4), floats(1))),
        ("dropout_forward", (floats(3), np.ones(4), 0.5, floats(3), floats(3))),
        ("dropout_pcg64", (floats(3), (0, 1), (0, 1), 0.5, floats(3), floats(4))),
        ("multiply", (floats(3), floats(4), floats(3))),
        ("add", (floats(3), floats(4), floats(3))),
        ("add_scaled", (floats(3), floats(4), 0.5)),
    ],
)
def test_sizes_must_go_together(name, arguments):
    with pytest.raises(ValueError, match=r"^shapes do not go together: "):
        getattr(_native, name)(*arguments)
