"""Convolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad import backend
from handgrad.layers import params
from handgrad.layers.caches import ConvCache, keep, recall
from handgrad.layers.checks import check_gradient, check_rank, check_shape, float_arrays


def conv_forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: Mapping[str, Any]
) -> tuple[np.ndarray, ConvCache]:
    """Slide F filters over a batch of images (a cross-correlation, as in every CNN).

    ``out[n, f, i, j] = b[f] + sum over c, p, q of x_padded[n, c, i*stride+p, j*stride+q] * w[f, c, p, q]``

    Parameters
    ----------
    x : ndarray (N, C, H, W)
        Images.
    w : ndarray (F, C, HH, WW)
        Filters.
    b : ndarray (F,)
        Bias of each filter.
    conv_param : dict
        ``'stride'`` (default 1): pixels between neighbouring windows. ``'pad'`` (default 0): zeros added
        on each side. Each a whole number or a pair (height, width).

    Returns
    -------
    out : ndarray (N, F, H', W')
        ``H' = floor((H + 2 pad - HH) / stride) + 1``, and W' alike: where the stride does not divide,
        the last rows and columns are not reached, and get gradient 0.
    cache : ConvCache
        ``x, w, b, conv_param``, for `conv_backward`.

    Raises
    ------
    TypeError, ValueError
        When an array or a setting is of the wrong type or shape, or the filter does not fit into the
        padded image.

    Notes
    -----
    From Stanford CS231n, assignment 2 (``conv_forward_naive``).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> out, cache = conv_forward(x, np.ones((1, 1, 2, 2)), np.zeros(1), {"stride": 1, "pad": 0})
    >>> out[0, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    x, w, b = checked(x, w, b)
    stride, pad = params.conv(conv_param)
    output_sides(x.shape, w.shape[2:], stride, pad)
    ops = backend.ops()
    out, kept = ops.conv_forward(x, w, b, stride, pad)
    return out, keep(ConvCache, ops, kept, x, w, b, conv_param)


def conv_backward(dout: np.ndarray, cache: Any, *, need_dx: bool = True) -> tuple[Any, ...]:
    """Backward pass of `conv_forward`.

    Parameters
    ----------
    dout : ndarray (N, F, H', W')
        Gradient of the loss with respect to out.
    cache : ConvCache
        From `conv_forward`; a plain tuple ``(x, w, b, conv_param)`` is taken too.
    need_dx : bool, default True
        False leaves dx out (None in its place): nobody reads the input gradient of a first layer.

    Returns
    -------
    dx : ndarray (N, C, H, W) or None
    dw : ndarray (F, C, HH, WW)
    db : ndarray (F,)
    """
    cache = recall(ConvCache, cache, conv_forward)
    x, w, _, conv_param = cache
    stride, pad = params.conv(conv_param)
    sides = output_sides(x.shape, w.shape[2:], stride, pad)
    dout = check_gradient(dout, (len(x), len(w), *sides), x.dtype)
    return cache.ops.conv_backward(dout, x, w, stride, pad, cache.kept, need_dx)


def checked(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
    """Return the arrays of a convolution in one dtype when their shapes go together.

    Raises
    ------
    TypeError, ValueError
        Otherwise.
    """
    x, w, b = float_arrays(x=x, w=w, b=b)
    check_rank("x", x, "N, C, H, W")
    check_rank("w", w, "F, C, HH, WW")
    if w.shape[1] != x.shape[1]:
        raise ValueError(f"w must have x's {x.shape[1]} channels on axis 1, got shape {w.shape}")
    check_shape("b", b, w.shape[:1], "(one number a filter)")
    return [x, w, b]


def output_sides(
    shape: tuple[int, ...], window: tuple[int, ...], stride: params.Pair, pad: params.Pair = (0, 0)
) -> params.Pair:
    """Return (H', W') for images of `shape` (N, C, H, W).

    Raises
    ------
    ValueError
        When the window is empty or larger than the padded image.

    Examples
    --------
    >>> output_sides((1, 3, 32, 32), (7, 7), (2, 2), (3, 3))
    (16, 16)
    """
    padded = (shape[2] + 2 * pad[0], shape[3] + 2 * pad[1])
    if min(window) < 1 or window[0] > padded[0] or window[1] > padded[1]:
        raise ValueError(f"the window {tuple(window)} must fit into the padded image, which is {padded}")
    return (padded[0] - window[0]) // stride[0] + 1, (padded[1] - window[1]) // stride[1] + 1
