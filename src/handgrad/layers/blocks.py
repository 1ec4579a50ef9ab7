"""Sandwiches in one pass, where the tier in use has one and no layer of it is replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple

import numpy as np

from handgrad import backend
from handgrad.layers import params
from handgrad.layers.activation import relu_forward
from handgrad.layers.caches import (
    Cache,
    ConvBnCache,
    ConvBnReluCache,
    ConvBnReluPoolCache,
    ConvCache,
    ConvPoolCache,
    ConvReluPoolCache,
    keep,
)
from handgrad.layers.checks import check_gradient, float_arrays
from handgrad.layers.conv import checked, conv_forward, output_sides
from handgrad.layers.norm import check_scale, spatial_batchnorm_forward
from handgrad.layers.overrides import replaced
from handgrad.layers.pool import max_pool_forward

CONV_POOL = ("conv", "max_pool")
CONV_RELU_POOL = ("conv", "relu", "max_pool")
CONV_BN = ("conv", "spatial_batchnorm")
CONV_BN_RELU = (*CONV_BN, "relu")
CONV_BN_RELU_POOL = (*CONV_BN_RELU, "max_pool")


class Norm(NamedTuple):
    """Batch norm's arguments."""

    gamma: np.ndarray
    beta: np.ndarray
    bn_param: MutableMapping[str, Any]


class Kept(NamedTuple):
    """What a block keeps: its layers, its output's shape, what the tier keeps, and further arguments."""

    layers: tuple[str, ...]
    shape: tuple[int, ...]
    kept: Any
    norm: Norm | None
    pool_param: Mapping[str, Any] | None


class OnePassCache(Cache):
    """The cache of a block. It holds that of the convolution, and None in the places of the other steps.

    The convolution's output was never stored, so unpacking ``conv, relu, pool = cache`` computes it once
    more, with the tier that made the cache.
    """

    conv: ConvCache

    def __iter__(self) -> Iterator[Any]:
        """Yield the caches of the steps."""
        _, _, _, norm, pool_param = self.kept
        with backend.use_backend(self.tier):
            out, conv = conv_forward(*self.conv)
            caches: list[Any] = [conv]
            if norm is not None:
                out, bn = spatial_batchnorm_forward(out, norm.gamma, norm.beta, dict(norm.bn_param))
                caches.append(bn)
            if "relu" in self.kept.layers:
                out, relu = relu_forward(out)
                caches.append(relu)
            if pool_param is not None:
                caches.append(max_pool_forward(out, pool_param)[1])
        return iter(caches)

    def __getitem__(self, place: Any) -> Any:
        """Return the cache of a step."""
        return tuple(self)[place]


class ConvPoolInOne(OnePassCache, ConvPoolCache):
    """Of convolution, max-pool."""


class ConvReluPoolInOne(OnePassCache, ConvReluPoolCache):
    """Of convolution, relu, max-pool."""


class ConvBnInOne(OnePassCache, ConvBnCache):
    """Of convolution, batch norm."""


class ConvBnReluInOne(OnePassCache, ConvBnReluCache):
    """Of convolution, batch norm, relu."""


class ConvBnReluPoolInOne(OnePassCache, ConvBnReluPoolCache):
    """Of convolution, batch norm, relu, max-pool."""


POOLED: dict[tuple[str, ...], type[OnePassCache]] = {
    CONV_POOL: ConvPoolInOne,
    CONV_RELU_POOL: ConvReluPoolInOne,
}
"""Runs of layers that begin with a convolution and end with a pool, no norm between, and their caches."""

NORMED: dict[tuple[str, ...], type[OnePassCache]] = {
    CONV_BN: ConvBnInOne,
    CONV_BN_RELU: ConvBnReluInOne,
    CONV_BN_RELU_POOL: ConvBnReluPoolInOne,
}
"""Runs of layers that begin with a convolution and batch norm, and their caches."""


def conv_pool_forward(
    layers: tuple[str, ...],
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    conv_param: Mapping[str, Any],
    pool_param: Mapping[str, Any],
) -> tuple[np.ndarray, Any] | None:
    """Return what the sandwich of these layers, one of `POOLED`, returns, or None where steps are taken."""
    ops, block = _block(layers)
    if block is None:
        return None
    x, w, b = checked(x, w, b)
    conv, pool, shape = _slide(x, w, conv_param, pool_param)
    made = block.forward(x, w, b, conv, pool, shape)
    if made is None:
        return None
    kept = Kept(layers, shape, made[1], None, pool_param)
    cache = keep(ConvCache, ops, None, x, w, b, conv_param)
    steps = (cache, *[None] * (len(layers) - 1))
    return made[0], keep(POOLED[layers], ops, kept, *steps)


