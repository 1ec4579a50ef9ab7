"""What kernels ask of arrays: C order for what they read, recycled memory for what they write."""

from __future__ import annotations

import math

import numpy as np

from handgrad.backend import extension

# Below it NumPy's own allocator is quicker, and its memory is warm.
SMALL = 1 << 16

# dtype.name takes twice the time of all else in `empty`: NumPy puts the text together each time.
NAMES = {np.dtype(name): name for name in ("float32", "float64", "uint8")}


def c_order(array: np.ndarray) -> np.ndarray:
    """Return `array`, copied into C order where it is in another."""
    if array.flags.c_contiguous:
        return array
    copy = empty(array.shape, array.dtype)
    np.copyto(copy, array)
    return copy


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return a new array whose numbers are still to be written.

    A large one lies in memory that other arrays have left, so that its pages need not be made afresh: that
    costs more than most kernels compute. When the array goes, its memory waits for the next.
    """
    if math.prod(shape) * dtype.itemsize < SMALL:
        return np.empty(shape, dtype)
    return extension.empty(shape, NAMES.get(dtype) or dtype.name)
