"""Inverted dropout: what is kept is scaled up in training, so that testing needs no scaling."""

from __future__ import annotations

import numpy as np


def dropout_forward_naive(x: np.ndarray, dropout_param: dict) -> tuple[np.ndarray, tuple]:
    """Drop each number with probability p and multiply the others by ``1 / (1 - p)``.

    Parameters
    ----------
    x : ndarray, any shape
    dropout_param : dict
        ``p``: probability to drop. ``mode``: ``'train'``, or ``'test'`` where out is a copy of x.
        ``seed``: makes the mask repeatable; without it ``rng``, a np.random.Generator, draws.

    Returns
    -------
    out : ndarray, like x
    cache : (dropout_param, mask)
        The mask holds 0 and ``1 / (1 - p)`` in the dtype of x; it is None in test mode.

    References
    ----------
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
    """
    if dropout_param["mode"] == "test":
        return np.array(x, order="C"), (dropout_param, None)
    if dropout_param["mode"] != "train":
        raise ValueError(f"dropout_param['mode'] must be 'train' or 'test', got {dropout_param['mode']!r}")
    p = float(dropout_param["p"])
    seed = dropout_param.get("seed")
    rng = dropout_param["rng"] if seed is None else np.random.default_rng(seed)
    # Always float64 and C order, whatever x is, so that a seed gives one mask in every tier and dtype.
    drawn = rng.random(x.shape)
    mask = np.zeros(x.shape, dtype=x.dtype)
    out = np.zeros(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        if drawn[i] >= p:
            mask[i] = 1 / (1 - p)
        out[i] = x[i] * mask[i]
    return out, (dropout_param, mask)


def dropout_backward_naive(dout: np.ndarray, cache: tuple) -> np.ndarray:
    """Return dx: dout times the mask, or a copy of dout where there was none."""
    _, mask = cache
    if mask is None:
        return np.array(dout, order="C")
    dx = np.zeros(dout.shape, dtype=mask.dtype)
    for i in np.ndindex(dout.shape):
        # out[i] = x[i] * mask[i]
        dx[i] = dout[i] * mask[i]
    return dx
