"""Blocks: layers that are computed in one pass over the large array (`native/block.cpp`)."""

from __future__ import annotations

import numpy as np

from handgrad.backend import extension
from handgrad.backend.native_ops.arrays import c_order, empty

Pair = tuple[int, int]


class ConvReluPool:
    """Convolution, relu, max-pool: the convolution's output is never stored."""

    @staticmethod
    def forward(
        x: np.ndarray,
        w: np.ndarray,
        b: np.ndarray,
        stride: Pair,
        pad: Pair,
        window: Pair,
        pool_stride: Pair,
        shape: tuple[int, ...],
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Return out (N, F, H'', W'') and the winner of each window, a byte; None where steps are quicker."""
        how = (stride, pad, window, pool_stride)
        x, w, b = c_order(x), c_order(w), c_order(b)
        if not extension.conv_relu_pool_pays(x, w, *how):
            return None
        out, winner = empty(shape, x.dtype), empty(shape, np.dtype(np.uint8))
        extension.conv_relu_pool_forward(x, w, b, *how, out, winner)
        return out, winner

    @staticmethod
    def backward(
        dout: np.ndarray,
        x: np.ndarray,
        w: np.ndarray,
        stride: Pair,
        pad: Pair,
        window: Pair,
        pool_stride: Pair,
        winner: np.ndarray,
        need_dx: bool,
    ) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """Return dx (N, C, H, W) or None, dw (F, C, HH, WW), db (F,)."""
        how = (stride, pad, window, pool_stride)
        dout = c_order(dout)
        dx = None
        if need_dx:
            dx = empty(x.shape, x.dtype)
            extension.conv_relu_pool_backward_x(dout, winner, c_order(w), *how, dx)
        dw, db = empty(w.shape, w.dtype), empty(w.shape[:1], w.dtype)
        extension.conv_relu_pool_backward_w(dout, winner, c_order(x), *how, dw, db)
        return dx, dw, db


BLOCKS = {("conv", "relu", "max_pool"): ConvReluPool}
"""What this tier computes in one pass, by the layers that it stands for."""
