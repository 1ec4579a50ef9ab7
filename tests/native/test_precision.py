"""What 'high', 'medium' and 'low' precision may leave out, and what they must leave alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import handgrad
from handgrad import _native
from handgrad.backend import native_ops

# What may be left out of each product.
LEFT_OUT = {"high": 2.0**-16, "medium": 2.0**-8 + 2.0**-18, "low": 2.0**-8 + 2.0**-18}
PAIRS = 0.04  # of outputs, in root mean square, where Winograd's products are made in pairs of bfloat16


def products(precision: str, x: np.ndarray, w: np.ndarray, dout: np.ndarray) -> list[np.ndarray]:
    """Return out, dx, dw of an affine layer without bias."""
    handgrad.set_precision(precision)
    out, kept = native_ops.affine_forward(x, w, np.zeros(w.shape[1], w.dtype))
    return [out, *native_ops.affine_backward(dout, x, w, kept, True)[:2]]


def draw(n: int, d: int, m: int, dtype: type = np.float32) -> list[np.ndarray]:
    rng = np.random.default_rng(n + d + m)
    return [rng.normal(size=shape).astype(dtype) for shape in ((n, d), (d, m), (n, m))]


@pytest.mark.parametrize("isa", _native.isas())
@pytest.mark.parametrize("shape", [(32, 32, 32), (33, 50, 47), (460, 70, 1100), (600, 1500, 33)])
@pytest.mark.parametrize("precision", LEFT_OUT)
def test_a_lower_precision_leaves_out_little(isa, shape, precision):
    _native.set_isa(isa)
    x, w, dout = draw(*shape)
    highest, lower = products("highest", x, w, dout), products(precision, x, w, dout)
    factors = ((x, w), (dout, w.T), (x.T, dout))
    for one, other, (a, b) in zip(highest, lower, factors, strict=True):
        exact = a.astype(np.float64) @ b
        rounded = a.shape[1] * 2.0**-24  # of float32 sums
        assert (np.abs(other - exact) <= (LEFT_OUT[precision] + rounded) * (np.abs(a) @ np.abs(b))).all()
        if isa == "amx":
            assert (one != other).any()  # it is not the same computation under another name
            assert np.abs(one - exact).mean() < np.abs(other - exact).mean()
        else:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("precision", LEFT_OUT)
def test_whole_numbers_up_to_256_are_multiplied_exactly(precision):
    x, w, dout = (np.round(array * 40) for array in draw(64, 64, 64))
    assert 100 < np.abs(x).max() <= 256
    for one, other in zip(products("highest", x, w, dout), products(precision, x, w, dout), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("precision", LEFT_OUT)
def test_double_precision_is_left_alone(precision):
    arrays = draw(40, 50, 60, np.float64)
    for one, other in zip(products("highest", *arrays), products(precision, *arrays), strict=True):
        np.testing.assert_array_equal(one, other)


ALL_BITS = np.array(-1, np.int32).view(np.float32)  # a NaN that rounding could carry over to 0


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, ALL_BITS, 3.4e38])
@pytest.mark.parametrize("precision", LEFT_OUT)
def test_what_is_infinite_or_no_number_is_the_same(value, precision):
    x, w, dout = (np.ones_like(array) for array in draw(40, 64, 48))
    x[7, 3] = value
    for one, other in zip(products("highest", x, w, dout), products(precision, x, w, dout), strict=True):
        np.testing.assert_array_equal(one, other)


def conv_passes(dtype: type, x: np.ndarray, w: np.ndarray, dout: np.ndarray) -> list[np.ndarray]:
    """Return out, dx, dw, db of a convolution that keeps the images' sides, its biases being 1."""
    x, w, dout = (array.astype(dtype) for array in (x, w, dout))
    out, kept = native_ops.conv_forward(x, w, np.ones(len(w), dtype), (1, 1), (1, 1))
    return [out, *native_ops.conv_backward(dout, x, w, (1, 1), (1, 1), kept, True)]


