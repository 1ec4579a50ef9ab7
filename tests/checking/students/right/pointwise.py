"""Affine layers and activations that are right, in the styles that students write."""

from __future__ import annotations

import math

import numpy as np
from checking.students.student import right


@right("affine", "The three lines of every solution.")
def affine_dot():
    def affine_forward(x, w, b):
        return x.reshape(x.shape[0], -1).dot(w) + b, (x, w, b)

    def affine_backward(dout, cache):
        x, w, b = cache
        dx = dout.dot(w.T).reshape(x.shape)
        dw = x.reshape(x.shape[0], -1).T.dot(dout)
        return dx, dw, np.sum(dout, axis=0)

    return affine_forward, affine_backward


@right("affine", "Nothing but einsum.")
def affine_einsum():
    def affine_forward(x, w, b):
        rows = x.reshape(len(x), -1)
        return np.einsum("nd,dm->nm", rows, w) + b, (rows, x.shape, w)

    def affine_backward(dout, cache):
        rows, shape, w = cache
        dx = np.einsum("nm,dm->nd", dout, w).reshape(shape)
        return dx, np.einsum("nd,nm->dm", rows, dout), np.einsum("nm->m", dout)

    return affine_forward, affine_backward


@right("affine", "Loops over samples and outputs.")
def affine_loops():
    def affine_forward(x, w, b):
        out = np.zeros((x.shape[0], w.shape[1]), dtype=x.dtype)
        for n in range(x.shape[0]):
            row = x[n].ravel()
            for m in range(w.shape[1]):
                out[n, m] = (row * w[:, m]).sum() + b[m]
        return out, (x, w, b)

    def affine_backward(dout, cache):
        x, w, b = cache
        dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
        for n in range(x.shape[0]):
            dx[n] = (w @ dout[n]).reshape(x[n].shape)
            dw += np.outer(x[n].ravel(), dout[n])
            db += dout[n]
        return dx, dw, db

    return affine_forward, affine_backward


@right("relu", "np.maximum and a mask.")
def relu_maximum():
    def relu_forward(x):
        return np.maximum(0, x), x

    def relu_backward(dout, cache):
        x = cache
        return dout * (x > 0)

    return relu_forward, relu_backward


@right("relu", "Works in place, on copies.")
def relu_copies():
    def relu_forward(x):
        out = x.copy()
        out[out < 0] = 0
        return out, x

    def relu_backward(dout, cache):
        dx = np.array(dout, copy=True)
        dx[cache <= 0] = 0
        return dx

    return relu_forward, relu_backward


@right("relu", "x >= 0 in the mask: at the kink 1 is as good a slope as 0.")
def relu_one_at_zero():
    def relu_forward(x):
        mask = x >= 0
        return x * mask, mask

    def relu_backward(dout, cache):
        return np.where(cache, dout, 0)

    return relu_forward, relu_backward


@right("leaky_relu", "np.maximum(x, alpha x), right for every slope below 1.")
def leaky_relu_maximum():
    def leaky_relu_forward(x, alpha=0.01):
        return np.maximum(x, alpha * x), (x, alpha)

    def leaky_relu_backward(dout, cache):
        x, alpha = cache
        return np.where(x > 0, dout, alpha * dout)

    return leaky_relu_forward, leaky_relu_backward


@right("leaky_relu", "The sum of two halves.")
def leaky_relu_halves():
    def leaky_relu_forward(x, alpha=0.01):
        return np.maximum(0, x) + alpha * np.minimum(0, x), (x > 0, alpha)

    def leaky_relu_backward(dout, cache):
        positive, alpha = cache
        dx = dout.copy()
        dx[~positive] *= alpha
        return dx

    return leaky_relu_forward, leaky_relu_backward


@right("elu", "From the output: out + alpha on the negative side.")
def elu_from_output():
    def elu_forward(x, alpha=1.0):
        out = np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))
        return out, (x, out, alpha)

    def elu_backward(dout, cache):
        x, out, alpha = cache
        return np.where(x > 0, dout, dout * (out + alpha))

    return elu_forward, elu_backward


@right("sigmoid", "The formula.")
def sigmoid_formula():
    def sigmoid_forward(x):
        out = 1 / (1 + np.exp(-x))
        return out, out

    def sigmoid_backward(dout, out):
        return dout * out * (1 - out)

    return sigmoid_forward, sigmoid_backward


@right("sigmoid", "Two branches, so that nothing overflows.")
def sigmoid_two_branches():
    def sigmoid_forward(x):
        positive = x >= 0
        z = np.zeros_like(x)
        z[positive] = np.exp(-x[positive])
        z[~positive] = np.exp(x[~positive])
        top = np.ones_like(x)
        top[~positive] = z[~positive]
        out = top / (1 + z)
        return out, (x, out)

    def sigmoid_backward(dout, cache):
        _, out = cache
        return (out - out**2) * dout

    return sigmoid_forward, sigmoid_backward


@right("tanh", "From the output.")
def tanh_from_output():
    def tanh_forward(x):
        out = np.tanh(x)
        return out, out

    def tanh_backward(dout, cache):
        return dout * (1 - np.square(cache))

    return tanh_forward, tanh_backward


@right("gelu", "erf from the standard library, number by number.")
def gelu_math_erf():
    erf = np.vectorize(math.erf, otypes=[float])

    def gelu_forward(x):
        cdf = (0.5 * (1 + erf(x / np.sqrt(2)))).astype(x.dtype)
        return x * cdf, (x, cdf)

    def gelu_backward(dout, cache):
        x, cdf = cache
        density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
        return dout * (cdf + x * density)

    return gelu_forward, gelu_backward


@right("prelu", "One slope a channel or one for all, by broadcasting.")
def prelu_broadcast():
    def prelu_forward(x, alpha):
        a = alpha.reshape((1, -1) + (1,) * (x.ndim - 2))
        return np.where(x > 0, x, a * x), (x, alpha)

    def prelu_backward(dout, cache):
        x, alpha = cache
        a = alpha.reshape((1, -1) + (1,) * (x.ndim - 2))
        dx = np.where(x > 0, dout, a * dout)
        each = (dout * x * (x <= 0)).sum(axis=(0, *range(2, x.ndim)))
        return dx, each if alpha.size == each.size else each.sum().reshape(alpha.shape)

    return prelu_forward, prelu_backward


@right("maxout", "argmax, and put_along_axis on the way back.")
def maxout_argmax():
    def maxout_forward(x, pieces):
        groups = x.reshape(x.shape[0], -1, pieces, *x.shape[2:])
        best = np.expand_dims(groups.argmax(axis=2), 2)
        return np.take_along_axis(groups, best, axis=2).squeeze(2), (groups.shape, best, x.shape)

    def maxout_backward(dout, cache):
        shape, best, x_shape = cache
        dx = np.zeros(shape, dtype=dout.dtype)
        np.put_along_axis(dx, best, np.expand_dims(dout, 2), axis=2)
        return dx.reshape(x_shape)

    return maxout_forward, maxout_backward
