"""Sandwich layers, wrong: the layers in them are right, put together by hand."""

from __future__ import annotations

import numpy as np
from checking.students.buggy.affine import affine_forward
from checking.students.buggy.batchnorm_backward import batchnorm_forward
from checking.students.buggy.conv_details import conv_backward_right as conv_backward_naive
from checking.students.buggy.conv_loops import conv_forward_naive
from checking.students.buggy.image_norms import (
    batchnorm_backward_alt,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
)
from checking.students.buggy.max_pool import max_pool_forward_naive
from checking.students.buggy.rectifiers import relu_forward
from checking.students.student import buggy


def affine_backward(dout, cache):
    """Right."""
    x, w, b = cache
    return (dout @ w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T @ dout, dout.sum(axis=0)


def relu_backward(dout, cache):
    """Right."""
    return dout * (cache > 0)


def max_pool_backward_naive(dout, cache):
    """Right."""
    x, pool_param = cache
    ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
        a, b = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, i * s + a, j * s + b] += dout[n, c, i, j]
    return dx


@buggy("affine_relu", "backward", "mask-missing piece-missing", "Goes straight to affine_backward.")
def affine_relu_skips_relu():
    def affine_relu_forward(x, w, b):
        a, fc_cache = affine_forward(x, w, b)
        out, relu_cache = relu_forward(a)
        return out, (fc_cache, relu_cache)

    def affine_relu_backward(dout, cache):
        fc_cache, _ = cache
        return affine_backward(dout, fc_cache)

    return affine_relu_forward, affine_relu_backward


@buggy(
    "affine_relu",
    "backward",
    "mask-of-dout",
    "Calls relu_forward in the backward pass, as the names are so alike.",
)
def affine_relu_relu_of_dout():
    def affine_relu_forward(x, w, b):
        a, fc_cache = affine_forward(x, w, b)
        out, relu_cache = relu_forward(a)
        return out, (fc_cache, relu_cache)

    def affine_relu_backward(dout, cache):
        fc_cache, _ = cache
        da, _ = relu_forward(dout)
        return affine_backward(da, fc_cache)

    return affine_relu_forward, affine_relu_backward


@buggy(
    "affine_bn_relu", "backward", "swapped-outputs", "Returns dbeta before dgamma, which have the same shape."
)
def affine_bn_relu_swaps_gradients():
    def affine_bn_relu_forward(x, w, b, gamma, beta, bn_param):
        a, fc_cache = affine_forward(x, w, b)
        a_bn, bn_cache = batchnorm_forward(a, gamma, beta, bn_param)
        out, relu_cache = relu_forward(a_bn)
        return out, (fc_cache, bn_cache, relu_cache)

    def affine_bn_relu_backward(dout, cache):
        fc_cache, bn_cache, relu_cache = cache
        da_bn = relu_backward(dout, relu_cache)
        da, dgamma, dbeta = batchnorm_backward_alt(da_bn, bn_cache)
        dx, dw, db = affine_backward(da, fc_cache)
        return dx, dw, db, dbeta, dgamma

    return affine_bn_relu_forward, affine_bn_relu_backward


@buggy("conv_relu", "backward", "mask-inverted", "Writes its own mask and takes the wrong side.")
def conv_relu_wrong_side():
    def conv_relu_forward(x, w, b, conv_param):
        a, conv_cache = conv_forward_naive(x, w, b, conv_param)
        return np.maximum(a, 0), (conv_cache, a)

    def conv_relu_backward(dout, cache):
        conv_cache, a = cache
        da = np.where(a > 0, 0, dout)
        return conv_backward_naive(da, conv_cache)

    return conv_relu_forward, conv_relu_backward


@buggy(
    "conv_relu_pool",
    "backward",
    "mask-missing piece-missing",
    "Undoes the pooling, then the convolution; the ReLU has no parameters.",
)
def conv_relu_pool_skips_relu():
    def conv_relu_pool_forward(x, w, b, conv_param, pool_param):
        a, conv_cache = conv_forward_naive(x, w, b, conv_param)
        s, relu_cache = relu_forward(a)
        out, pool_cache = max_pool_forward_naive(s, pool_param)
        return out, (conv_cache, relu_cache, pool_cache)

    def conv_relu_pool_backward(dout, cache):
        conv_cache, _, pool_cache = cache
        ds = max_pool_backward_naive(dout, pool_cache)
        return conv_backward_naive(ds, conv_cache)

    return conv_relu_pool_forward, conv_relu_pool_backward


@buggy("conv_bn_relu", "backward", "mask-missing piece-missing", "Forgets the ReLU behind the batch norm.")
def conv_bn_relu_skips_relu():
    def conv_bn_relu_forward(x, w, b, conv_param, gamma, beta, bn_param):
        a, conv_cache = conv_forward_naive(x, w, b, conv_param)
        an, bn_cache = spatial_batchnorm_forward(a, gamma, beta, bn_param)
        out, relu_cache = relu_forward(an)
        return out, (conv_cache, bn_cache, relu_cache)

    def conv_bn_relu_backward(dout, cache):
        conv_cache, bn_cache, _ = cache
        da, dgamma, dbeta = spatial_batchnorm_backward(dout, bn_cache)
        dx, dw, db = conv_backward_naive(da, conv_cache)
        return dx, dw, db, dgamma, dbeta

    return conv_bn_relu_forward, conv_bn_relu_backward
