"""Activations: one function applied to each number (maxout: to each group of channels).

Every gradient of the relu family asks ``x <= 0``: 0 itself belongs to the negative side, and a NaN, which
is not <= 0, passes through forward and lets its gradient pass, as PyTorch's relu does.
"""

from __future__ import annotations

import numpy as np


def relu_forward_naive(x: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Compute ``max(0, x)`` for x of any shape; cache (x,)."""
    out = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = 0.0 if x[i] <= 0 else x[i]
    return out, (x,)


def relu_backward_naive(dout: np.ndarray, cache: tuple) -> np.ndarray:
    """Return dx: 0 where x <= 0, dout elsewhere."""
    (x,) = cache
    dx = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        # out[i] = 0.0 if x[i] <= 0 else x[i]
        dx[i] = 0.0 if x[i] <= 0 else dout[i]
    return dx


def leaky_relu_forward_naive(x: np.ndarray, alpha: float = 0.01) -> tuple[np.ndarray, tuple]:
    """Compute ``alpha x`` where x <= 0 and x elsewhere; cache (x, alpha)."""
    slope = float(alpha)
    out = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = slope * float(x[i]) if x[i] <= 0 else x[i]
    return out, (x, alpha)


def leaky_relu_backward_naive(dout: np.ndarray, cache: tuple) -> np.ndarray:
    """Return dx: ``alpha dout`` where x <= 0, dout elsewhere."""
    x, alpha = cache
    slope = float(alpha)
    dx = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        # out[i] = slope * x[i] if x[i] <= 0 else x[i]
        dx[i] = slope * float(dout[i]) if x[i] <= 0 else dout[i]
    return dx


def prelu_forward_naive(x: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Compute leaky_relu with a learned slope.

    Parameters
    ----------
    x : ndarray (N, C, ...)
    alpha : ndarray (C,) or (1,)
        One slope a channel, or one for all (then x has any shape).

    Returns
    -------
    out : ndarray, like x
    cache : (x, alpha)

    References
    ----------
    He et al., "Delving deep into rectifiers", 2015.
    """
    out = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        c = 0 if alpha.size == 1 else i[1]
        out[i] = float(alpha[c]) * float(x[i]) if x[i] <= 0 else x[i]
    return out, (x, alpha)


def prelu_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Return dx and dalpha; only numbers x <= 0 have used, and so move, their slope."""
    x, alpha = cache
    dx, dalpha = np.zeros(x.shape, dtype=x.dtype), np.zeros(alpha.shape)
    for i in np.ndindex(x.shape):
        c = 0 if alpha.size == 1 else i[1]
        # out[i] = alpha[c] * x[i] if x[i] <= 0 else x[i]
        if x[i] <= 0:
            dx[i] = float(alpha[c]) * float(dout[i])
            dalpha[c] += float(x[i]) * float(dout[i])
        else:
            dx[i] = dout[i]
    return dx, dalpha.astype(alpha.dtype)


def elu_forward_naive(x: np.ndarray, alpha: float = 1.0) -> tuple[np.ndarray, tuple]:
    """Compute ``alpha (exp(x) - 1)`` where x <= 0 and x elsewhere; cache (x, alpha)."""
    scale = float(alpha)
    out = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = scale * np.expm1(float(x[i])) if x[i] <= 0 else x[i]
    return out, (x, alpha)


def elu_backward_naive(dout: np.ndarray, cache: tuple) -> np.ndarray:
    """Return dx: ``alpha exp(x) dout`` where x <= 0, dout elsewhere."""
    x, alpha = cache
    scale = float(alpha)
    dx = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        # out[i] = scale * np.expm1(x[i]) if x[i] <= 0 else x[i]
        dx[i] = scale * np.exp(float(x[i])) * float(dout[i]) if x[i] <= 0 else dout[i]
    return dx


def gelu_forward_naive(x: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Compute ``x Phi(x)``, Phi the standard normal distribution (the exact form); cache (x,).

    The limits are taken at the ends: 0 at -inf, inf at inf.

    References
    ----------
    Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """
    out = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        value = float(x[i])
        out[i] = _times(value, _normal_distribution(value))
    return out, (x,)


def gelu_backward_naive(dout: np.ndarray, cache: tuple) -> np.ndarray:
    """Return dx: ``(Phi(x) + x phi(x)) dout``, phi the density that belongs to Phi."""
    (x,) = cache
    dx = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        value = float(x[i])
        # out[i] = value * Phi(value)
        dx[i] = (_normal_distribution(value) + _times(value, _normal_density(value))) * float(dout[i])
    return dx


def _times(value: float, weight: float) -> float:
    return 0.0 if weight == 0 else value * weight  # the limit where plain inf * 0 would be NaN


def _normal_density(value: float) -> float:
    return np.exp(-value * value / 2) / np.sqrt(2 * np.pi)


def _normal_distribution(value: float) -> float:
    if value > -2.0 or np.isnan(value):
        return 0.5 * (1.0 + _erf(value / np.sqrt(2.0)))
    # 1 + erf cancels in the lower tail. Laplace's fraction does not: density / (t + 1 / (t + 2 / (t + ...))),
    # t = -value; from t = 2 on, 100 steps leave an error below rounding.
    fraction = -value
    for k in range(100, 0, -1):
        fraction = -value + k / fraction
    return _normal_density(value) / fraction


def _erf(z: float) -> float:
    """Sum ``2 / sqrt(pi) exp(-z^2) (z + 2 z^3 / 3 + 4 z^5 / (3 5) + ...)``; every term has one sign.

    DLMF 7.6.2. Nothing cancels, so the sum is good to a few units in the last place.
    """
    if abs(z) > 6.0:  # 1 - erf(6) = 2e-17 is below half a unit in the last place of 1.0
        return 1.0 if z > 0 else -1.0
    term, total, odd = z, z, 1
    while abs(term) > 1e-17 * abs(total):  # false at once for a NaN
        odd += 2
        term *= 2.0 * z * z / odd
        total += term
    return 2.0 / np.sqrt(np.pi) * np.exp(-z * z) * total


def sigmoid_forward_naive(x: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Compute ``1 / (1 + exp(-x))``; cache (x,)."""
    out = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = _sigmoid(float(x[i]))
    return out, (x,)


def sigmoid_backward_naive(dout: np.ndarray, cache: tuple) -> np.ndarray:
    """Return dx: ``s (1 - s) dout``."""
    (x,) = cache
    dx = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        # s = 1 / (1 + exp(-x)); 1 - s(x) = s(-x) keeps its digits where s is near 1
        s = _sigmoid(float(x[i]))
        dx[i] = s * _sigmoid(-float(x[i])) * float(dout[i])
    return dx


def _sigmoid(value: float) -> float:
    power = np.exp(-abs(value))  # never above 1, so it cannot overflow
    return power / (1.0 + power) if value < 0 else 1.0 / (1.0 + power)


def tanh_forward_naive(x: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Compute ``tanh(x)``; cache (x,)."""
    out = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = np.tanh(float(x[i]))
    return out, (x,)


def tanh_backward_naive(dout: np.ndarray, cache: tuple) -> np.ndarray:
    """Return dx: ``(1 - tanh(x)^2) dout``."""
    (x,) = cache
    dx = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        # t = tanh(x)
        t = np.tanh(float(x[i]))
        dx[i] = (1.0 - t * t) * float(dout[i])
    return dx


def maxout_forward_naive(x: np.ndarray, pieces: int) -> tuple[np.ndarray, tuple]:
    """Keep the largest of each group of neighbouring channels.

    Parameters
    ----------
    x : ndarray (N, M * pieces, ...)
    pieces : int
        Channels in a group: out channel m is the maximum of x channels
        ``m * pieces ... m * pieces + pieces - 1``. A NaN counts as the largest.

    Returns
    -------
    out : ndarray (N, M, ...)
    cache : (x, pieces)

    References
    ----------
    Goodfellow et al., "Maxout networks", 2013.
    """
    out = np.zeros((x.shape[0], x.shape[1] // pieces, *x.shape[2:]), dtype=x.dtype)
    for n, m, *pixel in np.ndindex(out.shape):
        group = (n, slice(m * pieces, (m + 1) * pieces), *pixel)
        out[(n, m, *pixel)] = np.max(x[group])
    return out, (x, pieces)


def maxout_backward_naive(dout: np.ndarray, cache: tuple) -> np.ndarray:
    """Return dx: the first maximum of a group takes its gradient."""
    x, pieces = cache
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n, m, *pixel in np.ndindex(dout.shape):
        group = (n, slice(m * pieces, (m + 1) * pieces), *pixel)
        # out[n, m, *pixel] = np.max(x[group])
        first = m * pieces + int(np.argmax(x[group]))
        dx[(n, first, *pixel)] = dout[(n, m, *pixel)]
    return dx
