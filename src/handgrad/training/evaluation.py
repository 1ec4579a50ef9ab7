"""Scores and accuracy of any model, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad._numbers import whole_number
from handgrad.data.checks import check_labels
from handgrad.training import checks


def predict(
    model: Any,
    X: np.ndarray,
    batch_size: int = 100,
    preprocess: Callable[[np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """Return the scores (N, K) of the samples X (N, ...) in test mode.

    Parameters
    ----------
    model : has ``loss(X, y=None)``
    X : ndarray (N, ...)
        N of 1 or above; uint8 images are fine where `preprocess` or the model makes numbers of them.
    batch_size : int
        Samples at once, which bounds the memory.
    preprocess : function, optional
        From a batch of X to what the model takes.
    """
    size = whole_number("batch_size", batch_size, 1)
    if len(X) == 0:
        raise ValueError(f"X must hold at least one sample, got shape {X.shape}")
    parts = []
    for start in range(0, len(X), size):
        batch = X[start : start + size]
        batch = batch if preprocess is None else preprocess(batch)
        parts.append(checks.scores(model.loss(batch), len(batch)))
    return np.concatenate(parts)


def accuracy(
    model: Any,
    X: np.ndarray,
    y: np.ndarray,
    batch_size: int = 100,
    preprocess: Callable[[np.ndarray], np.ndarray] | None = None,
) -> float:
    """Return the fraction of samples whose highest score (the first of equal ones) is at their label."""
    scores = predict(model, X, batch_size, preprocess)
    check_labels("y", y, scores.shape[1])
    if len(y) != len(X):
        raise ValueError(f"y must hold one label per image ({len(X)}), got {len(y)}")
    return float(np.mean(scores.argmax(axis=1) == y))


def check_classes(
    model: Any,
    X: np.ndarray,
    y_train: np.ndarray,
    y_val: np.ndarray,
    preprocess: Callable[[np.ndarray], np.ndarray] | None,
) -> int:
    """Ask the model for the scores of two samples, refuse labels for which it has none; return their number.

    It is done before the first step, in which such a label would be an IndexError deep in the model.
    """
    num_classes = predict(model, X[:2], preprocess=preprocess).shape[1]
    check_labels("y_train", y_train, num_classes)
    check_labels("y_val", y_val, num_classes)
    return num_classes
