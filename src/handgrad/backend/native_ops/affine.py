"""Affine layer: the matrix product of `native/kernels/gemm.cpp`, which adds the bias as it stores."""

from __future__ import annotations

import numpy as np

from handgrad.backend import extension
from handgrad.backend.factored import Product, pays
from handgrad.backend.native_ops.arrays import c_order, empty

__all__ = ["affine_backward", "affine_forward"]


def affine_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, None]:
    """Return out (N, M) for x (N, D), w (D, M), b (M,)."""
    out = empty((len(x), len(b)), x.dtype)
    extension.affine_forward(c_order(x), c_order(w), c_order(b), out, False)
    return out, None


def affine_backward(
    dout: np.ndarray, x: np.ndarray, w: np.ndarray, kept: None, need_dx: bool
) -> tuple[np.ndarray | None, np.ndarray | Product, np.ndarray]:
    """Return dx (N, D) or None, dw (D, M), db (M,)."""
    dout, x = c_order(dout), c_order(x)
    dx = None
    if need_dx:
        dx = empty(x.shape, x.dtype)
        extension.affine_backward_x(dout, c_order(w), dx)
    db = empty(w.shape[1:], w.dtype)
    if pays(x, w):
        extension.affine_backward_w(dout, x, None, db)
        return dx, Product(x, dout, w), db
    dw = empty(w.shape, w.dtype)
    extension.affine_backward_w(dout, x, dw, db)
    return dx, dw, db
