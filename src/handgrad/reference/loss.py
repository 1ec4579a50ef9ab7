"""Losses: the mean over the batch, together with its gradient for the scores."""

from __future__ import annotations

import numpy as np


def softmax_loss_naive(
    scores: np.ndarray, y: np.ndarray, label_smoothing: float = 0.0, weights: np.ndarray | None = None
) -> tuple[np.floating, np.ndarray]:
    """Compute the mean cross entropy of softmax(scores) against the labels.

    Parameters
    ----------
    scores : ndarray (N, C)
    y : integer ndarray (N,), or ndarray (N, C)
        Labels, 0 <= y[n] < C; or soft ones, y[n, c] the probability of class c.
    label_smoothing : float
        The target is ``(1 - label_smoothing) one_hot(y) + label_smoothing / C``; soft labels stand for
        ``one_hot(y)``.
    weights : ndarray (N,), optional
        How much each sample counts in the mean; all the same by default.

    Returns
    -------
    loss : scalar in the dtype of scores
        0 for an empty batch.
    dx : ndarray (N, C)

    References
    ----------
    Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016 (smoothing).
    """
    N, C = scores.shape
    smoothing = float(label_smoothing)
    loss, dx = 0.0, np.zeros((N, C))
    for n in range(N):
        row = scores[n].astype(np.float64)
        # softmax does not change when all scores move together; below the maximum, exp cannot overflow.
        shifted = row - np.max(row)
        log_probability = shifted - np.log(np.sum(np.exp(shifted)))
        share = 1 / N if weights is None else float(weights[n]) / float(np.sum(weights))
        dx[n] = np.exp(log_probability) * share
        for c in range(C):
            right = float(y[n, c]) if y.ndim == 2 else float(c == y[n])
            target = (1 - smoothing) * right + smoothing / C
            dx[n, c] -= target * share
            if target != 0:  # else 0 * log(0) of an impossible class would make the loss NaN
                loss -= target * log_probability[c] * share
    return scores.dtype.type(loss), dx.astype(scores.dtype)


def svm_loss_naive(scores: np.ndarray, y: np.ndarray) -> tuple[np.floating, np.ndarray]:
    """Compute the multi-class hinge loss: wrong classes should score 1 below the right one.

    Parameters
    ----------
    scores : ndarray (N, C)
    y : integer ndarray (N,)
        Labels, 0 <= y[n] < C.

    Returns
    -------
    loss : scalar in the dtype of scores
        Sum over wrong classes, mean over N; 0 for an empty batch.
    dx : ndarray (N, C)
        A margin of exactly 0 has gradient 0.

    References
    ----------
    Weston and Watkins, "Support vector machines for multi-class pattern recognition", 1999.
    """
    N, C = scores.shape
    loss, dx = 0.0, np.zeros((N, C))
    for n in range(N):
        right = y[n]
        for c in range(C):
            margin = float(scores[n, c]) - float(scores[n, right]) + 1.0
            if c == right or margin <= 0:  # asked this way round, a NaN goes on into the loss
                continue
            loss += margin / N
            dx[n, c] += 1 / N
            dx[n, right] -= 1 / N
    return scores.dtype.type(loss), dx.astype(scores.dtype)
