"""Pooling: maximum, mean, and the mean of whole channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad import backend
from handgrad.layers import params
from handgrad.layers.caches import ActivationCache, PoolCache, keep, recall
from handgrad.layers.checks import check_gradient, check_rank, float_arrays
from handgrad.layers.conv import output_sides


def max_pool_forward(x: np.ndarray, pool_param: Mapping[str, Any]) -> tuple[np.ndarray, PoolCache]:
    """Take the maximum of each window.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
        Images.
    pool_param : dict
        ``'pool_height'``, ``'pool_width'``: sides of the window. ``'stride'``: pixels between
        neighbouring windows, a whole number or a pair (height, width); default the window itself.
        Windows may overlap, and need not be square nor tile the image.

    Returns
    -------
    out : ndarray (N, C, H', W')
        ``H' = floor((H - pool_height) / stride) + 1``, and W' alike. A window that holds NaN gives NaN.
    cache : PoolCache
        ``x, pool_param``, for `max_pool_backward`.

    Raises
    ------
    TypeError, ValueError
        When x or a setting is of the wrong type or shape, or the window does not fit into the image.

    Notes
    -----
    From Stanford CS231n, assignment 2 (``max_pool_forward_naive``).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> out, cache = max_pool_forward(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
    >>> out[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    return _forward("max_pool_forward", x, pool_param)


def max_pool_backward(dout: np.ndarray, cache: Any) -> np.ndarray:
    """Backward pass of `max_pool_forward`.

    Parameters
    ----------
    dout : ndarray (N, C, H', W')
        Gradient of the loss with respect to out.
    cache : PoolCache
        From `max_pool_forward`; a plain tuple ``(x, pool_param)`` is taken too.

    Returns
    -------
    dx : ndarray (N, C, H, W)
        Each output's gradient goes to the maximum of its window, on a tie to the first in row-major
        order, as in PyTorch; where windows overlap the gradients add up.
    """
    return _backward("max_pool_backward", dout, recall(PoolCache, cache, max_pool_forward))


def avg_pool_forward(x: np.ndarray, pool_param: Mapping[str, Any]) -> tuple[np.ndarray, PoolCache]:
    """Take the mean of each window.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
        Images.
    pool_param : dict
        As for `max_pool_forward`.

    Returns
    -------
    out : ndarray (N, C, H', W')
    cache : PoolCache
        ``x, pool_param``, for `avg_pool_backward`.

    Raises
    ------
    TypeError, ValueError
        As `max_pool_forward`.
    """
    return _forward("avg_pool_forward", x, pool_param)


def avg_pool_backward(dout: np.ndarray, cache: Any) -> np.ndarray:
    """Backward pass of `avg_pool_forward`.

    Parameters
    ----------
    dout : ndarray (N, C, H', W')
        Gradient of the loss with respect to out.
    cache : PoolCache
        From `avg_pool_forward`; a plain tuple ``(x, pool_param)`` is taken too.

    Returns
    -------
    dx : ndarray (N, C, H, W)
        Each output's gradient is shared evenly by the pixels of its window.
    """
    return _backward("avg_pool_backward", dout, recall(PoolCache, cache, avg_pool_forward))


def global_avg_pool_forward(x: np.ndarray) -> tuple[np.ndarray, ActivationCache]:
    """Take the mean of each channel of each image.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
        Images; H and W at least 1.

    Returns
    -------
    out : ndarray (N, C)
    cache : ActivationCache
        ``x``, for `global_avg_pool_backward`.

    Raises
    ------
    TypeError, ValueError
        When x is of the wrong type or shape.

    Notes
    -----
    Lin, Chen and Yan, "Network in network", ICLR 2014.
    """
    (x,) = float_arrays(x=x)
    check_rank("x", x, "N, C, H, W")
    if 0 in x.shape[2:]:
        raise ValueError(f"x must have at least one pixel a channel, got shape {x.shape}")
    ops = backend.ops()
    out, kept = ops.global_avg_pool_forward(x)
    return out, keep(ActivationCache, ops, kept, x)


def global_avg_pool_backward(dout: np.ndarray, cache: Any) -> np.ndarray:
    """Backward pass of `global_avg_pool_forward`.

    Parameters
    ----------
    dout : ndarray (N, C)
        Gradient of the loss with respect to out.
    cache : ActivationCache
        From `global_avg_pool_forward`; x itself is taken too.

    Returns
    -------
    dx : ndarray (N, C, H, W)
    """
    cache = recall(ActivationCache, cache, global_avg_pool_forward)
    (x,) = cache
    dout = check_gradient(dout, x.shape[:2], x.dtype)
    return cache.ops.global_avg_pool_backward(dout, x, cache.kept)


def _forward(name: str, x: np.ndarray, pool_param: Mapping[str, Any]) -> tuple[np.ndarray, PoolCache]:
    (x,) = float_arrays(x=x)
    check_rank("x", x, "N, C, H, W")
    window, stride = params.pool(pool_param)
    output_sides(x.shape, window, stride)
    ops = backend.ops()
    out, kept = getattr(ops, name)(x, window, stride)
    return out, keep(PoolCache, ops, kept, x, pool_param)


def _backward(name: str, dout: np.ndarray, cache: PoolCache) -> np.ndarray:
    x, pool_param = cache
    window, stride = params.pool(pool_param)
    dout = check_gradient(dout, (*x.shape[:2], *output_sides(x.shape, window, stride)), x.dtype)
    return getattr(cache.ops, name)(dout, x, window, stride, cache.kept)
