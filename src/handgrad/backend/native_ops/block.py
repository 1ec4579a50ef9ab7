"""Blocks: layers that are computed in one pass over the large array (`native/block.cpp`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.backend import extension
from handgrad.backend.native_ops.arrays import c_order, empty
from handgrad.backend.native_ops.folded import ConvBnRelu


class ConvReluPool:
    """Convolution, relu, max-pool: the convolution's output is never stored."""

    gives_dx = True

    @staticmethod
    def forward(
        x: np.ndarray, w: np.ndarray, b: np.ndarray, conv: Any, pool: Any, shape: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Return out (N, F, H'', W'') and the winner of each window, a byte; None where steps are quicker.

        `conv` is stride and pad of the convolution, `pool` the window of the pool and its stride.
        """
        x, w, b = c_order(x), c_order(w), c_order(b)
        if not extension.conv_relu_pool_pays(x, w, *conv, *pool):
            return None
        out, winner = empty(shape, x.dtype), empty(shape, np.dtype(np.uint8))
        extension.conv_relu_pool_forward(x, w, b, *conv, *pool, out, winner)
        return out, winner

    @staticmethod
    def backward(
        dout: np.ndarray,
        x: np.ndarray,
        w: np.ndarray,
        conv: Any,
        pool: Any,
        winner: np.ndarray,
        need_dx: bool,
    ) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """Return dx (N, C, H, W) or None, dw (F, C, HH, WW), db (F,)."""
        dout = c_order(dout)
        dx = None
        if need_dx:
            dx = empty(x.shape, x.dtype)
            extension.conv_relu_pool_backward_x(dout, winner, c_order(w), *conv, *pool, dx)
        dw, db = empty(w.shape, w.dtype), empty(w.shape[:1], w.dtype)
        extension.conv_relu_pool_backward_w(dout, winner, c_order(x), *conv, *pool, dw, db)
        return dx, dw, db


BLOCKS = {
    ("conv", "relu", "max_pool"): ConvReluPool,
    ("conv", "spatial_batchnorm", "relu"): ConvBnRelu,
    ("conv", "spatial_batchnorm", "relu", "max_pool"): ConvBnRelu,
}
"""What this tier computes in one pass, by the layers that it stands for."""
