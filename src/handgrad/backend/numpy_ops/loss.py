"""Losses: the mean over the batch, with its gradient."""

from __future__ import annotations

import numpy as np

__all__ = ["add_l2", "softmax_loss", "svm_loss"]


def softmax_loss(scores: np.ndarray, y: np.ndarray, label_smoothing: float) -> tuple[np.floating, np.ndarray]:
    """Return the loss and dscores (N, C) for scores (N, C), labels y (N,) or soft ones (N, C)."""
    if y.ndim == 2:
        return _soft(scores, (1 - label_smoothing) * y + label_smoothing / y.shape[1])
    n, classes = scores.shape
    rows = np.arange(n)
    log_p, dscores = _log_softmax(scores)
    dscores[rows, y] -= 1 - label_smoothing
    dscores -= label_smoothing / classes
    dscores /= max(n, 1)
    loss = (1 - label_smoothing) * log_p[rows, y].sum()
    if label_smoothing:  # else 0 * log(0) of an impossible class would make the loss NaN
        loss += label_smoothing * log_p.mean(axis=1).sum()
    return -loss / max(n, 1), dscores


def _soft(scores: np.ndarray, target: np.ndarray) -> tuple[np.floating, np.ndarray]:
    n = max(len(scores), 1)
    log_p, dscores = _log_softmax(scores)
    dscores -= target
    dscores /= n
    # Else 0 * log(0) of an impossible class would make the loss NaN.
    possible = np.where(target > 0, log_p, 0)
    return -(target * possible).sum() / n, dscores


def _log_softmax(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithms of the probabilities, and the probabilities."""
    log_p = scores - scores.max(axis=1, keepdims=True)
    p = np.exp(log_p)
    total = p.sum(axis=1, keepdims=True)
    log_p -= np.log(total)
    p /= total
    return log_p, p


def svm_loss(scores: np.ndarray, y: np.ndarray) -> tuple[np.floating, np.ndarray]:
    """Return the loss and dscores (N, C) for scores (N, C), labels y (N,)."""
    n = len(scores)
    rows = np.arange(n)
    margins = np.maximum(scores - scores[rows, y][:, None] + 1, 0)
    margins[rows, y] = 0
    dscores = (~(margins <= 0)).astype(scores.dtype)  # a NaN counts, as in relu
    dscores[rows, y] = -dscores.sum(axis=1)
    dscores /= max(n, 1)
    return margins.sum() / max(n, 1), dscores


def add_l2(dw: np.ndarray | None, w: np.ndarray, reg: float) -> float:
    """Add ``reg * w`` to dw, in place, where it is given; return the sum of the squares of w."""
    if dw is not None:
        dw += reg * w
    return float(np.vdot(w, w))
