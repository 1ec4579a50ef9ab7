"""Inverted dropout."""

from __future__ import annotations

import numpy as np

__all__ = ["dropout_backward", "dropout_forward"]


def dropout_forward(x: np.ndarray, p: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return out and the mask, 0 with probability p and else 1 / (1 - p)."""
    mask = (rng.random(x.shape) >= p).astype(x.dtype)
    mask /= 1 - p
    return x * mask, mask


def dropout_backward(dout: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return dx."""
    return dout * mask