@pytest.mark.parametrize("sides", [(4, 32, 32, 15, 15), (3, 40, 70, 7, 9), (2, 256, 33, 3, 3)])
@pytest.mark.parametrize("precision", LEFT_OUT)
def test_convolutions_err_little(sides, precision):
    n, c, f, height, width = sides
    rng = np.random.default_rng(c)
    x, dout = rng.normal(size=(n, c, height, width)), rng.normal(size=(n, f, height, width))
    w = rng.normal(size=(f, c, 3, 3))
    exact = conv_passes(np.float64, x, w, dout)
    handgrad.set_precision(precision)
    # What Winograd's transforms add up is some ten times larger than the result; 'medium' rounds none of it.
    allowed = LEFT_OUT[precision] * (1 if precision == "medium" else 10)
    for right, lower in zip(exact, conv_passes(np.float32, x, w, dout), strict=True):
        assert np.abs(lower - right).std() < allowed * right.std()


# Outputs that tiles of each side from 2 to 8 fit best, some of which hang over; the last are staged in bands.
TILED = [(2, 2), (3, 6), (4, 4), (5, 10), (6, 12), (7, 7), (8, 8), (14, 13), (15, 31), (33, 20), (150, 170)]


@pytest.mark.parametrize("isa", _native.isas())
@pytest.mark.parametrize("sides", TILED, ids=str)
def test_large_tiles_err_little(isa, sides):
    rng = np.random.default_rng(sum(sides))
    _native.set_isa(isa)
    n, c, f = (2, 17, 33) if max(sides) > 100 else (5, 40, 70)
    x, dout, w = (rng.normal(size=shape) for shape in ((n, c, *sides), (n, f, *sides), (f, c, 3, 3)))
    exact = conv_passes(np.float64, x, w, dout)
    handgrad.set_precision("medium")
    allowed = LEFT_OUT["medium"] if isa == "amx" else 1e-4  # found: 3e-5 with tiles of 8
    made = conv_passes(np.float32, x, w, dout)
    for name, right, lower in zip(("out", "dx", "dw", "db"), exact, made, strict=True):
        assert np.abs(lower - right).std() < allowed * right.std(), name


@pytest.mark.skipif("avx512_bf16" not in _native.cpu_features(), reason="the CPU multiplies no pairs")
@pytest.mark.parametrize("sides", TILED, ids=str)
def test_pairs_err_by_little_percent(sides):
    """Of any number of channels and filters, odd and even vectors, blocks and threads."""
    rng = np.random.default_rng(sum(sides))
    _native.set_isa("avx512")
    n, c, f = (2, 17, 33) if max(sides) > 100 else (5, 41, 70)
    x, dout, w = (rng.normal(size=shape) for shape in ((n, c, *sides), (n, f, *sides), (f, c, 3, 3)))
    exact = conv_passes(np.float64, x, w, dout)
    handgrad.set_precision("medium")
    medium = conv_passes(np.float32, x, w, dout)
    handgrad.set_precision("low")
    made = conv_passes(np.float32, x, w, dout)
    in_pairs = sides != (7, 7)  # one tile in float32 has less to multiply than four in pairs
    for name, right, other, lower in zip(("out", "dx", "dw"), exact, medium, made, strict=False):
        assert (lower - right).std() < PAIRS * right.std(), name
        assert (lower != other).any() == in_pairs, name
    assert np.abs(made[3] - exact[3]).max() < 1e-5 * np.abs(exact[3]).max()  # db: sums without products


