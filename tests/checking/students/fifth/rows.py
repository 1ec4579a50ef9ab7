"""Fifth batch, by an author who never saw the doctor: affine layers and activations, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "leaky_relu",
    "forward",
    "input-changed",
    "The negative entries are scaled in place in x, so the caller's input is overwritten.",
)
def leaky_relu_scales_x():
    def leaky_relu_forward(x, alpha=0.01):
        neg = x < 0
        out = x
        out[neg] *= alpha
        return out, (neg, alpha)

    def leaky_relu_backward(dout, cache):
        neg, alpha = cache
        slope = np.ones(dout.shape)
        slope[neg] = alpha
        return slope * dout

    return leaky_relu_forward, leaky_relu_backward


@buggy(
    "affine",
    "forward",
    "reshape-order",
    "Each image is flattened by reshape(D, N).T, which mixes entries of different images, "
    "instead of reshape(N, D).",
)
def affine_flattens_other_way():
    def affine_forward(x, w, b):
        N = x.shape[0]
        D = w.shape[0]
        rows = x.reshape(D, N).T
        out = rows.dot(w) + b
        cache = (x, w, b)
        return out, cache

    def affine_backward(dout, cache):
        x, w, b = cache
        N = x.shape[0]
        dx = dout.dot(w.T).reshape(x.shape)
        dw = x.reshape(N, -1).T.dot(dout)
        db = dout.sum(axis=0)
        return dx, dw, db

    return affine_forward, affine_backward


@buggy(
    "relu",
    "backward",
    "mask-missing",
    "The mask tests the ReLU's output with >= 0, which is always true, so dout passes everywhere.",
)
def relu_mask_of_output():
    def relu_forward(x):
        out = np.where(x > 0, x, np.zeros_like(x))
        cache = out
        return out, cache

    def relu_backward(dout, cache):
        a = cache
        active = np.greater_equal(a, 0)
        dx = np.multiply(dout, active)
        return dx

    return relu_forward, relu_backward


@buggy(
    "affine",
    "backward",
    "reshape-order transpose-missing",
    "dw is computed as dout.T @ x and reshaped to w's shape instead of transposed, which "
    "scrambles its entries.",
)
def affine_dw_reshaped():
    def affine_forward(x, w, b):
        flat = np.array([sample.ravel() for sample in x])
        out = np.einsum("nd,dm->nm", flat, w) + b[None, :]
        return out, (flat, x.shape, w)

    def affine_backward(dout, cache):
        flat, x_shape, w = cache
        dflat = np.einsum("nm,dm->nd", dout, w)
        dx = dflat.reshape(x_shape)
        dw = np.dot(dout.T, flat).reshape(w.shape)
        db = np.einsum("nm->m", dout)
        return dx, dw, db

    return affine_forward, affine_backward


@buggy(
    "affine_relu",
    "backward",
    "step-differs",
    "The ReLU mask is recomputed from x.w without the bias, so units whose sign the bias "
    "changes get the wrong gradient.",
)
def affine_relu_mask_without_bias():
    def affine_relu_forward(x, w, b):
        X = x.reshape(x.shape[0], np.prod(x.shape[1:]))
        z = X @ w
        out = np.maximum(0, z + b)
        return out, (X, x.shape, w, b, z)

    def affine_relu_backward(dout, cache):
        X, x_shape, w, b, z = cache
        da = np.where(z > 0, dout, 0)
        dx = (da @ w.T).reshape(x_shape)
        dw = X.T @ da
        db = np.ones(len(da)) @ da
        return dx, dw, db

    return affine_relu_forward, affine_relu_backward


@buggy(
    "affine",
    "forward",
    "bias-wrong-axes",
    "The bias is added as a column, one value per sample, instead of per output; it only runs "
    "where N equals M (or one of them is 1), and is wrong there too.",
)
def affine_bias_column():
    def affine_forward(x, w, b):
        num_inputs = x.shape[0]
        x_rows = np.reshape(x, (num_inputs, -1))
        scores = np.matmul(x_rows, w)
        out = scores + b.reshape(-1, 1)
        return out, (x, w)

    def affine_backward(dout, cache):
        x, w = cache
        dx = np.matmul(dout, w.T).reshape(*x.shape)
        dw = np.matmul(np.reshape(x, (x.shape[0], -1)).T, dout)
        db = np.add.reduce(dout, axis=0)
        return dx, dw, db

    return affine_forward, affine_backward


@buggy(
    "relu",
    "backward",
    "input-changed",
    "The gradient is zeroed in dout itself, so the caller's dout is changed by the backward pass.",
)
def relu_zeroes_dout():
    def relu_forward(x):
        out = np.clip(x, 0, None)
        return out, x

    def relu_backward(dout, cache):
        x = cache
        dx = dout
        dx[x <= 0] = 0
        return dx

    return relu_forward, relu_backward


@buggy(
    "leaky_relu",
    "backward",
    "derivative-wrong",
    "For negative inputs the gradient is alpha itself instead of alpha times dout.",
)
def leaky_relu_slope_alone():
    def leaky_relu_forward(x, alpha=0.01):
        positive = x > 0
        return np.where(positive, x, x * alpha), (positive, alpha)

    def leaky_relu_backward(dout, cache):
        positive, alpha = cache
        return np.where(positive, dout, alpha)

    return leaky_relu_forward, leaky_relu_backward
