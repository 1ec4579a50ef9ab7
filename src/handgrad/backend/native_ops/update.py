"""Update rules: every array is read and written once (`native/kernels/update.cpp`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.backend import extension
from handgrad.backend.before import Before
from handgrad.backend.factored import Product
from handgrad.backend.native_ops.arrays import c_order, empty
from handgrad.backend.numpy_ops import update as numpy_update

__all__ = ["adadelta", "adagrad", "adam", "rmsprop", "sgd", "sgd_momentum", "sgd_nesterov_momentum"]

Gradient = np.ndarray | Product
KERNEL_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


def sgd(w: np.ndarray, dw: Gradient, learning_rate: float, before: Before) -> np.ndarray:
    """Return the next w."""
    return _run("sgd", (w, dw), (learning_rate, before))[0]


def sgd_momentum(
    w: np.ndarray, dw: Gradient, velocity: np.ndarray, learning_rate: float, momentum: float, before: Before
) -> tuple[np.ndarray, ...]:
    """Return the next w and velocity."""
    return _run("sgd_momentum", (w, dw, velocity), (learning_rate, momentum, before))


def sgd_nesterov_momentum(
    w: np.ndarray, dw: Gradient, velocity: np.ndarray, learning_rate: float, momentum: float, before: Before
) -> tuple[np.ndarray, ...]:
    """Return the next w and velocity."""
    return _run("sgd_nesterov_momentum", (w, dw, velocity), (learning_rate, momentum, before))


def adagrad(
    w: np.ndarray, dw: Gradient, cache: np.ndarray, learning_rate: float, epsilon: float, before: Before
) -> tuple[np.ndarray, ...]:
    """Return the next w and cache."""
    return _run("adagrad", (w, dw, cache), (learning_rate, epsilon, before))


def rmsprop(
    w: np.ndarray,
    dw: Gradient,
    cache: np.ndarray,
    learning_rate: float,
    decay_rate: float,
    epsilon: float,
    before: Before,
) -> tuple[np.ndarray, ...]:
    """Return the next w and cache."""
    return _run("rmsprop", (w, dw, cache), (learning_rate, decay_rate, epsilon, before))


def adadelta(
    w: np.ndarray,
    dw: Gradient,
    cache: np.ndarray,
    delta_cache: np.ndarray,
    learning_rate: float,
    decay_rate: float,
    epsilon: float,
    before: Before,
) -> tuple[np.ndarray, ...]:
    """Return the next w, cache and delta_cache."""
    return _run("adadelta", (w, dw, cache, delta_cache), (learning_rate, decay_rate, epsilon, before))


def adam(
    w: np.ndarray,
    dw: Gradient,
    m: np.ndarray,
    v: np.ndarray,
    t: int,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    before: Before,
) -> tuple[np.ndarray, ...]:
    """Return the next w, m and v; `t` counts this step."""
    return _run("adam", (w, dw, m, v), (t, learning_rate, beta1, beta2, epsilon, before))


def _run(
    name: str, arrays: tuple[Gradient, ...], settings: tuple[float | Before, ...]
) -> tuple[np.ndarray, ...]:
    """Return the next w and the next memory, new arrays in C order; of other dtypes NumPy takes care."""
    w = arrays[0]
    if w.dtype not in KERNEL_DTYPES:
        result: Any = getattr(numpy_update, name)(*arrays, *settings)
        return result if isinstance(result, tuple) else (result,)
    results = tuple(empty(w.shape, w.dtype) for _ in range(len(arrays) - 1))
    getattr(extension, name)(*map(_given, arrays), *settings, *results)
    return results


def _given(array: Gradient) -> Any:
    """Return what the kernels read: an array in C order, or two factors."""
    return (array.x, array.dout) if isinstance(array, Product) else c_order(array)
