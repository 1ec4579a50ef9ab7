"""Where two ways meet."""

from __future__ import annotations

import numpy as np

from handgrad.backend import extension
from handgrad.backend.native_ops.arrays import c_order, empty

__all__ = ["add"]


def add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the sum of two arrays of one shape."""
    out = empty(a.shape, a.dtype)
    extension.add(c_order(a), c_order(b), out)
    return out
