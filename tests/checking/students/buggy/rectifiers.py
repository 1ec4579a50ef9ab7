"""Rectifiers (relu, leaky_relu, prelu, elu, maxout), wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


def relu_forward(x):
    """The forward pass that most of them share, and that is right."""
    return np.maximum(0, x), x


@buggy("relu", "backward", "mask-inverted", "Mixes up which side is cut off.")
def relu_mask_inverted():
    def relu_backward(dout, cache):
        x = cache
        dx = dout.copy()
        dx[x > 0] = 0
        return dx

    return relu_forward, relu_backward


@buggy("relu", "backward", "input-changed", "Takes dx = dout for a copy and zeroes the caller's array.")
def relu_changes_dout():
    def relu_backward(dout, cache):
        dx, x = dout, cache
        dx[x <= 0] = 0
        return dx

    return relu_forward, relu_backward


@buggy("relu", "backward", "mask-of-dout", "Applies the ReLU to dout, the way it was applied to x.")
def relu_of_dout():
    def relu_backward(dout, cache):
        return np.maximum(0, dout)

    return relu_forward, relu_backward


@buggy("relu", "backward", "mask-missing", "Lets everything through: 'the slope of x is 1'.")
def relu_passes_everything():
    def relu_backward(dout, cache):
        dx = 1.0 * dout
        return dx

    return relu_forward, relu_backward


@buggy("relu", "backward", "derivative-wrong", "Returns the local derivative and forgets the chain rule.")
def relu_forgets_dout():
    def relu_backward(dout, cache):
        x = cache
        return np.where(x > 0, 1, 0).astype(x.dtype)

    return relu_forward, relu_backward


@buggy("relu", "forward", "input-changed", "Saves memory by zeroing the input itself.")
def relu_changes_x():
    def relu_forward_inplace(x):
        x[x < 0] = 0
        return x, x

    def relu_backward(dout, cache):
        return dout * (cache > 0)

    return relu_forward_inplace, relu_backward


@buggy(
    "relu",
    "forward",
    "forward-wrong",
    "Takes the absolute value: 'no negative numbers come out'.",
)
def relu_takes_absolute_value():
    def relu_forward_abs(x):
        return np.abs(x), x

    def relu_backward(dout, cache):
        return np.where(cache > 0, dout, 0)

    return relu_forward_abs, relu_backward


@buggy("leaky_relu", "backward", "slope-missing", "Reuses relu_backward.")
def leaky_relu_without_slope():
    def leaky_relu_forward(x, alpha=0.01):
        return np.where(x > 0, x, alpha * x), (x, alpha)

    def leaky_relu_backward(dout, cache):
        x, alpha = cache
        return dout * (x > 0)

    return leaky_relu_forward, leaky_relu_backward


@buggy(
    "leaky_relu",
    "backward",
    "derivative-wrong slope-missing",
    "Writes the derivative alpha on the negative side and leaves dout out there.",
)
def leaky_relu_alpha_without_dout():
    def leaky_relu_forward(x, alpha=0.01):
        out = x.copy()
        out[x <= 0] *= alpha
        return out, (x, alpha)

    def leaky_relu_backward(dout, cache):
        x, alpha = cache
        dx = dout.copy()
        dx[x <= 0] = alpha
        return dx

    return leaky_relu_forward, leaky_relu_backward


@buggy("elu", "backward", "derivative-wrong", "Takes the output for its derivative: e^x - 1 for e^x.")
def elu_forgets_plus_alpha():
    def elu_forward(x, alpha=1.0):
        out = np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))
        return out, (x, out, alpha)

    def elu_backward(dout, cache):
        x, out, alpha = cache
        return dout * np.where(x > 0, 1, out)

    return elu_forward, elu_backward


@buggy(
    "elu",
    "backward",
    "derivative-wrong slope-missing",
    "Differentiates e^x - 1 and forgets the alpha in front; with alpha = 1 nobody sees.",
)
def elu_forgets_alpha():
    def elu_forward(x, alpha=1.0):
        out = np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
        return out, (x, alpha)

    def elu_backward(dout, cache):
        x, _ = cache
        dx = np.array(dout)
        negative = x <= 0
        dx[negative] = dout[negative] * np.exp(x[negative])
        return dx

    return elu_forward, elu_backward


def prelu_forward(x, alpha):
    """Right; alpha is one slope, or one for each channel."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return np.where(x > 0, x, alpha.reshape(shape) * x), (x, alpha)


@buggy(
    "prelu",
    "backward",
    "mask-missing derivative-wrong",
    "Sums dout * x over all numbers for dalpha, not only over the negative ones.",
)
def prelu_dalpha_of_everything():
    def prelu_backward(dout, cache):
        x, alpha = cache
        slope = alpha.reshape((1, -1) + (1,) * (x.ndim - 2))
        dx = np.where(x > 0, dout, slope * dout)
        moved = dout * x
        axes = (0, *range(2, x.ndim))
        dalpha = moved.sum(axis=axes) if alpha.size > 1 else moved.sum().reshape(1)
        return dx, dalpha

    return prelu_forward, prelu_backward


@buggy("prelu", "backward", "slope-missing", "Cares for the new gradient dalpha and copies dx from ReLU.")
def prelu_dx_of_relu():
    def prelu_backward(dout, cache):
        x, alpha = cache
        dx = dout * (x > 0)
        moved = np.where(x > 0, 0, dout * x)
        if alpha.size == 1:
            return dx, np.array([moved.sum()], dtype=alpha.dtype)
        return dx, moved.reshape(x.shape[0], x.shape[1], -1).sum(axis=(0, 2))

    return prelu_forward, prelu_backward


@buggy("prelu", "backward", "shape-wrong wrong-axes", "Does not sum dalpha over the batch and the pixels.")
def prelu_dalpha_not_summed():
    def prelu_backward(dout, cache):
        x, alpha = cache
        slope = alpha.reshape((1, -1) + (1,) * (x.ndim - 2))
        dx = dout * np.where(x > 0, 1, slope)
        dalpha = dout * np.minimum(x, 0)
        return dx, dalpha

    return prelu_forward, prelu_backward


def maxout_forward(x, pieces):
    """Right; the channels of one output are neighbours."""
    N, C = x.shape[:2]
    groups = x.reshape(N, C // pieces, pieces, *x.shape[2:])
    return groups.max(axis=2), (x, pieces)


@buggy("maxout", "backward", "ties-all-credited", "Compares x with the repeated maximum; ties are all ones.")
def maxout_credits_ties():
    def maxout_backward(dout, cache):
        x, pieces = cache
        groups = x.reshape(x.shape[0], x.shape[1] // pieces, pieces, *x.shape[2:])
        out = groups.max(axis=2)
        return np.repeat(dout, pieces, axis=1) * (x == np.repeat(out, pieces, axis=1))

    return maxout_forward, maxout_backward


@buggy(
    "maxout",
    "backward",
    "reshape-order channels-mixed wrong-unknown",
    "Spreads dout over the channels with np.tile, where neighbours need np.repeat.",
)
def maxout_tiles():
    def maxout_backward(dout, cache):
        x, pieces = cache
        groups = x.reshape(x.shape[0], x.shape[1] // pieces, pieces, *x.shape[2:])
        first = np.expand_dims(groups.argmax(axis=2), 2)
        mask = np.zeros_like(groups)
        np.put_along_axis(mask, first, 1, axis=2)
        spread = np.tile(dout, (1, pieces) + (1,) * (x.ndim - 2))
        return mask.reshape(x.shape) * spread

    return maxout_forward, maxout_backward
