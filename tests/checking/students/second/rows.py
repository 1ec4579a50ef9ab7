"""Second batch: affine layers and activations, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.buggy.affine import affine_forward
from checking.students.buggy.rectifiers import maxout_forward, prelu_forward, relu_forward
from checking.students.buggy.smooth import normal_cdf, sigmoid
from checking.students.student import buggy, right


@buggy("affine", "backward", "sign", "Turns dw round so that w + dw goes downhill.")
def affine_dw_negative():
    def affine_backward(dout, cache):
        x, w, b = cache
        dw = -x.reshape(len(x), -1).T @ dout
        return (dout @ w.T).reshape(x.shape), dw, dout.sum(axis=0)

    return affine_forward, affine_backward


@buggy("affine", "backward", "bias-wrong-axes shape-wrong", "Sums dout altogether.")
def affine_bias_one_number():
    def affine_backward(dout, cache):
        x, w, b = cache
        return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, np.sum(dout)

    return affine_forward, affine_backward


@buggy("affine", "backward", "wrong-unknown factor part-missing", "Allocates dw and forgets to fill it.")
def affine_dw_stays_zero():
    def affine_backward(dout, cache):
        x, w, b = cache
        dw = np.zeros_like(w)
        return (dout @ w.T).reshape(x.shape), dw, dout.sum(axis=0)

    return affine_forward, affine_backward


@buggy("relu", "backward", "input-changed", "Multiplies dout by the mask in place.")
def relu_multiplies_dout():
    def relu_backward(dout, cache):
        dout *= cache > 0
        return dout

    return relu_forward, relu_backward


@buggy(
    "leaky_relu",
    "backward",
    "derivative-wrong",
    "Divides by alpha on the negative side: 'the inverse slope'.",
)
def leaky_relu_divides():
    def leaky_relu_forward(x, alpha=0.01):
        return np.where(x > 0, x, alpha * x), (x, alpha)

    def leaky_relu_backward(dout, cache):
        x, alpha = cache
        return np.where(x > 0, dout, dout / alpha)

    return leaky_relu_forward, leaky_relu_backward


@buggy("sigmoid", "backward", "derivative-wrong", "s instead of s (1 - s).")
def sigmoid_half():
    def sigmoid_forward(x):
        s = sigmoid(x)
        return s, s

    def sigmoid_backward(dout, cache):
        return dout * cache

    return sigmoid_forward, sigmoid_backward


@buggy("elu", "backward", "mask-inverted", "Takes the two sides the wrong way round.")
def elu_sides_swapped():
    def elu_forward(x, alpha=1.0):
        return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))), (x, alpha)

    def elu_backward(dout, cache):
        x, alpha = cache
        return np.where(x > 0, dout * alpha * np.exp(x), dout)

    return elu_forward, elu_backward


@buggy("prelu", "backward", "sign derivative-wrong", "Uses |x| for the negative part in dalpha.")
def prelu_dalpha_sign():
    def prelu_backward(dout, cache):
        x, alpha = cache
        slope = alpha.reshape((1, -1) + (1,) * (x.ndim - 2))
        each = np.where(x > 0, 0, dout * np.abs(x)).sum(axis=(0, *range(2, x.ndim)))
        dalpha = each if alpha.size == each.size else each.sum().reshape(1)
        return np.where(x > 0, dout, slope * dout), dalpha

    return prelu_forward, prelu_backward


@buggy("gelu", "backward", "derivative-wrong", "Remembers x sigmoid(1.7 x), and takes its derivative.")
def gelu_of_an_approximation():
    def gelu_forward(x):
        return x * normal_cdf(x), x

    def gelu_backward(dout, x):
        s = sigmoid(1.702 * x)
        return dout * (s + 1.702 * x * s * (1 - s))

    return gelu_forward, gelu_backward


@right(
    "maxout", "Compares with >= in a loop over the pieces, so that the last of equals stays.", own_ties=True
)
def maxout_last_of_ties():
    def maxout_backward(dout, cache):
        x, pieces = cache
        groups = x.reshape(x.shape[0], -1, pieces, *x.shape[2:])
        best, where = groups[:, :, 0].copy(), np.zeros(groups[:, :, 0].shape, dtype=int)
        for k in range(1, pieces):
            better = groups[:, :, k] >= best
            best, where = np.where(better, groups[:, :, k], best), np.where(better, k, where)
        dx = np.zeros_like(groups)
        for k in range(pieces):
            dx[:, :, k] = np.where(where == k, dout, 0)
        return dx.reshape(x.shape)

    return maxout_forward, maxout_backward