def whole_numbers(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Draw numbers that bfloat16 holds, whose products add up in float32 without rounding."""
    return rng.integers(-8, 9, shape).astype(np.float32)


@pytest.mark.parametrize("seed", range(60))
def test_convolutions_of_whole_numbers_are_exact_in_medium_precision(seed):
    """Any geometry: small images share their borders, large ones are cut into bands, tiles hang over ends."""
    rng = np.random.default_rng(seed)
    _native.set_num_threads(1 + seed % 4)
    window = rng.integers(1, 6, 2)
    pad = tuple(int(rng.integers(0, side)) for side in window)
    most = (9, 40, 300)[seed % 3]
    sides = [max(1, int(window[a]) - 2 * pad[a]) + int(rng.integers(0, most)) for a in (0, 1)]
    n, c, f = int(rng.integers(1, (60, 5, 2)[seed % 3])), *(int(v) for v in rng.integers(16, 70, 2))
    x, w, b = whole_numbers(rng, n, c, *sides), whole_numbers(rng, f, c, *window), whole_numbers(rng, f)
    handgrad.set_precision("medium")
    _native.set_winograd(False)  # without tiles it would take 3 x 3 windows, and its transforms round
    out, kept = native_ops.conv_forward(x, w, b, (1, 1), pad)
    dout = whole_numbers(rng, *out.shape)
    made = (out, *native_ops.conv_backward(dout, x, w, (1, 1), pad, kept, True))
    _native.set_isa("generic")
    expected = native_ops.conv_forward(*(a.astype(float) for a in (x, w, b)), (1, 1), pad)
    expected = (
        expected[0],
        *native_ops.conv_backward(*(a.astype(float) for a in (dout, x, w)), (1, 1), pad, expected[1], True),
    )
    for name, actual, right in zip(("out", "dx", "dw", "db"), made, expected, strict=True):
        np.testing.assert_array_equal(actual, right, err_msg=name)


@pytest.mark.parametrize("side", [3, 8, 31, 200])
def test_relu_and_moments_of_a_convolution_in_medium_precision(side):
    rng = np.random.default_rng(side)
    x, w, b = whole_numbers(rng, 3, 17, side, side), whole_numbers(rng, 33, 17, 3, 3), whole_numbers(rng, 33)
    handgrad.set_precision("medium")
    out, _ = native_ops.conv_forward(x, w, b, (1, 1), (1, 1))
    cut, moments = np.empty_like(out), np.empty((2, 33))
    _native.conv_forward(x, w, b, (1, 1), (1, 1), True, cut)
    np.testing.assert_array_equal(cut, np.maximum(out, 0))
    _native.conv_forward(x, w, b, (1, 1), (1, 1), False, cut, moments)
    np.testing.assert_array_equal(cut, out)
    exact = out.astype(float).transpose(1, 0, 2, 3).reshape(33, -1)
    np.testing.assert_allclose(moments[0], exact.mean(1), rtol=0, atol=1e-6 * exact.std())
    np.testing.assert_allclose(moments[1], exact.var(1) * exact.shape[1], rtol=1e-5)


@pytest.mark.parametrize("value", [np.inf, np.nan, ALL_BITS])
def test_medium_convolutions_pass_on_what_is_no_number_where_it_is_seen(value):
    rng = np.random.default_rng(0)
    x, w = whole_numbers(rng, 2, 20, 9, 9), np.abs(whole_numbers(rng, 18, 20, 3, 3)) + 1
    x[1, 3, 4, 7] = value
    handgrad.set_precision("medium")
    _native.set_winograd(False)  # without tiles it would take them, and a whole tile sees the value
    out, _ = native_ops.conv_forward(x, w, np.zeros(18, np.float32), (1, 1), (1, 1))
    seen = np.zeros(out.shape, bool)
    seen[1, :, 3:6, 6:9] = True
    np.testing.assert_array_equal(~np.isfinite(out), seen)
    np.testing.assert_array_equal(out[1, :, 3:6, 6:9], np.full((18, 3, 3), np.float32(value)))


def test_an_unknown_precision_is_refused():
    message = "the precision must be 'highest', 'high', 'medium' or 'low', got 'lowest'"
    with pytest.raises(ValueError, match=f"^{message}$"):
        handgrad.set_precision("lowest")
    with pytest.raises(ValueError, match=r"^precision must be highest, high, medium or low, got 'lowest'$"):
        _native.set_precision("lowest")
    assert handgrad.get_precision() == "highest"


@pytest.mark.parametrize(
    ("value", "shown"), [("", "highest"), *((name, name) for name in handgrad.backend.precision.PRECISIONS)]
)
def test_the_environment_sets_it_and_info_tells(value, shown):
    environment = os.environ | {"HANDGRAD_PRECISION": value}
    command = [sys.executable, "-m", "handgrad", "info", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    found = json.loads(done.stdout)
    assert found["extension"]["precision"] == shown
    assert found["environment"]["HANDGRAD_PRECISION"] == value


def test_nonsense_in_the_environment_is_refused():
    environment = os.environ | {"HANDGRAD_PRECISION": "lowest"}
    program = "import handgrad"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert (
        done.stderr.splitlines()[-1]
        == "ValueError: HANDGRAD_PRECISION must be highest, high, medium or low, got 'lowest'"
    )
