"""Mixup: images and labels of a batch are mixed in pairs."""

from __future__ import annotations

import numpy as np


def mixup(
    X: np.ndarray, y: np.ndarray, num_classes: int, alpha: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mix each image with another one of the batch, and its label likewise.

    ``X = share * X + (1 - share) * X[partner]``, and so the labels, with one share, drawn from
    Beta(alpha, alpha), and one random pairing for the batch.

    Parameters
    ----------
    X : ndarray (N, ...)
        Images as the model gets them; whole numbers become float32.
    y : ndarray (N,) of whole numbers
        The right classes.
    num_classes : int
        K.
    alpha : float
        Above 0: 0.2 mixes most images a little, 1 draws the share evenly.
    rng : Generator

    Returns
    -------
    X : ndarray (N, ...)
    y : ndarray (N, K)
        Soft labels, as `handgrad.layers.softmax_loss` takes them; each row sums to 1.

    References
    ----------
    Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018.

    Examples
    --------
    >>> X, y = mixup(np.array([[0.0], [8.0]]), np.array([0, 1]), 2, 1.0, np.random.default_rng(3))
    >>> X.round(2).tolist(), y.round(2).tolist()
    ([[5.88], [2.12]], [[0.27, 0.73], [0.73, 0.27]])
    """
    share = float(rng.beta(alpha, alpha))
    partner = rng.permutation(len(X))
    X = X if X.dtype.kind == "f" else X.astype(np.float32)
    labels = np.eye(num_classes)[y]
    return share * X + (1 - share) * X[partner], share * labels + (1 - share) * labels[partner]
