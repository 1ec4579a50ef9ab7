"""What is asked of a net before its insides are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.models import ConvNet, as_conv_net


def with_layers(net: Any, X: np.ndarray) -> tuple[ConvNet, np.ndarray]:
    """Return the net as one that tells of its layers, and images that it can be asked about.

    Raises
    ------
    TypeError, ValueError
        When it is another model, or X holds no images (N, C, H, W), or NaN or infinite numbers.
    """
    X = np.asarray(X)
    if X.ndim != 4 or X.size == 0:
        raise ValueError(f"X must have shape (N, C, H, W) and none empty, got {X.shape}")
    if not np.isfinite(X).all():
        raise ValueError(f"X must hold finite numbers, got {X[~np.isfinite(X)][0]}")
    return as_conv_net(net, (X.shape[1], X.shape[2], X.shape[3])), X


def check_finite(maps: np.ndarray) -> None:
    """Refuse what a net gave where it holds NaN or an infinite number.

    Raises
    ------
    ValueError
    """
    if not np.isfinite(maps).all():
        raise ValueError(
            "net must have finite outputs and gradients, got some that are not: "
            "viz.activations shows in which layer it begins"
        )


def as_images(X: np.ndarray) -> np.ndarray:
    """Return images of any range of numbers as floats from 0 to 1, each from its least to its largest.

    Examples
    --------
    >>> as_images(np.array([-1.0, 0.0, 3.0]).reshape(1, 1, 1, 3)).ravel()
    array([0.  , 0.25, 1.  ])
    """
    if X.dtype == np.uint8:
        return X
    low, high = X.min(axis=(1, 2, 3), keepdims=True), X.max(axis=(1, 2, 3), keepdims=True)
    return (X - low) / np.where(high > low, high - low, 1)
