"""From the nodes of a text to steps: shapes, parameters and their names."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.layers.conv import output_sides
from handgrad.models.notation import LayerNode, Node, Residual, Spec, SpecError, unrolled
from handgrad.models.notation.errors import Place
from handgrad.models.steps import Chain, Layer, Scale, Shape, Step
from handgrad.models.steps import Residual as ResidualStep

HIDDEN_UNITS = 100  # of an affine layer without a number that is not the last: the courses' hidden_dim
GROUPS = 32  # of group norm without a number, as far as they divide the channels: the paper's


@dataclass(frozen=True)
class Parameter:
    """A parameter's shape, and how it begins: 'weights', or the number that fills it."""

    shape: Shape
    begin: str | float


@dataclass
class Plan:
    """A network as it will be computed, layer by layer, without numbers yet.

    Attributes
    ----------
    chain : Chain
        Every layer a step of its own; `handgrad.models.fusion.fused` joins neighbours.
    parameters : dict
        In the order of the layers.
    bn_params, dropout_params : list of dict
        Settings that the steps share with the network, which sets their mode.
    """

    chain: Chain
    parameters: dict[str, Parameter] = field(default_factory=dict)
    bn_params: list[dict[str, Any]] = field(default_factory=list)
    dropout_params: list[dict[str, Any]] = field(default_factory=list)


def plan(spec: Spec, image: tuple[int, int, int], num_classes: int) -> Plan:
    """Return how to compute a network.

    Parameters
    ----------
    spec : Spec
    image : (C, H, W)
        Shape of its input.
    num_classes : int
        K: units of the last affine layer where it has no number, and scores that the loss wants.

    Raises
    ------
    SpecError
        A ValueError that names a layer that does not fit, and its column.
    """
    planner = _Planner(num_classes, _count_affine(spec.items))
    steps, shape = planner.chain(spec.items, image)
    if shape != (num_classes,):
        raise SpecError(
            f"spec must give {spec.loss} a score for each of {num_classes} classes at column "
            f"{spec.place.column}, got {_words(shape)}; an affine layer before it gives them",
            spec.place,
        )
    found = planner.plan
    found.chain = Chain(steps)
    if not any(name.startswith("W") for name in found.parameters):
        raise SpecError("spec must have at least one conv or affine layer, got none", spec.place)
    return found


