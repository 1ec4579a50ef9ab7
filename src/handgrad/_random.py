"""One way to make a random generator, so that a seed means the same everywhere."""

from __future__ import annotations

import operator

import numpy as np


def generator(seed: int | np.random.Generator | None = None) -> np.random.Generator:
    """Return a generator for `seed`.

    Parameters
    ----------
    seed : int, numpy.random.Generator or None
        A whole number seeds a new generator; a generator is passed through. None seeds a new one from
        NumPy's global state, so that ``np.random.seed(231)`` at the top of a notebook still makes all
        that follows repeatable.

    Raises
    ------
    TypeError, ValueError
        When `seed` is no whole number, or a negative one.
    """
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is None:
        return np.random.default_rng(np.random.randint(2**31))  # noqa: NPY002 - the one place that asks it
    try:
        number = operator.index(seed)
    except TypeError:
        raise TypeError(f"seed must be a whole number, a Generator or None, got {seed!r}") from None
    if number < 0:
        raise ValueError(f"seed must not be negative, got {number}")
    return np.random.default_rng(number)
