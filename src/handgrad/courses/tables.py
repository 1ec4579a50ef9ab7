"""What each course's modules hold: the only place where the courses are told apart.

A shelf is a group of names with our objects for them. `MODULES` says which shelves stand in which module,
including those that a course's module takes over from others with ``import *``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad import layers
from handgrad.courses import (
    data_utils,
    gradient_check,
    im2col,
    image_utils,
    nets,
    neural_net,
    vis_utils,
)
from handgrad.courses.adapters import backward, forward, loss, probability_to_drop, probability_to_keep
from handgrad.courses.layer_tests import layer_tests
from handgrad.courses.optim import UCLA_KEYS, rules
from handgrad.courses.solver import Solver

Shelf = dict[str, Any]

STANFORD_RULES = ("sgd", "sgd_momentum", "rmsprop", "adam")
UCLA_RULES = (*STANFORD_RULES, "sgd_nesterov_momentum")
# The courses put batch norm's arguments before conv_param.
BN_FIRST = ("x", "w", "b", "gamma", "beta", "conv_param", "bn_param")


@dataclass(frozen=True)
class Course:
    """What is particular to one course.

    Attributes
    ----------
    name : str
    modules : dict
        Module name to the names of its shelves.
    drop : callable
        From the course's p of dropout to the probability to drop.
    rules : tuple of str
        The update rules it has.
    keys : mapping
        Its own names for an update rule's state.
    two_layer_net, old_net : type
        Its TwoLayerNet of the file fc_net, and the older one with `train` and `predict`.
    """

    name: str
    modules: Mapping[str, tuple[str, ...]]
    drop: Callable[[float], float] = probability_to_drop
    rules: tuple[str, ...] = STANFORD_RULES
    keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    two_layer_net: type = nets.TwoLayerNet
    old_net: type = neural_net.TwoLayerNet

    @property
    def roots(self) -> list[str]:
        """The top-level names."""
        return sorted({module.partition(".")[0] for module in self.modules})

    def shelves(self) -> dict[str, Shelf]:
        """Return every shelf with this course's objects."""
        optim = rules(self.rules, self.keys)
        fc_net = {
            "TwoLayerNet": nets.named("TwoLayerNet", self.two_layer_net),
            "FullyConnectedNet": nets.named(
                "FullyConnectedNet", nets.FullyConnectedNet, drop=staticmethod(self.drop)
            ),
        }
        basic = _basic_layers(self.drop)
        sandwiches = _sandwiches()
        return {
            "layers": basic,
            "naive": _naive(),
            "conv_layers": _pair("spatial_batchnorm") | _pair("spatial_groupnorm"),
            "fast_layers": _fast(),
            "layer_utils": {n: f for n, f in sandwiches.items() if n.startswith("affine")},
            "conv_layer_utils": {n: f for n, f in sandwiches.items() if n.startswith("conv")},
            "im2col": _public(im2col, "get_im2col_indices", "im2col_indices", "col2im_indices"),
            "optim": optim,
            "solver": {"Solver": nets.named("Solver", Solver, rules=optim)},
            "gradient_check": _functions(gradient_check),
            "data_utils": _functions(data_utils),
            "vis_utils": _functions(vis_utils),
            "image_utils": _functions(image_utils)
            | _public(image_utils, "SQUEEZENET_MEAN", "SQUEEZENET_STD"),
            "cnn": {"ThreeLayerConvNet": nets.named("ThreeLayerConvNet", nets.ThreeLayerConvNet)},
            "fc_net": fc_net,
            "neural_net": {"TwoLayerNet": nets.named("TwoLayerNet", self.old_net)},
            "layer_tests": layer_tests(basic | sandwiches | fc_net),
        }

    def module(self, name: str, shelves: Mapping[str, Shelf]) -> Shelf:
        """Return the names of a module; NumPy is among them, which course code leaves in its modules."""
        names: Shelf = {"np": np}
        for shelf in self.modules[name]:
            names |= shelves[shelf]
        return names


def _pair(name: str, suffix: str = "", *, ours: str = "", tier: str | None = None, **settings: Any) -> Shelf:
    """Return ``{name}_forward{suffix}`` and its backward, made of the layer `ours`."""
    ours = ours or name
    return {
        f"{name}_forward{suffix}": forward(getattr(layers, f"{ours}_forward"), tier=tier, **settings),
        f"{name}_backward{suffix}": backward(getattr(layers, f"{ours}_backward"), tier=tier),
    }


