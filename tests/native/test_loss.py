"""Losses through the binding: rows shorter and longer than a vector, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import assert_close

from handgrad import _native
from handgrad.backend import native_ops, numpy_ops

each_isa = pytest.mark.parametrize("isa", _native.isas())
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def both(scores: np.ndarray, y: np.ndarray, smoothing: float):
    for name, settings in (("softmax_loss", (smoothing,)), ("svm_loss", ())):
        yield tuple(getattr(tier, name)(scores, y, *settings) for tier in (native_ops, numpy_ops))


@each_isa
@each_dtype
@pytest.mark.parametrize("classes", [1, 2, 7, 8, 10, 16, 17, 33, 1000])
@pytest.mark.parametrize("threads", [1, 3])
def test_losses(isa, dtype, classes, threads):
    _native.set_isa(isa)
    _native.set_num_threads(threads)
    rng = np.random.default_rng(classes)
    scores = (5 * rng.normal(size=(130, classes)) - 40).astype(dtype)  # far below 0, as padding is not
    y = rng.integers(0, classes, 130).astype(np.int16)
    for smoothing in (0, 0.1, 1):
        for mine, expected in both(scores, y, smoothing):
            assert_close(mine[0], expected[0], scores.size, what="loss")
            assert_close(mine[1], expected[1], classes, what="dscores")
    first, second = (native_ops.softmax_loss(scores, y, 0.1) for _ in range(2))
    assert first[0] == second[0]


@each_isa
@each_dtype
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e4, -1e4])
@pytest.mark.parametrize("classes", [3, 20])
def test_extreme_scores(isa, dtype, value, classes):
    _native.set_isa(isa)
    scores = np.random.default_rng(0).normal(size=(4, classes)).astype(dtype)
    scores[1, 2] = value
    y = np.array([0, 1, 2, 0])
    with np.errstate(invalid="ignore"):
        for mine, expected in both(scores, y, 0):
            for one, other in zip(mine, expected, strict=True):
                assert_close(one, other, 20)


def call(name: str, **changed) -> float:
    a = {"scores": np.ones((2, 3), np.float32), "y": np.array([0, 2]), "dscores": np.ones((2, 3), np.float32)}
    smoothing = {"label_smoothing": 0.0} if name == "softmax_loss" else {}
    return getattr(_native, name)(**a | smoothing | changed)


@pytest.mark.parametrize("name", ["softmax_loss", "svm_loss"])
def test_refusals(name):
    assert call(name) > 0
    locked = np.ones((2, 3), np.float32)
    locked.flags.writeable = False
    for changed in (
        {"scores": np.ones((2, 3))},
        {"scores": np.ones((3, 2), np.float32).T},
        {"scores": np.ones(3, np.float32)},
        {"y": np.array([0, 2], np.int32)},
        {"y": np.array([0, 1, 2, 3])[::2]},
        {"dscores": np.ones((2, 3))},
        {"dscores": locked},
    ):
        with pytest.raises(TypeError, match="incompatible function arguments"):
            call(name, **changed)
    for changed in (
        {"y": np.array([0, 3])},
        {"y": np.array([-1, 0])},
        {"y": np.array([0])},
        {"dscores": np.ones((3, 2), np.float32)},
        {"scores": np.ones((2, 0), np.float32), "dscores": np.ones((2, 0), np.float32)},
    ):
        with pytest.raises(ValueError, match=r"^shapes do not go together: "):
            call(name, **changed)
