"""Norms through the binding: numbers against float64, relu on the way out, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tolerances import assert_close

from handgrad import _native
from handgrad.backend import native_ops, numpy_ops

DTYPES = (np.float32, np.float64)
# Rows of features; images with few pixels, with just enough for a wide channel, and with several runs.
SHAPES = [
    (7, 5),
    (300, 33),
    (2, 600),
    (1, 9),
    (6, 4, 1, 1),
    (5, 6, 3, 5),
    (40, 70, 4, 4),
    (3, 8, 7, 9),
    (3, 8, 8, 8),
    (4, 6, 13, 17),
    (2, 2, 90, 100),
]
EPS = 1e-3
each_isa = pytest.mark.parametrize("isa", _native.isas())
each_dtype = pytest.mark.parametrize("dtype", DTYPES)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def arrays(shape: tuple[int, ...], dtype: type) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {"x": rng.normal(size=shape), "dout": rng.normal(size=shape)}
    made |= {name: rng.normal(size=shape[1]) for name in ("gamma", "beta", "mean")}
    made["var"] = 0.5 + rng.random(shape[1])
    return {name: array.astype(dtype) for name, array in made.items()}


def batch(tier, a: dict[str, np.ndarray], mode: str = "train") -> dict[str, np.ndarray]:
    out, mean, var, kept = tier.batchnorm_forward(
        a["x"], a["gamma"], a["beta"], mode, EPS, 0.9, a["mean"], a["var"]
    )
    dx, dgamma, dbeta = tier.batchnorm_backward(a["dout"], a["x"], a["gamma"], kept)
    return {"out": out, "mean": mean, "var": var, "dx": dx, "dgamma": dgamma, "dbeta": dbeta}


def group(tier, a: dict[str, np.ndarray], groups: int) -> dict[str, np.ndarray]:
    if a["x"].ndim == 2:
        out, kept = tier.layernorm_forward(a["x"], a["gamma"], a["beta"], EPS)
        gradients = tier.layernorm_backward(a["dout"], a["x"], a["gamma"], kept)
    else:
        out, kept = tier.groupnorm_forward(a["x"], a["gamma"], a["beta"], groups, EPS)
        gradients = tier.groupnorm_backward(a["dout"], a["x"], a["gamma"], groups, kept)
    return {"out": out, **dict(zip(("dx", "dgamma", "dbeta"), gradients, strict=True))}


def assert_like_float64(compute, a: dict[str, np.ndarray], *settings) -> None:
    """The kernels' results in their type, against NumPy's from the same numbers in float64."""
    exact = {name: array.astype(np.float64) for name, array in a.items()}
    made, expected = compute(native_ops, a, *settings), compute(numpy_ops, exact, *settings)
    for name, array in made.items():
        assert_close(array, expected[name].astype(array.dtype), a["x"].size, 1 / np.sqrt(EPS), name)


@each_isa
@each_dtype
@each_shape
@pytest.mark.parametrize("threads", [1, 3])
def test_norms(isa, dtype, shape, threads):
    _native.set_isa(isa)
    _native.set_num_threads(threads)
    a = arrays(shape, dtype)
    assert_like_float64(batch, a)
    assert_like_float64(batch, a, "test")
    assert_like_float64(group, a, 2 if shape[1] % 2 == 0 else 1)


@each_isa
@each_shape
def test_a_mean_far_from_zero_costs_no_digits(isa, shape):
    """E[x^2] - E[x]^2 would lose all of them: the mean is a thousand times the spread."""
    _native.set_isa(isa)
    a = arrays(shape, np.float32)
    a["x"] += 1000 + 100 * np.arange(shape[1], dtype=np.float32).reshape(1, -1, *(1,) * (len(shape) - 2))
    assert_like_float64(batch, a)
    a["x"] = (arrays(shape, np.float32)["x"] + 1000).astype(np.float32)
    assert_like_float64(group, a, 1)


@each_isa
def test_images_far_from_each_other(isa):
    _native.set_isa(isa)
    for shape in ((64, 3, 8, 9), (64, 3, 4, 4), (64, 30)):
        a = arrays(shape, np.float32)
        a["x"][0] += 1e5
        assert_like_float64(batch, a)


@each_isa
@each_dtype
@each_shape
def test_relu_on_the_way_out_and_back(isa, dtype, shape):
    _native.set_isa(isa)
    a = arrays(shape, dtype)
    x, dout = (a[name].reshape(*shape[:2], -1) for name in ("x", "dout"))
    x[0, 0, 0] = np.nan
    results = []
    for relu in (True, False):
        kept, running = np.empty((4, shape[1]), dtype), np.empty((2, shape[1]), dtype)
        out, dx = np.empty_like(x), np.empty_like(x)
        scales = np.empty((2, shape[1]), dtype)
        statistics = (a["mean"], a["var"], *running)
        _native.batchnorm_forward(x, a["gamma"], a["beta"], EPS, 0.9, True, relu, *statistics, kept, out)
        passed = dout if relu else np.where(results[0][0] <= 0, 0, dout).astype(dtype)
        _native.batchnorm_backward(passed, x, a["gamma"], kept, True, relu, dx, *scales)
        results.append((out, dx, scales))
    (out, dx, scales), (before, expected_dx, expected_scales) = results
    np.testing.assert_array_equal(out, np.maximum(before, 0))
    np.testing.assert_array_equal(dx, expected_dx)
    np.testing.assert_array_equal(scales, expected_scales)


@each_dtype
def test_nan_in_a_channel_stays_there(dtype):
    for shape in ((4, 3, 9, 9), (4, 3, 2, 2), (4, 3)):
        a = arrays(shape, dtype)
        a["x"][1, 1] = np.nan
        for name, array in batch(native_ops, a).items():
            bad = np.isnan(array[1] if array.ndim == 1 else array[:, 1])
            good = np.isnan(np.delete(array, 1, axis=0 if array.ndim == 1 else 1))
            assert bad.all() or name == "dbeta"
            assert not good.any()


@each_dtype
@each_shape
def test_runs_are_repeated_bit_for_bit(dtype, shape):
    _native.set_num_threads(3)
    a = arrays(shape, dtype)
    for compute in (lambda: batch(native_ops, a), lambda: group(native_ops, a, 1)):
        first, second = compute(), compute()
        for name, array in first.items():
            np.testing.assert_array_equal(array, second[name])


def test_batch_norm_does_not_depend_on_the_number_of_threads():
    for shape in SHAPES:
        a = arrays(shape, np.float32)
        results = []
        for threads in (1, 2, 4):
            _native.set_num_threads(threads)
            results.append(batch(native_ops, a))
        for name, array in results[0].items():
            for other in results[1:]:
                np.testing.assert_array_equal(array, other[name])


def test_large_results_are_written_past_the_caches_and_right():
    for shape in ((20, 9, 220, 220), (70_000, 123)):
        a = arrays(shape, np.float32)
        out = batch(native_ops, a)["out"]
        expected = torch.nn.functional.batch_norm(
            *(torch.tensor(a[name]) for name in ("x", "mean", "var", "gamma", "beta")), True, eps=EPS
        )
        assert_close(out, expected.numpy(), a["x"].size, 1 / np.sqrt(EPS))


def good(name: str) -> dict:
    images, scale = np.ones((2, 4, 6), np.float32), np.ones(4, np.float32)
    forward = {"x": images, "gamma": scale, "beta": scale}
    backward = {"dout": images, "x": images, "gamma": scale}
    results = {"dx": images.copy(), "dgamma": scale.copy(), "dbeta": scale.copy()}
    kept, of_groups = np.ones((4, 4), np.float32), np.ones((3, 4), np.float32)
    running = {key: scale.copy() for key in ("running_mean", "running_var", "next_mean", "next_var")}
    train = {"train": True, "relu": False}
    return {
        "batchnorm_forward": forward
        | {"eps": 1e-5, "momentum": 0.9}
        | train
        | running
        | {"kept": kept, "out": images.copy()},
        "batchnorm_backward": backward | {"kept": kept} | train | results,
        "groupnorm_forward": forward | {"groups": 2, "eps": 1e-5, "kept": of_groups, "out": images.copy()},
        "groupnorm_backward": backward | {"groups": 2, "kept": of_groups} | results,
    }[name]


NAMES = ("batchnorm_forward", "batchnorm_backward", "groupnorm_forward", "groupnorm_backward")
WRITTEN = ("next_mean", "next_var", "out", "dx", "dgamma", "dbeta")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_converted(name):
    function = getattr(_native, name)
    function(**good(name))
    for argument, value in good(name).items():
        wrong = [None]
        if isinstance(value, np.ndarray):
            wrong += [value.astype(np.float64), value[None], np.repeat(value, 2, axis=-1)[..., ::2]]
        if isinstance(value, bool):
            wrong += [1]
        if argument in WRITTEN or (argument == "kept" and name.endswith("forward")):
            locked = value.copy()
            locked.flags.writeable = False
            wrong += [locked]
        for instead in wrong:
            with pytest.raises(TypeError, match="incompatible function arguments"):
                function(**good(name) | {argument: instead})
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match=r"^shapes do not go together: "):
                function(**good(name) | {argument: np.repeat(value, 2, axis=0)})


@pytest.mark.parametrize("name", ["groupnorm_forward", "groupnorm_backward"])
@pytest.mark.parametrize("groups", [0, 3, -1])
def test_groups_must_divide_the_channels(name, groups):
    with pytest.raises(ValueError, match=r"^groups must divide the channels$"):
        getattr(_native, name)(**good(name) | {"groups": groups})


def test_relu_goes_with_training():
    with pytest.raises(ValueError, match=r"^relu goes with train$"):
        _native.batchnorm_backward(**good("batchnorm_backward") | {"train": False, "relu": True})
