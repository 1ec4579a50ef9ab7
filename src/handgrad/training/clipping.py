"""Gradient clipping: steps that a few wild examples cannot make too long."""

from __future__ import annotations

import math

import numpy as np

Arrays = dict[str, np.ndarray]


def global_norm(grads: Arrays) -> float:
    """Return the length of all gradients as one vector, computed in float64.

    Examples
    --------
    >>> global_norm({"W": np.array([[3.0]]), "b": np.array([4.0])})
    5.0
    """
    return math.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in grads.values()))


def by_norm(grads: Arrays, most: float) -> Arrays:
    """Return the gradients, all shrunk by one factor where their `global_norm` is above `most`.

    The direction stays. Gradients that are no finite numbers are returned as they are.

    References
    ----------
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.

    Examples
    --------
    >>> by_norm({"W": np.array([3.0, 4.0])}, 1.0)
    {'W': array([0.6, 0.8])}
    """
    norm = global_norm(grads)
    if not most < norm < math.inf:
        return grads
    return {name: np.asarray(g * (most / norm)) for name, g in grads.items()}


def by_value(grads: Arrays, most: float) -> Arrays:
    """Return the gradients with each number brought into the range from ``-most`` to `most`.

    References
    ----------
    Mikolov, "Statistical language models based on neural networks", 2012.

    Examples
    --------
    >>> by_value({"W": np.array([-3.0, 0.5])}, 1.0)
    {'W': array([-1. ,  0.5])}
    """
    return {name: np.clip(g, -most, most) for name, g in grads.items()}


def clip(grads: Arrays, norm: float | None, value: float | None) -> Arrays:
    """Return the gradients clipped by value, then by norm, where these are given."""
    if value is not None:
        grads = by_value(grads, value)
    return grads if norm is None else by_norm(grads, norm)
