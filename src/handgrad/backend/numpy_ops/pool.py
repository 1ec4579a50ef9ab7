"""Pooling: one pass over the image for each position in the window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from handgrad.backend.numpy_ops.conv import Pair, taps
from handgrad.backend.numpy_ops.select import keep_where

__all__ = [
    "avg_pool_backward",
    "avg_pool_forward",
    "global_avg_pool_backward",
    "global_avg_pool_forward",
    "max_pool_backward",
    "max_pool_forward",
]


def max_pool_forward(x: np.ndarray, window: Pair, stride: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Return out (N, C, H', W') and which tap of the window won, counted in row-major order."""
    views = _views(x, window, stride)
    out = next(views)[1].copy()
    winner = np.zeros(out.shape, np.min_scalar_type(window[0] * window[1]))
    for number, seen in views:
        better = ~(seen <= out)  # strictly greater, so the first maximum keeps a tie; or one is NaN
        better &= out == out  # the first NaN stays
        np.maximum(out, seen, out=out)
        np.maximum(winner, better * winner.dtype.type(number), out=winner)  # later taps have higher numbers
    return out, winner


def max_pool_backward(
    dout: np.ndarray, x: np.ndarray, window: Pair, stride: Pair, winner: np.ndarray
) -> np.ndarray:
    """Return dx (N, C, H, W): each output's gradient goes to the tap that won."""
    dx = np.zeros(x.shape, x.dtype)
    for number, seen in _views(dx, window, stride):
        seen += keep_where(winner == number, dout)
    return dx


def avg_pool_forward(x: np.ndarray, window: Pair, stride: Pair) -> tuple[np.ndarray, None]:
    """Return out (N, C, H', W'), the mean of each window."""
    views = (seen for _, seen in _views(x, window, stride))
    out = next(views).copy()
    for seen in views:
        out += seen
    out /= window[0] * window[1]
    return out, None


def avg_pool_backward(dout: np.ndarray, x: np.ndarray, window: Pair, stride: Pair, kept: None) -> np.ndarray:
    """Return dx (N, C, H, W): each output's gradient is shared evenly by its window."""
    share = dout / (window[0] * window[1])
    dx = np.zeros(x.shape, x.dtype)
    for _, seen in _views(dx, window, stride):
        seen += share
    return dx


def global_avg_pool_forward(x: np.ndarray) -> tuple[np.ndarray, None]:
    """Return out (N, C), the mean of each channel."""
    return x.mean(axis=(2, 3)), None


def global_avg_pool_backward(dout: np.ndarray, x: np.ndarray, kept: None) -> np.ndarray:
    """Return dx (N, C, H, W)."""
    share = dout / (x.shape[2] * x.shape[3])
    return np.broadcast_to(share[:, :, None, None], x.shape).copy()


def _views(x: np.ndarray, window: Pair, stride: Pair) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the number of each tap with the view of x (N, C, H', W') that it passes over."""
    sides = tuple((x.shape[2 + a] - window[a]) // stride[a] + 1 for a in (0, 1))
    for number, (_, seen) in enumerate(taps(window, sides, stride)):
        yield number, x[:, :, *seen]
