"""Losses a row at a time (`native/kernels/loss.cpp`), and the L2 penalty in one pass."""

from __future__ import annotations

import numpy as np

from handgrad.backend import extension, numpy_ops
from handgrad.backend.native_ops.arrays import c_order, empty

__all__ = ["add_l2", "softmax_loss", "svm_loss"]


def softmax_loss(scores: np.ndarray, y: np.ndarray, label_smoothing: float) -> tuple[np.floating, np.ndarray]:
    """Return the loss and dscores (N, C) for scores (N, C), labels y (N,); soft ones are left to NumPy."""
    if y.ndim == 2:
        return numpy_ops.softmax_loss(scores, y, label_smoothing)
    dscores = empty(scores.shape, scores.dtype)
    loss = extension.softmax_loss(c_order(scores), _labels(y), label_smoothing, dscores)
    return scores.dtype.type(loss), dscores


def svm_loss(scores: np.ndarray, y: np.ndarray) -> tuple[np.floating, np.ndarray]:
    """Return the loss and dscores (N, C) for scores (N, C), labels y (N,)."""
    dscores = empty(scores.shape, scores.dtype)
    return scores.dtype.type(extension.svm_loss(c_order(scores), _labels(y), dscores)), dscores


def add_l2(dw: np.ndarray | None, w: np.ndarray, reg: float) -> float:
    """Add ``reg * w`` to dw, in place, where it is given; return the sum of the squares of w."""
    fits = dw is None or (dw.dtype == w.dtype and dw.shape == w.shape and dw.flags.carray)
    if fits and w.flags.c_contiguous:
        return extension.add_scaled(dw, w, reg)
    return numpy_ops.add_l2(dw, w, reg)


def _labels(y: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(y, np.int64)
