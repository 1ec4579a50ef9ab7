"""Sandwiches in one pass, where the tier in use has one and no layer of it is replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from handgrad import backend
from handgrad.layers import params
from handgrad.layers.activation import relu_forward
from handgrad.layers.caches import ConvCache, ConvReluPoolCache, keep
from handgrad.layers.checks import check_gradient
from handgrad.layers.conv import checked, conv_forward, output_sides
from handgrad.layers.overrides import replaced
from handgrad.layers.pool import max_pool_forward

CONV_RELU_POOL = ("conv", "relu", "max_pool")


class Kept(NamedTuple):
    """What a block keeps: the shape of its output, how its windows slide, and what the tier keeps."""

    shape: tuple[int, ...]
    how: Any
    kept: Any
    pool_param: Mapping[str, Any]


class OnePassCache(ConvReluPoolCache):
    """The cache of a block. It holds that of the convolution, and None in the places of relu and pool.

    The convolution's output was never stored, so unpacking ``conv, relu, pool = cache`` computes it once
    more, with the tier that made the cache.
    """

    def __iter__(self) -> Iterator[Any]:
        """Yield the caches of the three steps."""
        with backend.use_backend(self.tier):
            out, conv = conv_forward(*self.conv)
            out, relu = relu_forward(out)
            _, pool = max_pool_forward(out, self.kept.pool_param)
        return iter((conv, relu, pool))

    def __getitem__(self, place: Any) -> Any:
        """Return the cache of a step."""
        return tuple(self)[place]


def conv_relu_pool_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    conv_param: Mapping[str, Any],
    pool_param: Mapping[str, Any],
) -> tuple[np.ndarray, OnePassCache] | None:
    """Return what `sandwich.conv_relu_pool_forward` returns, or None where it goes step by step."""
    ops = backend.ops()
    block = ops.BLOCKS.get(CONV_RELU_POOL)
    if block is None or _any_replaced(CONV_RELU_POOL):
        return None
    x, w, b = checked(x, w, b)
    stride, pad = params.conv(conv_param)
    window, pool_stride = params.pool(pool_param)
    sides = output_sides(x.shape, w.shape[2:], stride, pad)
    sides = output_sides((len(x), len(w), *sides), window, pool_stride)
    how = (stride, pad, window, pool_stride)
    shape = (len(x), len(w), *sides)
    made = block.forward(x, w, b, *how, shape)
    if made is None:
        return None
    out, kept = made
    conv = keep(ConvCache, ops, None, x, w, b, conv_param)
    return out, keep(OnePassCache, ops, Kept(shape, how, kept, pool_param), conv, None, None)


def conv_relu_pool_backward(dout: np.ndarray, cache: OnePassCache, need_dx: bool) -> tuple[Any, ...]:
    """Return dx (None without `need_dx`), dw, db."""
    x, w, _, _ = cache.conv
    shape, how, kept, _ = cache.kept
    dout = check_gradient(dout, shape, x.dtype)
    return cache.ops.BLOCKS[CONV_RELU_POOL].backward(dout, x, w, *how, kept, need_dx)


def takes(cache: Any) -> bool:
    """Return whether `cache` comes from a block, and its backward may be computed in one pass too."""
    return isinstance(cache, OnePassCache) and not _any_replaced(CONV_RELU_POOL)


def _any_replaced(layers: tuple[str, ...]) -> bool:
    return replaced(*(f"{layer}_{way}" for layer in layers for way in ("forward", "backward")))
