"""Update rules: the next parameter and the next memory, from those before."""

from __future__ import annotations

import numpy as np

__all__ = ["adadelta", "adagrad", "adam", "rmsprop", "sgd", "sgd_momentum", "sgd_nesterov_momentum"]


def sgd(w: np.ndarray, dw: np.ndarray, learning_rate: float) -> np.ndarray:
    """Return the next w."""
    return w - learning_rate * dw


def sgd_momentum(
    w: np.ndarray, dw: np.ndarray, velocity: np.ndarray, learning_rate: float, momentum: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next w and velocity."""
    velocity = momentum * velocity - learning_rate * dw
    return w + velocity, velocity


def sgd_nesterov_momentum(
    w: np.ndarray, dw: np.ndarray, velocity: np.ndarray, learning_rate: float, momentum: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next w and velocity."""
    v = momentum * velocity - learning_rate * dw
    return w + v + momentum * (v - velocity), v


def adagrad(
    w: np.ndarray, dw: np.ndarray, cache: np.ndarray, learning_rate: float, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next w and cache."""
    cache = cache + dw * dw
    return w - learning_rate * dw / (np.sqrt(cache) + epsilon), cache


def rmsprop(
    w: np.ndarray, dw: np.ndarray, cache: np.ndarray, learning_rate: float, decay_rate: float, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next w and cache."""
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
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the next w, cache and delta_cache."""
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
    weight_decay: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the next w, m and v; `t` counts this step, `weight_decay` is apart from the gradient."""
    m = beta1 * m + (1 - beta1) * dw
    v = beta2 * v + (1 - beta2) * dw * dw
    step = learning_rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
    return (1 - learning_rate * weight_decay) * w - step, m, v
