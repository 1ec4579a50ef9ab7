"""Blocks: layers that are computed in one pass over the large array (`native/block.cpp`)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from handgrad.backend import extension
from handgrad.backend.native_ops import norm
from handgrad.backend.native_ops.arrays import c_order, empty
from handgrad.backend.native_ops.conv import conv_backward, conv_with_moments, output_sides
from handgrad.backend.native_ops.folded import Folded
from handgrad.backend.native_ops.folded import Kept as KeptFolded
from handgrad.backend.native_ops.pool import max_pool_backward, max_pool_forward


class ConvReluPool:
    """Convolution, relu, max-pool: the convolution's output is never stored."""

    name = "conv_relu_pool"

    @staticmethod
    def gives_dx(kept: Any) -> bool:
        """Return whether backward gives dx."""
        return True

    @staticmethod
    def pays(x: np.ndarray, w: np.ndarray, conv: Any, pool: Any) -> bool:
        """Return whether one pass is quicker than the steps."""
        return extension.conv_relu_pool_pays(x, w, *conv, *pool)

    @classmethod
    def forward(
        cls, x: np.ndarray, w: np.ndarray, b: np.ndarray, conv: Any, pool: Any, shape: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Return out (N, F, H'', W'') and the winner of each window, a byte; None where steps are quicker.

        `conv` is stride and pad of the convolution, `pool` the window of the pool and its stride.
        """
        x, w, b = c_order(x), c_order(w), c_order(b)
        if not cls.pays(x, w, conv, pool):
            return None
        out, winner = empty(shape, x.dtype), empty(shape, np.dtype(np.uint8))
        cls._call("forward", x, w, b, *conv, *pool, out, winner)
        return out, winner

    @classmethod
    def backward(
        cls,
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
            cls._call("backward_x", dout, winner, c_order(w), *conv, *pool, dx)
        dw, db = empty(w.shape, w.dtype), empty(w.shape[:1], w.dtype)
        cls._call("backward_w", dout, winner, c_order(x), *conv, *pool, dw, db)
        return dx, dw, db

    @classmethod
    def _call(cls, way: str, *arguments: Any) -> None:
        getattr(extension, f"{cls.name}_{way}")(*arguments)


class ConvPool(ConvReluPool):
    """Convolution, max-pool: the convolution's output is stored for few images at a time."""

    name = "conv_pool"

    @staticmethod
    def pays(x: np.ndarray, w: np.ndarray, conv: Any, pool: Any) -> bool:
        """Return whether Winograd or AMX's tiles convolve these arrays, at the precision in use."""
        return x.dtype == np.float32 and extension.conv_pool_takes(x, w, *conv, *pool)

    @classmethod
    def backward(
        cls,
        dout: np.ndarray,
        x: np.ndarray,
        w: np.ndarray,
        conv: Any,
        pool: Any,
        winner: np.ndarray,
        need_dx: bool,
    ) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """Return dx (N, C, H, W) or None, dw (F, C, HH, WW), db (F,); at another precision step by step."""
        x, w = c_order(x), c_order(w)
        if cls.pays(x, w, conv, pool):
            return super().backward(dout, x, w, conv, pool, winner, need_dx)
        dscores = empty((*winner.shape[:2], *output_sides(x, w, *conv)), x.dtype)
        extension.max_pool_backward(c_order(dout), winner, *pool, dscores)
        return conv_backward(dscores, x, w, conv.stride, conv.pad, None, need_dx)


class Normed(NamedTuple):
    """What backward needs where the convolution's output was stored: that, its statistics, the winners."""

    scores: np.ndarray
    statistics: norm.Kept
    winner: np.ndarray | None


class ConvBn:
    """Convolution, batch norm; `pool` is None, but not so in `ConvBnRelu`."""

    relu = False

    @staticmethod
    def gives_dx(kept: Any) -> bool:
        """Return whether backward gives dx."""
        return not isinstance(kept, KeptFolded)

    @classmethod
    def forward(
        cls,
        x: np.ndarray,
        w: np.ndarray,
        b: np.ndarray,
        scale: tuple[np.ndarray, np.ndarray],
        bn: Any,
        conv: Any,
        pool: Any,
        shape: tuple[int, ...],
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any] | None:
        """Return out, the new running mean and variance (F,), and what backward needs.

        `scale` is gamma and beta (F,), `bn` batch norm's settings; `conv` and `pool` tell how windows slide.
        None where one layer after the other is quicker.
        """
        folded = Folded.forward(x, w, b, scale, bn, conv, pool, shape) if cls.relu else None
        if folded is not None or bn.mode != "train" or not x.size:
            return folded
        scores, moments = conv_with_moments(x, w, b, *conv)
        out, mean, var, statistics = norm.normalise(scores, *scale, bn, cls.relu, moments)
        winner = None
        if pool:
            out, winner = max_pool_forward(out, *pool)
        return out, mean, var, Normed(scores, statistics, winner)

    @classmethod
    def backward(
        cls,
        dout: np.ndarray,
        x: np.ndarray,
        w: np.ndarray,
        b: np.ndarray,
        gamma: np.ndarray,
        conv: Any,
        pool: Any,
        kept: Any,
        need_dx: bool,
    ) -> tuple[np.ndarray | None, ...]:
        """Return dx (N, C, H, W) or None, dw (F, C, HH, WW), db, dgamma and dbeta (F,)."""
        if isinstance(kept, KeptFolded):
            return None, *Folded.backward(dout, x, w, b, conv, pool, kept)
        if kept.winner is not None:
            dout = max_pool_backward(dout, kept.scores, pool.window, pool.stride, kept.winner)
        dscores, dgamma, dbeta = norm.normalise_backward(dout, kept.scores, gamma, kept.statistics, cls.relu)
        return *conv_backward(dscores, x, w, conv.stride, conv.pad, None, need_dx), dgamma, dbeta


class ConvBnRelu(ConvBn):
    """Convolution, batch norm, relu and, where `pool` is given, max-pool.

    In one pass where batch norm can be folded into the filters, else batch norm and relu in one.
    """

    relu = True


BLOCKS = {
    ("conv", "max_pool"): ConvPool,
    ("conv", "relu", "max_pool"): ConvReluPool,
    ("conv", "spatial_batchnorm"): ConvBn,
    ("conv", "spatial_batchnorm", "relu"): ConvBnRelu,
    ("conv", "spatial_batchnorm", "relu", "max_pool"): ConvBnRelu,
}
"""What this tier computes in one pass, by the layers that it stands for."""
