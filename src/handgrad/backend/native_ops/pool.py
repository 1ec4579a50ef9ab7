"""Pooling (`native/kernels/pool.cpp`); the winner of a window is kept as one byte."""

from __future__ import annotations

import numpy as np

from handgrad.backend import extension, numpy_ops
from handgrad.backend.native_ops.arrays import c_order, empty
from handgrad.backend.numpy_ops.conv import Pair

__all__ = [
    "avg_pool_backward",
    "avg_pool_forward",
    "global_avg_pool_backward",
    "global_avg_pool_forward",
    "max_pool_backward",
    "max_pool_forward",
]

BYTE = np.dtype(np.uint8)


def max_pool_forward(x: np.ndarray, window: Pair, stride: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Return out (N, C, H', W') and which tap of the window won, counted in row-major order."""
    if window[0] * window[1] > 256:
        return numpy_ops.max_pool_forward(x, window, stride)
    shape = _output(x, window, stride)
    out, winner = empty(shape, x.dtype), empty(shape, BYTE)
    extension.max_pool_forward(c_order(x), window, stride, out, winner)
    return out, winner


def max_pool_backward(
    dout: np.ndarray, x: np.ndarray, window: Pair, stride: Pair, winner: np.ndarray
) -> np.ndarray:
    """Return dx (N, C, H, W): each output's gradient goes to the tap that won."""
    if winner.dtype != BYTE:
        return numpy_ops.max_pool_backward(dout, x, window, stride, winner)
    dx = empty(x.shape, x.dtype)
    extension.max_pool_backward(c_order(dout), winner, window, stride, dx)
    return dx


def avg_pool_forward(x: np.ndarray, window: Pair, stride: Pair) -> tuple[np.ndarray, None]:
    """Return out (N, C, H', W'), the mean of each window."""
    out = empty(_output(x, window, stride), x.dtype)
    extension.avg_pool_forward(c_order(x), window, stride, out)
    return out, None


def avg_pool_backward(dout: np.ndarray, x: np.ndarray, window: Pair, stride: Pair, kept: None) -> np.ndarray:
    """Return dx (N, C, H, W): each output's gradient is shared evenly by its window."""
    dx = empty(x.shape, x.dtype)
    extension.avg_pool_backward(c_order(dout), window, stride, dx)
    return dx


def global_avg_pool_forward(x: np.ndarray) -> tuple[np.ndarray, None]:
    """Return out (N, C), the mean of each channel."""
    out = np.empty(x.shape[:2], x.dtype)
    extension.global_avg_pool_forward(c_order(x), out)
    return out, None


def global_avg_pool_backward(dout: np.ndarray, x: np.ndarray, kept: None) -> np.ndarray:
    """Return dx (N, C, H, W)."""
    dx = empty(x.shape, x.dtype)
    extension.global_avg_pool_backward(c_order(dout), dx)
    return dx


def _output(x: np.ndarray, window: Pair, stride: Pair) -> tuple[int, ...]:
    n, c, height, width = x.shape
    return n, c, (height - window[0]) // stride[0] + 1, (width - window[1]) // stride[1] + 1
