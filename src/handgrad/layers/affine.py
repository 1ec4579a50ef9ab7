"""Affine (fully connected) layer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handgrad import backend
from handgrad.layers.caches import AffineCache, keep, recall
from handgrad.layers.checks import check_gradient, check_rank, check_shape, float_arrays


def affine_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, AffineCache]:
    """Multiply each sample by a matrix and add a bias: ``out = x w + b``.

    Parameters
    ----------
    x : ndarray (N, d1, ..., dk)
        A batch; each sample is read as a row of D = d1 * ... * dk numbers.
    w : ndarray (D, M)
        Weights.
    b : ndarray (M,)
        Bias.

    Returns
    -------
    out : ndarray (N, M)
    cache : AffineCache
        ``x, w, b``, for `affine_backward`.

    Raises
    ------
    TypeError, ValueError
        When an array has the wrong type or shape.

    Notes
    -----
    From Stanford CS231n, assignment 1; the courses' order (D, M) of the weights.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = affine_forward(np.ones((2, 3)), np.eye(3), np.array([0.0, 1.0, 2.0]))
    >>> out
    array([[1., 2., 3.],
           [1., 2., 3.]])
    """
    x, w, b = float_arrays(x=x, w=w, b=b)
    if x.ndim < 2:
        raise ValueError(f"x must have shape (N, d1, ..., dk), got {x.shape}")
    features = math.prod(x.shape[1:])
    check_rank("w", w, "D, M")
    check_shape("w", w, (features, w.shape[1]), f"(a row for each of x's {features} features)")
    check_shape("b", b, w.shape[1:], "(one number a column of w)")
    ops = backend.ops()
    out, kept = ops.affine_forward(x.reshape(len(x), features), w, b)
    return out, keep(AffineCache, ops, kept, x, w, b)


def affine_backward(dout: np.ndarray, cache: Any, *, need_dx: bool = True) -> tuple[Any, ...]:
    """Backward pass of `affine_forward`.

    Parameters
    ----------
    dout : ndarray (N, M)
        Gradient of the loss with respect to out.
    cache : AffineCache
        From `affine_forward`; a plain tuple ``(x, w, b)`` is taken too.
    need_dx : bool, default True
        False leaves dx out (None in its place): nobody reads the input gradient of a first layer.

    Returns
    -------
    dx : ndarray (N, d1, ..., dk) or None
    dw : ndarray (D, M)
    db : ndarray (M,)
    """
    cache = recall(AffineCache, cache, affine_forward)
    x, w, b = cache
    dout = check_gradient(dout, (len(x), len(b)), x.dtype)
    flat = x.reshape(len(x), len(w))
    dx, dw, db = cache.ops.affine_backward(dout, flat, w, cache.kept, need_dx)
    return (dx.reshape(x.shape) if need_dx else None), dw, db
