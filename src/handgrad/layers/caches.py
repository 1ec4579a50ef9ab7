"""What forward leaves for backward.

Each cache is a named tuple that unpacks as the courses' caches do (``x, w, b, conv_param = cache``) and
remembers the tier that made it, so that backward is computed by the same tier as forward even when the
backend was switched in between.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from handgrad import backend


class Cache:
    """The memory beside the fields: `tier` made the cache, `kept` is what it kept for its backward."""

    tier: str
    kept: Any

    @property
    def ops(self) -> ModuleType:
        """The tier that computes the backward pass: the one that made the cache."""
        return backend.tier(self.tier)


class AffineCache(namedtuple("AffineCache", "x w b"), Cache):
    """x (N, d1, ..., dk), w (D, M), b (M,)."""


class ActivationCache(namedtuple("ActivationCache", "x"), Cache):
    """x of any shape: relu, gelu and all activations without a setting."""


class AlphaCache(namedtuple("AlphaCache", "x alpha"), Cache):
    """x of any shape and alpha: leaky_relu, prelu, elu."""


class MaxoutCache(namedtuple("MaxoutCache", "x pieces"), Cache):
    """x (N, M * pieces, ...) and the number of pieces."""


class ConvCache(namedtuple("ConvCache", "x w b conv_param"), Cache):
    """x (N, C, H, W), w (F, C, HH, WW), b (F,)."""


class PoolCache(namedtuple("PoolCache", "x pool_param"), Cache):
    """x (N, C, H, W)."""


class NormCache(namedtuple("NormCache", "x gamma"), Cache):
    """x and its scale gamma; batch, layer and group norm keep their statistics beside it."""


class DropoutCache(namedtuple("DropoutCache", "dropout_param mask"), Cache):
    """The settings and the mask, which already holds the factor 1 / (1 - p); None at test time."""


class AffineReluCache(namedtuple("AffineReluCache", "affine relu"), Cache):
    """The caches of the two steps."""


class AffineBnReluCache(namedtuple("AffineBnReluCache", "affine bn relu"), Cache):
    """The caches of the three steps."""


class ConvReluCache(namedtuple("ConvReluCache", "conv relu"), Cache):
    """The caches of the two steps."""


class ConvBnCache(namedtuple("ConvBnCache", "conv bn"), Cache):
    """The caches of the two steps."""


class ConvPoolCache(namedtuple("ConvPoolCache", "conv pool"), Cache):
    """The caches of the two steps."""


class ConvBnReluCache(namedtuple("ConvBnReluCache", "conv bn relu"), Cache):
    """The caches of the three steps."""


class ConvReluPoolCache(namedtuple("ConvReluPoolCache", "conv relu pool"), Cache):
    """The caches of the three steps."""


class ConvBnReluPoolCache(namedtuple("ConvBnReluPoolCache", "conv bn relu pool"), Cache):
    """The caches of the four steps."""


Kind = TypeVar("Kind", bound=Cache)


def keep(kind: type[Kind], ops: ModuleType, kept: Any, *fields: Any) -> Kind:
    """Return a cache of `kind` with these fields, made by the tier `ops`."""
    cache = kind(*fields)
    cache.tier, cache.kept = ops.NAME, kept
    return cache


def recall(kind: type[Kind], cache: Any, forward: Callable[..., tuple[Any, Kind]] | None = None) -> Kind:
    """Return `cache` when it is of `kind`.

    A plain tuple as the courses' forwards leave it (or their bare `x`) holds the arguments of `forward`;
    then that runs again for what is missing, so that a learner's own forward goes with our backward.

    Raises
    ------
    TypeError
        When it is the cache of another layer or nothing of the kind.
    """
    if isinstance(cache, kind):
        return cache
    fields = kind._fields  # type: ignore[attr-defined]
    if forward is not None:
        if type(cache) is tuple and len(cache) == len(fields):
            return forward(*cache)[1]
        if len(fields) == 1 and isinstance(cache, np.ndarray):
            return forward(cache)[1]
    raise TypeError(f"cache must be a {kind.__name__} ({', '.join(fields)}), got {type(cache).__name__}")
