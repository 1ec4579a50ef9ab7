"""Smooth activations (sigmoid, tanh, gelu), wrong."""

from __future__ import annotations

import math

import numpy as np
from checking.students.student import buggy


def sigmoid(x):
    """Right."""
    return 1 / (1 + np.exp(-x))


@buggy("sigmoid", "backward", "gradient-from-input-not-output", "Knows s (1 - s), and caches x instead of s.")
def sigmoid_of_input():
    def sigmoid_forward(x):
        return sigmoid(x), x

    def sigmoid_backward(dout, cache):
        s = cache
        return dout * s * (1 - s)

    return sigmoid_forward, sigmoid_backward


@buggy("sigmoid", "backward", "derivative-wrong", "Stops after the local derivative; dout is never used.")
def sigmoid_without_dout():
    def sigmoid_forward(x):
        out = sigmoid(x)
        return out, out

    def sigmoid_backward(dout, cache):
        return cache * (1 - cache)

    return sigmoid_forward, sigmoid_backward


@buggy("sigmoid", "backward", "derivative-wrong", "Takes the sigmoid twice: of the cached output.")
def sigmoid_twice():
    def sigmoid_forward(x):
        out = sigmoid(x)
        return out, out

    def sigmoid_backward(dout, cache):
        s = sigmoid(cache)
        return dout * s * (1 - s)

    return sigmoid_forward, sigmoid_backward


@buggy("tanh", "backward", "gradient-from-input-not-output", "1 - x^2 for 1 - tanh(x)^2.")
def tanh_of_input():
    def tanh_forward(x):
        return np.tanh(x), (x,)

    def tanh_backward(dout, cache):
        (x,) = cache
        return (1 - x**2) * dout

    return tanh_forward, tanh_backward


@buggy("tanh", "backward", "derivative-wrong", "Forgets the square.")
def tanh_without_square():
    def tanh_forward(x):
        e, f = np.exp(x), np.exp(-x)
        out = (e - f) / (e + f)
        return out, out

    def tanh_backward(dout, cache):
        return dout * (1 - cache)

    return tanh_forward, tanh_backward


@buggy("tanh", "backward", "derivative-wrong", "Uses the sigmoid's rule, since 'they look alike'.")
def tanh_by_sigmoid_rule():
    def tanh_forward(x):
        out = 2 * sigmoid(2 * x) - 1
        return out, out

    def tanh_backward(dout, out):
        return dout * out * (1 - out)

    return tanh_forward, tanh_backward


def normal_cdf(x):
    """Right; NumPy has no erf, the standard library has."""
    return np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x.ravel()], dtype=x.dtype).reshape(
        x.shape
    )


@buggy("gelu", "backward", "derivative-wrong", "Treats Phi(x) as a constant: forgets the product rule.")
def gelu_without_product_rule():
    def gelu_forward(x):
        return x * normal_cdf(x), x

    def gelu_backward(dout, cache):
        return dout * normal_cdf(cache)

    return gelu_forward, gelu_backward


@buggy("gelu", "backward", "derivative-wrong", "The density without its 1 / sqrt(2 pi).")
def gelu_density_not_normalised():
    def gelu_forward(x):
        return x * normal_cdf(x), (x,)

    def gelu_backward(dout, cache):
        x = cache[0]
        return dout * (normal_cdf(x) + x * np.exp(-0.5 * x * x))

    return gelu_forward, gelu_backward
