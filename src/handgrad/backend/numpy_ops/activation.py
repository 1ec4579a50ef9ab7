"""Activations, element by element; where x is NaN the output is NaN and the gradient passes."""

from __future__ import annotations

import math

import numpy as np

from handgrad.backend.numpy_ops.select import keep_where

__all__ = [
    "elu_backward",
    "elu_forward",
    "gelu_backward",
    "gelu_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "maxout_backward",
    "maxout_forward",
    "prelu_backward",
    "prelu_forward",
    "relu_backward",
    "relu_forward",
    "sigmoid_backward",
    "sigmoid_forward",
    "tanh_backward",
    "tanh_forward",
]


FAR = 40.0  # the normal density beyond it is 0 in float64, and 0 times infinity would be NaN


def relu_forward(x: np.ndarray) -> tuple[np.ndarray, None]:
    """Return max(x, 0)."""
    return np.maximum(x, 0), None


def relu_backward(dout: np.ndarray, x: np.ndarray, kept: None) -> np.ndarray:
    """Return dout where x > 0."""
    return keep_where(~(x <= 0), dout)


def leaky_relu_forward(x: np.ndarray, alpha: float) -> tuple[np.ndarray, None]:
    """Return x where x > 0, else alpha x."""
    return np.where(x <= 0, alpha * x, x), None


def leaky_relu_backward(dout: np.ndarray, x: np.ndarray, alpha: float, kept: None) -> np.ndarray:
    """Return dout where x > 0, else alpha dout."""
    return np.where(x <= 0, alpha * dout, dout)


def prelu_forward(x: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, None]:
    """Return x where x > 0, else alpha x, for alpha (C,) over axis 1 or (1,)."""
    return np.where(x <= 0, _over_channels(alpha, x.ndim) * x, x), None


def prelu_backward(
    dout: np.ndarray, x: np.ndarray, alpha: np.ndarray, kept: None
) -> tuple[np.ndarray, np.ndarray]:
    """Return dx and dalpha in alpha's shape."""
    below = x <= 0
    shared = tuple(a for a in range(x.ndim) if a != 1 or len(alpha) == 1)
    dalpha = keep_where(below, dout * x).sum(axis=shared, dtype=np.float64).astype(x.dtype)
    return np.where(below, _over_channels(alpha, x.ndim) * dout, dout), dalpha.reshape(alpha.shape)


def _over_channels(alpha: np.ndarray, rank: int) -> np.ndarray:
    return alpha.reshape(1, -1, *(1,) * (rank - 2))


def elu_forward(x: np.ndarray, alpha: float) -> tuple[np.ndarray, None]:
    """Return x where x > 0, else alpha (exp(x) - 1)."""
    return np.where(x <= 0, alpha * np.expm1(np.minimum(x, 0)), x), None


def elu_backward(dout: np.ndarray, x: np.ndarray, alpha: float, kept: None) -> np.ndarray:
    """Return dout where x > 0, else alpha exp(x) dout."""
    return np.where(x <= 0, alpha * np.exp(np.minimum(x, 0)) * dout, dout)


def gelu_forward(x: np.ndarray) -> tuple[np.ndarray, None]:
    """Return x Phi(x), Phi the normal distribution."""
    return np.maximum(x, -FAR) * _normal_cdf(x), None


def gelu_backward(dout: np.ndarray, x: np.ndarray, kept: None) -> np.ndarray:
    """Return dout (Phi(x) + x phi(x)), phi the normal density."""
    near = np.clip(x, -FAR, FAR)
    density = np.exp(-0.5 * np.square(near)) * (1 / math.sqrt(2 * math.pi))
    return dout * (_normal_cdf(x) + near * density)


def sigmoid_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return 1 / (1 + exp(-x)), without overflow on either side."""
    small = np.exp(-np.abs(x))
    out = np.where(x < 0, small, 1) / (1 + small)
    return out, out


def sigmoid_backward(dout: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Return dout out (1 - out)."""
    return dout * out * (1 - out)


def tanh_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return tanh(x)."""
    out = np.tanh(x)
    return out, out


def tanh_backward(dout: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Return dout (1 - out^2)."""
    return dout * (1 - np.square(out))


def maxout_forward(x: np.ndarray, pieces: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the maximum of each run of `pieces` channels, and which of them won (the first on a tie)."""
    split = x.reshape(len(x), x.shape[1] // pieces, pieces, *x.shape[2:])
    winner = split.argmax(axis=2)[:, :, None]
    return np.take_along_axis(split, winner, axis=2)[:, :, 0], winner


def maxout_backward(dout: np.ndarray, x: np.ndarray, pieces: int, winner: np.ndarray) -> np.ndarray:
    """Return dx: each output's gradient goes to the channel that won."""
    dx = np.zeros((len(x), dout.shape[1], pieces, *x.shape[2:]), x.dtype)
    np.put_along_axis(dx, winner, dout[:, :, None], axis=2)
    return dx.reshape(x.shape)


def _normal_cdf(x: np.ndarray) -> np.ndarray:
    return 0.5 * _erfc(x * -math.sqrt(0.5))


# Rational approximations of the error function to 18 digits: W. J. Cody, Math. Comp. 23 (1969), 631-637.
_NEAR = (
    (
        1.85777706184603153e-1,
        3.16112374387056560,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_MIDDLE = (
    (
        2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
        2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
        3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
    ),
)  # fmt: skip
_FAR = (
    (
        1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
        1.60837851487422766e-2, 6.58749161529837803e-4,
    ),
    (
        1.0, 2.56852019228982242, 1.87295284992346047, 5.27905102951428412e-1, 6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)  # fmt: skip


def _erfc(x: np.ndarray) -> np.ndarray:
    """Return 1 - erf(x), to full relative precision for x > 0 as well."""
    distance = np.minimum(np.abs(x), 30)  # beyond it the tail is 0 in float64
    near = distance <= 0.46875
    square = np.square(np.where(near, distance, 0))
    inner = 1 - x * _rational(_NEAR, square)
    distance = np.where(near, 1, distance)
    inverse = 1 / np.square(distance)
    far = (1 / math.sqrt(math.pi) - inverse * _rational(_FAR, inverse)) / distance
    tail = np.exp(-np.square(distance)) * np.where(distance <= 4, _rational(_MIDDLE, distance), far)
    return np.where(near, inner, np.where(x < 0, 2 - tail, tail))


def _rational(coefficients: tuple[tuple[float, ...], tuple[float, ...]], t: np.ndarray) -> np.ndarray:
    top, bottom = (np.polyval(np.array(row, t.dtype), t) for row in coefficients)
    return top / bottom
