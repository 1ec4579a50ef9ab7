"""Activations, number by number (`native/kernels/elementwise.cpp`); maxout is NumPy's.

Small arrays are NumPy's as well where its one function takes less time than a call into the extension.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.backend import extension, numpy_ops
from handgrad.backend.native_ops.arrays import c_order, empty

__all__ = [
    "elu_backward",
    "elu_forward",
    "gelu_backward",
    "gelu_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "prelu_backward",
    "prelu_forward",
    "relu_backward",
    "relu_forward",
    "sigmoid_backward",
    "sigmoid_forward",
    "tanh_backward",
    "tanh_forward",
]


def relu_forward(x: np.ndarray) -> tuple[np.ndarray, None]:
    """Return max(x, 0)."""
    return _forward(extension.relu_forward, x), None


def relu_backward(dout: np.ndarray, x: np.ndarray, kept: None) -> np.ndarray:
    """Return dout where x > 0."""
    return _backward(extension.relu_backward, dout, x)


def leaky_relu_forward(x: np.ndarray, alpha: float) -> tuple[np.ndarray, None]:
    """Return x where x > 0, else alpha x."""
    return _forward(extension.leaky_relu_forward, x, alpha), None


def leaky_relu_backward(dout: np.ndarray, x: np.ndarray, alpha: float, kept: None) -> np.ndarray:
    """Return dout where x > 0, else alpha dout."""
    return _backward(extension.leaky_relu_backward, dout, x, alpha)


def prelu_forward(x: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, None]:
    """Return x where x > 0, else alpha x, for alpha (C,) over axis 1 or (1,)."""
    if _is_narrow(x):
        return numpy_ops.prelu_forward(x, alpha)
    out = empty(x.shape, x.dtype)
    extension.prelu_forward(_channels(x), c_order(alpha), _channels(out))
    return out, None


def prelu_backward(
    dout: np.ndarray, x: np.ndarray, alpha: np.ndarray, kept: None
) -> tuple[np.ndarray, np.ndarray]:
    """Return dx and dalpha in alpha's shape."""
    if _is_narrow(x):
        return numpy_ops.prelu_backward(dout, x, alpha, kept)
    dx, dalpha = empty(x.shape, x.dtype), np.empty(alpha.shape, x.dtype)
    extension.prelu_backward(_channels(dout), _channels(x), c_order(alpha), _channels(dx), dalpha)
    return dx, dalpha


def elu_forward(x: np.ndarray, alpha: float) -> tuple[np.ndarray, None]:
    """Return x where x > 0, else alpha (exp(x) - 1)."""
    return _forward(extension.elu_forward, x, alpha), None


def elu_backward(dout: np.ndarray, x: np.ndarray, alpha: float, kept: None) -> np.ndarray:
    """Return dout where x > 0, else alpha exp(x) dout."""
    return _backward(extension.elu_backward, dout, x, alpha)


def gelu_forward(x: np.ndarray) -> tuple[np.ndarray, None]:
    """Return x Phi(x), Phi the normal distribution."""
    return _forward(extension.gelu_forward, x), None


def gelu_backward(dout: np.ndarray, x: np.ndarray, kept: None) -> np.ndarray:
    """Return dout (Phi(x) + x phi(x)), phi the normal density."""
    return _backward(extension.gelu_backward, dout, x)


def sigmoid_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return 1 / (1 + exp(-x)), without overflow on either side."""
    out = _forward(extension.sigmoid_forward, x)
    return out, out


def sigmoid_backward(dout: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Return dout out (1 - out)."""
    return _backward(extension.sigmoid_backward, dout, out)


def tanh_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return tanh(x)."""
    out = _forward(extension.tanh_forward, x)
    return out, out


def tanh_backward(dout: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Return dout (1 - out^2)."""
    return _backward(extension.tanh_backward, dout, out)


def _forward(kernel: Any, x: np.ndarray, *alpha: float) -> np.ndarray:
    out = empty(x.shape, x.dtype)
    kernel(c_order(x), *alpha, out)
    return out


def _backward(kernel: Any, dout: np.ndarray, x: np.ndarray, *alpha: float) -> np.ndarray:
    dx = empty(x.shape, x.dtype)
    kernel(c_order(dout), c_order(x), *alpha, dx)
    return dx


def _channels(x: np.ndarray) -> np.ndarray:
    """Return x (N, C, ...) as (N, C, inner)."""
    return c_order(x).reshape(*x.shape[:2], -1)


def _is_narrow(x: np.ndarray) -> bool:
    """Whether a channel has too few neighbouring numbers for a kernel that takes one slope at a time."""
    return x.size < 16 * x.shape[0] * x.shape[1] or x.size == 0
