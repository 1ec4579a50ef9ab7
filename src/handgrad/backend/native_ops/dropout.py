"""Inverted dropout: NumPy draws, so that a seed gives the same mask in every tier."""

from __future__ import annotations

import numpy as np

from handgrad.backend import extension
from handgrad.backend.native_ops.arrays import c_order, empty

__all__ = ["dropout_backward", "dropout_forward"]


def dropout_forward(x: np.ndarray, p: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return out and the mask, 0 with probability p and else 1 / (1 - p)."""
    uniform = empty(x.shape, np.dtype(np.float64))
    rng.random(out=uniform)
    out, mask = empty(x.shape, x.dtype), empty(x.shape, x.dtype)
    extension.dropout_forward(c_order(x), uniform, p, out, mask)
    return out, mask


def dropout_backward(dout: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return dx."""
    dx = empty(dout.shape, dout.dtype)
    extension.multiply(c_order(dout), c_order(mask), dx)
    return dx
