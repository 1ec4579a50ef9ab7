"""Where two ways meet."""

from __future__ import annotations

import numpy as np

__all__ = ["add"]


def add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the sum of two arrays of one shape."""
    return a + b
