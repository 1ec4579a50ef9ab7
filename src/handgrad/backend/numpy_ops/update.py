"""Update rules: the next parameter and the next memory, from those before.

Each begins with what `before` asks for.
"""

from __future__ import annotations

import math

import numpy as np

from handgrad.backend.before import Before

__all__ = ["adadelta", "adagrad", "adam", "rmsprop", "sgd", "sgd_momentum", "sgd_nesterov_momentum"]


def sgd(w: np.ndarray, dw: np.ndarray, learning_rate: float, before: Before) -> np.ndarray:
    """Return the next w."""
    w, dw = _begin(w, dw, before)
    return w - learning_rate * dw


def sgd_momentum(
    w: np.ndarray, dw: np.ndarray, velocity: np.ndarray, learning_rate: float, momentum: float, before: Before
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next w and velocity."""
    w, dw = _begin(w, dw, before)
    velocity = momentum * velocity - learning_rate * dw
    return w + velocity, velocity


def sgd_nesterov_momentum(
    w: np.ndarray, dw: np.ndarray, velocity: np.ndarray, learning_rate: float, momentum: float, before: Before
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next w and velocity."""
    w, dw = _begin(w, dw, before)
    v = momentum * velocity - learning_rate * dw
    return w + v + momentum * (v - velocity), v


def adagrad(
    w: np.ndarray, dw: np.ndarray, cache: np.ndarray, learning_rate: float, epsilon: float, before: Before
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next w and cache."""
    w, dw = _begin(w, dw, before)
    cache = cache + dw * dw
    return w - learning_rate * dw / (np.sqrt(cache) + epsilon), cache


def rmsprop(
    w: np.ndarray,
    dw: np.ndarray,
    cache: np.ndarray,
    learning_rate: float,
    decay_rate: float,
    epsilon: float,
    before: Before,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next w and cache."""
    w, dw = _begin(w, dw, before)
    cache = decay_rate * cache + (1 - decay_rate) * dw * dw
    return w - learning_rate * dw / (np.sqrt(cache) + epsilon), cache


def adadelta(
    w: np.ndarray,
    dw: np.ndarray,
    cache: np.ndarray,
    delta_cache: np.ndarray,
    learning_rate: float,
    decay_rate: float,
    epsilon: float,
    before: Before,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the next w, cache and delta_cache."""
    w, dw = _begin(w, dw, before)
    cache = decay_rate * cache + (1 - decay_rate) * dw * dw
    delta = np.sqrt(delta_cache + epsilon) / np.sqrt(cache + epsilon) * dw
    delta_cache = decay_rate * delta_cache + (1 - decay_rate) * delta * delta
    return w - learning_rate * delta, cache, delta_cache


def adam(
    w: np.ndarray,
    dw: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    t: int,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    before: Before,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the next w, m and v; `t` counts this step."""
    w, dw = _begin(w, dw, before)
    m = beta1 * m + (1 - beta1) * dw
    v = beta2 * v + (1 - beta2) * dw * dw
    step = learning_rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
    return w - step, m, v


def _begin(w: np.ndarray, dw: np.ndarray, before: Before) -> tuple[np.ndarray, np.ndarray]:
    """Return w and the gradient as the rule gets them: what is not asked for is not computed."""
    dw = _clipped(dw, before.limit)
    if before.scale != 1:
        dw = dw * before.scale
    if before.l2 != 0:
        dw = dw + before.l2 * w
    return w if before.shrink == 1 else before.shrink * w, _clipped(dw, before.clip_value)


def _clipped(dw: np.ndarray, most: float) -> np.ndarray:
    return dw if most == math.inf else np.clip(dw, -most, most)
