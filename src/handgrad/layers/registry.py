"""Every layer once: what it is called, its two passes, and calls to try it with.

The contract tests run over these rows, so a layer that is added here is gradient-checked, compared
between tiers and tried on every memory order without another line.

A row's `example` makes a call out of whole numbers that `pick(low, high)` chooses: Hypothesis in the
tests, which then shrinks a failing shape, or a random generator elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from handgrad import layers
from handgrad.layers.conv import output_sides

Pick = Callable[[int, int], int]
Shape = tuple[int, ...]


class Call(NamedTuple):
    """Shapes of the arrays, in the order of the gradients that backward returns, and the other arguments."""

    arrays: dict[str, Shape]
    settings: dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """A row of the registry.

    Attributes
    ----------
    name : str
        Its functions are ``{name}_forward`` and ``{name}_backward``, with the suffix ``_naive`` in the
        reference.
    example : callable
        ``example(pick) -> Call``.
    exact : bool
        Whether its decisions (signs, maxima) are made before anything was rounded when inputs are small
        multiples of 1/2, so that ties are ties in every tier.
    sensitivity : float
        How much it may enlarge the rounding of its input: 1 / sqrt(eps) of a norm.
    """

    name: str
    example: Callable[[Pick], Call]
    exact: bool = True
    sensitivity: float = 1.0
    forward: Callable[..., Any] = field(init=False)
    backward: Callable[..., Any] = field(init=False)

    def __post_init__(self) -> None:
        """Look the two passes up by the name."""
        object.__setattr__(self, "forward", getattr(layers, f"{self.name}_forward"))
        object.__setattr__(self, "backward", getattr(layers, f"{self.name}_backward"))

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Loss:
    """A loss: one function that returns the loss and the gradient of its first argument."""

    name: str
    example: Callable[[Pick], Call]
    function: Callable[..., Any] = field(init=False)

    def __post_init__(self) -> None:
        """Look the function up by the name."""
        object.__setattr__(self, "function", getattr(layers, self.name))

    def __str__(self) -> str:
        return self.name


EPS = 1e-3  # of the norms in the examples; the default 1e-5 only enlarges rounding
NORM = 1 / np.sqrt(EPS)


def _batch(pick: Pick) -> int:
    return pick(1, 3)


def _any_shape(pick: Pick) -> Shape:
    return (_batch(pick), *(pick(1, 4) for _ in range(pick(0, 3))))


def _features(pick: Pick) -> Shape:
    return _batch(pick), pick(1, 5)


def _images(pick: Pick) -> Shape:
    return _batch(pick), pick(1, 3), pick(1, 5), pick(1, 5)


def _elementwise(pick: Pick) -> Call:
    return Call({"x": _any_shape(pick)}, {})


def _with_alpha(pick: Pick) -> Call:
    return Call({"x": _any_shape(pick)}, {"alpha": pick(-2, 6) / 4})


def _prelu(pick: Pick) -> Call:
    shape = _images(pick)[: pick(2, 4)]
    return Call({"x": shape, "alpha": (shape[1] if pick(0, 1) else 1,)}, {})


def _maxout(pick: Pick) -> Call:
    n, m, *rest = _images(pick)[: pick(2, 4)]
    pieces = pick(1, 3)
    return Call({"x": (n, m * pieces, *rest)}, {"pieces": pieces})


def _affine(pick: Pick) -> Call:
    shape = _images(pick)[: pick(2, 4)]
    columns = pick(1, 4)
    return Call({"x": shape, "w": (int(np.prod(shape[1:])), columns), "b": (columns,)}, {})


def _conv(pick: Pick, extra: int = 0) -> Call:
    n, c, f = _batch(pick), pick(1, 3), pick(1, 3)
    window = pick(1, 3), pick(1, 3)
    stride, pad = (pick(1, 3), pick(1, 3)), (pick(0, 2), pick(0, 2))
    h, w = (max(1, window[a] + extra * stride[a] - 2 * pad[a]) + pick(0, 3) for a in (0, 1))
    return Call(
        {"x": (n, c, h, w), "w": (f, c, *window), "b": (f,)},
        {"conv_param": {"stride": stride, "pad": pad}},
    )


def _pool_param(pick: Pick, h: int, w: int) -> dict[str, Any]:
    return {
        "pool_height": pick(1, min(h, 3)),
        "pool_width": pick(1, min(w, 3)),
        "stride": (pick(1, 3), pick(1, 3)),
    }


def _pool(pick: Pick) -> Call:
    shape = _images(pick)
    return Call({"x": shape}, {"pool_param": _pool_param(pick, *shape[2:])})


def _bn_param(pick: Pick, features: int) -> dict[str, Any]:
    statistics = np.arange(1.0, features + 1)
    mode = ("train", "test")[pick(0, 1)]
    return {"mode": mode, "eps": EPS, "running_mean": statistics / 4, "running_var": statistics}


def _batchnorm(pick: Pick) -> Call:
    shape = _features(pick)
    scale = (shape[1],)
    return Call({"x": shape, "gamma": scale, "beta": scale}, {"bn_param": _bn_param(pick, shape[1])})


def _spatial_batchnorm(pick: Pick) -> Call:
    shape = _images(pick)
    scale = (shape[1],)
    return Call({"x": shape, "gamma": scale, "beta": scale}, {"bn_param": _bn_param(pick, shape[1])})


def _layernorm(pick: Pick) -> Call:
    shape = _features(pick)
    scale = (shape[1],)
    return Call({"x": shape, "gamma": scale, "beta": scale}, {"ln_param": {"eps": EPS}})


def _groupnorm(pick: Pick) -> Call:
    groups, per_group = pick(1, 2), pick(1, 3)
    n, _, h, w = _images(pick)
    channels = groups * per_group
    scale = (1, channels, 1, 1) if pick(0, 1) else (channels,)
    return Call(
        {"x": (n, channels, h, w), "gamma": scale, "beta": scale}, {"G": groups, "gn_param": {"eps": EPS}}
    )


def _dropout(pick: Pick) -> Call:
    mode = ("train", "test")[pick(0, 1)]
    return Call(
        {"x": _any_shape(pick)}, {"dropout_param": {"p": pick(0, 3) / 4, "mode": mode, "seed": pick(0, 99)}}
    )


def _add_bn(pick: Pick, call: Call, features: int) -> Call:
    scale = {"gamma": (features,), "beta": (features,)}
    return Call(call.arrays | scale, call.settings | {"bn_param": _bn_param(pick, features)})


def _add_pool(pick: Pick, call: Call) -> Call:
    param = call.settings["conv_param"]
    sides = output_sides(call.arrays["x"], call.arrays["w"][2:], param["stride"], param["pad"])
    return Call(call.arrays, call.settings | {"pool_param": _pool_param(pick, *sides)})


def _affine_bn(pick: Pick) -> Call:
    call = _affine(pick)
    return _add_bn(pick, call, call.arrays["w"][1])


def _conv_bn(pick: Pick) -> Call:
    call = _conv(pick)
    return _add_bn(pick, call, call.arrays["w"][0])


def _conv_pool(pick: Pick) -> Call:
    return _add_pool(pick, _conv(pick, extra=1))


def _conv_bn_pool(pick: Pick) -> Call:
    call = _conv_pool(pick)
    return _add_bn(pick, call, call.arrays["w"][0])


LAYERS = (
    Layer("affine", _affine),
    Layer("relu", _elementwise),
    Layer("leaky_relu", _with_alpha),
    Layer("prelu", _prelu),
    Layer("elu", _with_alpha),
    Layer("gelu", _elementwise),
    Layer("sigmoid", _elementwise),
    Layer("tanh", _elementwise),
    Layer("maxout", _maxout),
    Layer("conv", _conv),
    Layer("max_pool", _pool),
    Layer("avg_pool", _pool),
    Layer("global_avg_pool", lambda pick: Call({"x": _images(pick)}, {})),
    Layer("batchnorm", _batchnorm, sensitivity=NORM),
    Layer("spatial_batchnorm", _spatial_batchnorm, sensitivity=NORM),
    Layer("layernorm", _layernorm, sensitivity=NORM),
    Layer("spatial_groupnorm", _groupnorm, sensitivity=NORM),
    Layer("dropout", _dropout),
    Layer("affine_relu", _affine),
    Layer("affine_bn_relu", _affine_bn, exact=False, sensitivity=NORM),
    Layer("conv_relu", _conv),
    # The gradient of b is 0, a sum of terms of gamma / std; behind relu fewer of them are left.
    Layer("conv_bn", _conv_bn, exact=False, sensitivity=4 * NORM),
    Layer("conv_bn_relu", _conv_bn, exact=False, sensitivity=NORM),
    Layer("conv_pool", _conv_pool),
    Layer("conv_relu_pool", _conv_pool),
    Layer("conv_bn_relu_pool", _conv_bn_pool, exact=False, sensitivity=NORM),
)


def _scores(pick: Pick) -> Call:
    n, classes = _batch(pick), pick(1, 5)
    y = np.array([pick(0, classes - 1) for _ in range(n)])
    return Call({"scores": (n, classes)}, {"y": y})


def _smoothed(pick: Pick) -> Call:
    call = _scores(pick)
    if pick(0, 1):  # soft labels
        n, classes = call.arrays["scores"]
        weights = np.array([[pick(0, 3) + (k == 0) for k in range(classes)] for _ in range(n)])
        call.settings["y"] = weights / weights.sum(axis=1, keepdims=True)
    if pick(0, 1):  # samples that do not all count the same
        call.settings["weights"] = np.array([pick(0, 3) + (i == 0) for i in range(len(call.settings["y"]))])
    return Call(call.arrays, call.settings | {"label_smoothing": pick(0, 4) / 4})


LOSSES = (Loss("softmax_loss", _smoothed), Loss("svm_loss", _scores))
