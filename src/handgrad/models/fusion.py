"""Neighbouring layers that have a sandwich become one step."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad import layers
from handgrad.models.steps import Chain, Layer, Residual, Step

# What a layer is called in the name of a sandwich.
_PIECES = {
    "conv": "conv",
    "affine": "affine",
    "batchnorm": "bn",
    "spatial_batchnorm": "bn",
    "relu": "relu",
    "max_pool": "pool",
}
_LONGEST = 4


def fused(steps: Sequence[Step]) -> Chain:
    """Return the steps with the longest sandwiches from left to right, in residual blocks too.

    ``conv, bn, relu, pool`` become the step ``conv_bn_relu_pool``: its arguments are theirs in a row.
    """
    found: list[Step] = []
    rest = list(steps)
    while rest:
        step, used = _sandwich(rest)
        found.append(step)
        del rest[:used]
    return Chain(found)


def _sandwich(steps: Sequence[Step]) -> tuple[Step, int]:
    """Return the longest sandwich at the beginning, or the first step, and how many steps it is made of."""
    for length in range(min(_LONGEST, len(steps)), 1, -1):
        parts = [step for step in steps[:length] if isinstance(step, Layer)]
        function = "_".join(_PIECES.get(part.function, "?") for part in parts)
        if len(parts) == length and f"{function}_forward" in layers.__all__:
            return _joined(function, parts), length
    first = steps[0]
    if isinstance(first, Residual):
        main, shortcut = fused(first.main.steps), fused(first.shortcut.steps)
        return Residual(first.name, first.text, main, shortcut, first.inputs, first.outputs), 1
    return first, 1


def _joined(function: str, parts: Sequence[Layer]) -> Layer:
    return Layer(
        name="-".join(part.name for part in parts),
        text=" - ".join(part.text for part in parts),
        function=function,
        arguments=tuple(argument for part in parts for argument in part.arguments),
        inputs=parts[0].inputs,
        outputs=parts[-1].outputs,
        parts=tuple(parts),
    )
