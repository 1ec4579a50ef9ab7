"""Numerical gradients for these tests alone, so that the oracle is judged by code of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def numerical_gradient(f: Callable[[], float], x: np.ndarray, step: float = 5e-4) -> np.ndarray:
    """Fourth-order central differences of f() for each element of x, which f reads."""
    gradient = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        kept = x[i]
        near = far = 0.0
        for sign in (1, -1):
            x[i] = kept + sign * step
            near += sign * f()
            x[i] = kept + sign * 2 * step
            far += sign * f()
        x[i] = kept
        gradient[i] = (8 * near - far) / (12 * step)
    return gradient


def assert_gradient(analytic: np.ndarray, numerical: np.ndarray, tolerance: float = 1e-9) -> None:
    """Demand equality to `tolerance` of the largest gradient; a NaN is a mismatch."""
    scale = max(1.0, np.max(np.abs(numerical), initial=0.0))
    np.testing.assert_allclose(analytic, numerical, rtol=0, atol=tolerance * scale, equal_nan=False)
