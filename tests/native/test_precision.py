"""What 'high' precision may leave out, and what it must leave alone."""

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

PRODUCT = 2.0**-16  # what may be left out of each product


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
def test_high_precision_leaves_out_little(isa, shape):
    _native.set_isa(isa)
    x, w, dout = draw(*shape)
    highest, high = products("highest", x, w, dout), products("high", x, w, dout)
    factors = ((x, w), (dout, w.T), (x.T, dout))
    for one, other, (a, b) in zip(highest, high, factors, strict=True):
        exact = a.astype(np.float64) @ b
        rounded = a.shape[1] * 2.0**-24  # of float32 sums
        assert (np.abs(other - exact) <= (PRODUCT + rounded) * (np.abs(a) @ np.abs(b))).all()
        if isa == "amx":
            assert (one != other).any()  # it is not the same computation under another name
            assert np.abs(one - exact).mean() < np.abs(other - exact).mean()
        else:
            np.testing.assert_array_equal(one, other)


def test_whole_numbers_up_to_256_are_multiplied_exactly():
    x, w, dout = (np.round(array * 40) for array in draw(64, 64, 64))
    assert 100 < np.abs(x).max() <= 256
    for one, other in zip(products("highest", x, w, dout), products("high", x, w, dout), strict=True):
        np.testing.assert_array_equal(one, other)


def test_double_precision_is_left_alone():
    arrays = draw(40, 50, 60, np.float64)
    for one, other in zip(products("highest", *arrays), products("high", *arrays), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3.4e38])
def test_what_is_infinite_or_no_number_is_the_same(value):
    x, w, dout = (np.ones_like(array) for array in draw(40, 64, 48))
    x[7, 3] = value
    for one, other in zip(products("highest", x, w, dout), products("high", x, w, dout), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("sides", [(4, 32, 32, 15, 15), (3, 40, 70, 7, 9), (2, 256, 33, 3, 3)])
def test_convolutions_err_little(sides):
    n, c, f, height, width = sides
    rng = np.random.default_rng(c)
    x, dout = rng.normal(size=(n, c, height, width)), rng.normal(size=(n, f, height, width))
    w, b = rng.normal(size=(f, c, 3, 3)), np.zeros(f)

    def passes(dtype: type) -> list[np.ndarray]:
        x_, w_, b_, dout_ = (array.astype(dtype) for array in (x, w, b, dout))
        out, kept = native_ops.conv_forward(x_, w_, b_, (1, 1), (1, 1))
        return [out, *native_ops.conv_backward(dout_, x_, w_, (1, 1), (1, 1), kept, True)[:2]]

    exact = passes(np.float64)
    handgrad.set_precision("high")
    for right, high in zip(exact, passes(np.float32), strict=True):
        # Of the direct kernel; what Winograd's transforms add up is some ten times larger than the result.
        assert np.abs(high - right).std() < 10 * PRODUCT * right.std()


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match=r"^the precision must be 'highest' or 'high', got 'low'$"):
        handgrad.set_precision("low")
    with pytest.raises(ValueError, match=r"^precision must be highest or high, got 'low'$"):
        _native.set_precision("low")
    assert handgrad.get_precision() == "highest"


@pytest.mark.parametrize(("value", "shown"), [("", "highest"), ("highest", "highest"), ("high", "high")])
def test_the_environment_sets_it_and_info_tells(value, shown):
    environment = os.environ | {"HANDGRAD_PRECISION": value}
    command = [sys.executable, "-m", "handgrad", "info", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    found = json.loads(done.stdout)
    assert found["extension"]["precision"] == shown
    assert found["environment"]["HANDGRAD_PRECISION"] == value


def test_nonsense_in_the_environment_is_refused():
    environment = os.environ | {"HANDGRAD_PRECISION": "low"}
    program = "import handgrad"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.stderr.splitlines()[-1] == "ValueError: HANDGRAD_PRECISION must be highest or high, got 'low'"
