"""Convolution as matrix products over the padded image (`native/kernels/conv.cpp`), without columns."""

from __future__ import annotations

import numpy as np

from handgrad.backend import extension
from handgrad.backend.native_ops.arrays import c_order, empty

__all__ = ["conv_backward", "conv_forward"]

Pair = tuple[int, int]


def conv_forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: Pair, pad: Pair
) -> tuple[np.ndarray, None]:
    """Return out (N, F, H', W') for x (N, C, H, W), w (F, C, HH, WW), b (F,)."""
    return _convolve(x, w, b, stride, pad, None), None


def conv_with_moments(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: Pair, pad: Pair
) -> tuple[np.ndarray, np.ndarray]:
    """Return out (N, F, H', W') and, of each filter's numbers in it, the moments (2, F) in float64.

    Those are the mean and the sum of squared distances from it, taken while out is still in the caches.
    """
    moments = np.empty((2, len(w)))
    return _convolve(x, w, b, stride, pad, moments), moments


def _convolve(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: Pair, pad: Pair, moments: np.ndarray | None
) -> np.ndarray:
    out = empty((len(x), len(w), *output_sides(x, w, stride, pad)), x.dtype)
    extension.conv_forward(c_order(x), c_order(w), c_order(b), stride, pad, False, out, moments)
    return out


def output_sides(x: np.ndarray, w: np.ndarray, stride: Pair, pad: Pair) -> tuple[int, ...]:
    """Return H', W'."""
    return tuple((x.shape[2 + a] + 2 * pad[a] - w.shape[2 + a]) // stride[a] + 1 for a in (0, 1))


def conv_backward(
    dout: np.ndarray, x: np.ndarray, w: np.ndarray, stride: Pair, pad: Pair, kept: None, need_dx: bool
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Return dx (N, C, H, W) or None, dw (F, C, HH, WW), db (F,)."""
    dout = c_order(dout)
    dx = None
    if need_dx:
        dx = empty(x.shape, x.dtype)
        extension.conv_backward_x(dout, c_order(w), stride, pad, dx)
    dw, db = empty(w.shape, w.dtype), empty(w.shape[:1], w.dtype)
    extension.conv_backward_w(dout, c_order(x), stride, pad, dw, db)
    return dx, dw, db
