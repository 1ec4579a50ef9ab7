"""Gradient clipping: steps that a few wild examples cannot make too long."""

from __future__ import annotations

import math

import numpy as np

from handgrad.backend.before import Before

Arrays = dict[str, np.ndarray]

# Numbers at once: their float64 copy stays in the caches, and BLAS wakes no threads for so few.
_BLOCK = 1 << 13


def global_norm(grads: Arrays, limit: float = math.inf) -> float:
    """Return the length of all gradients as one vector, computed in float64.

    Numbers beyond `limit` count as if they were there, as after `by_value`.

    Examples
    --------
    >>> global_norm({"W": np.array([[3.0]]), "b": np.array([4.0])})
    5.0
    """
    return math.sqrt(sum(_squares(g, limit) for g in grads.values()))


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
    factor = _factor(global_norm(grads), most)
    return grads if factor == 1 else {name: np.asarray(g * factor) for name, g in grads.items()}


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


def before(grads: Arrays, norm: float | None, value: float | None) -> Before:
    """Return what `clip` would do, for rules that do it in their own pass.

    Examples
    --------
    >>> clipping = before({"W": np.array([3.0, 4.0])}, 1.0, None)
    >>> clipping.limit, clipping.scale
    (inf, 0.2)
    """
    limit = math.inf if value is None else value
    return Before(limit, 1.0 if norm is None else _factor(global_norm(grads, limit), norm))


def _factor(norm: float, most: float) -> float:
    """Return what shrinks gradients of this norm; 1 for those that are no finite numbers."""
    return most / norm if most < norm < math.inf else 1.0


def _squares(g: np.ndarray, limit: float) -> float:
    numbers, total = g.ravel(order="K"), 0.0
    for begin in range(0, numbers.size, _BLOCK):
        block = numbers[begin : begin + _BLOCK]
        block = (block if limit == math.inf else np.clip(block, -limit, limit)).astype(np.float64)
        total += float(np.vdot(block, block))
    return total
