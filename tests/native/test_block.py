"""Blocks of the native tier against the same layers one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import assert_close

import handgrad
from handgrad import _native, layers
from handgrad.backend import native_ops, numpy_ops
from handgrad.layers import blocks

DTYPES = (np.float32, np.float64)
each_isa = pytest.mark.parametrize("isa", _native.isas())
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


pytestmark = pytest.mark.usefixtures("native_tier")


def some_case(rng, dtype, side: int, channels: int, usual: bool):
    """Arrays and settings of a block whose pooling windows do not overlap."""

    def pick(low, high):
        return int(rng.integers(low, high + 1))

    window = (2, 2) if usual else (pick(1, 4), pick(1, 4))
    pool_stride = window if usual else tuple(extent + pick(0, 2) for extent in window)
    taps = (pick(1, 5), pick(1, 5))
    stride = (1, 1) if usual else (pick(1, 3), pick(1, 3))
    pad = (pick(0, 3), pick(0, 3))
    n, c, f = pick(1, 3), pick(1, channels), pick(1, channels)
    h, w = (
        max(1, taps[a] + (window[a] - 1) * stride[a] - 2 * pad[a]) + pick(0, side // (2 - a)) for a in (0, 1)
    )
    arrays = [rng.normal(size=shape) for shape in ((n, c, h, w), (f, c, *taps), (f,))]
    conv_param = {"stride": stride, "pad": pad}
    pool_param = {"pool_height": window[0], "pool_width": window[1], "stride": pool_stride}
    return [array.astype(dtype) for array in arrays], conv_param, pool_param


def step_by_step(ops, x, w, b, conv_param, pool_param, dout):
    """Output, dx, dw and db by the single layers of a tier."""
    how = conv_param["stride"], conv_param["pad"]
    window = pool_param["pool_height"], pool_param["pool_width"]
    scores, kept_conv = ops.conv_forward(x, w, b, *how)
    cut, kept_relu = ops.relu_forward(scores)
    out, kept_pool = ops.max_pool_forward(cut, window, pool_param["stride"])
    if dout is None:
        return (out,)
    gradient = ops.max_pool_backward(dout, cut, window, pool_param["stride"], kept_pool)
    gradient = ops.relu_backward(gradient, scores, kept_relu)
    return (out, *ops.conv_backward(gradient, x, w, *how, kept_conv, True))


def in_one(arrays, conv_param, pool_param, dout):
    out, cache = layers.conv_relu_pool_forward(*arrays, conv_param, pool_param)
    assert isinstance(cache, blocks.OnePassCache)
    return (out, *layers.conv_relu_pool_backward(dout, cache))


@each_isa
@each_dtype
@pytest.mark.parametrize(
    ("usual", "side", "channels", "cases"), [(True, 50, 9, 20), (False, 30, 5, 40), (True, 8, 40, 6)]
)
def test_any_geometry(isa, dtype, usual, side, channels, cases):
    rng = np.random.default_rng(side)
    _native.set_winograd(False)  # which the block leaves its shapes to
    for case in range(cases):
        _native.set_isa(isa)
        _native.set_num_threads(1 + case % 3)
        arrays, *settings = some_case(rng, dtype, side, channels, usual)
        shape = step_by_step(numpy_ops, *arrays, *settings, None)[0].shape
        dout = rng.normal(size=shape).astype(dtype)
        exact = step_by_step(
            numpy_ops, *(a.astype(np.float64) for a in arrays), *settings, dout.astype(float)
        )
        made = in_one(arrays, *settings, dout)
        length = max(arrays[1][0].size, arrays[1][:, 0].size, shape[0] * shape[2] * shape[3])
        for name, actual, right in zip(("out", "dx", "dw", "db"), made, exact, strict=True):
            assert_close(actual, right.astype(dtype), length, what=f"{name} of {arrays[0].shape}, {settings}")
        for actual, again in zip(made, in_one(arrays, *settings, dout), strict=True):
            np.testing.assert_array_equal(actual, again)  # bit for bit


@each_isa
@each_dtype
def test_ties_go_to_the_first_and_zeros_to_nobody(isa, dtype):
    _native.set_isa(isa)
    rng = np.random.default_rng(0)
    x = rng.integers(-1, 2, (2, 1, 9, 40)).astype(dtype)
    out, winner = native_ops.BLOCKS["conv", "relu", "max_pool"].forward(
        x,
        np.ones((3, 1, 1, 1), dtype),
        np.array([0, -1, 1], dtype),
        ((1, 1), (0, 0)),
        ((2, 2), (2, 2)),
        (2, 3, 4, 20),
    )
    for f, bias in enumerate((0, -1, 1)):
        right, member = numpy_ops.max_pool_forward(np.maximum(x + bias, 0).astype(dtype), (2, 2), (2, 2))
        np.testing.assert_array_equal(out[:, f], right[:, 0])
        np.testing.assert_array_equal(winner[:, f], np.where(right > 0, member, 4)[:, 0])


@each_isa
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(4, 4), (8, 40), (0, 0)])
def test_what_is_not_finite_goes_where_single_layers_send_it(isa, value, place):
    """Row 8 and column 40 are read by the convolution, but pooled by no window."""
    _native.set_isa(isa)
    rng = np.random.default_rng(1)
    x, w, b = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 2, 9, 41), (3, 2, 3, 3), (3,)))
    x[1, 0, *place] = value
    settings = {"stride": (1, 1), "pad": (1, 1)}, {"pool_height": 2, "pool_width": 2, "stride": (2, 2)}
    dout = rng.normal(size=(2, 3, 4, 20)).astype(np.float32)
    with np.errstate(invalid="ignore"):
        right = step_by_step(numpy_ops, x, w, b, *settings, dout)
    for actual, expected in zip(in_one((x, w, b), *settings, dout), right, strict=True):
        assert_close(actual, expected, 2 * 9 * 41)


def case_of(dtype=np.float32, pool_stride=2, channels=1):
    x = np.random.default_rng(2).normal(size=(2, channels, 8, 8)).astype(dtype)
    w = np.random.default_rng(3).normal(size=(channels, channels, 3, 3)).astype(dtype)
    pool_param = {"pool_height": 2, "pool_width": 2, "stride": pool_stride}
    return x, w, np.zeros(channels, dtype), {"stride": 1, "pad": 1}, pool_param


def test_the_cache_unpacks_as_that_of_single_layers():
    arguments = case_of()
    out, cache = layers.conv_relu_pool_forward(*arguments)
    assert isinstance(cache, blocks.OnePassCache)
    dout = np.ones_like(out)
    conv, relu, pool = cache
    gradient = layers.relu_backward(layers.max_pool_backward(dout, pool), relu)
    by_hand = layers.conv_backward(gradient, conv)
    for mine, ours in zip(by_hand, layers.conv_relu_pool_backward(dout, cache), strict=True):
        assert_close(mine, ours, 128)
    x, _w, _b, conv_param = conv
    assert x is arguments[0]
    assert conv_param is arguments[3]


@pytest.mark.parametrize("name", ["conv", "relu", "max_pool"])
@pytest.mark.parametrize("way", ["forward", "backward"])
def test_a_replaced_layer_is_called(name, way):
    called = []

    def mine(*args, **options):
        called.append(name)
        return getattr(layers, f"{name}_{way}")(*args, **options)

    with handgrad.use_layer(**{f"{name}_{way}": mine}):
        out, cache = layers.conv_relu_pool_forward(*case_of())
        assert not isinstance(cache, blocks.OnePassCache)
        layers.conv_relu_pool_backward(np.ones_like(out), cache)
    assert called == [name]


def test_a_backward_that_is_replaced_after_forward_is_called():
    out, cache = layers.conv_relu_pool_forward(*case_of())
    expected = layers.conv_relu_pool_backward(np.ones_like(out), cache)
    seen = []

    def mine(dout, cache):
        seen.append(cache)
        return layers.relu_backward(dout, cache)

    with handgrad.use_layer(relu_backward=mine):
        made = layers.conv_relu_pool_backward(np.ones_like(out), cache)
    assert len(seen) == 1
    for actual, right in zip(made, expected, strict=True):
        assert_close(actual, right, 128)


@pytest.mark.parametrize("changed", [{"pool_stride": 1}, {"channels": 32}])
def test_what_steps_do_better_is_left_to_them(changed):
    """Windows that overlap; and shapes for Winograd's convolution."""
    _, cache = layers.conv_relu_pool_forward(*case_of(**changed))
    assert not isinstance(cache, blocks.OnePassCache)


