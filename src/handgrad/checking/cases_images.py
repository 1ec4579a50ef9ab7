"""The calls of layers over images, and of sandwiches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .case import Args, Case, Maker, Shape, properties
from .cases_rows import affine_case, scale_args


def conv_case(
    m: Maker, x: Shape, w: Shape, stride: int, pad: int, extra: Callable[[int], Args] | None = None
) -> Case:
    """Return a convolution."""
    n, c, h, width = x
    sides = [(h + 2 * pad - w[2], width + 2 * pad - w[3])]
    names = {
        "nonsquare": h != width or w[2] != w[3],
        "N1": n == 1,
        "C!=F": c != w[0],
        "nondividing": any(side % stride for side in sides[0]),
        "pad": pad > 0,
        "no pad": pad == 0,
        "stride>1": stride > 1,
        "odd width": (width + 2 * pad) % 2 == 1,
        "odd height": (h + 2 * pad) % 2 == 1,
    }
    args: Args = {"x": m.array(*x), "w": m.array(*w), "b": m.array(w[0], shift=1.0)}
    args["conv_param"] = {"stride": stride, "pad": pad}
    return Case(args | (extra(w[0]) if extra else {}), properties(*(k for k, v in names.items() if v)))


_CONV = (
    ((2, 3, 5, 6), (4, 3, 3, 2), 1, 1),
    ((2, 3, 5, 6), (4, 3, 3, 2), 2, 1),
    ((2, 3, 5, 5), (2, 3, 3, 3), 1, 1),
    ((3, 2, 6, 7), (4, 2, 3, 2), 2, 0),
    ((2, 2, 5, 5), (2, 2, 3, 3), 2, 1),
    ((1, 2, 5, 5), (3, 2, 3, 3), 1, 1),
    ((2, 3, 6, 6), (3, 3, 3, 3), 2, 1),
    ((2, 2, 4, 4), (3, 2, 3, 3), 1, 2),
)


def conv(m: Maker) -> list[Case]:
    """Return the cases of conv."""
    return [conv_case(m, *numbers) for numbers in _CONV]


_POOL = (
    ((2, 3, 4, 6), 2, 2, 2),
    ((2, 2, 5, 7), 3, 2, 1),
    ((2, 3, 4, 4), 2, 2, 2),
    ((2, 3, 5, 5), 3, 3, 2),
    ((2, 3, 5, 6), 2, 3, 2),
    ((1, 3, 4, 4), 2, 2, 2),
    ((2, 2, 5, 5), 2, 2, 3),
    ((2, 2, 5, 5), 2, 2, 2),
)


def pool_case(x: np.ndarray, height: int, width: int, stride: int, **extra: Any) -> Case:
    """Return a pooling."""
    n, _, h, w = x.shape
    names = {
        "nonsquare": h != w or height != width,
        "N1": n == 1,
        "overlap": stride < max(height, width),
        "nondividing": bool((h - height) % stride or (w - width) % stride),
        "stride>1": stride > 1,
        "window!=stride": height == width != stride and not (h % height or w % width),
        "ties": not extra.get("smooth", True),
    }
    param = {"pool_height": height, "pool_width": width, "stride": stride}
    return Case({"x": x, "pool_param": param}, properties(*(k for k, v in names.items() if v)), **extra)


def avg_pool(m: Maker) -> list[Case]:
    """Return the cases of avg pool."""
    return [pool_case(m.array(*shape), *numbers) for shape, *numbers in _POOL]


def max_pool(m: Maker) -> list[Case]:
    """Return the cases of max pool."""
    tied = [pool_case(m.ties(*shape), *numbers, smooth=False) for shape, *numbers in _POOL[:2]]
    return [*avg_pool(m), *tied]


def global_avg_pool(m: Maker) -> list[Case]:
    """Return the cases of global avg pool."""
    square = properties("nonsquare")
    return [
        Case({"x": m.array(2, 3, 4, 5)}, square),
        Case({"x": m.array(3, 2, 3, 3)}),
        Case({"x": m.array(1, 2, 3, 3)}, properties("N1")),
    ]


def with_bn(m: Maker, features: int) -> Args:
    """Return the arguments of batch norm behind a layer."""
    return {**scale_args(m, features), "bn_param": {"mode": "train", "eps": 0.25, "momentum": 0.75}}


def affine_bn_relu(m: Maker) -> list[Case]:
    """Return the cases of affine bn relu."""
    cases = (affine_case(m, shape, columns) for shape, columns in (((5, 2, 3), 4), ((4, 5), 5)))
    return [Case(case.args | with_bn(m, case.args["b"].size), case.properties) for case in cases]


def conv_bn_relu(m: Maker) -> list[Case]:
    """Return the cases of conv bn relu."""
    return [conv_case(m, *numbers, extra=lambda f: with_bn(m, f)) for numbers in _CONV[:3]]


def _pool_param(height: int = 2, width: int = 2, stride: int = 2) -> Args:
    return {"pool_param": {"pool_height": height, "pool_width": width, "stride": stride}}


_POOLS = ((2, 2, 2), (2, 2, 1), (3, 2, 2))


def conv_relu_pool(m: Maker) -> list[Case]:
    """Return the cases of conv relu pool."""

    def pooled(pool: tuple[int, int, int]) -> Callable[[int], Args]:
        return lambda f: _pool_param(*pool)

    return [conv_case(m, *conv, extra=pooled(pool)) for conv, pool in zip(_CONV[:3], _POOLS, strict=True)]


def conv_bn_relu_pool(m: Maker) -> list[Case]:
    """Return the cases of conv bn relu pool."""

    def pooled(pool: tuple[int, int, int]) -> Callable[[int], Args]:
        return lambda f: with_bn(m, f) | _pool_param(*pool)

    return [conv_case(m, *conv, extra=pooled(pool)) for conv, pool in zip(_CONV[:3], _POOLS, strict=True)]


def conv_relu(m: Maker) -> list[Case]:
    """Return the cases of conv relu."""
    return [conv_case(m, *numbers) for numbers in _CONV[:4]]
