"""Affine layer: out = x w + b on rows."""

from __future__ import annotations

import numpy as np

__all__ = ["affine_backward", "affine_forward"]


def affine_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, None]:
    """Return out (N, M) for x (N, D), w (D, M), b (M,)."""
    out = x @ w
    out += b
    return out, None


def affine_backward(
    dout: np.ndarray, x: np.ndarray, w: np.ndarray, kept: None, need_dx: bool
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Return dx (N, D) or None, dw (D, M), db (M,)."""
    db = dout.sum(axis=0)
    dw = x.T @ dout
    dx = dout @ w.T if need_dx else None
    return dx, dw, db