def test_without_dx():
    out, cache = layers.conv_relu_pool_forward(*case_of())
    dx, dw, _ = layers.conv_relu_pool_backward(np.ones_like(out), cache, need_dx=False)
    assert dx is None
    np.testing.assert_array_equal(dw, layers.conv_relu_pool_backward(np.ones_like(out), cache)[1])


def test_errors_are_those_of_the_single_layers():
    x, w, b, conv_param, pool_param = case_of()
    with pytest.raises(
        ValueError, match=r"^the window \(9, 2\) must fit into the padded image, which is \(8, 8\)$"
    ):
        layers.conv_relu_pool_forward(x, w, b, conv_param, pool_param | {"pool_height": 9})
    with pytest.raises(ValueError, match=r"^b must have shape \(1,\)"):
        layers.conv_relu_pool_forward(x, w, np.zeros(2, np.float32), conv_param, pool_param)
    _, cache = layers.conv_relu_pool_forward(x, w, b, conv_param, pool_param)
    with pytest.raises(ValueError, match=r"^dout must have the output's shape \(2, 1, 4, 4\), got"):
        layers.conv_relu_pool_backward(np.ones((2, 1, 8, 8), np.float32), cache)


def call(name="conv_relu_pool_forward", **changed):
    arrays = {
        "x": np.ones((2, 3, 6, 6), np.float32),
        "w": np.ones((4, 3, 3, 3), np.float32),
        "b": np.ones(4, np.float32),
        "dout": np.ones((2, 4, 3, 3), np.float32),
        "out": np.empty((2, 4, 3, 3), np.float32),
        "winner": np.zeros((2, 4, 3, 3), np.uint8),
        "dw": np.empty((4, 3, 3, 3), np.float32),
        "db": np.empty(4, np.float32),
        "dx": np.empty((2, 3, 6, 6), np.float32),
    } | changed
    how = {"stride": (1, 1), "pad": (1, 1), "window": (2, 2), "pool_stride": (2, 2)} | changed
    wanted = {
        "conv_relu_pool_forward": ("x", "w", "b", "out", "winner"),
        "conv_relu_pool_backward_x": ("dout", "winner", "w", "dx"),
        "conv_relu_pool_backward_w": ("dout", "winner", "x", "dw", "db"),
    }[name]
    slides = ("stride", "pad", "window", "pool_stride")
    getattr(_native, name)(**{key: arrays[key] for key in wanted}, **{key: how[key] for key in slides})


