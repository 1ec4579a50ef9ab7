"""Numerical gradients by second-order central differences, as the courses' notebooks call them.

All move x in place, entry by entry, and put it back: notebooks rely on it, passing a model's own parameter
and a function that ignores its argument. `handgrad.checking` has the more exact fourth-order ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def _moved(x: np.ndarray, index: tuple[int, ...], by: float) -> Iterator[None]:
    here = x[index]
    x[index] = here + by
    try:
        yield
    finally:
        x[index] = here


def _slope(f: Callable[[], Any], x: np.ndarray, index: tuple[int, ...], df: Any, h: float) -> Any:
    with _moved(x, index, h):
        above = np.copy(f())
    with _moved(x, index, -h):
        below = np.copy(f())
    return np.sum((above - below) * df) / (2 * h)


def eval_numerical_gradient(
    f: Callable[[np.ndarray], Any], x: np.ndarray, verbose: bool = True, h: float = 1e-5
) -> np.ndarray:
    """Return the gradient of a number, ``f(x)``.

    Parameters
    ----------
    f : callable
    x : ndarray of floats
        Moved in place and put back.
    verbose : bool, default True
        Print each index with its derivative.
    h : float, default 1e-5

    Examples
    --------
    >>> eval_numerical_gradient(lambda x: np.sum(x**2), np.array([1.0, 3.0]), verbose=False).round(6)
    array([2., 6.])
    """
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        gradient[index] = _slope(lambda: f(x), x, index, 1.0, h)
        if verbose:
            print(index, gradient[index])
    return gradient


def eval_numerical_gradient_array(
    f: Callable[[np.ndarray], Any], x: np.ndarray, df: Any, h: float = 1e-5
) -> np.ndarray:
    """Return the gradient of ``sum(f(x) * df)`` for an f that returns an array."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        gradient[index] = _slope(lambda: f(x), x, index, df, h)
    return gradient


def eval_numerical_gradient_blobs(
    f: Callable[..., Any], inputs: Sequence[Any], output: Any, h: float = 1e-5
) -> list[np.ndarray]:
    """Return a gradient for each input of an f that writes its result into ``output.vals``.

    Parameters
    ----------
    f : callable
        ``f(*inputs, output)``.
    inputs : sequence
        Each has arrays ``vals`` and ``diffs``; ``vals`` is moved in place and put back.
    output : object
        ``vals`` receives the result, ``diffs`` holds the upstream gradient.
    h : float, default 1e-5
    """

    def result() -> np.ndarray:
        f(*inputs, output)
        return output.vals

    gradients = []
    for blob in inputs:
        gradient = np.zeros_like(blob.diffs)
        for index in np.ndindex(blob.vals.shape):
            gradient[index] = _slope(result, blob.vals, index, output.diffs, h)
        gradients.append(gradient)
    return gradients


def eval_numerical_gradient_net(
    net: Any, inputs: Sequence[Any], output: Any, h: float = 1e-5
) -> list[np.ndarray]:
    """Return `eval_numerical_gradient_blobs` for a net whose ``forward()`` fills `output`."""
    return eval_numerical_gradient_blobs(lambda *args: net.forward(), inputs, output, h=h)


def grad_check_sparse(
    f: Callable[[np.ndarray], Any],
    x: np.ndarray,
    analytic_grad: np.ndarray,
    num_checks: int = 10,
    h: float = 1e-5,
) -> None:
    """Print numerical and analytic derivative, and their relative error, at a few random entries of x."""
    for _ in range(num_checks):
        index = tuple(random.randrange(side) for side in x.shape)
        numerical, analytic = _slope(lambda: f(x), x, index, 1.0, h), analytic_grad[index]
        size = abs(numerical) + abs(analytic)
        error = abs(numerical - analytic) / size if size else 0.0
        print(f"numerical: {numerical:f} analytic: {analytic:f}, relative error: {error:e}")
