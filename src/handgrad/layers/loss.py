"""Losses: a number and its gradient, straight away."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad import backend
from handgrad._numbers import fraction
from handgrad.layers.checks import check_rank, check_shape, float_arrays

_SUM = 1e-3  # how far a row of soft labels may be from summing to 1: float32, and rounded by hand


def softmax_loss(
    scores: np.ndarray, y: np.ndarray, *, label_smoothing: float = 0.0
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
    soft = isinstance(y, np.ndarray) and y.ndim == 2
    scores, y = _check_soft(scores, y) if soft else _check(scores, y)
    smoothing = fraction("label_smoothing", label_smoothing, include_one=True)
    return backend.ops().softmax_loss(scores, y, smoothing)


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