class _Planner:
    """Turns nodes into steps, and notes down what parameters they need."""

    def __init__(self, num_classes: int, affine_layers: int) -> None:
        self.plan = Plan(Chain([]))
        self._num_classes = num_classes
        self._affine_left = affine_layers
        self._counts: Counter[str] = Counter()

    def chain(self, items: Iterable[Node], shape: Shape) -> tuple[list[Step], Shape]:
        steps: list[Step] = []
        for node in unrolled(tuple(items)):
            step = self._residual(node, shape) if isinstance(node, Residual) else self._layer(node, shape)
            steps.append(step)
            shape = step.outputs
        return steps, shape

    def _layer(self, node: LayerNode, shape: Shape) -> Step:
        return getattr(self, f"_{node.kind}")(node, shape)

    def _conv(self, node: LayerNode, shape: Shape) -> Step:
        s = node.settings
        image = _image(node, shape)
        sides = _sides(node, image, s["size"], s["stride"], s["pad"])
        weights = self._weights((s["filters"], image[0], *s["size"]), s["bias"], s["filters"])
        conv_param = {"stride": s["stride"], "pad": s["pad"]}
        name = f"conv{self._counts['W']}"
        return Layer(name, str(node), "conv", (*weights, conv_param), shape, (s["filters"], *sides))

    def _affine(self, node: LayerNode, shape: Shape) -> Step:
        self._affine_left -= 1
        default = HIDDEN_UNITS if self._affine_left else self._num_classes
        units = node.settings["units"] or default
        weights = self._weights((math.prod(shape), units), node.settings["bias"], units)
        return Layer(f"affine{self._counts['W']}", str(node), "affine", weights, shape, (units,))

    def _weights(self, shape: Shape, bias: bool, units: int) -> tuple[Any, ...]:
        """Return weights and bias as arguments; a bias that is left out is a row of zeros."""
        self._counts["W"] += 1
        number = self._counts["W"]
        w = self._parameter(f"W{number}", shape, "weights")
        return w, self._parameter(f"b{number}", (units,), 0.0) if bias else np.zeros(units, np.int8)

    def _parameter(self, name: str, shape: Shape, begin: str | float) -> str:
        self.plan.parameters[name] = Parameter(shape, begin)
        return name

    def _norm(self, features: int, gamma: bool = True) -> tuple[Any, ...]:
        """Return gamma and beta as arguments; a gamma that is left out is a row of ones."""
        self._counts["norm"] += 1
        number, shape = self._counts["norm"], (features,)
        scale = self._parameter(f"gamma{number}", shape, 1.0) if gamma else np.ones(features, np.int8)
        return scale, self._parameter(f"beta{number}", shape, 0.0)

    def _bn(self, node: LayerNode, shape: Shape) -> Step:
        s = node.settings
        bn_param = {"mode": "train", "momentum": s["momentum"], "eps": s["eps"]}
        self.plan.bn_params.append(bn_param)
        arguments = (*self._norm(shape[0], s["gamma"]), bn_param)
        function = "spatial_batchnorm" if len(shape) == 3 else "batchnorm"
        return Layer(f"bn{self._counts['norm']}", str(node), function, arguments, shape, shape)

    def _ln(self, node: LayerNode, shape: Shape) -> Step:
        scale, eps = self._norm(shape[0]), {"eps": node.settings["eps"]}
        name = f"ln{self._counts['norm']}"
        if len(shape) == 3:  # over all of an image, with a scale for each channel: one group
            return Layer(name, str(node), "spatial_groupnorm", (*scale, 1, eps), shape, shape)
        return Layer(name, str(node), "layernorm", (*scale, eps), shape, shape)

    def _gn(self, node: LayerNode, shape: Shape) -> Step:
        channels = _image(node, shape)[0]
        groups = node.settings["groups"] or math.gcd(GROUPS, channels)
        if channels % groups:
            raise _misfit(node, f"{groups} groups do not divide {channels} channels")
        arguments = (*self._norm(channels), groups, {"eps": node.settings["eps"]})
        return Layer(f"gn{self._counts['norm']}", str(node), "spatial_groupnorm", arguments, shape, shape)

    def _dropout(self, node: LayerNode, shape: Shape) -> Step:
        dropout_param = {"p": node.settings["p"], "mode": "train"}
        self.plan.dropout_params.append(dropout_param)
        return self._plain(node, "dropout", shape, shape, dropout_param)

    def _pool(self, node: LayerNode, shape: Shape, function: str = "max_pool") -> Step:
        (height, width), stride = node.settings["size"], node.settings["stride"]
        image = _image(node, shape)
        sides = _sides(node, image, (height, width), stride)
        pool_param = {"pool_height": height, "pool_width": width, "stride": stride}
        return self._plain(node, function, shape, (image[0], *sides), pool_param)

    def _avgpool(self, node: LayerNode, shape: Shape) -> Step:
        return self._pool(node, shape, "avg_pool")

    def _globalpool(self, node: LayerNode, shape: Shape) -> Step:
        return self._plain(node, "global_avg_pool", shape, _image(node, shape)[:1])

    def _relu(self, node: LayerNode, shape: Shape) -> Step:
        return self._plain(node, node.kind, shape, shape)

    _gelu = _sigmoid = _tanh = _relu

    def _leaky_relu(self, node: LayerNode, shape: Shape) -> Step:
        return self._plain(node, node.kind, shape, shape, node.settings["alpha"])

    _elu = _leaky_relu

    def _prelu(self, node: LayerNode, shape: Shape) -> Step:
        self._counts["alpha"] += 1
        slopes = 1 if node.settings["shared"] else shape[0]
        alpha = self._parameter(f"alpha{self._counts['alpha']}", (slopes,), 0.25)  # He et al. begin with it
        return Layer(f"prelu{self._counts['alpha']}", str(node), "prelu", (alpha,), shape, shape)

    def _maxout(self, node: LayerNode, shape: Shape) -> Step:
        pieces = node.settings["pieces"]
        if shape[0] % pieces:
            raise _misfit(node, f"its {pieces} pieces do not divide {_words(shape)}")
        return self._plain(node, "maxout", shape, (shape[0] // pieces, *shape[1:]), pieces)

    def _scale(self, node: LayerNode, shape: Shape) -> Step:
        self._counts["scale"] += 1
        return Scale(f"scale{self._counts['scale']}", str(node), node.settings["factor"], shape)

    def _plain(self, node: LayerNode, function: str, inputs: Shape, outputs: Shape, *settings: Any) -> Layer:
        """Return a layer without parameters."""
        self._counts[node.kind] += 1
        name = f"{node.kind}{self._counts[node.kind]}"
        return Layer(name, str(node), function, settings, inputs, outputs)

    def _residual(self, node: Residual, shape: Shape) -> Step:
        main, outputs = self.chain(node.main, shape)
        items = node.shortcut
        if items is None:
            items = _projection(node, shape, outputs)
            self._affine_left += _count_affine(items)  # the text does not hold it
        shortcut, also = self.chain(items, shape)
        if also != outputs:
            raise _misfit(node, f"its two ways end with {_words(outputs)} and {_words(also)}")
        self._counts["res"] += 1
        name = f"res{self._counts['res']}"
        return ResidualStep(name, str(node), Chain(main), Chain(shortcut), shape, outputs)


def _projection(node: Residual, inputs: Shape, outputs: Shape) -> tuple[Node, ...]:
    """Return the shortcut where none is written: nothing, or a projection where the shape changes."""
    if inputs == outputs:
        return ()
    if len(outputs) == 1:
        return (LayerNode("affine", {"units": outputs[0], "bias": True}, node.place),)
    if len(inputs) == 3:
        strides = [_stride(inputs[axis], outputs[axis]) for axis in (1, 2)]
        if None not in strides:
            settings = {"size": (1, 1), "filters": outputs[0], "stride": tuple(strides)}
            return (LayerNode("conv", settings | {"pad": (0, 0), "bias": True}, node.place),)
    raise _misfit(
        node,
        f"no projection leads from {_words(inputs)} to {_words(outputs)}; "
        "write the shortcut behind '|', as in res(... | ...)",
    )


def _stride(length: int, wanted: int) -> int | None:
    """Return the smallest stride at which a window of one pixel has the wanted number of places."""
    return next((s for s in range(1, length + 1) if (length - 1) // s + 1 == wanted), None)


def _image(node: LayerNode, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise _misfit(node, f"it needs images (C, H, W), but gets {_words(shape)}")
    return shape


def _sides(
    node: LayerNode,
    shape: Shape,
    window: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int] = (0, 0),
) -> tuple[int, int]:
    try:
        return output_sides((1, *shape), window, stride, pad)
    except ValueError as error:
        raise _misfit(node, str(error)) from None


def _misfit(node: LayerNode | Residual, why: str) -> SpecError:
    place: Place = node.place
    text = str(node) if isinstance(node, LayerNode) else "res"
    return SpecError(f"spec cannot have {text} at column {place.column}: {why}", place)


def _words(shape: Shape) -> str:
    if len(shape) == 1:
        return f"{shape[0]} number{'s' if shape[0] > 1 else ''}"
    return f"{shape[0]} channels of {shape[1]}x{shape[2]}"


def _count_affine(items: tuple[Node, ...]) -> int:
    count = 0
    for node in unrolled(items):
        if isinstance(node, Residual):
            count += _count_affine(node.main) + _count_affine(node.shortcut or ())
        else:
            count += node.kind == "affine"
    return count
