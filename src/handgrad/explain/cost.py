"""What a training step computes and moves, counted from shapes.

FLOPs: two for each multiply-add of convolutions and affine layers in the direct algorithm, forward, for the
weights and, behind the first layer, for the input; one for each number that another layer reads or writes.
Moved: the numbers that each layer reads and writes by itself, forward and backward. Kernels that compute
several layers in one pass, and caches, save some of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from handgrad.models.steps import Layer, Residual, Step

# How often a training step reads or writes as many numbers as there are in (x, out).
_PASSES = {
    "norm": (5, 3),  # x twice forward, for moments and for out; dout and x twice backward
    "dropout": (4, 2),  # with its mask
    "pool": (2, 2),
    "scale": (2, 2),
    "res": (0, 6),  # two summands and their sum, forward and backward
    "pointwise": (3, 2),
}


def cost(step: Step, params: Mapping[str, np.ndarray], batch: int, need_dx: bool) -> tuple[float, float]:
    """Return FLOPs and bytes moved of a training step on a batch; of a residual block those of the additions.

    Parameters
    ----------
    step : Step
    params : dict of ndarray
    batch : int
    need_dx : bool
        Whether somebody reads its input gradient.
    """
    itemsize = next(iter(params.values())).itemsize
    flops = moved = 0.0
    for part in parts(step):
        product = isinstance(part, Layer) and part.function in ("conv", "affine")
        some = _product(part, params, batch, need_dx) if product else _other(part, params, batch)
        flops, moved = flops + some[0], moved + some[1]
        need_dx = True  # only the first part of a sandwich may go without
    return flops, moved * itemsize


def parts(step: Step) -> tuple[Step, ...]:
    """Return the layers of a sandwich, or the step itself."""
    return (step.parts or (step,)) if isinstance(step, Layer) else (step,)


def _product(step: Step, params: Mapping[str, np.ndarray], batch: int, need_dx: bool) -> tuple[float, float]:
    w = params[step.parameters[0]]
    x, out = math.prod(step.inputs), math.prod(step.outputs)
    pixels = math.prod(step.outputs[1:])  # at which each weight is used
    passes = 3 if need_dx else 2  # for out, for dw, and for dx; x, w and out take part in each
    numbers = batch * (passes * x + passes * out) + passes * w.size
    return 2 * passes * batch * pixels * w.size, numbers


def _other(step: Step, params: Mapping[str, np.ndarray], batch: int) -> tuple[float, float]:
    x, out = _PASSES[_family(step)]
    numbers = batch * (x * math.prod(step.inputs) + out * math.prod(step.outputs))
    return numbers, numbers + 3 * sum(params[name].size for name in step.parameters)


def _family(step: Step) -> str:
    if isinstance(step, Residual):
        return "res"
    if not isinstance(step, Layer):
        return "scale"
    return next((family for family in ("norm", "dropout", "pool") if family in step.function), "pointwise")
