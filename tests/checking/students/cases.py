"""Calls on which submissions are tried: what a course's notebook tries, and what it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Call = dict[str, Any]


def halves(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Whole multiples of 1/2, so that ties and exact zeros abound."""
    return rng.integers(-3, 4, shape) / 2


def _distinct(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """No two numbers closer than 1/40, none near 0: no kink and no tie within a difference's reach."""
    numbers = rng.permutation(int(np.prod(shape))) - np.prod(shape) / 2 + 0.5
    return (numbers * 0.05).reshape(shape)


def _conv(rng: np.random.Generator) -> Iterator[Call]:
    for (N, C, H, W), (F, HH, WW), stride, pad in (
        ((2, 3, 5, 5), (2, 3, 3), 1, 1),
        ((2, 2, 6, 6), (3, 2, 2), 2, 0),
        ((1, 2, 7, 5), (3, 3, 2), 2, 1),
        ((3, 1, 5, 8), (2, 2, 4), 3, 2),
    ):
        x, w = rng.standard_normal((N, C, H, W)), rng.standard_normal((F, C, HH, WW))
        yield {"x": x, "w": w, "b": rng.standard_normal(F), "conv_param": {"stride": stride, "pad": pad}}


def _pool(rng: np.random.Generator) -> Iterator[Call]:
    for shape, (ph, pw), stride in (
        ((2, 3, 4, 4), (2, 2), 2),
        ((2, 2, 5, 7), (3, 2), 1),
        ((1, 2, 8, 6), (2, 3), 2),
        ((2, 1, 7, 7), (2, 2), 3),
        ((1, 2, 4, 6), (2, 2), 1),
    ):
        pool_param = {"pool_height": ph, "pool_width": pw, "stride": stride}
        for make in (_distinct, halves):
            yield {"x": make(rng, *shape), "pool_param": dict(pool_param)}


def _affine(rng: np.random.Generator) -> Iterator[Call]:
    for shape, M in (((3, 4), 2), ((2, 3, 2), 4), ((4, 2, 2), 4), ((1, 5), 3)):
        D = int(np.prod(shape[1:]))
        yield {"x": rng.standard_normal(shape), "w": rng.standard_normal((D, M)), "b": rng.standard_normal(M)}


def _elementwise(rng: np.random.Generator) -> Iterator[Call]:
    yield {"x": _distinct(rng, 3, 4)}
    yield {"x": _distinct(rng, 2, 2, 3, 1)}
    yield {"x": 20 * _distinct(rng, 3, 4)}
    yield {"x": np.array([[-1000.0, 1000.0]])}


def _with_alpha(rng: np.random.Generator) -> Iterator[Call]:
    for alpha in (0.01, 0.3):
        for call in _elementwise(rng):
            yield call | {"alpha": alpha}


def _prelu(rng: np.random.Generator) -> Iterator[Call]:
    for shape in ((3, 4), (2, 3, 2, 2)):
        yield {"x": _distinct(rng, *shape), "alpha": rng.uniform(0.1, 0.5, shape[1])}
        yield {"x": _distinct(rng, *shape), "alpha": np.array([0.25])}


def _maxout(rng: np.random.Generator) -> Iterator[Call]:
    for make in (_distinct, halves):
        yield {"x": make(rng, 3, 6), "pieces": 2}
        yield {"x": make(rng, 2, 6, 2, 3), "pieces": 3}


def _statistics(rng: np.random.Generator, D: int) -> Call:
    return {"running_mean": rng.standard_normal(D), "running_var": rng.uniform(0.5, 2, D)}


def _scale(rng: np.random.Generator, D: int) -> Call:
    return {"gamma": rng.uniform(0.5, 2, D), "beta": rng.standard_normal(D)}


def _bn_params(rng: np.random.Generator, D: int) -> Iterator[Call]:
    yield {"mode": "train", "eps": 0.1, "momentum": 0.8}
    yield {"mode": "train"} | _statistics(rng, D)
    yield {"mode": "test", "eps": 0.1} | _statistics(rng, D)


def _batchnorm(rng: np.random.Generator) -> Iterator[Call]:
    for N, D in ((6, 3), (4, 4)):
        for bn_param in _bn_params(rng, D):
            yield {"x": rng.standard_normal((N, D)) * 2 + 1, "bn_param": bn_param} | _scale(rng, D)


def _spatial_batchnorm(rng: np.random.Generator) -> Iterator[Call]:
    for bn_param in _bn_params(rng, 3):
        yield {"x": rng.standard_normal((2, 3, 4, 2)) * 2 + 1, "bn_param": bn_param} | _scale(rng, 3)


def _layernorm(rng: np.random.Generator) -> Iterator[Call]:
    for (N, D), eps in (((5, 3), 0.1), ((3, 6), 1e-3)):
        yield {"x": rng.standard_normal((N, D)) * 2 + 1, "ln_param": {"eps": eps}} | _scale(rng, D)


def _groupnorm(rng: np.random.Generator) -> Iterator[Call]:
    for C, G in ((4, 2), (6, 2), (6, 3)):
        scale = {key: value.reshape(1, C, 1, 1) for key, value in _scale(rng, C).items()}
        yield {"x": rng.standard_normal((2, C, 2, 3)), "G": G, "gn_param": {"eps": 0.01}} | scale


def _dropout(rng: np.random.Generator) -> Iterator[Call]:
    for p in (0.25, 0.7):
        for mode in ("train", "test"):
            x = rng.standard_normal((20, 10)) + 3
            yield {"x": x, "dropout_param": {"p": p, "mode": mode, "seed": 7}}


def _sandwich(rng: np.random.Generator, *, bn: bool, pool: bool) -> Iterator[Call]:
    for call in _conv(rng):
        F = len(call["b"])
        for bn_param in list(_bn_params(rng, F)) if bn else [None]:
            extra = {"bn_param": bn_param} | _scale(rng, F) if bn else {}
            if pool:
                extra["pool_param"] = {"pool_height": 2, "pool_width": 1, "stride": 1}
            yield call | extra


def _affine_bn(rng: np.random.Generator) -> Iterator[Call]:
    x, w, b = rng.standard_normal((6, 2, 2)), rng.standard_normal((4, 3)), rng.standard_normal(3)
    for bn_param in _bn_params(rng, 3):
        yield {"x": x, "w": w, "b": b, "bn_param": bn_param} | _scale(rng, 3)


def _scores(rng: np.random.Generator) -> Iterator[Call]:
    for N, C in ((4, 3), (1, 5), (6, 2)):
        y = rng.integers(0, C, N)
        yield {"x": rng.standard_normal((N, C)), "y": y}
        yield {"x": rng.standard_normal((N, C)) * 400, "y": y}
    yield {"x": np.array([[800.0, 0.0], [-900.0, 3.0]]), "y": np.array([1, 0])}


CALLS: dict[str, Callable[[np.random.Generator], Iterator[Call]]] = {
    "conv": _conv,
    "max_pool": _pool,
    "avg_pool": _pool,
    "global_avg_pool": lambda rng: iter([{"x": rng.standard_normal((2, 3, 4, 5))}]),
    "affine": _affine,
    "relu": _elementwise,
    "leaky_relu": _with_alpha,
    "prelu": _prelu,
    "elu": _with_alpha,
    "gelu": _elementwise,
    "sigmoid": _elementwise,
    "tanh": _elementwise,
    "maxout": _maxout,
    "batchnorm": _batchnorm,
    "spatial_batchnorm": _spatial_batchnorm,
    "layernorm": _layernorm,
    "spatial_groupnorm": _groupnorm,
    "dropout": _dropout,
    "affine_relu": _affine,
    "affine_bn_relu": _affine_bn,
    "conv_relu": _conv,
    "conv_bn_relu": lambda rng: _sandwich(rng, bn=True, pool=False),
    "conv_relu_pool": lambda rng: _sandwich(rng, bn=False, pool=True),
    "softmax_loss": _scores,
    "svm_loss": _scores,
}
