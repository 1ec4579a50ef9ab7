# ruff: noqa: F841, RUF005 - left as it was handed in
"""Sixth batch, by an author who never saw the doctor: activations, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "relu",
    "backward",
    "mask-of-dout",
    "Relu_backward zeroes the gradient where dout is not positive instead of where x is not positive.",
)
def relu_mask_from_dout():
    def relu_forward(x):
        out = np.maximum(0, x)
        cache = x
        return out, cache

    def relu_backward(dout, cache):
        x = cache
        dx = dout.copy()
        dx[dout <= 0] = 0
        return dx

    return relu_forward, relu_backward


@buggy(
    "leaky_relu",
    "backward",
    "slope-missing",
    "Leaky_relu_backward multiplies the negative side by the fixed slope 0.01 instead of the "
    "alpha that the forward pass used.",
)
def leaky_relu_fixed_slope():
    def leaky_relu_forward(x, alpha=0.01):
        out = np.where(x > 0, x, alpha * x)
        return out, (x, alpha)

    def leaky_relu_backward(dout, cache):
        x, alpha = cache
        slope = np.ones_like(x)
        slope[x <= 0] = 0.01
        return slope * dout

    return leaky_relu_forward, leaky_relu_backward


@buggy(
    "sigmoid",
    "backward",
    "gradient-from-input-not-output",
    "The forward pass caches x, but sigmoid_backward uses the cached value as if it were the "
    "output: x * (1 - x) instead of s * (1 - s).",
)
def sigmoid_slope_of_x():
    def sigmoid_forward(x):
        out = 1.0 / (1.0 + np.exp(-x))
        cache = x
        return out, cache

    def sigmoid_backward(dout, cache):
        s = cache
        return dout * s * (1.0 - s)

    return sigmoid_forward, sigmoid_backward


@buggy(
    "tanh",
    "backward",
    "derivative-wrong",
    "Tanh_backward computes (1 - out) ** 2 instead of 1 - out ** 2.",
)
def tanh_square_outside():
    def tanh_forward(x):
        e = np.exp(-2 * np.abs(x))
        out = np.sign(x) * (1 - e) / (1 + e)
        return out, out

    def tanh_backward(dout, cache):
        out = cache
        local = (1 - out) ** 2
        return local * dout

    return tanh_forward, tanh_backward


@buggy(
    "elu",
    "backward",
    "derivative-wrong slope-missing",
    "Elu_backward takes out as the derivative on the negative side where it should be out + alpha.",
)
def elu_slope_lacks_alpha():
    def elu_forward(x, alpha=1.0):
        out = x.copy()
        neg = x <= 0
        out[neg] = alpha * (np.exp(x[neg]) - 1)
        return out, (out, neg, alpha)

    def elu_backward(dout, cache):
        out, neg, alpha = cache
        dx = dout.copy()
        dx[neg] = dout[neg] * out[neg]
        return dx

    return elu_forward, elu_backward


@buggy(
    "relu",
    "forward",
    "input-changed",
    "Relu_forward writes the zeros into its argument x, so that the caller's array is changed.",
)
def relu_zeroes_x():
    def relu_forward(x):
        cache = x > 0
        x[~cache] = 0
        return x.copy(), cache

    def relu_backward(dout, cache):
        return dout * cache

    return relu_forward, relu_backward


@buggy(
    "maxout",
    "forward",
    "channels-mixed",
    "Maxout groups channels that are M apart (reshape to (N, pieces, M)) instead of "
    "neighbouring channels (reshape to (N, M, pieces)).",
)
def maxout_interleaved():
    def maxout_forward(x, pieces):
        N, C = x.shape[:2]
        groups = x.reshape((N, pieces, C // pieces) + x.shape[2:])
        winner = groups.argmax(axis=1)
        out = groups.max(axis=1)
        return out, (x.shape, pieces, winner)

    def maxout_backward(dout, cache):
        shape, pieces, winner = cache
        N, C = shape[:2]
        d = np.zeros((N, pieces, C // pieces) + tuple(shape[2:]), dtype=dout.dtype)
        for k in range(pieces):
            d[:, k] = dout * (winner == k)
        return d.reshape(shape)

    return maxout_forward, maxout_backward
