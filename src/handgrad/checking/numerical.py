"""Derivatives by differences, the judge of the hand-written ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def numerical_gradient(
    f: Callable[[np.ndarray], np.ndarray | float],
    x: np.ndarray,
    dout: np.ndarray | float = 1.0,
    *,
    step: float = 1e-3,
) -> np.ndarray:
    """Return the gradient of ``sum(dout * f(x))`` by fourth-order central differences.

    ``f'(x) = (f(x - 2h) - 8 f(x - h) + 8 f(x + h) - f(x + 2h)) / 12h``, off by the order of h^4.

    Parameters
    ----------
    f : callable
        Takes an array like x; its result has the shape of `dout`.
    x : ndarray, float64
        Where; not changed.
    dout : ndarray or float, default 1
        Weight of each output, as backward passes take it.
    step : float, default 1e-3
        h. Must be small against the distance to the nearest kink.

    Returns
    -------
    gradient : ndarray, the shape of x

    Raises
    ------
    TypeError
        When x is not float64: smaller types lose the difference in rounding.

    Examples
    --------
    >>> import numpy as np
    >>> numerical_gradient(lambda x: x**3, np.array([1.0, 2.0]), np.ones(2)).round(9)
    array([ 3., 12.])
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        raise TypeError(f"x must be a float64 array, got {getattr(x, 'dtype', type(x).__name__)}")
    x = x.copy()
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        here = x[index]
        difference: np.ndarray | float = 0.0  # of each output: what does not move cancels before it is summed
        for weight, steps in ((1, -2), (-8, -1), (8, 1), (-1, 2)):
            x[index] = here + steps * step
            difference = difference + weight * np.asarray(f(x))
        x[index] = here
        gradient[index] = np.sum(dout * difference) / (12 * step)
    return gradient


def relative_error(x: np.ndarray, y: np.ndarray) -> float:
    """Return the courses' measure: the greatest ``|x - y| / max(1e-8, |x| + |y|)``; NaN when one is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> relative_error(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    0.0
    """
    x, y = np.asarray(x), np.asarray(y)
    return float(np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)), initial=0.0))
