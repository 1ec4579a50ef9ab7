"""Sandwiches: the usual runs of layers as one call, with one cache."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np

from handgrad.layers import blocks
from handgrad.layers.activation import relu_backward, relu_forward
from handgrad.layers.affine import affine_backward, affine_forward
from handgrad.layers.caches import (
    AffineBnReluCache,
    AffineReluCache,
    ConvBnCache,
    ConvBnReluCache,
    ConvBnReluPoolCache,
    ConvPoolCache,
    ConvReluCache,
    ConvReluPoolCache,
)
from handgrad.layers.conv import conv_backward, conv_forward
from handgrad.layers.norm import (
    batchnorm_backward,
    batchnorm_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
)
from handgrad.layers.pool import max_pool_backward, max_pool_forward


def affine_relu_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, AffineReluCache]:
    """Affine, then relu.

    Parameters
    ----------
    x : ndarray (N, d1, ..., dk)
    w : ndarray (D, M)
    b : ndarray (M,)

    Returns
    -------
    out : ndarray (N, M)
    cache : AffineReluCache
    """
    out, affine = affine_forward(x, w, b)
    out, relu = relu_forward(out)
    return out, AffineReluCache(affine, relu)


def affine_relu_backward(dout: np.ndarray, cache: Any, *, need_dx: bool = True) -> tuple[Any, ...]:
    """Backward pass of `affine_relu_forward`: dx (None without `need_dx`), dw, db."""
    affine, relu = cache
    dout = relu_backward(dout, relu)
    return affine_backward(dout, affine, need_dx=need_dx)


def affine_bn_relu_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    bn_param: MutableMapping[str, Any],
) -> tuple[np.ndarray, AffineBnReluCache]:
    """Affine, batch norm, relu.

    Parameters
    ----------
    x : ndarray (N, d1, ..., dk)
    w : ndarray (D, M)
    b, gamma, beta : ndarray (M,)
    bn_param : dict
        As for `batchnorm_forward`; gets its running statistics back.

    Returns
    -------
    out : ndarray (N, M)
    cache : AffineBnReluCache
    """
    out, affine = affine_forward(x, w, b)
    out, bn = batchnorm_forward(out, gamma, beta, bn_param)
    out, relu = relu_forward(out)
    return out, AffineBnReluCache(affine, bn, relu)


def affine_bn_relu_backward(dout: np.ndarray, cache: Any, *, need_dx: bool = True) -> tuple[Any, ...]:
    """Backward pass of `affine_bn_relu_forward`: dx (None without `need_dx`), dw, db, dgamma, dbeta."""
    affine, bn, relu = cache
    dout = relu_backward(dout, relu)
    dout, dgamma, dbeta = batchnorm_backward(dout, bn)
    return *affine_backward(dout, affine, need_dx=need_dx), dgamma, dbeta


def conv_relu_forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: Mapping[str, Any]
) -> tuple[np.ndarray, ConvReluCache]:
    """Convolution, then relu.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
    w : ndarray (F, C, HH, WW)
    b : ndarray (F,)
    conv_param : dict
        As for `conv_forward`.

    Returns
    -------
    out : ndarray (N, F, H', W')
    cache : ConvReluCache
    """
    out, conv = conv_forward(x, w, b, conv_param)
    out, relu = relu_forward(out)
    return out, ConvReluCache(conv, relu)


def conv_relu_backward(dout: np.ndarray, cache: Any, *, need_dx: bool = True) -> tuple[Any, ...]:
    """Backward pass of `conv_relu_forward`: dx (None without `need_dx`), dw, db."""
    conv, relu = cache
    dout = relu_backward(dout, relu)
    return conv_backward(dout, conv, need_dx=need_dx)


def conv_bn_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    conv_param: Mapping[str, Any],
    gamma: np.ndarray,
    beta: np.ndarray,
    bn_param: MutableMapping[str, Any],
) -> tuple[np.ndarray, ConvBnCache]:
    """Convolution, spatial batch norm: arguments and out as those of `conv_bn_relu_forward`, without relu."""
    in_one = blocks.conv_bn_forward(blocks.CONV_BN, x, w, b, conv_param, (gamma, beta, bn_param))
    if in_one is not None:
        return in_one
    out, conv = conv_forward(x, w, b, conv_param)
    out, bn = spatial_batchnorm_forward(out, gamma, beta, bn_param)
    return out, ConvBnCache(conv, bn)


def conv_bn_backward(dout: np.ndarray, cache: Any, *, need_dx: bool = True) -> tuple[Any, ...]:
    """Backward pass of `conv_bn_forward`: dx (None without `need_dx`), dw, db, dgamma, dbeta."""
    if blocks.takes(cache, need_dx):
        return blocks.conv_bn_backward(dout, cache, need_dx)
    conv, bn = cache
    dout, dgamma, dbeta = spatial_batchnorm_backward(dout, bn)
    return *conv_backward(dout, conv, need_dx=need_dx), dgamma, dbeta


def conv_bn_relu_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    conv_param: Mapping[str, Any],
    gamma: np.ndarray,
    beta: np.ndarray,
    bn_param: MutableMapping[str, Any],
) -> tuple[np.ndarray, ConvBnReluCache]:
    """Convolution, spatial batch norm, relu.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
    w : ndarray (F, C, HH, WW)
    b, gamma, beta : ndarray (F,)
    conv_param : dict
        As for `conv_forward`.
    bn_param : dict
        As for `spatial_batchnorm_forward`; gets its running statistics back.

    Returns
    -------
    out : ndarray (N, F, H', W')
    cache : ConvBnReluCache
    """
    in_one = blocks.conv_bn_forward(blocks.CONV_BN_RELU, x, w, b, conv_param, (gamma, beta, bn_param))
    if in_one is not None:
        return in_one
    out, conv = conv_forward(x, w, b, conv_param)
    out, bn = spatial_batchnorm_forward(out, gamma, beta, bn_param)
    out, relu = relu_forward(out)
    return out, ConvBnReluCache(conv, bn, relu)


def conv_bn_relu_backward(dout: np.ndarray, cache: Any, *, need_dx: bool = True) -> tuple[Any, ...]:
    """Backward pass of `conv_bn_relu_forward`: dx (None without `need_dx`), dw, db, dgamma, dbeta."""
    if blocks.takes(cache, need_dx):
        return blocks.conv_bn_backward(dout, cache, need_dx)
    conv, bn, relu = cache
    dout = relu_backward(dout, relu)
    dout, dgamma, dbeta = spatial_batchnorm_backward(dout, bn)
    return *conv_backward(dout, conv, need_dx=need_dx), dgamma, dbeta


def conv_pool_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    conv_param: Mapping[str, Any],
    pool_param: Mapping[str, Any],
) -> tuple[np.ndarray, ConvPoolCache]:
    """Convolution, max-pool: arguments and out as those of `conv_relu_pool_forward`, without relu."""
    in_one = blocks.conv_pool_forward(blocks.CONV_POOL, x, w, b, conv_param, pool_param)
    if in_one is not None:
        return in_one
    out, conv = conv_forward(x, w, b, conv_param)
    out, pool = max_pool_forward(out, pool_param)
    return out, ConvPoolCache(conv, pool)


def conv_pool_backward(dout: np.ndarray, cache: Any, *, need_dx: bool = True) -> tuple[Any, ...]:
    """Backward pass of `conv_pool_forward`: dx (None without `need_dx`), dw, db."""
    if blocks.takes(cache, need_dx):
        return blocks.conv_pool_backward(dout, cache, need_dx)
    conv, pool = cache
    return conv_backward(max_pool_backward(dout, pool), conv, need_dx=need_dx)


def conv_relu_pool_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    conv_param: Mapping[str, Any],
    pool_param: Mapping[str, Any],
) -> tuple[np.ndarray, ConvReluPoolCache]:
    """Convolution, relu, max-pool.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
    w : ndarray (F, C, HH, WW)
    b : ndarray (F,)
    conv_param : dict
        As for `conv_forward`.
    pool_param : dict
        As for `max_pool_forward`.

    Returns
    -------
    out : ndarray (N, F, H'', W'')
    cache : ConvReluPoolCache
        Where the tier computes the three in one pass, the output of the convolution is nowhere stored, and
        the cache makes those of relu and pool when it is unpacked.
    """
    in_one = blocks.conv_pool_forward(blocks.CONV_RELU_POOL, x, w, b, conv_param, pool_param)
    if in_one is not None:
        return in_one
    out, conv = conv_forward(x, w, b, conv_param)
    out, relu = relu_forward(out)
    out, pool = max_pool_forward(out, pool_param)
    return out, ConvReluPoolCache(conv, relu, pool)


def conv_relu_pool_backward(dout: np.ndarray, cache: Any, *, need_dx: bool = True) -> tuple[Any, ...]:
    """Backward pass of `conv_relu_pool_forward`: dx (None without `need_dx`), dw, db."""
    if blocks.takes(cache, need_dx):
        return blocks.conv_pool_backward(dout, cache, need_dx)
    conv, relu, pool = cache
    dout = max_pool_backward(dout, pool)
    dout = relu_backward(dout, relu)
    return conv_backward(dout, conv, need_dx=need_dx)


def conv_bn_relu_pool_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    conv_param: Mapping[str, Any],
    gamma: np.ndarray,
    beta: np.ndarray,
    bn_param: MutableMapping[str, Any],
    pool_param: Mapping[str, Any],
) -> tuple[np.ndarray, ConvBnReluPoolCache]:
    """Convolution, spatial batch norm, relu, max-pool.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
    w : ndarray (F, C, HH, WW)
    b, gamma, beta : ndarray (F,)
    conv_param : dict
        As for `conv_forward`.
    bn_param : dict
        As for `spatial_batchnorm_forward`; gets its running statistics back.
    pool_param : dict
        As for `max_pool_forward`.

    Returns
    -------
    out : ndarray (N, F, H'', W'')
    cache : ConvBnReluPoolCache
    """
    in_one = blocks.conv_bn_forward(
        blocks.CONV_BN_RELU_POOL, x, w, b, conv_param, (gamma, beta, bn_param), pool_param
    )
    if in_one is not None:
        return in_one
    out, conv = conv_forward(x, w, b, conv_param)
    out, bn = spatial_batchnorm_forward(out, gamma, beta, bn_param)
    out, relu = relu_forward(out)
    out, pool = max_pool_forward(out, pool_param)
    return out, ConvBnReluPoolCache(conv, bn, relu, pool)


def conv_bn_relu_pool_backward(dout: np.ndarray, cache: Any, *, need_dx: bool = True) -> tuple[Any, ...]:
    """Backward pass of `conv_bn_relu_pool_forward`: dx (None without `need_dx`), dw, db, dgamma, dbeta."""
    if blocks.takes(cache, need_dx):
        return blocks.conv_bn_backward(dout, cache, need_dx)
    conv, bn, relu, pool = cache
    dout = max_pool_backward(dout, pool)
    dout = relu_backward(dout, relu)
    dout, dgamma, dbeta = spatial_batchnorm_backward(dout, bn)
    return *conv_backward(dout, conv, need_dx=need_dx), dgamma, dbeta
