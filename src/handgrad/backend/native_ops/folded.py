"""Convolution, batch norm, relu (and max-pool) in one pass: batch norm folded into the filters.

A convolution's output at a pixel is ``w . c + b`` with the window c, so over all pixels its mean is
``w . mean(c) + b`` and its variance ``w . cov(c) . w``: the moments of the windows, C HH WW numbers each,
tell what batch norm divides by before any output is known. With them it is another convolution, whose
filters are scaled::

    out = relu(gamma (w . c + b - mean) / std + beta) = relu(w' . c + b')

Backward, ``dconv = scale (dy - mean(dy) - xhat mean(dy xhat))`` with dy the gradient at relu's input and
``scale = gamma / std``. Summed against the windows, with ``D = sum of dy (c - mean(c))``::

    dgamma = w . D / std        dw = scale (D - dgamma / std  w . cov(c))        db = 0

so only D is computed over pixels, which the weight gradient of a convolution gives. Moments are taken of c
less a mean of its channel, so that a large mean costs no digits, and summed in float64, as all of the above.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from handgrad.backend import extension
from handgrad.backend.native_ops.arrays import c_order, empty

MOST_CHANNELS = 4
"""Images as they come have no more; further inside, dx is wanted, which needs the convolution's output."""


class Moments(NamedTuple):
    """Of all windows c: a shift of each channel, mean (D,) and covariance (D, D) of c less it."""

    shift: np.ndarray
    mean: np.ndarray
    cov: np.ndarray


class Kept(NamedTuple):
    """What backward needs: 1 / std and gamma / std (F,), the moments or the running mean, and the gate.

    The gate tells what gradients pass: relu's output, or the pool's winners.
    """

    inverse: np.ndarray
    scale: np.ndarray
    moments: Moments | None
    mean: np.ndarray
    gate: np.ndarray


class Folded:
    """Convolution, batch norm, relu and, where `pool` is given, max-pool. It gives no dx."""

    @staticmethod
    def forward(
        x: np.ndarray,
        w: np.ndarray,
        b: np.ndarray,
        scale: tuple[np.ndarray, np.ndarray],
        bn: Any,
        conv: Any,
        pool: Any,
        shape: tuple[int, ...],
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, Kept] | None:
        """Return out, the new running mean and variance (F,), and what backward needs.

        `scale` is gamma and beta (F,), `bn` batch norm's settings; `conv` and `pool` tell how windows slide.
        None where one layer after the other is quicker.
        """
        x, w = c_order(x), c_order(w)
        train = bn.mode == "train"
        if not _pays(x, w, train, conv, pool):
            return None
        moments = _moments(x, w, conv) if train else None
        if moments and not np.isfinite(moments.cov).all():
            return None
        filters = _matrix(w)
        mean, var = (bn.running_mean, bn.running_var) if moments is None else _of_outputs(filters, b, moments)
        inverse = 1 / np.sqrt(var + np.float64(bn.eps))
        factor = scale[0] * inverse
        folded = (filters * factor[:, None]).reshape(w.shape).astype(w.dtype)
        out, gate = _convolve(x, folded, ((b - mean) * factor + scale[1]).astype(w.dtype), conv, pool, shape)
        return out, *_running(bn, mean, var), Kept(inverse, factor, moments, mean, gate)

    @staticmethod
    def backward(
        dout: np.ndarray, x: np.ndarray, w: np.ndarray, b: np.ndarray, conv: Any, pool: Any, kept: Kept
    ) -> tuple[np.ndarray, ...]:
        """Return dw (F, C, HH, WW), db, dgamma and dbeta (F,)."""
        products, sums = _against_windows(dout, x, w, conv, pool, kept)
        filters = _matrix(w)
        if kept.moments is None:
            dgamma = kept.inverse * (np.sum(filters * products, axis=1) + (b - kept.mean) * sums)
            dw, db = kept.scale[:, None] * products, kept.scale * sums
        else:
            centred = products - np.outer(sums, kept.moments.mean)
            dgamma = kept.inverse * np.sum(filters * centred, axis=1)
            along = (dgamma * kept.inverse)[:, None] * (filters @ kept.moments.cov)
            dw, db = kept.scale[:, None] * (centred - along), np.zeros(len(w))
        return tuple(
            np.ascontiguousarray(gradient, w.dtype) for gradient in (dw.reshape(w.shape), db, dgamma, sums)
        )


def _pays(x: np.ndarray, w: np.ndarray, train: bool, conv: Any, pool: Any) -> bool:
    """Return whether moments cost less than the passes that they save, and the pool can be had with them."""
    if train and (w.shape[1] > MOST_CHANNELS or w[0].size > 2 * len(w) or not x.size):
        return False
    return not pool or extension.conv_relu_pool_pays(x, w, *conv, *pool)


def _moments(x: np.ndarray, w: np.ndarray, conv: Any) -> Moments:
    taps = w[0].size
    shift, sums = np.empty(x.shape[1], x.dtype), np.empty((taps + 1, taps + 1))
    extension.conv_moments(x, w, *conv, shift, sums)
    mean = sums[-1, :-1] / sums[-1, -1]
    return Moments(shift, mean, sums[:-1, :-1] / sums[-1, -1] - np.outer(mean, mean))


def _of_outputs(filters: np.ndarray, b: np.ndarray, moments: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance (F,) of what the convolution would put out."""
    shift = np.repeat(moments.shift, len(moments.mean) // len(moments.shift))  # of a channel: of its taps
    var = np.sum(filters @ moments.cov * filters, axis=1)
    return filters @ (moments.mean + shift) + b, np.maximum(var, 0)


def _running(bn: Any, mean: np.ndarray, var: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if bn.mode != "train":
        return bn.running_mean, bn.running_var
    old, new = (bn.running_mean, bn.running_var), (mean, var)
    averages = [bn.momentum * was + (1 - bn.momentum) * now for was, now in zip(old, new, strict=True)]
    return averages[0].astype(old[0].dtype), averages[1].astype(old[1].dtype)


def _convolve(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, conv: Any, pool: Any, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return relu's output or the pool's, and what gradients pass."""
    out = empty(shape, x.dtype)
    if not pool:
        extension.conv_forward(x, w, b, *conv, True, out)
        return out, out
    winner = empty(shape, np.dtype(np.uint8))
    extension.conv_relu_pool_forward(x, w, b, *conv, *pool, out, winner)
    return out, winner


def _matrix(w: np.ndarray) -> np.ndarray:
    return w.reshape(len(w), -1).astype(np.float64)


def _against_windows(
    dout: np.ndarray, x: np.ndarray, w: np.ndarray, conv: Any, pool: Any, kept: Kept
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums (F, D) of dy times windows, less their shift if any, and those (F,) of dy."""
    dout, x = c_order(dout), c_order(x)
    dw, db = empty(w.shape, w.dtype), empty(w.shape[:1], w.dtype)
    shift = None if kept.moments is None else kept.moments.shift
    if pool:
        extension.conv_relu_pool_backward_w(dout, kept.gate, x, *conv, *pool, dw, db, shift)
    else:
        extension.conv_relu_backward_w(dout, kept.gate, x, *conv, dw, db, shift)
    return _matrix(dw), db.astype(np.float64)
