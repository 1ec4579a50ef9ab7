"""Batch norm folded into the convolution, against the same layers one after the other in float64."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import assert_close

import handgrad
from handgrad import _native, layers
from handgrad.backend.native_ops import folded
from handgrad.layers import blocks

DTYPES = (np.float32, np.float64)
POOL = {"pool_height": 2, "pool_width": 2, "stride": 2}
each_isa = pytest.mark.parametrize("isa", _native.isas())
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
each_mode = pytest.mark.parametrize("mode", ["train", "test"])
pooled_or_not = pytest.mark.parametrize("pool_param", [None, POOL], ids=["relu", "pool"])


pytestmark = pytest.mark.usefixtures("native_tier")


def some_case(rng, dtype, filters=9, side=12):
    """Arrays of a block whose moments are few enough, and its conv_param."""

    def pick(low, high):
        return int(rng.integers(low, high + 1))

    c, taps, stride = pick(1, 3), (pick(1, 3), pick(1, 2)), (pick(1, 2), pick(1, 2))
    pad, f = (pick(0, 2), pick(0, 2)), pick(filters, filters + 8)
    shape = (pick(1, 4), c, pick(5, side), pick(6, 3 * side))
    arrays = [rng.normal(size=s) for s in (shape, (f, c, *taps), (f,), (f,), (f,))]
    return [array.astype(dtype) for array in arrays], {"stride": stride, "pad": pad}


def both_passes(arrays, conv_param, bn_param, pool_param, dout=None, way="folded"):
    """Output, gradients of w, b, gamma, beta, and the cache; `way` is that of the block, None for steps."""
    x, w, b, gamma, beta = arrays
    name = "conv_bn_relu" if pool_param is None else "conv_bn_relu_pool"
    rest = () if pool_param is None else (pool_param,)
    out, cache = getattr(layers, f"{name}_forward")(x, w, b, conv_param, gamma, beta, bn_param, *rest)
    assert way_of(cache) == way
    if dout is None:
        return out, cache
    dx, *gradients = getattr(layers, f"{name}_backward")(dout, cache, need_dx=False)
    assert dx is None
    return [out, *gradients], cache


def way_of(cache):
    if not isinstance(cache, blocks.OnePassCache):
        return None
    return "folded" if isinstance(cache.kept.kept, folded.Kept) else "normed"


def exactly(arrays, conv_param, bn_param, pool_param, dout):
    """The same in float64, by NumPy's tier."""
    with handgrad.use_backend("numpy"):
        wide = [array.astype(np.float64) for array in arrays]
        return both_passes(wide, conv_param, bn_param, pool_param, dout.astype(np.float64), way=None)[0]


def compare(arrays, conv_param, bn_param, pool_param, rng, sensitivity):
    shape = both_passes(arrays, conv_param, dict(bn_param), pool_param)[0].shape
    dout = rng.normal(size=shape).astype(arrays[0].dtype)
    theirs, ours = dict(bn_param), dict(bn_param)
    right = exactly(arrays, conv_param, theirs, pool_param, dout)
    made, _ = both_passes(arrays, conv_param, ours, pool_param, dout)
    length = max(arrays[1][0].size, shape[0] * shape[2] * shape[3])
    for name, actual, expected in zip(("out", "dw", "db", "dgamma", "dbeta"), made, right, strict=True):
        assert_close(actual, expected.astype(actual.dtype), length, sensitivity, name)
    for statistic in ("running_mean", "running_var"):
        if statistic in theirs:
            assert_close(
                ours[statistic], theirs[statistic].astype(dout.dtype), length, sensitivity, statistic
            )
    again, _ = both_passes(arrays, conv_param, dict(bn_param), pool_param, dout)
    for actual, same in zip(made, again, strict=True):
        np.testing.assert_array_equal(actual, same)


@each_isa
@each_dtype
@each_mode
@pooled_or_not
def test_any_geometry(isa, dtype, mode, pool_param):
    rng = np.random.default_rng(0)
    for case in range(8):
        _native.set_isa(isa)
        _native.set_num_threads(1 + case % 3)
        arrays, conv_param = some_case(rng, dtype)
        f = len(arrays[1])
        bn_param = {"mode": mode, "eps": 1e-3}
        bn_param |= {"running_mean": rng.normal(size=f), "running_var": rng.uniform(0.5, 2, f)}
        bn_param = {k: v.astype(dtype) if k.startswith("run") else v for k, v in bn_param.items()}
        compare(arrays, conv_param, bn_param, pool_param, rng, sensitivity=10)


