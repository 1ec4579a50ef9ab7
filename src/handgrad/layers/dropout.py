"""Dropout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad import backend
from handgrad._random import generator
from handgrad.layers import params
from handgrad.layers.caches import DropoutCache, keep
from handgrad.layers.checks import check_gradient, float_arrays


def dropout_forward(x: np.ndarray, dropout_param: Mapping[str, Any]) -> tuple[np.ndarray, DropoutCache]:
    """Set each number to zero with probability p, and scale the rest by 1 / (1 - p) (inverted dropout).

    Parameters
    ----------
    x : ndarray, any shape
        Activations.
    dropout_param : dict
        ``'p'``: probability to *drop* a number, in [0, 1). ``'mode'``: 'train', or 'test', where out is x.
        ``'seed'``: a whole number that makes the mask repeatable, for gradient checks. ``'rng'``: a
        numpy.random.Generator that draws it where there is no seed; without either a fresh one does.
        NumPy's global generator is not changed by a seed.

    Returns
    -------
    out : ndarray, the shape of x
    cache : DropoutCache
        ``dropout_param, mask``, for `dropout_backward`; the mask holds 0 and 1 / (1 - p).

    Raises
    ------
    TypeError, ValueError
        When x or a setting is of the wrong type, or p lies outside [0, 1).

    Notes
    -----
    Srivastava et al., "Dropout", JMLR 15 (2014). UCLA's and Utah's courses give the probability to drop,
    as here; Stanford's give the probability to keep since 2018.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = dropout_forward(np.ones(6), {"p": 0.5, "mode": "train", "seed": 0})
    >>> out
    array([2., 0., 0., 0., 2., 2.])
    """
    (x,) = float_arrays(x=x)
    p, mode, source = params.dropout(dropout_param)
    ops = backend.ops()
    if mode == "test":
        return x.copy(), keep(DropoutCache, ops, None, dropout_param, None)
    out, mask = ops.dropout_forward(x, p, generator(source))
    return out, keep(DropoutCache, ops, None, dropout_param, mask)


def dropout_backward(dout: np.ndarray, cache: Any) -> np.ndarray:
    """Backward pass of `dropout_forward`.

    Parameters
    ----------
    dout : ndarray, the shape of x
        Gradient of the loss with respect to out.
    cache : DropoutCache
        From `dropout_forward`; a plain tuple ``(dropout_param, mask)`` is taken too.

    Returns
    -------
    dx : ndarray, the shape of x
        dout times the mask; dout itself at test time.
    """
    _, mask = cache
    if mask is None:
        return np.array(dout)
    dout = check_gradient(dout, mask.shape, mask.dtype)
    ops = cache.ops if isinstance(cache, DropoutCache) else backend.ops()
    return ops.dropout_backward(dout, mask)
