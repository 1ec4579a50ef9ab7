"""Losses: a number and its gradient, straight away."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad import backend
from handgrad._numbers import fraction
from handgrad.layers.checks import check_rank, check_shape, float_arrays

_SUM = 1e-3  # how far a row of soft labels may be from summing to 1: float32, and rounded by hand


def softmax_loss(
    scores: np.ndarray, y: np.ndarray, *, label_smoothing: float = 0.0, weights: np.ndarray | None = None
) -> tuple[np.floating, np.ndarray]:
    """Cross-entropy of the softmax of the scores, averaged over the batch.

    Parameters
    ----------
    scores : ndarray (N, K)
        Score of each of K classes for each sample.
    y : ndarray (N,) of whole numbers, or (N, K)
        The right classes, 0 to K - 1; or soft labels: in each row, how probable each class is.
    label_smoothing : float, default 0
        Share s in [0, 1] of the target that is spread evenly: the target is ``(1 - s) * one_hot(y) + s / K``,
        with soft labels ``(1 - s) * y + s / K``.
    weights : ndarray (N,), optional
        How much each sample counts, 0 or above: the loss is the weighted mean,
        ``sum(weights * losses) / sum(weights)``. By default all count the same.

    Returns
    -------
    loss : float of the scores' dtype
        0 for an empty batch.
    dscores : ndarray (N, K)

    Raises
    ------
    TypeError, ValueError
        When an array is of the wrong type or shape, or a label is out of range.

    Notes
    -----
    From Stanford CS231n, assignment 1. Smoothing: Szegedy et al., "Rethinking the inception architecture",
    CVPR 2016. The greatest score is subtracted first, so that nothing overflows.

    Examples
    --------
    >>> import numpy as np
    >>> loss, dscores = softmax_loss(np.zeros((1, 4)), np.array([2]))
    >>> round(float(loss), 4), dscores
    (1.3863, array([[ 0.25,  0.25, -0.75,  0.25]]))
    """
    scores, y, smoothing = _check_softmax(scores, y, label_smoothing)
    loss, dscores = backend.ops().softmax_loss(scores, y, smoothing)
    if weights is None or not len(scores):
        return loss, dscores
    share = _check_weights(weights, scores)
    share = share / share.sum()
    losses = _losses(scores, y, smoothing)
    return scores.dtype.type(share @ losses), dscores * (share * len(scores))[:, None].astype(scores.dtype)


def softmax_losses(scores: np.ndarray, y: np.ndarray, *, label_smoothing: float = 0.0) -> np.ndarray:
    """Cross-entropy of each sample; `softmax_loss` is their mean.

    Parameters
    ----------
    scores, y, label_smoothing
        As for `softmax_loss`.

    Returns
    -------
    losses : float64 ndarray (N,)

    Raises
    ------
    TypeError, ValueError
        As `softmax_loss`.

    Examples
    --------
    >>> softmax_losses(np.array([[0.0, 0.0], [3.0, 0.0]]), np.array([0, 0])).round(3)
    array([0.693, 0.049])
    """
    return _losses(*_check_softmax(scores, y, label_smoothing))


def _losses(scores: np.ndarray, y: np.ndarray, smoothing: float) -> np.ndarray:
    shifted = scores - scores.max(axis=1, keepdims=True).astype(np.float64)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    right = y if y.ndim == 2 else np.eye(scores.shape[1])[y]
    target = (1 - smoothing) * right + smoothing / scores.shape[1]
    terms = np.zeros_like(log_p)  # of an impossible class 0 * log(0) counts as 0
    return -np.multiply(target, log_p, out=terms, where=target != 0).sum(axis=1)


def svm_loss(scores: np.ndarray, y: np.ndarray) -> tuple[np.floating, np.ndarray]:
    """Multiclass hinge loss with margin 1, averaged over the batch.

    ``loss = mean over n of sum over k != y[n] of max(0, scores[n, k] - scores[n, y[n]] + 1)``

    Parameters
    ----------
    scores : ndarray (N, K)
        Score of each of K classes for each sample.
    y : ndarray (N,) of whole numbers
        The right classes, 0 to K - 1.

    Returns
    -------
    loss : float of the scores' dtype
        0 for an empty batch.
    dscores : ndarray (N, K)
        A margin of exactly 0 has gradient 0.

    Raises
    ------
    TypeError, ValueError
        When an array is of the wrong type or shape, or a label is out of range.

    Notes
    -----
    From Stanford CS231n, assignment 1; Weston and Watkins, ESANN 1999.
    """
    return backend.ops().svm_loss(*_check(scores, y))


def _check_softmax(scores: Any, y: Any, label_smoothing: Any) -> tuple[np.ndarray, np.ndarray, float]:
    soft = isinstance(y, np.ndarray) and y.ndim == 2
    scores, y = _check_soft(scores, y) if soft else _check(scores, y)
    return scores, y, fraction("label_smoothing", label_smoothing, include_one=True)


def _check_soft(scores: Any, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores = _check_scores(scores)
    check_shape("y", y, scores.shape, "(a probability for each score)")
    if y.dtype.kind != "f":
        raise TypeError(f"soft labels y must be floating point, got {y.dtype}")
    wrong = ~((y >= 0).all(axis=1) & (np.abs(y.sum(axis=1) - 1) < _SUM))
    if wrong.any():
        row = y[wrong.argmax()]
        raise ValueError(f"soft labels y must be 0 or above and sum to 1 in each row, got {row.tolist()}")
    return scores, y.astype(scores.dtype, copy=False)


def _check_weights(weights: Any, scores: np.ndarray) -> np.ndarray:
    if not isinstance(weights, np.ndarray) or weights.dtype.kind not in "fiu":
        got = weights.dtype if isinstance(weights, np.ndarray) else type(weights).__name__
        raise TypeError(f"weights must be an array of real numbers, got {got}")
    check_shape("weights", weights, scores.shape[:1], "(how much each sample counts)")
    if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.any()):
        raise ValueError(f"weights must be 0 or above and not all 0, got {weights.tolist()}")
    return weights.astype(np.float64)


def _check_scores(scores: Any) -> np.ndarray:
    (scores,) = float_arrays(scores=scores)
    check_rank("scores", scores, "N, K")
    if scores.shape[1] < 1:
        raise ValueError(f"scores must have at least one class, got shape {scores.shape}")
    return scores


def _check(scores: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    scores = _check_scores(scores)
    if not isinstance(y, np.ndarray) or y.dtype.kind not in "iu":
        got = y.dtype if isinstance(y, np.ndarray) else type(y).__name__
        raise TypeError(f"y must be an array of whole numbers, got {got}")
    check_shape("y", y, scores.shape[:1], "(a label for each row of scores)")
    classes = scores.shape[1]
    if y.size and not 0 <= y.min() <= y.max() < classes:
        wrong = y[(y < 0) | (y >= classes)][0]
        raise ValueError(f"y must hold labels from 0 to {classes - 1}, got {wrong}")
    return scores, y
