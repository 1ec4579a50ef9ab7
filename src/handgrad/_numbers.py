"""What counts as a number, and in which words another is refused."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def whole_number(name: str, value: Any, least: int = 0) -> int:
    """Return `value` as an int of at least `least`.

    Raises
    ------
    TypeError, ValueError
        When it is no whole number (True is none, 2.0 neither), or one below `least`.

    Examples
    --------
    >>> whole_number("batch_size", 0, least=1)
    Traceback (most recent call last):
    ValueError: batch_size must be at least 1, got 0
    """
    try:
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if number < least:
        rule = f"be at least {least}" if least else "not be negative"
        raise ValueError(f"{name} must {rule}, got {number}")
    return number


def finite_number(name: str, value: Any) -> float:
    """Return `value` as a float, which unlike NumPy's float64 does not promote float32 arrays.

    Raises
    ------
    ValueError
        When it is no number, or an infinite one or NaN.
    """
    if type(value) is float and math.isfinite(value):  # the usual case, and the fastest
        return value
    plain = value.item() if isinstance(value, np.ndarray | np.generic) and value.ndim == 0 else value
    if isinstance(plain, bool) or not isinstance(plain, int | float) or not math.isfinite(plain):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    return float(plain)


def fraction(name: str, value: Any, *, include_one: bool) -> float:
    """Return `value` as a float from 0 to 1, or to below 1.

    Raises
    ------
    ValueError
        When it is none.
    """
    number = finite_number(name, value)
    if not 0 <= number <= 1 or (number == 1 and not include_one):
        raise ValueError(f"{name} must lie in [0, 1{']' if include_one else ')'}, got {value!r}")
    return number


def float_dtype(dtype: DTypeLike) -> np.dtype:
    """Return `dtype` as one of `FLOATS`.

    Raises
    ------
    TypeError
        When it is another.
    """
    try:
        known = np.dtype(dtype)
    except TypeError:
        known = None
    if known is None or known not in FLOATS:
        raise TypeError(f"dtype must be float32 or float64, got {dtype if known is None else known}")
    return known
