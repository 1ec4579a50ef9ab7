"""Batch, layer and group norm (`native/norm.cpp`); layer norm is group norm of one group, on rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from handgrad.backend import extension
from handgrad.backend.native_ops.arrays import c_order, empty

__all__ = [
    "batchnorm_backward",
    "batchnorm_forward",
    "groupnorm_backward",
    "groupnorm_forward",
    "layernorm_backward",
    "layernorm_forward",
]

Gradients = tuple[np.ndarray, np.ndarray, np.ndarray]


class Kept(NamedTuple):
    """What normalised x, and whether it depends on x.

    `statistics` has the rows mean, what its rounding left out, 1 / sqrt(var + eps) and, of batch norm, the
    shift that made out.
    """

    statistics: np.ndarray
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
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Kept]:
    """Return out, the new running mean and variance (D,), for x (N, D) or (N, D, H, W)."""
    settings = (mode, eps, momentum, running_mean, running_var)
    return normalise(x, gamma, beta, settings, relu=False)


def normalise(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    settings: tuple[str, float, float, np.ndarray, np.ndarray],
    relu: bool,
    moments: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Kept]:
    """Return what `batchnorm_forward` does, after relu where it is asked for.

    In training `moments` (2, D), as `conv_with_moments` returns them, spare x's being read for its own.
    """
    mode, eps, momentum, running_mean, running_var = settings
    kept = Kept(np.empty((4, len(gamma)), x.dtype), mode == "train")
    running = np.empty((2, len(gamma)), x.dtype)
    out = empty(x.shape, x.dtype)
    extension.batchnorm_forward(
        _planes(x),
        c_order(gamma),
        c_order(beta),
        eps,
        momentum,
        kept.of_x,
        relu,
        c_order(running_mean),
        c_order(running_var),
        *running,
        kept.statistics,
        _planes(out),
        moments,
    )
    return out, running[0], running[1], kept


def batchnorm_backward(dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, kept: Kept) -> Gradients:
    """Return dx, dgamma (D,), dbeta (D,)."""
    return normalise_backward(dout, x, gamma, kept, relu=False)


def normalise_backward(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, kept: Kept, relu: bool
) -> Gradients:
    """Return what `batchnorm_backward` does, for the gradient of relu's output where it was asked for."""
    dx = empty(x.shape, x.dtype)
    dgamma, dbeta = np.empty((2, len(gamma)), x.dtype)
    extension.batchnorm_backward(
        _planes(dout),
        _planes(x),
        c_order(gamma),
        kept.statistics,
        kept.of_x,
        relu,
        _planes(dx),
        dgamma,
        dbeta,
    )
    return dx, dgamma, dbeta


def layernorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return out for x (N, D), gamma and beta (D,): each row by its own statistics."""
    return groupnorm_forward(x, gamma, beta, 1, eps)


def layernorm_backward(dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, kept: np.ndarray) -> Gradients:
    """Return dx, dgamma (D,), dbeta (D,)."""
    return groupnorm_backward(dout, x, gamma, 1, kept)


def groupnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, groups: int, eps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return out for x (N, C, H, W), gamma and beta (C,): each group of channels by its own statistics."""
    kept = np.empty((3, len(x) * groups), x.dtype)
    out = empty(x.shape, x.dtype)
    extension.groupnorm_forward(_planes(x), c_order(gamma), c_order(beta), groups, eps, kept, _planes(out))
    return out, kept


def groupnorm_backward(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, groups: int, kept: np.ndarray
) -> Gradients:
    """Return dx, dgamma (C,), dbeta (C,)."""
    dx = empty(x.shape, x.dtype)
    dgamma, dbeta = np.empty((2, len(gamma)), x.dtype)
    extension.groupnorm_backward(
        _planes(dout), _planes(x), c_order(gamma), groups, kept, _planes(dx), dgamma, dbeta
    )
    return dx, dgamma, dbeta


def _planes(x: np.ndarray) -> np.ndarray:
    """Return x (N, C) or (N, C, H, W) as (N, C, inner)."""
    inner = x.shape[2] * x.shape[3] if x.ndim == 4 else 1
    return c_order(x).reshape(*x.shape[:2], inner)
