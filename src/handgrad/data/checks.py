"""Checks of images and labels, so that bad data is one sentence and not a loss of nan an hour later."""

from __future__ import annotations

import numpy as np

_BLOCK = 1024  # images looked at in one go: no copy the size of the data set


def check_split(name: str, X: np.ndarray, y: np.ndarray, num_classes: int | None = None) -> None:
    """Refuse images and labels that cannot be trained on or measured.

    Parameters
    ----------
    name : str
        The part, for the message: ``"train"`` speaks of X_train and y_train.
    X : numpy.ndarray
        Images (N, ...), N at least 1, of real numbers and finite.
    y : numpy.ndarray
        Labels (N,), whole numbers from 0, below `num_classes` where that is known.
    num_classes : int, optional

    Raises
    ------
    TypeError
        When X or y is no array, or holds another kind of number.
    ValueError
        When shapes do not fit, X holds nan or infinity, or a label is out of range.

    Examples
    --------
    >>> check_split("val", np.zeros((2, 3, 32, 32)), np.array([0, 10]), num_classes=10)
    Traceback (most recent call last):
        ...
    ValueError: y_val must hold labels from 0 to 9, got 10 at index 1
    """
    check_images(f"X_{name}", X)
    check_labels(f"y_{name}", y, num_classes)
    if len(X) != len(y):
        raise ValueError(f"y_{name} must hold one label per image ({len(X)}), got {len(y)}")


def check_images(name: str, X: np.ndarray) -> None:
    """Refuse an X that is no array (N, ...) of finite real numbers with N at least 1.

    Raises
    ------
    TypeError, ValueError
    """
    if not isinstance(X, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(X).__name__}")
    if X.dtype.kind not in "uif":
        raise TypeError(f"{name} must hold real numbers, got dtype {X.dtype}")
    if X.ndim < 2:
        raise ValueError(f"{name} must have shape (N, ...), got {X.shape}")
    if len(X) == 0:
        raise ValueError(f"{name} must hold at least one image, got shape {X.shape}")
    if X.dtype.kind == "f":
        _check_finite(name, X)


def _check_finite(name: str, X: np.ndarray) -> None:
    for start in range(0, len(X), _BLOCK):
        finite = np.isfinite(X[start : start + _BLOCK])
        if not finite.all():
            first = np.unravel_index(np.argmin(finite), finite.shape)
            index = (start + int(first[0]), *map(int, first[1:]))
            raise ValueError(f"{name} must be finite, got {X[index]} at index {index}")


def check_labels(name: str, y: np.ndarray, num_classes: int | None = None) -> None:
    """Refuse a y that is no array (N,) of whole numbers from 0, below `num_classes` where that is known.

    Raises
    ------
    TypeError, ValueError
    """
    if not isinstance(y, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(y).__name__}")
    if y.dtype.kind not in "ui":
        raise TypeError(f"{name} must hold whole numbers, got dtype {y.dtype}")
    if y.ndim != 1:
        raise ValueError(f"{name} must have shape (N,), got {y.shape}")
    wrong = y < 0 if num_classes is None else (y < 0) | (y >= num_classes)
    if wrong.any():
        index = int(np.argmax(wrong))
        rule = "labels from 0" if num_classes is None else f"labels from 0 to {num_classes - 1}"
        raise ValueError(f"{name} must hold {rule}, got {y[index]} at index {index}")
