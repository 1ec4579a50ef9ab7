"""Sandwich layers that are right."""

from __future__ import annotations

import numpy as np
from checking.students.right.conv import conv_in_place_buffers, conv_window_loops
from checking.students.right.norms import spatial_batchnorm_rows
from checking.students.right.pool import max_pool_loops
from checking.students.student import right

conv_forward_naive, conv_backward_naive = conv_window_loops.forward, conv_window_loops.backward
conv_forward_fast, conv_backward_fast = conv_in_place_buffers.forward, conv_in_place_buffers.backward
max_pool_forward_naive, max_pool_backward_naive = max_pool_loops.forward, max_pool_loops.backward
spatial_batchnorm_forward = spatial_batchnorm_rows.forward
spatial_batchnorm_backward = spatial_batchnorm_rows.backward


@right("affine_relu", "In one function, from the output alone.")
def affine_relu_fused():
    def affine_relu_forward(x, w, b):
        rows = x.reshape(x.shape[0], -1)
        out = np.maximum(rows @ w + b, 0)
        return out, (rows, x.shape, w, out)

    def affine_relu_backward(dout, cache):
        rows, shape, w, out = cache
        da = dout * (out > 0)
        return (da @ w.T).reshape(shape), rows.T @ da, da.sum(axis=0)

    return affine_relu_forward, affine_relu_backward


@right("conv_relu_pool", "Pools before the ReLU: the maximum of what is cut off is cut off all the same.")
def conv_pool_relu():
    def conv_relu_pool_forward(x, w, b, conv_param, pool_param):
        a, conv_cache = conv_forward_fast(x, w, b, conv_param)
        s, pool_cache = max_pool_forward_naive(a, pool_param)
        return np.maximum(s, 0), (conv_cache, pool_cache, s)

    def conv_relu_pool_backward(dout, cache):
        conv_cache, pool_cache, s = cache
        da = max_pool_backward_naive(dout * (s > 0), pool_cache)
        return conv_backward_fast(da, conv_cache)

    return conv_relu_pool_forward, conv_relu_pool_backward


@right("conv_bn_relu", "Stanford's order of arguments: gamma and beta before conv_param.")
def conv_bn_relu_stanford():
    def conv_bn_relu_forward(x, w, b, gamma, beta, conv_param, bn_param):
        a, conv_cache = conv_forward_naive(x, w, b, conv_param)
        an, bn_cache = spatial_batchnorm_forward(a, gamma, beta, bn_param)
        out = np.maximum(an, 0)
        return out, (conv_cache, bn_cache, an)

    def conv_bn_relu_backward(dout, cache):
        conv_cache, bn_cache, an = cache
        dan = np.where(an > 0, dout, 0)
        da, dgamma, dbeta = spatial_batchnorm_backward(dan, bn_cache)
        dx, dw, db = conv_backward_naive(da, conv_cache)
        return dx, dw, db, dgamma, dbeta

    return conv_bn_relu_forward, conv_bn_relu_backward