@pytest.mark.parametrize(
    "changed",
    [
        {"x": np.ones((2, 3, 6, 6))},
        {"winner": np.zeros((2, 4, 3, 3), np.int8)},
        {"window": 2},
        {"pool_stride": (2.0, 2)},
    ],
)
def test_nothing_is_converted(changed):
    with pytest.raises(TypeError, match="incompatible function arguments"):
        call(**changed)


@pytest.mark.parametrize(
    "name", ["conv_relu_pool_forward", "conv_relu_pool_backward_x", "conv_relu_pool_backward_w"]
)
@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"pool_stride": (0, 1)}, "^pool_stride must be at least 1$"),
        (
            {"window": (7, 1), "pool_stride": (7, 1)},
            "^shapes do not go together: the pooling window must fit",
        ),
        ({"window": (3, 3)}, "^pool windows must not overlap, and have at most 16 pixels$"),
        (
            {"window": (3, 6), "pool_stride": (3, 6)},
            "^pool windows must not overlap, and have at most 16 pixels$",
        ),
        ({"winner": np.zeros((2, 4, 3, 4), np.uint8)}, "^shapes do not go together: "),
    ],
)
def test_the_border_refuses(name, changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(name, **changed)


@pytest.mark.parametrize("name", ["conv_relu_pool_backward_x", "conv_relu_pool_backward_w"])
def test_no_row_is_read_that_is_not_there(name):
    winner = np.zeros((2, 4, 3, 3), np.uint8)
    winner[1, 2, 0, 1] = 5
    with pytest.raises(ValueError, match=r"^winner must be whole numbers from 0 to 4$"):
        call(name, winner=winner)
