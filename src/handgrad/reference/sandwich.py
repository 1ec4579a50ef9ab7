"""Sandwiches: layers that courses often use together, composed of the others."""

from __future__ import annotations

import numpy as np

from .activation import relu_backward_naive, relu_forward_naive
from .affine import affine_backward_naive, affine_forward_naive
from .conv import conv_backward_naive, conv_forward_naive
from .norm import (
    batchnorm_backward_naive,
    batchnorm_forward_naive,
    spatial_batchnorm_backward_naive,
    spatial_batchnorm_forward_naive,
)
from .pool import max_pool_backward_naive, max_pool_forward_naive


def affine_relu_forward_naive(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Apply affine, then relu; cache (affine_cache, relu_cache)."""
    a, affine_cache = affine_forward_naive(x, w, b)
    out, relu_cache = relu_forward_naive(a)
    return out, (affine_cache, relu_cache)


def affine_relu_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Return dx, dw, db."""
    affine_cache, relu_cache = cache
    da = relu_backward_naive(dout, relu_cache)
    return affine_backward_naive(da, affine_cache)


def affine_bn_relu_forward_naive(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: dict
) -> tuple[np.ndarray, tuple]:
    """Apply affine, batchnorm, then relu; cache (affine_cache, bn_cache, relu_cache)."""
    a, affine_cache = affine_forward_naive(x, w, b)
    a_bn, bn_cache = batchnorm_forward_naive(a, gamma, beta, bn_param)
    out, relu_cache = relu_forward_naive(a_bn)
    return out, (affine_cache, bn_cache, relu_cache)


def affine_bn_relu_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Return dx, dw, db, dgamma, dbeta."""
    affine_cache, bn_cache, relu_cache = cache
    da_bn = relu_backward_naive(dout, relu_cache)
    da, dgamma, dbeta = batchnorm_backward_naive(da_bn, bn_cache)
    dx, dw, db = affine_backward_naive(da, affine_cache)
    return dx, dw, db, dgamma, dbeta


def conv_relu_forward_naive(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: dict
) -> tuple[np.ndarray, tuple]:
    """Apply conv, then relu; cache (conv_cache, relu_cache)."""
    a, conv_cache = conv_forward_naive(x, w, b, conv_param)
    out, relu_cache = relu_forward_naive(a)
    return out, (conv_cache, relu_cache)


def conv_relu_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Return dx, dw, db."""
    conv_cache, relu_cache = cache
    da = relu_backward_naive(dout, relu_cache)
    return conv_backward_naive(da, conv_cache)


def conv_bn_forward_naive(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    conv_param: dict,
    gamma: np.ndarray,
    beta: np.ndarray,
    bn_param: dict,
) -> tuple[np.ndarray, tuple]:
    """Apply conv, then spatial_batchnorm; cache (conv_cache, bn_cache)."""
    a, conv_cache = conv_forward_naive(x, w, b, conv_param)
    out, bn_cache = spatial_batchnorm_forward_naive(a, gamma, beta, bn_param)
    return out, (conv_cache, bn_cache)


def conv_bn_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Return dx, dw, db, dgamma, dbeta."""
    conv_cache, bn_cache = cache
    da, dgamma, dbeta = spatial_batchnorm_backward_naive(dout, bn_cache)
    dx, dw, db = conv_backward_naive(da, conv_cache)
    return dx, dw, db, dgamma, dbeta


def conv_bn_relu_forward_naive(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    conv_param: dict,
    gamma: np.ndarray,
    beta: np.ndarray,
    bn_param: dict,
) -> tuple[np.ndarray, tuple]:
    """Apply conv, spatial_batchnorm, then relu; cache (conv_cache, bn_cache, relu_cache)."""
    a, conv_cache = conv_forward_naive(x, w, b, conv_param)
    a_bn, bn_cache = spatial_batchnorm_forward_naive(a, gamma, beta, bn_param)
    out, relu_cache = relu_forward_naive(a_bn)
    return out, (conv_cache, bn_cache, relu_cache)


def conv_bn_relu_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Return dx, dw, db, dgamma, dbeta."""
    conv_cache, bn_cache, relu_cache = cache
    da_bn = relu_backward_naive(dout, relu_cache)
    da, dgamma, dbeta = spatial_batchnorm_backward_naive(da_bn, bn_cache)
    dx, dw, db = conv_backward_naive(da, conv_cache)
    return dx, dw, db, dgamma, dbeta


def conv_pool_forward_naive(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: dict, pool_param: dict
) -> tuple[np.ndarray, tuple]:
    """Apply conv, then max_pool; cache (conv_cache, pool_cache)."""
    a, conv_cache = conv_forward_naive(x, w, b, conv_param)
    out, pool_cache = max_pool_forward_naive(a, pool_param)
    return out, (conv_cache, pool_cache)


def conv_pool_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Return dx, dw, db."""
    conv_cache, pool_cache = cache
    da = max_pool_backward_naive(dout, pool_cache)
    return conv_backward_naive(da, conv_cache)


def conv_relu_pool_forward_naive(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: dict, pool_param: dict
) -> tuple[np.ndarray, tuple]:
    """Apply conv, relu, then max_pool; cache (conv_cache, relu_cache, pool_cache)."""
    a, conv_cache = conv_forward_naive(x, w, b, conv_param)
    s, relu_cache = relu_forward_naive(a)
    out, pool_cache = max_pool_forward_naive(s, pool_param)
    return out, (conv_cache, relu_cache, pool_cache)


def conv_relu_pool_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Return dx, dw, db."""
    conv_cache, relu_cache, pool_cache = cache
    ds = max_pool_backward_naive(dout, pool_cache)
    da = relu_backward_naive(ds, relu_cache)
    return conv_backward_naive(da, conv_cache)


def conv_bn_relu_pool_forward_naive(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    conv_param: dict,
    gamma: np.ndarray,
    beta: np.ndarray,
    bn_param: dict,
    pool_param: dict,
) -> tuple[np.ndarray, tuple]:
    """Apply conv, spatial_batchnorm, relu, then max_pool; cache (conv, bn, relu, pool caches)."""
    a, conv_cache = conv_forward_naive(x, w, b, conv_param)
    a_bn, bn_cache = spatial_batchnorm_forward_naive(a, gamma, beta, bn_param)
    s, relu_cache = relu_forward_naive(a_bn)
    out, pool_cache = max_pool_forward_naive(s, pool_param)
    return out, (conv_cache, bn_cache, relu_cache, pool_cache)


def conv_bn_relu_pool_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Return dx, dw, db, dgamma, dbeta."""
    conv_cache, bn_cache, relu_cache, pool_cache = cache
    ds = max_pool_backward_naive(dout, pool_cache)
    da_bn = relu_backward_naive(ds, relu_cache)
    da, dgamma, dbeta = spatial_batchnorm_backward_naive(da_bn, bn_cache)
    dx, dw, db = conv_backward_naive(da, conv_cache)
    return dx, dw, db, dgamma, dbeta