@each_isa
@pooled_or_not
@pytest.mark.parametrize("mean", [0.0, 100.0, 1e4])
def test_a_large_mean_costs_what_the_convolution_itself_loses(isa, mean, pool_param):
    """float32 rounds x to mean 2^-24, and so every sum of its products: no more is lost than that."""
    _native.set_isa(isa)
    rng = np.random.default_rng(1)
    arrays, _ = some_case(rng, np.float32)
    arrays[0] = (rng.normal(size=(4, arrays[0].shape[1], 20, 20)) + mean).astype(np.float32)
    compare(arrays, {"stride": 1, "pad": 0}, {"mode": "train"}, pool_param, rng, 10 * (1 + mean))


@each_isa
def test_filters_that_see_only_edges_of_smooth_images_keep_their_variance(isa):
    """The variance is a thousandth of what the windows' covariance holds."""
    _native.set_isa(isa)
    y, x = np.mgrid[0:32, 0:32] / 32
    smooth = np.stack([np.sin(3 * (x + shift)) * np.cos(2 * (y - shift)) for shift in np.arange(60) / 9])
    images = (100 + 50 * smooth[:, None]).astype(np.float32)
    w = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)[None, None].repeat(8, 0)
    arrays = [images, w, np.zeros(8, np.float32), np.ones(8, np.float32), np.zeros(8, np.float32)]
    compare(arrays, {"stride": 1, "pad": 0}, {"mode": "train"}, POOL, np.random.default_rng(2), 30)


@each_dtype
def test_constant_images_have_no_variance(dtype):
    arrays, _ = some_case(np.random.default_rng(3), dtype)
    arrays[0] = np.full((3, arrays[0].shape[1], 9, 9), 7, dtype)
    out, cache = both_passes(arrays, {"stride": 1, "pad": 0}, {"mode": "train"}, None)
    np.testing.assert_allclose(
        out, np.broadcast_to(np.maximum(arrays[4], 0)[:, None, None], out.shape), atol=0.01
    )
    assert np.isfinite(cache.kept.kept.inverse).all()


@pooled_or_not
def test_the_cache_unpacks_as_that_of_single_layers(pool_param):
    rng = np.random.default_rng(4)
    arrays, conv_param = some_case(rng, np.float64)
    bn_param = {"mode": "train"}
    out, cache = both_passes(arrays, conv_param, bn_param, pool_param)
    statistics = bn_param["running_mean"].copy()
    name = "conv_bn_relu" if pool_param is None else "conv_bn_relu_pool"
    dout = rng.normal(size=out.shape)
    dx, *rest = getattr(layers, f"{name}_backward")(dout, cache)  # with dx, so step by step
    _, *quick = getattr(layers, f"{name}_backward")(dout, cache, need_dx=False)
    assert dx.shape == arrays[0].shape
    for one, other in zip(rest, quick, strict=True):
        assert_close(one, other, out.size, 10)
    np.testing.assert_array_equal(bn_param["running_mean"], statistics)
    conv, bn, relu, *pool = cache
    assert cache[1].gamma is bn.gamma or np.array_equal(cache[1].gamma, bn.gamma)
    assert_close(bn.x, layers.conv_forward(*conv)[0], 100)
    assert len(pool) == (pool_param is not None)
    assert relu.x.shape == bn.x.shape


@pytest.mark.parametrize("value", [np.nan, np.inf])
@each_mode
def test_what_is_not_finite_goes_where_single_layers_send_it(value, mode):
    rng = np.random.default_rng(5)
    arrays, _ = some_case(rng, np.float32)
    arrays[0][0, 0, 3, 3] = value
    arguments = arrays, {"stride": 1, "pad": 1}, {"mode": mode, "running_var": np.ones(len(arrays[1]))}, POOL
    with np.errstate(invalid="ignore"):
        way = "folded" if mode == "test" else "normed"  # moments tell nothing then
        shape = both_passes(*arguments, way=way)[0].shape
        dout = rng.normal(size=shape).astype(np.float32)
        right = exactly(*arguments, dout)
        made, _ = both_passes(*arguments, dout, way=way)
    for name, actual, expected in zip(("out", "dw", "db", "dgamma", "dbeta"), made, right, strict=True):
        assert_close(actual, expected.astype(np.float32), dout.size, 10, name)


