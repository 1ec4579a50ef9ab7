"""What every layer asks of its arrays, in one place, with one wording.

The rule for types: float32 or float64, and all floating arrays of a call share one of them. Whole-number
arrays beside them (a bias written as ``np.array([0, 128])``) join that type without loss of meaning;
nothing else is converted, because a silent promotion doubles memory and halves speed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad._numbers import FLOATS


def float_arrays(**named: Any) -> list[np.ndarray]:
    """Return the arrays with one floating dtype among them, in the order given.

    Raises
    ------
    TypeError
        When one is no NumPy array, is neither float32, float64 nor whole numbers, or when float32 and
        float64 meet.
    """
    dtype = None
    first = ""
    for name, array in named.items():
        _require_array(name, array)
        if array.dtype in FLOATS:
            if dtype is not None and array.dtype != dtype:
                raise TypeError(
                    f"{name} must be {dtype} as {first} is, got {array.dtype}; "
                    f"convert one of them with .astype({'np.' + str(dtype)})"
                )
            dtype, first = array.dtype, first or name
        elif array.dtype.kind not in "iub":
            raise TypeError(f"{name} must be float32 or float64, got {array.dtype}")
    dtype = dtype or FLOATS[1]
    return [array if array.dtype == dtype else array.astype(dtype) for array in named.values()]


def check_gradient(dout: Any, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return `dout` when it has the shape and dtype of the layer's output.

    Raises
    ------
    TypeError, ValueError
        Otherwise.
    """
    _require_array("dout", dout)
    if dout.dtype.kind in "iub":
        dout = dout.astype(dtype)
    if dout.dtype != dtype:
        raise TypeError(f"dout must be {dtype} as the output is, got {dout.dtype}")
    if dout.shape != shape:
        raise ValueError(f"dout must have the output's shape {shape}, got {dout.shape}")
    return dout


def check_rank(name: str, array: np.ndarray, letters: str) -> None:
    """Refuse an array whose number of axes is not that of `letters`, say ``"N, C, H, W"``."""
    rank = letters.count(",") + 1
    if array.ndim != rank:
        raise ValueError(f"{name} must have shape ({letters}{',' if rank == 1 else ''}), got {array.shape}")


def check_shape(name: str, array: np.ndarray, shape: tuple[int, ...], why: str) -> None:
    """Refuse an array of another shape; `why` says where the shape comes from."""
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape} {why}, got {array.shape}")


def _require_array(name: str, array: Any) -> None:
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(array).__name__}")