def conv_pool_backward(dout: np.ndarray, cache: Any, need_dx: bool) -> tuple[Any, ...]:
    """Return dx (None without `need_dx`), dw, db."""
    x, w, _, conv_param = cache.conv
    conv, pool, shape = _slide(x, w, conv_param, cache.kept.pool_param)
    dout = check_gradient(dout, shape, x.dtype)
    return cache.ops.BLOCKS[cache.kept.layers].backward(dout, x, w, conv, pool, cache.kept.kept, need_dx)


def conv_bn_forward(
    layers: tuple[str, ...],
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    conv_param: Mapping[str, Any],
    norm: tuple[np.ndarray, np.ndarray, MutableMapping[str, Any]],
    pool_param: Mapping[str, Any] | None = None,
) -> tuple[np.ndarray, Any] | None:
    """Return what the sandwich of these layers, one of `NORMED`, returns, or None where it goes step by step.

    `norm` is gamma, beta, bn_param.
    """
    ops, block = _block(layers)
    if block is None:
        return None
    x, w, b = checked(x, w, b)
    conv, pool, shape = _slide(x, w, conv_param, pool_param)
    gamma, beta = float_arrays(x=x, gamma=norm[0], beta=norm[1])[1:]
    check_scale(gamma, beta, len(w))
    bn_param = norm[2]
    settings = params.batchnorm(bn_param, len(w), x.dtype)
    made = block.forward(x, w, b, (gamma, beta), settings, conv, pool, shape)
    if made is None:
        return None
    out, running_mean, running_var, kept = made
    before = Norm(gamma, beta, dict(bn_param))
    if settings.mode == "train":
        bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
    cache = keep(ConvCache, ops, None, x, w, b, conv_param)
    steps = (cache, *[None] * (len(layers) - 1))
    return out, keep(NORMED[layers], ops, Kept(layers, shape, kept, before, pool_param), *steps)


def conv_bn_backward(dout: np.ndarray, cache: Any, need_dx: bool) -> tuple[Any, ...]:
    """Return dx (None without `need_dx`), dw, db, dgamma, dbeta."""
    x, w, b, conv_param = cache.conv
    conv, pool, shape = _slide(x, w, conv_param, cache.kept.pool_param)
    dout = check_gradient(dout, shape, x.dtype)
    block = cache.ops.BLOCKS[cache.kept.layers]
    gamma = cache.kept.norm.gamma
    return block.backward(dout, x, w, b, gamma, conv, pool, cache.kept.kept, need_dx)


def takes(cache: Any, need_dx: bool) -> bool:
    """Return whether `cache` comes from a block, and its backward may be computed in one pass too."""
    if not isinstance(cache, OnePassCache) or _any_replaced(cache.kept.layers):
        return False
    return not need_dx or cache.ops.BLOCKS[cache.kept.layers].gives_dx(cache.kept.kept)


def _block(layers: tuple[str, ...]) -> tuple[Any, Any]:
    """Return the tier in use, and what computes these layers in one; None where nothing may."""
    ops = backend.ops()
    return ops, None if _any_replaced(layers) else ops.BLOCKS.get(layers)


def _slide(
    x: np.ndarray, w: np.ndarray, conv_param: Mapping[str, Any], pool_param: Mapping[str, Any] | None
) -> tuple[params.ConvParam, params.PoolParam | None, tuple[int, ...]]:
    """Return how the windows of convolution and pool slide, and the shape of what comes out."""
    conv = params.conv(conv_param)
    shape: tuple[int, ...] = (len(x), len(w), *output_sides(x.shape, w.shape[2:], *conv))
    if pool_param is None:
        return conv, None, shape
    pool = params.pool(pool_param)
    return conv, pool, (*shape[:2], *output_sides(shape, *pool))


def _any_replaced(layers: tuple[str, ...]) -> bool:
    return replaced(*(f"{layer}_{way}" for layer in layers for way in ("forward", "backward")))
