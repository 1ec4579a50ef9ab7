"""The convolution kernels through the binding: any geometry on every instruction set, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from tolerances import assert_close

from handgrad import _native
from handgrad.backend import native_ops, numpy_ops

DTYPES = (np.float32, np.float64)


def some_case(rng: np.random.Generator, dtype: type, channels: int):
    """Windows up to 7 x 7, pads beyond the window, strides that do not divide, images of padding alone."""
    window, stride, pad = (tuple(int(v) for v in rng.integers(*span, 2)) for span in ((1, 8), (1, 4), (0, 5)))
    sides = [max(1, window[a] - 2 * pad[a]) + int(rng.integers(0, 20 + 20 * a)) for a in (0, 1)]
    n, c, f = int(rng.integers(0, 5)), *(int(v) for v in rng.integers(1, channels, 2))
    x = rng.normal(size=(n, c, *sides)).astype(dtype)
    w, b = rng.normal(size=(f, c, *window)).astype(dtype), rng.normal(size=f).astype(dtype)
    return x, w, b, stride, pad


def all_passes(tier, x, w, b, stride, pad, dout=None):
    out, kept = tier.conv_forward(x, w, b, stride, pad)
    dout = np.cos(np.arange(out.size, dtype=out.dtype)).reshape(out.shape) if dout is None else dout
    return out, *tier.conv_backward(dout, x, w, stride, pad, kept, True)


@pytest.mark.parametrize("isa", _native.isas())
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("channels", "cases"), [(9, 40), (70, 6)])
def test_any_geometry(isa, dtype, channels, cases):
    rng = np.random.default_rng(channels)
    _native.set_isa(isa)
    for case in range(cases):
        _native.set_num_threads(1 + case % 4)
        arguments = some_case(rng, dtype, channels)
        made, expected = (all_passes(tier, *arguments) for tier in (native_ops, numpy_ops))
        x, w = arguments[:2]
        length = max(x.size, w.size, made[0].size)
        for name, actual, right in zip(("out", "dx", "dw", "db"), made, expected, strict=True):
            assert_close(actual, right, length, what=f"{name} of {x.shape}, {w.shape}, {arguments[3:]}")
        for actual, again in zip(made, all_passes(native_ops, *arguments), strict=True):
            np.testing.assert_array_equal(actual, again)  # bit for bit


@pytest.mark.parametrize("isa", _native.isas())
@pytest.mark.parametrize(
    ("seed", "images", "sides"), [*((seed, 6, (5, 20)) for seed in range(6)), (6, 3, (130, 170))]
)
def test_winograd_and_the_direct_kernel_agree(isa, seed, images, sides):
    """Both stay within a direct sum's tolerance, though Winograd errs some ten times as much.

    Large images are staged in bands.
    """
    rng = np.random.default_rng(seed)
    _native.set_isa(isa)
    _native.set_num_threads(1 + seed % 3)
    n, pad = int(rng.integers(1, images)), tuple(int(v) for v in rng.integers(0, 3, 2))
    c, f = (int(v) for v in rng.integers(32, 70, 2))
    h, width = (int(v) for v in rng.integers(*sides, 2))
    x, w = rng.normal(size=(n, c, h, width)), rng.normal(size=(f, c, 3, 3))
    exact = all_passes(numpy_ops, x, w, np.arange(f, dtype=float), (1, 1), pad)
    arguments = [array.astype(np.float32) for array in (x, w, np.arange(f))]
    results = {}
    for allowed in (True, False):
        _native.set_winograd(allowed)
        results[allowed] = all_passes(native_ops, *arguments, (1, 1), pad)
        again = all_passes(native_ops, *arguments, (1, 1), pad)
        for name, actual, right, same in zip(
            ("out", "dx", "dw", "db"), results[allowed], exact, again, strict=True
        ):
            length = max(9 * c, 9 * f, exact[0].size // f)
            assert_close(actual, right.astype(np.float32), length, what=name)
            np.testing.assert_array_equal(actual, same)
    assert any((a != b).any() for a, b in zip(results[True], results[False], strict=True))  # two algorithms


def test_winograd_is_left_to_single_precision_and_to_shapes_that_it_fits():
    rng = np.random.default_rng(0)
    for dtype, channels, window, stride in (
        (np.float64, 40, 3, 1),
        (np.float32, 8, 3, 1),
        (np.float32, 40, 5, 1),
        (np.float32, 40, 3, 2),
    ):
        x = rng.normal(size=(2, channels, 9, 9)).astype(dtype)
        w = rng.normal(size=(channels, channels, window, window)).astype(dtype)
        results = []
        for allowed in (True, False):
            _native.set_winograd(allowed)
            results.append(all_passes(native_ops, x, w, np.zeros(channels, dtype), (stride, stride), (1, 1)))
        for one, other in zip(*results, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("value", "printed"), [("", "True"), ("on", "True"), ("off", "False"), ("no", None)])
def test_the_environment_turns_winograd_off(value, printed):
    program = "from handgrad import _native; _native.configure(); print(_native.winograd())"
    environment = os.environ | {"HANDGRAD_WINOGRAD": value}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    if printed is None:
        assert done.stderr.splitlines()[-1] == "ValueError: HANDGRAD_WINOGRAD must be on or off, got 'no'"
    else:
        assert done.stdout.strip() == printed


def test_info_tells_that_winograd_is_off():
    environment = os.environ | {"HANDGRAD_WINOGRAD": "off"}
    command = [sys.executable, "-m", "handgrad", "info", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    found = json.loads(done.stdout)
    assert found["extension"]["winograd"] is False
    assert found["environment"]["HANDGRAD_WINOGRAD"] == "off"


@pytest.mark.parametrize("isa", _native.isas())
@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_on_the_way_out_lets_nan_through(isa, dtype):
    _native.set_isa(isa)
    x, w, b, _, _ = some_case(np.random.default_rng(3), dtype, 9)
    x = np.ones((2, w.shape[1], 9, 9), dtype)
    x[1, 0, 4, 4] = np.nan
    out, _ = native_ops.conv_forward(x, w[:, :, :3, :3], b, (1, 1), (1, 1))
    cut = np.empty_like(out)
    _native.conv_forward(x, w[:, :, :3, :3].copy(), b, (1, 1), (1, 1), True, cut)
    np.testing.assert_array_equal(cut, np.maximum(out, 0))
    assert np.isnan(cut[1]).any()
    assert not np.isnan(cut[0]).any()


def call(**changed):
    a = {
        "x": np.ones((2, 3, 5, 5), np.float32),
        "w": np.ones((4, 3, 3, 3), np.float32),
        "b": np.ones(4, np.float32),
        "stride": (1, 1),
        "pad": (1, 1),
        "relu": False,
        "out": np.empty((2, 4, 5, 5), np.float32),
    } | changed
    _native.conv_forward(**a)


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "changed",
    [
        {"x": np.ones((2, 3, 5, 5))},
        {"x": np.ones((3, 5, 5), np.float32)},
        {"x": np.ones((5, 5, 3, 2), np.float32).T},
        {"w": np.ones((4, 3, 3, 6), np.float32)[..., ::2]},
        {"stride": (1.0, 1)},
        {"stride": 1},
        {"relu": 1},
        {"out": np.empty((2, 4, 5, 5))},
        {"out": read_only(np.empty((2, 4, 5, 5), np.float32))},
    ],
)
def test_nothing_is_converted(changed):
    with pytest.raises(TypeError, match="incompatible function arguments"):
        call(**changed)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"stride": (0, 1)}, "^stride must be at least 1$"),
        ({"pad": (0, -1)}, "^pad must not be negative$"),
        ({"pad": (2, 1)}, "^shapes do not go together: b "),
        ({"b": np.ones(5, np.float32)}, "^shapes do not go together: b "),
        ({"w": np.ones((4, 2, 3, 3), np.float32)}, "^shapes do not go together: x "),
        ({"w": np.ones((4, 3, 8, 3), np.float32)}, "^shapes do not go together: w's window must fit"),
        ({"w": np.ones((4, 3, 0, 3), np.float32)}, "^shapes do not go together: w's window must fit"),
    ],
)
def test_shapes_must_go_together(changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(**changed)


def test_shapes_must_go_together_backward():
    x, w = np.ones((2, 3, 5, 5), np.float32), np.ones((4, 3, 3, 3), np.float32)
    wrong, db = np.ones((2, 4, 4, 5), np.float32), np.ones(4, np.float32)
    with pytest.raises(ValueError, match=r"^shapes do not go together: dout"):
        _native.conv_backward_x(wrong, w, (1, 1), (1, 1), x)
    with pytest.raises(ValueError, match=r"^shapes do not go together: dout"):
        _native.conv_backward_w(wrong, x, (1, 1), (1, 1), w, db)
