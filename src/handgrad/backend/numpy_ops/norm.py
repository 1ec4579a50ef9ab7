"""Batch, layer and group norm: one formula over different axes.

mean, var over `axes`;  xhat = (x - mean) / sqrt(var + eps);  out = gamma * xhat + beta
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = [
    "batchnorm_backward",
    "batchnorm_forward",
    "groupnorm_backward",
    "groupnorm_forward",
    "layernorm_backward",
    "layernorm_forward",
]

Gradients = tuple[np.ndarray, np.ndarray, np.ndarray]


class Statistics(NamedTuple):
    """What normalised x: mean and 1 / sqrt(var + eps), and whether they depend on x."""

    mean: np.ndarray
    inv_std: np.ndarray
    of_x: bool


def batchnorm_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mode: str,
    eps: float,
    momentum: float,
    running_mean: np.ndarray,
    running_var: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Statistics]:
    """Return out, the new running mean and variance (D,), for x (N, D) or (N, D, H, W)."""
    axes = tuple(a for a in range(x.ndim) if a != 1)
    if mode == "train":
        mean, var = _moments(x, axes)
        if x.size:
            running_mean = momentum * running_mean + (1 - momentum) * mean.ravel()
            running_var = momentum * running_var + (1 - momentum) * var.ravel()
    else:
        mean, var = _per_feature(running_mean, x.ndim), _per_feature(running_var, x.ndim)
    kept = Statistics(mean, 1 / np.sqrt(var + eps), mode == "train")
    out = _scale(_xhat(x, kept), _per_feature(gamma, x.ndim), _per_feature(beta, x.ndim))
    return out, running_mean, running_var, kept


def batchnorm_backward(dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, kept: Statistics) -> Gradients:
    """Return dx, dgamma (D,), dbeta (D,)."""
    axes = tuple(a for a in range(x.ndim) if a != 1)
    xhat = _xhat(x, kept)
    dgamma, dbeta = _sum(dout * xhat, axes).ravel(), _sum(dout, axes).ravel()
    return _through_xhat(dout * _per_feature(gamma, x.ndim), xhat, kept, axes), dgamma, dbeta


def layernorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float
) -> tuple[np.ndarray, Statistics]:
    """Return out for x (N, D), gamma and beta (D,): each row by its own statistics."""
    mean, var = _moments(x, (1,))
    kept = Statistics(mean, 1 / np.sqrt(var + eps), True)
    return _scale(_xhat(x, kept), gamma, beta), kept


def layernorm_backward(dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, kept: Statistics) -> Gradients:
    """Return dx, dgamma (D,), dbeta (D,)."""
    xhat = _xhat(x, kept)
    dgamma, dbeta = _sum(dout * xhat, (0,)).ravel(), _sum(dout, (0,)).ravel()
    return _through_xhat(dout * gamma, xhat, kept, (1,)), dgamma, dbeta


def groupnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, groups: int, eps: float
) -> tuple[np.ndarray, Statistics]:
    """Return out for x (N, C, H, W), gamma and beta (C,): each group of channels by its own statistics."""
    split = _split(x, groups)
    mean, var = _moments(split, (2, 3, 4))
    kept = Statistics(mean, 1 / np.sqrt(var + eps), True)
    xhat = _xhat(split, kept).reshape(x.shape)
    return _scale(xhat, _per_feature(gamma, 4), _per_feature(beta, 4)), kept


def groupnorm_backward(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, groups: int, kept: Statistics
) -> Gradients:
    """Return dx, dgamma (C,), dbeta (C,)."""
    xhat = _xhat(_split(x, groups), kept)
    dgamma, dbeta = _sum(dout * xhat.reshape(x.shape), (0, 2, 3)).ravel(), _sum(dout, (0, 2, 3)).ravel()
    dxhat = _split(dout * _per_feature(gamma, 4), groups)
    return _through_xhat(dxhat, xhat, kept, (2, 3, 4)).reshape(x.shape), dgamma, dbeta


def _xhat(x: np.ndarray, kept: Statistics) -> np.ndarray:
    xhat = x - kept.mean
    xhat *= kept.inv_std
    return xhat


def _scale(xhat: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    xhat *= gamma
    xhat += beta
    return xhat


def _through_xhat(dxhat: np.ndarray, xhat: np.ndarray, kept: Statistics, axes: tuple[int, ...]) -> np.ndarray:
    """Return dx; where mean and variance depend on x, each costs it a term."""
    if kept.of_x:
        dxhat = dxhat - _mean(dxhat, axes) - xhat * _mean(dxhat * xhat, axes)
    return dxhat * kept.inv_std


def _moments(x: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    mean = _mean(x, axes)
    return mean, _mean(np.square(x - mean), axes)


def _mean(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    count = max(1, int(np.prod([x.shape[a] for a in axes])))  # an empty batch has mean 0
    return _sum(x, axes) / count


def _sum(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    # float64 inside: NumPy adds an outer axis one by one, and half a million float32 numbers lose digits
    return x.sum(axis=axes, keepdims=True, dtype=np.float64).astype(x.dtype)


def _per_feature(vector: np.ndarray, rank: int) -> np.ndarray:
    return vector.reshape(1, -1, *(1,) * (rank - 2))


def _split(x: np.ndarray, groups: int) -> np.ndarray:
    n, c, h, w = x.shape
    return x.reshape(n, groups, c // groups, h, w)
