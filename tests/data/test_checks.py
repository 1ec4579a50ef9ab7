from __future__ import annotations

import numpy as np
import pytest

from handgrad import data
from handgrad.data import checks

X = np.zeros((4, 3, 2, 2), np.float32)
Y = np.array([0, 1, 2, 9])


def with_value(value: float, index: tuple[int, ...]) -> np.ndarray:
    array = X.copy()
    array[index] = value
    return array


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float32", "float64"])
def test_good_data(dtype):
    data.check_split("train", X.astype(dtype), Y, num_classes=10)
    data.check_split("train", X.reshape(4, -1).astype(dtype), Y.astype(np.uint8))


@pytest.mark.parametrize(
    ("X", "y", "error", "text"),
    [
        ([[1.0]], Y, TypeError, "X_val must be a NumPy array, got list"),
        (X.astype(bool), Y, TypeError, "X_val must hold real numbers, got dtype bool"),
        (X.astype(complex), Y, TypeError, "X_val must hold real numbers, got dtype complex128"),
        (X.astype(object), Y, TypeError, "X_val must hold real numbers, got dtype object"),
        (X[:, 0, 0, 0], Y, ValueError, r"X_val must have shape \(N, ...\), got \(4,\)"),
        (X[:0], Y[:0], ValueError, r"X_val must hold at least one image, got shape \(0, 3, 2, 2\)"),
        (
            with_value(np.nan, (2, 1, 0, 1)),
            Y,
            ValueError,
            r"X_val must be finite, got nan at index \(2, 1, 0, 1\)",
        ),
        (
            with_value(-np.inf, (0, 0, 0, 0)),
            Y,
            ValueError,
            r"X_val must be finite, got -inf at index \(0, 0, 0, 0\)",
        ),
        (X, Y.tolist(), TypeError, "y_val must be a NumPy array, got list"),
        (X, Y.astype(float), TypeError, "y_val must hold whole numbers, got dtype float64"),
        (X, Y[:, None], ValueError, r"y_val must have shape \(N,\), got \(4, 1\)"),
        (X, Y[:3], ValueError, r"y_val must hold one label per image \(4\), got 3"),
        (X, Y - 1, ValueError, "y_val must hold labels from 0 to 9, got -1 at index 0"),
        (X, Y + 1, ValueError, "y_val must hold labels from 0 to 9, got 10 at index 3"),
    ],
)
def test_bad_data(X, y, error, text):
    with pytest.raises(error, match=text):
        data.check_split("val", X, y, num_classes=10)


def test_labels_without_a_known_number_of_classes():
    data.check_labels("y", np.array([500]))
    with pytest.raises(ValueError, match="y must hold labels from 0, got -1 at index 1"):
        data.check_labels("y", np.array([0, -1]))


def test_every_block_is_looked_at(monkeypatch):
    monkeypatch.setattr(checks, "_BLOCK", 3)
    array = np.zeros((8, 2))
    array[7, 1] = np.nan
    with pytest.raises(ValueError, match=r"got nan at index \(7, 1\)"):
        data.check_images("X", array)
