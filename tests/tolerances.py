"""How near two results must be: from the dtype and the length of the sums, in this file alone."""

from __future__ import annotations

import numpy as np


def tolerance(dtype: np.dtype, length: int, sensitivity: float = 1.0) -> float:
    """Return the allowed error, as a share of the result's scale.

    Two ways to add `length` rounded products differ by about sqrt(length) units of rounding, at the worst
    by `length`; 8 leaves room for the few operations around the sum.
    """
    return 8 * float(np.finfo(dtype).eps) * max(1, length) ** 0.5 * sensitivity


def assert_close(
    actual: np.ndarray, expected: np.ndarray, length: int = 1, sensitivity: float = 1.0, what: str = "result"
) -> None:
    """Demand one dtype, one shape, NaN and infinities where they belong and nowhere else, and nearness."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype, f"{what}: dtype {actual.dtype}, expected {expected.dtype}"
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    assert np.array_equal(np.isnan(actual), np.isnan(expected)), f"{what}: NaN in the wrong places"
    finite = np.isfinite(expected)
    assert np.array_equal(actual[np.isinf(expected)], expected[np.isinf(expected)]), (
        f"{what}: infinities differ"
    )
    scale = max(1.0, float(np.max(np.abs(expected[finite]), initial=0.0)))
    error = float(np.max(np.abs(actual[finite] - expected[finite]), initial=0.0))
    allowed = scale * tolerance(expected.dtype, length, sensitivity)
    assert error <= allowed, f"{what}: off by {error:.2e}, allowed {allowed:.2e}"
