"""Fourth batch: windows, affine layers and activations, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.buggy.affine import affine_forward
from checking.students.buggy.conv_details import conv_backward_right
from checking.students.buggy.conv_loops import conv_forward_naive
from checking.students.buggy.max_pool import max_pool_forward_naive
from checking.students.buggy.rectifiers import maxout_forward, prelu_forward
from checking.students.student import buggy


@buggy(
    "conv",
    "forward",
    "reshape-order channels-mixed forward-wrong",
    "Flattens the window with the channels last and the filter with them first.",
)
def conv_flattens_two_ways():
    def conv_forward_dot(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        out = np.zeros((N, F, 1 + (H + 2 * p - HH) // s, 1 + (W + 2 * p - WW) // s), dtype=x.dtype)
        for n, i, j in np.ndindex(N, *out.shape[2:]):
            window = xp[n, :, i * s : i * s + HH, j * s : j * s + WW]
            out[n, :, i, j] = w.reshape(F, -1) @ window.transpose(1, 2, 0).ravel() + b
        return out, (x, w, b, conv_param)

    return conv_forward_dot, conv_backward_right


@buggy(
    "conv",
    "forward",
    "shape-wrong wrong-window forward-wrong",
    "Counts the pad once in the size of the output.",
)
def conv_counts_pad_once():
    def conv_forward_loops(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        out = np.zeros((N, F, 1 + (H + p - HH) // s, 1 + (W + p - WW) // s), dtype=x.dtype)
        for n, f, i, j in np.ndindex(out.shape):
            out[n, f, i, j] = np.sum(xp[n, :, i * s : i * s + HH, j * s : j * s + WW] * w[f]) + b[f]
        return out, (x, w, b, conv_param)

    return conv_forward_loops, conv_backward_right


@buggy(
    "max_pool",
    "backward",
    "derivative-wrong wrong-unknown",
    "Adds 1 where the maximum was; dout is not used.",
)
def max_pool_counts_wins():
    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
            a, b = np.unravel_index(window.argmax(), window.shape)
            dx[n, c, i * s + a, j * s + b] += 1
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "backward",
    "overwrite-overlap",
    "Writes mask times dout over the whole window, zeros included.",
)
def max_pool_writes_whole_windows():
    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
            mask = np.arange(window.size).reshape(window.shape) == window.argmax()
            dx[n, c, i * s : i * s + ph, j * s : j * s + pw] = mask * dout[n, c, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy("global_avg_pool", "backward", "shape-wrong", "Leaves the broadcast to NumPy: dx is (N, C, 1, 1).")
def global_avg_pool_not_broadcast():
    def global_avg_pool_forward(x):
        return x.mean(axis=(2, 3)), x.shape

    def global_avg_pool_backward(dout, cache):
        return dout[:, :, None, None] / (cache[2] * cache[3])

    return global_avg_pool_forward, global_avg_pool_backward


@buggy("affine", "backward", "bias-wrong-axes shape-wrong", "db = dout.")
def affine_bias_not_summed():
    def affine_backward(dout, cache):
        x, w, b = cache
        return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.copy()

    return affine_forward, affine_backward


@buggy(
    "relu", "backward", "mask-missing", "Caches the output and asks whether it is >= 0, which it always is."
)
def relu_asks_the_output():
    def relu_forward(x):
        out = np.maximum(0, x)
        return out, out

    def relu_backward(dout, cache):
        return dout * (cache >= 0)

    return relu_forward, relu_backward


@buggy(
    "leaky_relu", "backward", "slope-missing derivative-wrong", "Writes 0.01 in backward, whatever alpha was."
)
def leaky_relu_own_slope():
    def leaky_relu_forward(x, alpha=0.01):
        return np.where(x > 0, x, alpha * x), x

    def leaky_relu_backward(dout, x):
        return np.where(x > 0, dout, 0.01 * dout)

    return leaky_relu_forward, leaky_relu_backward


@buggy("sigmoid", "forward", "forward-wrong", "1 / (1 + e^x): loses the minus.")
def sigmoid_mirrored():
    def sigmoid_forward(x):
        s = 1 / (1 + np.exp(x))
        return s, s

    def sigmoid_backward(dout, s):
        return dout * s * (1 - s)

    return sigmoid_forward, sigmoid_backward


@buggy("prelu", "backward", "factor factor-n", "Takes the mean for dalpha.")
def prelu_dalpha_mean():
    def prelu_backward(dout, cache):
        x, alpha = cache
        slope = alpha.reshape((1, -1) + (1,) * (x.ndim - 2))
        each = dout * np.minimum(x, 0)
        dalpha = each.mean(axis=(0, *range(2, x.ndim))) if alpha.size > 1 else each.mean().reshape(1)
        return np.where(x > 0, dout, slope * dout), dalpha

    return prelu_forward, prelu_backward


@buggy(
    "maxout", "backward", "factor", "Divides the gradient among the pieces and gives the winner one share."
)
def maxout_one_share():
    def maxout_backward(dout, cache):
        x, pieces = cache
        groups = x.reshape(x.shape[0], -1, pieces, *x.shape[2:])
        dx = np.zeros_like(groups)
        best = np.expand_dims(groups.argmax(axis=2), 2)
        np.put_along_axis(dx, best, np.expand_dims(dout, 2) / pieces, axis=2)
        return dx.reshape(x.shape)

    return maxout_forward, maxout_backward


@buggy("conv_relu", "backward", "mask-of-dout", "Rectifies dout.")
def conv_relu_rectifies_dout():
    def conv_relu_forward(x, w, b, conv_param):
        a, cache = conv_forward_naive(x, w, b, conv_param)
        return np.maximum(a, 0), cache

    def conv_relu_backward(dout, cache):
        return conv_backward_right(np.maximum(dout, 0), cache)

    return conv_relu_forward, conv_relu_backward
