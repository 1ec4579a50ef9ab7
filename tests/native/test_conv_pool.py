"""Convolution and max-pool in one, by Winograd or on AMX tiles: the same to the last bit as in two steps."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad
from handgrad import _native, layers
from handgrad.layers import blocks

pytestmark = pytest.mark.usefixtures("native_tier")

CONV = {"stride": 1, "pad": 1}
HALVES = {"pool_height": 2, "pool_width": 2, "stride": 2}


def arrays(
    n: int = 3, c: int = 16, f: int = 24, sides: tuple[int, ...] = (9, 8), window: tuple[int, ...] = (3, 3)
):
    rng = np.random.default_rng(n + c + f + sum(sides))
    shapes = (n, c, *sides), (f, c, *window), (f,)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def steps(x, w, b, conv_param, pool_param, dout=None):
    """Return out and, for dout, dx, dw, db, one layer after the other."""
    scores, conv = layers.conv_forward(x, w, b, conv_param)
    out, pool = layers.max_pool_forward(scores, pool_param)
    dout = np.ones_like(out) if dout is None else dout
    return out, *layers.conv_backward(layers.max_pool_backward(dout, pool), conv)


def assert_same(made, expected):
    for name, one, other in zip(("out", "dx", "dw", "db"), made, expected, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)


def drawn(seed: int):
    """Images that share a group and images that fill one; pools that overlap, tile, leave gaps or edges."""
    rng = np.random.default_rng(seed)
    window = rng.integers(1, 6, 2) if seed % 3 else np.array([3, 3])
    pad = tuple(int(rng.integers(0, side)) for side in window)
    least = [max(1, int(window[a]) - 2 * pad[a]) for a in (0, 1)]
    sides = tuple(side + int(rng.integers(0, (6, 40)[seed % 2])) for side in least)
    made = arrays(int(rng.integers(1, 20)), *(int(v) for v in rng.integers(16, 70, 2)), sides, tuple(window))
    if seed % 4 == 0:
        made[0] = np.round(made[0])  # ties
    if seed % 5 == 0:
        made[0][0, 0, 0, 0] = np.nan
    high, wide = (min(3, sides[a] + 2 * pad[a] - int(window[a]) + 1) for a in (0, 1))
    pool = {"pool_height": int(rng.integers(1, high + 1)), "pool_width": int(rng.integers(1, wide + 1))}
    return made, {"stride": 1, "pad": pad}, pool | {"stride": int(rng.integers(1, 4))}


def winograd_takes(x, w, pad):
    """Say whether it does: windows of 3 x 3, and 2 x 2 outputs or more."""
    return w.shape[2:] == (3, 3) and min(x.shape[axis + 2] + 2 * pad[axis] - 2 for axis in (0, 1)) >= 2


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
@pytest.mark.parametrize("seed", range(36))
def test_in_one_is_step_by_step(seed, precision):
    handgrad.set_precision(precision)
    _native.set_num_threads(1 + seed % 3)
    made, conv_param, pool_param = drawn(seed)
    out, cache = layers.conv_pool_forward(*made, conv_param, pool_param)
    tiles = _native.isa() == "amx" and precision == "medium"
    assert isinstance(cache, blocks.OnePassCache) == (tiles or winograd_takes(*made[:2], conv_param["pad"]))
    dout = np.random.default_rng(seed).normal(size=out.shape).astype(np.float32)
    expected = steps(*made, conv_param, pool_param, dout)
    assert_same((out, *layers.conv_pool_backward(dout, cache)), expected)
    dx, *rest = layers.conv_pool_backward(dout, cache, need_dx=False)
    assert dx is None
    assert_same((out, expected[1], *rest), expected)


@pytest.mark.parametrize(
    "made",
    [arrays(sides=(300, 300)), arrays(n=0), arrays(c=3), [array.astype(np.float64) for array in arrays()]],
    ids=["large images", "no images", "few channels", "float64"],
)
def test_what_is_not_taken_goes_step_by_step(made):
    handgrad.set_precision("medium")
    out, cache = layers.conv_pool_forward(*made, CONV, HALVES)
    assert not isinstance(cache, blocks.OnePassCache)
    expected = steps(*made, CONV, HALVES)
    assert_same((out, *layers.conv_pool_backward(np.ones_like(out), cache)), expected)


@pytest.mark.parametrize("later", ["highest", "high"])
def test_the_precision_may_change_before_backward(later):
    made = arrays()
    handgrad.set_precision("medium")
    out, cache = layers.conv_pool_forward(*made, CONV, HALVES)
    scores, conv = layers.conv_forward(*made, CONV)
    pool = layers.max_pool_forward(scores, HALVES)[1]
    handgrad.set_precision(later)
    dout = np.random.default_rng(1).normal(size=out.shape).astype(np.float32)
    expected = layers.conv_backward(layers.max_pool_backward(dout, pool), conv)
    assert_same((out, *layers.conv_pool_backward(dout, cache)), (out, *expected))


def test_the_cache_unpacks_as_those_of_the_steps():
    made = arrays()
    handgrad.set_precision("medium")
    out, cache = layers.conv_pool_forward(*made, CONV, HALVES)
    conv, pool = cache
    by_hand = layers.conv_backward(layers.max_pool_backward(np.ones_like(out), pool), conv)
    assert_same((out, *layers.conv_pool_backward(np.ones_like(out), cache)), (out, *by_hand))
    assert conv.x is made[0]
    assert conv.conv_param is CONV


def call(name: str, **changed):
    given = {
        "x": np.ones((2, 16, 6, 6), np.float32),
        "w": np.ones((17, 16, 3, 3), np.float32),
        "b": np.ones(17, np.float32),
        "dout": np.ones((2, 17, 3, 3), np.float32),
        "out": np.empty((2, 17, 3, 3), np.float32),
        "winner": np.zeros((2, 17, 3, 3), np.uint8),
        "dw": np.empty((17, 16, 3, 3), np.float32),
        "db": np.empty(17, np.float32),
        "dx": np.empty((2, 16, 6, 6), np.float32),
        "stride": (1, 1),
        "pad": (1, 1),
        "window": (2, 2),
        "pool_stride": (2, 2),
    } | changed
    wanted = {
        "conv_pool_takes": ("x", "w"),
        "conv_pool_forward": ("x", "w", "b", "out", "winner"),
        "conv_pool_backward_x": ("dout", "winner", "w", "dx"),
        "conv_pool_backward_w": ("dout", "winner", "x", "dw", "db"),
    }[name]
    slides = ("stride", "pad", "window", "pool_stride")
    return getattr(_native, name)(**{key: given[key] for key in (*wanted, *slides)})


COMPUTING = ["conv_pool_forward", "conv_pool_backward_x", "conv_pool_backward_w"]
NOT_TAKEN = (
    "^shapes do not go together: conv_pool_takes tells which shapes are taken, at the precision in use$"
)


@pytest.mark.parametrize("name", COMPUTING)
def test_at_the_highest_precision_winograd_alone_takes_shapes(name):
    call(name)
    wide = np.ones((17, 16, 5, 5), np.float32)
    changed = {"w": wide, "dw": wide, "pad": (2, 2)}
    assert not call("conv_pool_takes", **changed)
    with pytest.raises(ValueError, match=NOT_TAKEN):
        call(name, **changed)


@pytest.mark.parametrize("name", COMPUTING)
@pytest.mark.parametrize("changed", [{"winner": np.zeros((2, 17, 3, 4), np.uint8)}, {"pool_stride": (2, 0)}])
def test_what_does_not_fit_is_refused(name, changed):
    handgrad.set_precision("medium")
    with pytest.raises(ValueError, match=r"^(shapes do not go together: |pool_stride must be at least 1$)"):
        call(name, **changed)


@pytest.mark.parametrize("name", COMPUTING[1:])
def test_winners_beyond_the_window_are_refused(name):
    handgrad.set_precision("medium")
    with pytest.raises(ValueError, match=r"winner holds taps of the window$"):
        call(name, winner=np.full((2, 17, 3, 3), 4, np.uint8))


@pytest.mark.parametrize(
    "changed", [{"x": np.ones((2, 16, 6, 6))}, {"winner": np.zeros((2, 17, 3, 3), np.int8)}]
)
def test_nothing_is_converted(changed):
    with pytest.raises(TypeError, match="incompatible function arguments"):
        call("conv_pool_forward", **changed)
