"""Activations. All take any shape, element by element, except maxout, which joins channels.

A NaN in x gives NaN, and lets the gradient pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad import backend
from handgrad._numbers import finite_number
from handgrad.layers import params
from handgrad.layers.caches import ActivationCache, AlphaCache, MaxoutCache, keep, recall
from handgrad.layers.checks import check_gradient, float_arrays


def relu_forward(x: np.ndarray) -> tuple[np.ndarray, ActivationCache]:
    """Rectify: ``out = max(x, 0)``.

    Parameters
    ----------
    x : ndarray, any shape

    Returns
    -------
    out : ndarray, the shape of x
    cache : ActivationCache
        ``x``, for `relu_backward`.

    Raises
    ------
    TypeError
        When x is no array of float32 or float64.

    Notes
    -----
    Nair and Hinton, ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> relu_forward(np.array([-1.0, 0.0, 2.0]))[0]
    array([0., 0., 2.])
    """
    return _forward("relu_forward", x)


def relu_backward(dout: np.ndarray, cache: Any) -> np.ndarray:
    """Backward pass of `relu_forward`.

    Parameters
    ----------
    dout : ndarray, the shape of x
        Gradient of the loss with respect to out.
    cache : ActivationCache
        From `relu_forward`; x itself is taken too.

    Returns
    -------
    dx : ndarray, the shape of x
        dout where x > 0; the gradient at 0 is 0.
    """
    return _backward("relu_backward", dout, recall(ActivationCache, cache, relu_forward))


def leaky_relu_forward(x: np.ndarray, alpha: float = 0.01) -> tuple[np.ndarray, AlphaCache]:
    """Rectify with a small slope below zero: ``out = x if x > 0 else alpha * x``.

    Parameters
    ----------
    x : ndarray, any shape
    alpha : float, default 0.01
        Slope below zero.

    Returns
    -------
    out : ndarray, the shape of x
    cache : AlphaCache
        ``x, alpha``, for `leaky_relu_backward`.

    Raises
    ------
    TypeError, ValueError
        When x is no array of float32 or float64, or alpha is not finite.

    Notes
    -----
    Maas, Hannun and Ng, ICML workshop 2013.
    """
    return _forward_alpha("leaky_relu_forward", x, alpha)


def leaky_relu_backward(dout: np.ndarray, cache: Any) -> np.ndarray:
    """Backward pass of `leaky_relu_forward`.

    Parameters
    ----------
    dout : ndarray, the shape of x
        Gradient of the loss with respect to out.
    cache : AlphaCache
        From `leaky_relu_forward`; a plain tuple ``(x, alpha)`` is taken too.

    Returns
    -------
    dx : ndarray, the shape of x
        dout where x > 0, else alpha dout; so at 0 as well.
    """
    return _backward_alpha("leaky_relu_backward", dout, recall(AlphaCache, cache, leaky_relu_forward))


def prelu_forward(x: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, AlphaCache]:
    """Rectify with a learned slope below zero: ``out = x if x > 0 else alpha * x``.

    Parameters
    ----------
    x : ndarray (N, C, ...)
    alpha : ndarray (C,) or (1,)
        Slope below zero of each channel, or of all.

    Returns
    -------
    out : ndarray, the shape of x
    cache : AlphaCache
        ``x, alpha``, for `prelu_backward`.

    Raises
    ------
    TypeError, ValueError
        When an array is of the wrong type or shape.

    Notes
    -----
    He et al., "Delving deep into rectifiers", ICCV 2015.
    """
    x, alpha = float_arrays(x=x, alpha=alpha)
    if x.ndim < 2:
        raise ValueError(f"x must have shape (N, C, ...), got {x.shape}")
    if alpha.shape not in ((1,), (x.shape[1],)):
        raise ValueError(f"alpha must have shape (1,) or ({x.shape[1]},), got {alpha.shape}")
    ops = backend.ops()
    out, kept = ops.prelu_forward(x, alpha)
    return out, keep(AlphaCache, ops, kept, x, alpha)


def prelu_backward(dout: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray]:
    """Backward pass of `prelu_forward`.

    Parameters
    ----------
    dout : ndarray, the shape of x
        Gradient of the loss with respect to out.
    cache : AlphaCache
        From `prelu_forward`; a plain tuple ``(x, alpha)`` is taken too.

    Returns
    -------
    dx : ndarray, the shape of x
    dalpha : ndarray, the shape of alpha
    """
    return _backward_alpha("prelu_backward", dout, recall(AlphaCache, cache, prelu_forward))


def elu_forward(x: np.ndarray, alpha: float = 1.0) -> tuple[np.ndarray, AlphaCache]:
    """Exponential linear unit: ``out = x if x > 0 else alpha * (exp(x) - 1)``.

    Parameters
    ----------
    x : ndarray, any shape
    alpha : float, default 1
        Minus the limit far below zero.

    Returns
    -------
    out : ndarray, the shape of x
    cache : AlphaCache
        ``x, alpha``, for `elu_backward`.

    Raises
    ------
    TypeError, ValueError
        When x is no array of float32 or float64, or alpha is not finite.

    Notes
    -----
    Clevert, Unterthiner and Hochreiter, ICLR 2016.
    """
    return _forward_alpha("elu_forward", x, alpha)


def elu_backward(dout: np.ndarray, cache: Any) -> np.ndarray:
    """Backward pass of `elu_forward`.

    Parameters
    ----------
    dout : ndarray, the shape of x
        Gradient of the loss with respect to out.
    cache : AlphaCache
        From `elu_forward`; a plain tuple ``(x, alpha)`` is taken too.

    Returns
    -------
    dx : ndarray, the shape of x
        dout where x > 0, else alpha exp(x) dout.
    """
    return _backward_alpha("elu_backward", dout, recall(AlphaCache, cache, elu_forward))


def gelu_forward(x: np.ndarray) -> tuple[np.ndarray, ActivationCache]:
    """Gaussian error linear unit: ``out = x * Phi(x)``, Phi the normal distribution (exact, no tanh).

    Parameters
    ----------
    x : ndarray, any shape

    Returns
    -------
    out : ndarray, the shape of x
    cache : ActivationCache
        ``x``, for `gelu_backward`.

    Raises
    ------
    TypeError
        When x is no array of float32 or float64.

    Notes
    -----
    Hendrycks and Gimpel, 2016.
    """
    return _forward("gelu_forward", x)


def gelu_backward(dout: np.ndarray, cache: Any) -> np.ndarray:
    """Backward pass of `gelu_forward`.

    Parameters
    ----------
    dout : ndarray, the shape of x
        Gradient of the loss with respect to out.
    cache : ActivationCache
        From `gelu_forward`; x itself is taken too.

    Returns
    -------
    dx : ndarray, the shape of x
        ``dout * (Phi(x) + x * phi(x))``, phi the normal density.
    """
    return _backward("gelu_backward", dout, recall(ActivationCache, cache, gelu_forward))


def sigmoid_forward(x: np.ndarray) -> tuple[np.ndarray, ActivationCache]:
    """Logistic function: ``out = 1 / (1 + exp(-x))``, without overflow.

    Parameters
    ----------
    x : ndarray, any shape

    Returns
    -------
    out : ndarray, the shape of x
    cache : ActivationCache
        ``x``, for `sigmoid_backward`.

    Raises
    ------
    TypeError
        When x is no array of float32 or float64.
    """
    return _forward("sigmoid_forward", x)


def sigmoid_backward(dout: np.ndarray, cache: Any) -> np.ndarray:
    """Backward pass of `sigmoid_forward`.

    Parameters
    ----------
    dout : ndarray, the shape of x
        Gradient of the loss with respect to out.
    cache : ActivationCache
        From `sigmoid_forward`; x itself is taken too.

    Returns
    -------
    dx : ndarray, the shape of x
        ``dout * out * (1 - out)``.
    """
    return _backward("sigmoid_backward", dout, recall(ActivationCache, cache, sigmoid_forward))


def tanh_forward(x: np.ndarray) -> tuple[np.ndarray, ActivationCache]:
    """Hyperbolic tangent.

    Parameters
    ----------
    x : ndarray, any shape

    Returns
    -------
    out : ndarray, the shape of x
    cache : ActivationCache
        ``x``, for `tanh_backward`.

    Raises
    ------
    TypeError
        When x is no array of float32 or float64.
    """
    return _forward("tanh_forward", x)


def tanh_backward(dout: np.ndarray, cache: Any) -> np.ndarray:
    """Backward pass of `tanh_forward`.

    Parameters
    ----------
    dout : ndarray, the shape of x
        Gradient of the loss with respect to out.
    cache : ActivationCache
        From `tanh_forward`; x itself is taken too.

    Returns
    -------
    dx : ndarray, the shape of x
        ``dout * (1 - out**2)``.
    """
    return _backward("tanh_backward", dout, recall(ActivationCache, cache, tanh_forward))


def maxout_forward(x: np.ndarray, pieces: int) -> tuple[np.ndarray, MaxoutCache]:
    """Take the maximum of each run of `pieces` neighbouring channels.

    Parameters
    ----------
    x : ndarray (N, M * pieces, ...)
    pieces : int
        Channels that compete for one output.

    Returns
    -------
    out : ndarray (N, M, ...)
        ``out[:, m]`` is the maximum of ``x[:, m * pieces : (m + 1) * pieces]``.
    cache : MaxoutCache
        ``x, pieces``, for `maxout_backward`.

    Raises
    ------
    TypeError, ValueError
        When x is of the wrong type, or pieces does not divide its channels.

    Notes
    -----
    Goodfellow et al., "Maxout networks", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> maxout_forward(np.array([[1.0, 5.0, 3.0, 2.0]]), 2)[0]
    array([[5., 3.]])
    """
    (x,) = float_arrays(x=x)
    if x.ndim < 2:
        raise ValueError(f"x must have shape (N, M * pieces, ...), got {x.shape}")
    pieces = params.divisor("pieces", pieces, x.shape[1])
    ops = backend.ops()
    out, kept = ops.maxout_forward(x, pieces)
    return out, keep(MaxoutCache, ops, kept, x, pieces)


def maxout_backward(dout: np.ndarray, cache: Any) -> np.ndarray:
    """Backward pass of `maxout_forward`.

    Parameters
    ----------
    dout : ndarray (N, M, ...)
        Gradient of the loss with respect to out.
    cache : MaxoutCache
        From `maxout_forward`; a plain tuple ``(x, pieces)`` is taken too.

    Returns
    -------
    dx : ndarray, the shape of x
        Each output's gradient goes to the channel that won, on a tie to the first.
    """
    cache = recall(MaxoutCache, cache, maxout_forward)
    x, pieces = cache
    dout = check_gradient(dout, (len(x), x.shape[1] // pieces, *x.shape[2:]), x.dtype)
    return cache.ops.maxout_backward(dout, x, pieces, cache.kept)


def _forward(name: str, x: np.ndarray) -> tuple[np.ndarray, ActivationCache]:
    (x,) = float_arrays(x=x)
    ops = backend.ops()
    out, kept = getattr(ops, name)(x)
    return out, keep(ActivationCache, ops, kept, x)


def _backward(name: str, dout: np.ndarray, cache: ActivationCache) -> np.ndarray:
    (x,) = cache
    return getattr(cache.ops, name)(check_gradient(dout, x.shape, x.dtype), x, cache.kept)


def _forward_alpha(name: str, x: np.ndarray, alpha: float) -> tuple[np.ndarray, AlphaCache]:
    (x,) = float_arrays(x=x)
    alpha = finite_number("alpha", alpha)
    ops = backend.ops()
    out, kept = getattr(ops, name)(x, alpha)
    return out, keep(AlphaCache, ops, kept, x, alpha)


def _backward_alpha(name: str, dout: np.ndarray, cache: AlphaCache) -> Any:
    x, alpha = cache
    return getattr(cache.ops, name)(check_gradient(dout, x.shape, x.dtype), x, alpha, cache.kept)
