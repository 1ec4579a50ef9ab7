"""Pooling through the binding: any window on every instruction set, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tolerances import assert_close

from handgrad import _native
from handgrad.backend import native_ops, numpy_ops

DTYPES = (np.float32, np.float64)
each_isa = pytest.mark.parametrize("isa", _native.isas())
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def some_case(rng: np.random.Generator, dtype: type):
    """An image, ties and a NaN among them, with a window that may overlap, leave gaps or not tile it."""
    height, width = (int(side) for side in rng.integers(1, 45, 2))
    window = int(rng.integers(1, min(height, 6) + 1)), int(rng.integers(1, min(width, 6) + 1))
    stride = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    if rng.random() < 0.3 and min(height, width) > 1:
        window = stride = (2, 2)
    x = np.round(2 * rng.normal(size=(2, int(rng.integers(1, 4)), height, width))).astype(dtype)
    if rng.random() < 0.3:
        x.flat[rng.integers(x.size)] = np.nan
    return x, window, stride


def both(name: str, x: np.ndarray, window, stride, dout_seed: int = 0):
    """Output and gradient of both tiers."""
    results = []
    for tier in (native_ops, numpy_ops):
        out, kept = getattr(tier, f"{name}_forward")(x, window, stride)
        dout = np.random.default_rng(dout_seed).normal(size=out.shape).astype(x.dtype)
        results.append((out, getattr(tier, f"{name}_backward")(dout, x, window, stride, kept), kept))
    return results


@each_isa
@each_dtype
@pytest.mark.parametrize("threads", [1, 3])
def test_any_window(isa, dtype, threads):
    _native.set_isa(isa)
    _native.set_num_threads(threads)
    rng = np.random.default_rng(threads)
    for _ in range(80):
        agree(*some_case(rng, dtype))


def agree(x: np.ndarray, window, stride) -> None:
    """Both poolings and their gradients are those of the NumPy tier."""
    (out, dx, winner), (right, right_dx, right_winner) = both("max_pool", x, window, stride)
    np.testing.assert_array_equal(out, right)
    np.testing.assert_array_equal(winner, right_winner)
    assert_close(dx, right_dx, 36)
    (out, dx, _), (right, right_dx, _) = both("avg_pool", x, window, stride)
    assert_close(out, right, 36)
    assert_close(dx, right_dx, 36)


@each_isa
@each_dtype
@pytest.mark.parametrize("planes", [1, 3, 15, 16, 17, 50])
def test_narrow_images(isa, dtype, planes):
    """Of rows of so few windows several images are pooled at once, a lane each."""
    _native.set_isa(isa)
    _native.set_num_threads(2)
    rng = np.random.default_rng(planes)
    for width in range(1, 12):
        for window, stride in (((2, 2), 2), ((3, 3), 1), ((3, 3), 2), ((2, 3), 2), ((1, 1), 1), ((5, 1), 3)):
            height = int(rng.integers(window[0], 20))
            if window[1] <= width:
                x = np.round(2 * rng.normal(size=(planes, 1, height, width))).astype(dtype)
                x.flat[rng.integers(x.size)] = np.nan
                agree(x, window, (stride, stride))


WIDTHS = (3, 4, 5, 6, 7, 9, 11, 16, 17, 24, 31, 32, 34, 47, 50, 51, 53, 96)


@each_isa
@each_dtype
@pytest.mark.parametrize("rows", [2, 3])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_windows_of_three_columns(isa, dtype, rows, step):
    """They have kernels of their own: every rest of a vector, one column of windows, ties, NaN."""
    _native.set_isa(isa)
    rng = np.random.default_rng(step)
    for width in WIDTHS:
        x = np.round(2 * rng.normal(size=(1, 3, int(rng.integers(rows, 14)), width))).astype(dtype)
        x[0, 0].flat[rng.integers(x[0, 0].size, size=3)] = np.nan
        (out, dx, winner), (right, right_dx, right_winner) = both("max_pool", x, (rows, 3), (step, step))
        np.testing.assert_array_equal(out, right)
        np.testing.assert_array_equal(winner, right_winner)
        assert_close(dx, right_dx, 9)
        x = np.nan_to_num(x)
        (out, dx, _), (right, right_dx, _) = both("avg_pool", x, (rows, 3), (step, step))
        assert_close(out, right, 9)
        assert_close(dx, right_dx, 9)


@each_isa
@each_dtype
@pytest.mark.parametrize("image", [(75, 224), (61, 1031)])  # more rows than are visited at once
@pytest.mark.parametrize("step", [1, 2, 3])
def test_large_images(isa, dtype, image, step):
    _native.set_isa(isa)
    x = np.round(2 * np.random.default_rng(0).normal(size=(1, 1, *image))).astype(dtype)
    for name in ("max_pool", "avg_pool"):
        mine, right = both(name, x, (3, 3), (step, step))
        for one, other in zip(mine[:2], right[:2], strict=True):
            assert_close(one, other, 9)


@each_isa
@each_dtype
@pytest.mark.parametrize(
    ("window", "stride"), [((3, 3), 1), ((3, 3), 2), ((2, 3), 3), ((2, 2), 2), ((4, 2), 3)]
)
@pytest.mark.parametrize("width", [6, 37])
def test_the_maximum_is_the_winner_to_the_last_bit(isa, dtype, width, window, stride):
    """Zeros of both signs tie, and the first of them is passed on."""
    _native.set_isa(isa)
    rng = np.random.default_rng(0)
    x = rng.choice([-1.0, -0.0, 0.0], size=(2, 9, 19, width)).astype(dtype)
    out, winner = native_ops.max_pool_forward(x, window, (stride, stride))
    windows = np.lib.stride_tricks.sliding_window_view(x, window, axis=(2, 3))[:, :, ::stride, ::stride]
    taps = windows.reshape(*windows.shape[:4], -1)
    np.testing.assert_array_equal(winner, taps.argmax(-1))
    won = np.take_along_axis(taps, winner[..., None].astype(np.intp), -1)[..., 0]
    np.testing.assert_array_equal(np.signbit(out), np.signbit(won))
    np.testing.assert_array_equal(out, won)


@each_isa
def test_windows_against_pytorch(isa):
    _native.set_isa(isa)
    rng = np.random.default_rng(7)
    for _ in range(40):
        x, window, stride = some_case(rng, np.float32)
        x = np.nan_to_num(x)
        tensor = torch.tensor(x, requires_grad=True)
        for name, function in (("max_pool", F.max_pool2d), ("avg_pool", F.avg_pool2d)):
            expected = function(tensor, window, stride)
            out, kept = getattr(native_ops, f"{name}_forward")(x, window, stride)
            assert_close(out, expected.detach().numpy(), 36)
            dout = rng.normal(size=out.shape).astype(np.float32)
            (expected_dx,) = torch.autograd.grad(expected, tensor, torch.tensor(dout))
            dx = getattr(native_ops, f"{name}_backward")(dout, x, window, stride, kept)
            assert_close(dx, expected_dx.numpy(), 36)


@each_isa
@each_dtype
@pytest.mark.parametrize(
    ("image", "window", "stride"),
    [
        ((16, 16), (16, 16), (1, 1)),  # as many taps as a byte can name
        ((20, 20), (17, 16), (2, 1)),  # more: NumPy takes over
        ((3, 1500), (2, 700), (1, 300)),
        ((2, 2600), (1, 1100), (1, 1)),
        ((1, 3000), (1, 2), (1, 2)),
        ((64, 1), (2, 1), (2, 1)),
    ],
)
def test_large_windows_and_odd_images(isa, dtype, image, window, stride):
    _native.set_isa(isa)
    x = np.random.default_rng(0).normal(size=(1, 2, *image)).astype(dtype)
    for name in ("max_pool", "avg_pool"):
        mine, expected = both(name, x, window, stride)
        for one, other in zip(mine[:2], expected[:2], strict=True):
            assert_close(one, other, window[0] * window[1])


@each_isa
@each_dtype
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (4, 4, 16, 16), (1, 1, 1, 1), (2, 2, 90, 91), (0, 3, 4, 4)])
def test_global_average(isa, dtype, shape):
    _native.set_isa(isa)
    x = 100 + np.random.default_rng(0).normal(size=shape).astype(dtype)
    out, _ = native_ops.global_avg_pool_forward(x)
    assert_close(out, x.astype(np.float64).mean(axis=(2, 3)).astype(dtype), what="out")
    dx = native_ops.global_avg_pool_backward(out, x, None)
    assert_close(dx, numpy_ops.global_avg_pool_backward(out, x, None), what="dx")


@each_dtype
def test_large_gradients_are_written_past_the_caches_and_right(dtype):
    rng = np.random.default_rng(0)
    for side in (33, 64):  # rows that begin where a vector does, and rows that do not
        x = np.round(rng.normal(size=(8_500_000 // side**2, 1, side, side))).astype(dtype)
        for name in ("max_pool", "avg_pool"):
            (_, dx, _), (_, expected, _) = both(name, x, (2, 2), (2, 2))
            np.testing.assert_array_equal(dx, expected)


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
def test_large_gradients_are_those_of_their_parts(name, step):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9000, 1, 32, 31)).astype(np.float32)
    forward, backward = (getattr(native_ops, f"{name}_{side}") for side in ("forward", "backward"))
    out, kept = forward(x, (3, 3), (step, step))
    dx = backward(out, x, (3, 3), (step, step), kept)
    for part in (slice(0, 50), slice(8950, 9000)):
        winner = None if kept is None else kept[part]
        alone = backward(out[part], x[part], (3, 3), (step, step), winner)
        np.testing.assert_array_equal(dx[part], alone)


def floats(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


WINNER = np.zeros((2, 3, 2, 2), np.uint8)
GOOD = {
    "max_pool_forward": {"x": floats(2, 3, 4, 4), "out": floats(2, 3, 2, 2), "winner": WINNER},
    "max_pool_backward": {"dout": floats(2, 3, 2, 2), "winner": WINNER, "dx": floats(2, 3, 4, 4)},
    "avg_pool_forward": {"x": floats(2, 3, 4, 4), "out": floats(2, 3, 2, 2)},
    "avg_pool_backward": {"dout": floats(2, 3, 2, 2), "dx": floats(2, 3, 4, 4)},
    "global_avg_pool_forward": {"x": floats(2, 3, 4, 4), "out": floats(2, 3)},
    "global_avg_pool_backward": {"dout": floats(2, 3), "dx": floats(2, 3, 4, 4)},
}


def call(name: str, **changed) -> None:
    settings = {} if name.startswith("global") else {"window": (2, 2), "stride": (2, 2)}
    getattr(_native, name)(**GOOD[name] | settings | changed)


@pytest.mark.parametrize("name", GOOD)
def test_nothing_is_converted(name):
    call(name)
    for argument, array in GOOD[name].items():
        for wrong in (
            array.astype(np.int32),
            array[None],
            np.asfortranarray(array),
            np.repeat(array, 2, axis=-1)[..., ::2],
            None,
        ):
            with pytest.raises(TypeError, match="incompatible function arguments"):
                call(name, **{argument: wrong})
        with pytest.raises(ValueError, match=r"^shapes do not go together: "):
            call(name, **{argument: np.repeat(array, 2, axis=1)})
    results = ("out", "dx", "winner") if name.endswith("forward") else ("dx",)
    for argument in set(GOOD[name]) & set(results):
        with pytest.raises(TypeError, match="incompatible function arguments"):
            call(name, **{argument: read_only(GOOD[name][argument].copy())})


@pytest.mark.parametrize(
    "name", ["max_pool_forward", "max_pool_backward", "avg_pool_forward", "avg_pool_backward"]
)
@pytest.mark.parametrize(
    ("changed", "error", "sentence"),
    [
        ({"stride": (0, 2)}, ValueError, "^stride must be at least 1$"),
        ({"window": (5, 2)}, ValueError, "the window must fit into the image$"),
        ({"window": (0, 2)}, ValueError, "the window must fit into the image$"),
        ({"window": (2.0, 2)}, TypeError, "incompatible function arguments"),
        ({"stride": 2}, TypeError, "incompatible function arguments"),
    ],
)
def test_windows_must_fit(name, changed, error, sentence):
    with pytest.raises(error, match=sentence):
        call(name, **changed)


def test_winners_must_be_taps_of_the_window():
    for winner, window in ((9, (3, 3)), (255, (3, 3))):
        arrays = {"dout": floats(1, 1, 1, 1), "winner": np.full((1, 1, 1, 1), winner, np.uint8)}
        with pytest.raises(ValueError, match=r"winner holds taps of the window$"):
            call("max_pool_backward", **arrays, window=window, stride=(1, 1), dx=floats(1, 1, 3, 3))
    many = np.zeros((50, 40, 15, 15), np.uint8)  # enough for all threads
    for at in (0, 449_999):
        many.flat[at] = 9
        with pytest.raises(ValueError, match=r"winner holds taps of the window$"):
            _native.max_pool_backward(floats(*many.shape), many, (3, 3), (2, 2), floats(50, 40, 31, 31))
        many.flat[at] = 8
    wide = {"x": floats(1, 1, 16, 17), "out": floats(1, 1, 1, 1), "winner": np.zeros((1, 1, 1, 1), np.uint8)}
    with pytest.raises(ValueError, match=r"a window has at most 256 taps$"):
        call("max_pool_forward", **wide, window=(16, 17), stride=(1, 1))