def _basic_layers(drop: Callable[[float], float]) -> Shelf:
    shelf = _pair("dropout", drop=drop)
    for name in ("affine", "relu", "batchnorm", "layernorm"):
        shelf |= _pair(name)
    shelf["batchnorm_backward_alt"] = shelf["batchnorm_backward"]
    return shelf | {name: loss(getattr(layers, name)) for name in ("svm_loss", "softmax_loss")}


def _naive() -> Shelf:
    return _pair("conv", "_naive", tier="reference") | _pair("max_pool", "_naive", tier="reference")


def _fast() -> Shelf:
    """Every fast way of the courses is the best tier: there is no choice to make between them."""
    shelf: Shelf = {}
    for name, ways in (("conv", ("fast", "im2col", "strides")), ("max_pool", ("fast", "reshape", "im2col"))):
        for way in ways:
            shelf |= _pair(name, f"_{way}")
    return shelf


def _sandwiches() -> Shelf:
    shelf: Shelf = {}
    for name in ("affine_relu", "affine_bn_relu", "conv_relu", "conv_relu_pool"):
        shelf |= _pair(name)
    shelf |= _pair("conv_bn_relu", order=BN_FIRST)
    shelf |= _pair("conv_bn_relu_pool", order=(*BN_FIRST, "pool_param"))
    longer = {n.replace("_bn_", "_batchnorm_"): f for n, f in shelf.items() if "_bn_" in n}
    return shelf | longer


def _functions(module: Any) -> Shelf:
    return {
        name: value
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__ and name[0] != "_"
    }


def _public(module: Any, *names: str) -> Shelf:
    return {name: getattr(module, name) for name in names}


_TOOLS = ("data_utils", "gradient_check", "solver", "vis_utils", "im2col")
_ALL_LAYERS = ("layers", "naive", "conv_layers")
_SANDWICHES = ("layer_utils", "conv_layer_utils")


def _tools(root: str) -> dict[str, tuple[str, ...]]:
    return {root: (), f"{root}.fast_layers": ("im2col", "fast_layers")} | {
        f"{root}.{tool}": (tool,) for tool in _TOOLS
    }


def _assignments(root: str) -> dict[str, tuple[str, ...]]:
    """Return the modules of the form that Stanford's and Utah's courses share."""
    fc_net = (*_ALL_LAYERS, "fast_layers", *_SANDWICHES, "fc_net")
    return _tools(root) | {
        f"{root}.layers": _ALL_LAYERS,
        f"{root}.layer_utils": (*_ALL_LAYERS, "fast_layers", *_SANDWICHES),
        f"{root}.optim": ("optim",),
        f"{root}.classifiers": ("cnn", "fc_net"),
        f"{root}.classifiers.cnn": (*_ALL_LAYERS, "fast_layers", *_SANDWICHES, "cnn"),
        f"{root}.classifiers.fc_net": fc_net,
    }


_STANFORD = _assignments("cs231n") | {
    "cs231n.image_utils": ("image_utils",),
    "cs231n.classifiers.neural_net": ("neural_net",),
}
_UTAH = _assignments("cs6353") | {
    "cs6353.classifiers.convnet": (*_ALL_LAYERS, "fast_layers", *_SANDWICHES, "cnn")
}
_UCLA_NETS = (*_ALL_LAYERS, "fast_layers", *_SANDWICHES)
_UCLA = (
    _tools("utils")
    | _tools("cs231n")
    | {
        "nndl": (*_UCLA_NETS, "optim", "cnn", "fc_net", "layer_tests"),
        "nndl.layers": ("layers",),
        "nndl.layer_utils": ("layers", "layer_utils"),
        "nndl.conv_layers": _ALL_LAYERS,
        "nndl.conv_layer_utils": ("layers", "fast_layers", *_SANDWICHES),
        "nndl.cnn": (*_UCLA_NETS, "cnn"),
        "nndl.fc_net": ("layers", "layer_utils", "fc_net"),
        "nndl.optim": ("optim",),
        "nndl.layer_tests": ("layers", "layer_utils", "fc_net", "gradient_check", "layer_tests"),
        "nndl.neural_net": ("neural_net",),
    }
)

COURSES: dict[str, Course] = {
    course.name: course
    for course in (
        Course(
            "ucla", _UCLA, rules=UCLA_RULES, keys=UCLA_KEYS,
            two_layer_net=nets.TwoLayerNetOfUCLA, old_net=neural_net.TwoLayerNetOfUCLA,
        ),
        Course("stanford", _STANFORD, drop=probability_to_keep),
        Course("stanford-2017", _STANFORD),
        Course("utah", _UTAH),
    )
}  # fmt: skip
"""Every course by its name. ``stanford`` is the course since 2018, ``stanford-2017`` that of years before."""