def channels_case(channels, dtype=np.float32, images=2):
    rng = np.random.default_rng(6)
    shapes = (images, channels, 9, 9), (30, channels, 3, 3), (30,), (30,), (30,)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


@each_isa
@each_dtype
@pooled_or_not
def test_further_inside_relu_is_taken_with_batch_norm(isa, dtype, pool_param):
    """With dx; Winograd's convolution takes these shapes in float32 where it may."""
    _native.set_isa(isa)
    arrays, settings = channels_case(33, dtype), ({"stride": 1, "pad": 1}, {"mode": "train"}, pool_param)
    out, cache = both_passes(arrays, *settings, way="normed")
    dout = np.random.default_rng(8).normal(size=out.shape).astype(dtype)
    name = "conv_bn_relu" if pool_param is None else "conv_bn_relu_pool"
    made = (out, *getattr(layers, f"{name}_backward")(dout, cache))
    right = exactly(arrays, settings[0], {"mode": "train"}, pool_param, dout)
    steps = (out, *getattr(layers, f"{name}_backward")(dout, tuple(cache)))
    for name, actual, expected in zip(("dw", "db", "dgamma", "dbeta"), made[2:], right[1:], strict=True):
        assert_close(actual, expected.astype(dtype), 9 * 33, 10, name)
    for actual, expected in zip(made, steps, strict=True):
        assert_close(actual, expected, 9 * 33, 10)


def test_no_images_are_left_to_steps():
    both_passes(channels_case(3, images=0), {"stride": 1, "pad": 1}, {"mode": "train"}, POOL, way=None)


def test_a_replaced_norm_is_called():
    called = []

    def mine(*args):
        called.append(1)
        return layers.spatial_batchnorm_forward(*args)

    arrays, conv_param = some_case(np.random.default_rng(7), np.float32)
    with handgrad.use_layer(spatial_batchnorm_forward=mine):
        both_passes(arrays, conv_param, {"mode": "train"}, POOL, way=None)
    assert called == [1]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"gamma": np.ones(2, np.float32)}, r"^gamma must have shape \(9,\)"),
        ({"bn_param": {"mode": "validate"}}, r"^bn_param\['mode'\] must be"),
        ({"w": np.ones((9, 2, 3, 3), np.float32)}, "^w must have x's 1 channels on axis 1"),
    ],
)
def test_errors_are_those_of_the_single_layers(changed, sentence):
    ones = np.ones(9, np.float32)
    call = {"x": np.ones((1, 1, 6, 6), np.float32), "w": np.ones((9, 1, 3, 3), np.float32), "b": ones}
    call |= {"conv_param": {"pad": 1}, "gamma": ones, "beta": ones, "bn_param": {"mode": "train"}} | changed
    with pytest.raises(ValueError, match=sentence):
        layers.conv_bn_relu_forward(**call)


def test_the_border_refuses():
    x, w = np.ones((1, 2, 5, 5), np.float32), np.ones((3, 2, 3, 3), np.float32)
    y, three, how = np.ones((1, 3, 3, 3), np.float32), np.ones(3, np.float32), ((1, 1), (0, 0))
    with pytest.raises(ValueError, match=r"^shapes do not go together: shift \(C,\), products"):
        _native.conv_moments(x, w, *how, shift=three[:2], products=np.ones((18, 19)))
    with pytest.raises(ValueError, match=r"^shapes do not go together: shift \(C,\)$"):
        _native.conv_relu_backward_w(y, y, x, *how, dw=w, db=three, shift=three)
    with pytest.raises(ValueError, match=r"^shapes do not go together: dout and out"):
        _native.conv_relu_backward_w(y, x, x, *how, dw=w, db=three)
