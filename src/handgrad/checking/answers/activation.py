"""Mistakes of activations, from the derivative that each has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .activation_channels import MAXOUT, PRELU
from .mutation import Mutation

Curve = Callable[[np.ndarray, float], np.ndarray]


def _sigmoid(x: np.ndarray, alpha: float = 0.0) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _tanh(x: np.ndarray, alpha: float = 0.0) -> np.ndarray:
    return np.tanh(x)


def _density(x: np.ndarray) -> np.ndarray:
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def _distribution(x: np.ndarray) -> np.ndarray:
    from math import erf

    return 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2)))


def _out(mistake: str, curve: Curve, words: str) -> Mutation:
    return Mutation(mistake, "out", lambda a, _: curve(a["x"], a.get("alpha", 0.0)), words)


def _dx(mistake: str, slope: Curve, words: str) -> Mutation:
    """Return a mistake whose dx is dout times a wrong slope."""
    return Mutation(mistake, "dx", lambda a, d: d * slope(a["x"], a.get("alpha", 0.0)), words)


def _bare(mistake: str, value: Curve, words: str) -> Mutation:
    return Mutation(mistake, "dx", lambda a, d: value(a["x"], a.get("alpha", 0.0)), words)


def _of_dout(mistake: str, value: Callable[[np.ndarray, Any], np.ndarray], words: str) -> Mutation:
    return Mutation(mistake, "dx", lambda a, d: value(d, a.get("alpha", 0.0)), words)


def _smooth(slope: Curve, curve: Curve) -> list[Mutation]:
    """Return mistakes that every activation can have whose slope at its output is another than at x."""
    words = "the slope is taken at the output, not at x"
    return [*_common(slope, curve), _dx("derivative-wrong", lambda x, k: slope(curve(x, k), k), words)]


def _common(slope: Curve, curve: Curve) -> list[Mutation]:
    """Return mistakes that every activation can have."""
    return [
        _dx("mask-missing", lambda x, k: 1 + 0 * x, "dx = dout"),
        _bare("derivative-wrong", slope, "dx is the slope alone, without dout"),
        _dx("derivative-wrong", lambda x, k: slope(x, k) * x, "dx holds a factor x too much"),
        _dx("derivative-wrong", curve, "dx = dout times the output itself"),
    ]


def _relu_slope(x: np.ndarray, alpha: float = 0.0) -> np.ndarray:
    return (x > 0) * 1.0


def _relu(x: np.ndarray, alpha: float = 0.0) -> np.ndarray:
    return np.maximum(x, 0)


_RELU = [
    _out("mask-missing", lambda x, k: x, "out = x"),
    _out("mask-inverted", lambda x, k: np.minimum(x, 0), "negative numbers pass, positive ones are clipped"),
    _out("forward-wrong", lambda x, k: np.abs(x), "out = |x|"),
    _out("forward-wrong", lambda x, k: (x > 0) * 1.0, "out is the mask itself"),
    _out("forward-wrong", lambda x, k: x * np.maximum(x, 0), "what is positive comes out squared"),
    _dx("mask-missing", lambda x, k: np.sign(x), "dout changes its sign where x < 0, and should stop"),
    _of_dout("mask-of-dout", lambda d, k: np.abs(d), "dx = |dout|"),
    Mutation("sign", "dx", lambda a, d: np.abs(d) * (a["x"] > 0), "dout loses its sign"),
    _dx("mask-inverted", lambda x, k: (x < 0) * 1.0, "dout passes where x < 0"),
    _dx("mask-inverted", lambda x, k: (x <= 0) * 1.0, "dout passes where x <= 0"),
    _of_dout("mask-of-dout", lambda d, k: d * (d > 0), "dx = dout where dout > 0"),
    Mutation("mask-of-dout", "dx", lambda a, d: d * (d > 0) * (a["x"] > 0), "dout is clipped too"),
    Mutation("derivative-wrong", "dx", lambda a, d: np.maximum(a["x"], 0), "dx is the output, without dout"),
    *_common(_relu_slope, _relu),
]


def _leaky_slope(x: np.ndarray, alpha: float) -> np.ndarray:
    return np.where(x > 0, 1.0, alpha)


_LEAKY = [
    _out("slope-missing", _relu, "negative inputs give 0"),
    _out("mask-missing", lambda x, k: x, "out = x"),
    _out(
        "mask-inverted", lambda x, k: np.where(x > 0, k * x, x), "positive inputs are scaled, negative pass"
    ),
    _out("forward-wrong", lambda x, k: k * x, "every input is scaled"),
    _out("forward-wrong", lambda x, k: np.where(x > 0, x, -k * x), "negative inputs come out positive"),
    _dx("slope-missing", _relu_slope, "dout stops where x < 0"),
    _dx("mask-inverted", lambda x, k: np.where(x > 0, k, 1.0), "the two slopes are exchanged"),
    _of_dout("mask-of-dout", lambda d, k: np.where(d > 0, d, k * d), "the slope is chosen by dout"),
    _dx("derivative-wrong", lambda x, k: k + 0 * x, "the small slope is used everywhere"),
    _dx("sign", lambda x, k: np.where(x > 0, 1.0, -k), "the small slope has the wrong sign"),
    Mutation(
        "derivative-wrong",
        "dx",
        lambda a, d: np.where(a["x"] > 0, d, a["alpha"]),
        "below zero dx is the slope alone, without dout",
    ),
    Mutation(
        "derivative-wrong",
        "dx",
        lambda a, d: np.where(a["x"] > 0, d, a["alpha"] * a["x"]),
        "below zero dx is the output, not the slope times dout",
    ),
    *_common(_leaky_slope, lambda x, k: np.where(x > 0, x, k * x)),
]


def _elu(x: np.ndarray, alpha: float) -> np.ndarray:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _elu_slope(x: np.ndarray, alpha: float) -> np.ndarray:
    return np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0)))


_ELU = [
    _out("slope-missing", _relu, "negative inputs give 0"),
    _out("mask-missing", lambda x, k: x, "out = x"),
    _out("forward-wrong", lambda x, k: np.where(x > 0, x, k * np.exp(x)), "the - 1 of exp(x) - 1 is missing"),
    _out("forward-wrong", lambda x, k: np.where(x > 0, x, np.expm1(x)), "alpha is not used"),
    _dx("slope-missing", _relu_slope, "dout stops where x < 0"),
    _dx("slope-missing", lambda x, k: np.where(x > 0, 1.0, np.exp(x)), "alpha is not in the slope"),
    _dx("slope-missing", lambda x, k: np.where(x > 0, 1.0, k), "the slope below zero lacks exp(x)"),
    _dx("mask-inverted", lambda x, k: np.where(x > 0, k * np.exp(x), 1.0), "the two slopes are exchanged"),
    _of_dout(
        "mask-of-dout", lambda d, k: np.where(d > 0, d, k * np.exp(d) * d), "the slope is chosen by dout"
    ),
    _dx(
        "derivative-wrong",
        lambda x, k: np.where(x > 0, 1.0, k * np.expm1(x)),
        "below zero the output stands for the slope",
    ),
    _dx("derivative-wrong", lambda x, k: k * np.exp(x), "the exponential is used above zero as well"),
    _dx(
        "gradient-from-input-not-output",
        lambda x, k: np.where(x > 0, 1.0, x + k),
        "x + alpha stands for out + alpha",
    ),
    *_smooth(_elu_slope, _elu),
]


def _sigmoid_slope(x: np.ndarray, alpha: float = 0.0) -> np.ndarray:
    return _sigmoid(x) * (1 - _sigmoid(x))


_SIGMOID = [
    _out("forward-wrong", lambda x, k: _sigmoid(-x), "1 / (1 + exp(x))"),
    _out("forward-wrong", lambda x, k: np.exp(-x) / (1 + np.exp(-x)), "exp(-x) / (1 + exp(-x))"),
    _dx("gradient-from-input-not-output", lambda x, k: x * (1 - x), "dx = dout x (1 - x)"),
    _dx("derivative-wrong", lambda x, k: _sigmoid(x) * (1 + _sigmoid(x)), "1 + out stands for 1 - out"),
    _dx("derivative-wrong", lambda x, k: 1 - _sigmoid(x), "dx = dout (1 - out)"),
    _dx("derivative-wrong", lambda x, k: _sigmoid(x) ** 2, "dx = dout out^2"),
    _dx("derivative-wrong", lambda x, k: 1 - _sigmoid(x) ** 2, "dx = dout (1 - out^2), the slope of tanh"),
    _dx("gradient-from-input-not-output", lambda x, k: _sigmoid(x) * (1 - x), "1 - x stands for 1 - out"),
    _dx("sign", lambda x, k: -_sigmoid_slope(x), "dx = - dout out (1 - out)"),
    _dx("derivative-wrong", lambda x, k: _sigmoid_slope(_sigmoid(x)), "sigmoid is applied twice"),
    *_smooth(_sigmoid_slope, _sigmoid),
]


def _tanh_slope(x: np.ndarray, alpha: float = 0.0) -> np.ndarray:
    return 1 - np.tanh(x) ** 2


_TANH = [
    _out("forward-wrong", lambda x, k: np.tanh(2 * x), "tanh of 2 x"),
    _out("forward-wrong", lambda x, k: np.tanh(x / 2), "tanh of x / 2"),
    _dx("gradient-from-input-not-output", lambda x, k: 1 - x**2, "dx = dout (1 - x^2)"),
    _dx("derivative-wrong", lambda x, k: 1 - np.tanh(x), "dx = dout (1 - out): the square is missing"),
    _dx("derivative-wrong", lambda x, k: 1 + np.tanh(x) ** 2, "1 + out^2 stands for 1 - out^2"),
    _dx(
        "derivative-wrong",
        lambda x, k: np.tanh(x) * (1 - np.tanh(x)),
        "dx = dout out (1 - out), the slope of sigmoid",
    ),
    _dx("derivative-wrong", lambda x, k: _tanh_slope(np.tanh(x)), "tanh is applied twice"),
    *_smooth(_tanh_slope, _tanh),
]


def _gelu(x: np.ndarray, alpha: float = 0.0) -> np.ndarray:
    return x * _distribution(x)


def _gelu_by_tanh(x: np.ndarray, alpha: float = 0.0) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


_GELU = [
    _out("forward-wrong", lambda x, k: _distribution(x), "the factor x is missing"),
    _out("forward-wrong", _gelu_by_tanh, "it is the approximation by tanh, not x Phi(x) itself"),
    _out("forward-wrong", lambda x, k: x * _sigmoid(x), "x sigmoid(x), another activation"),
    _out("forward-wrong", lambda x, k: 2 * _gelu(x), "the 1/2 is missing"),
    _dx("derivative-wrong", lambda x, k: _distribution(x), "the term x phi(x) is missing"),
    _dx("derivative-wrong", lambda x, k: x * _density(x), "the term Phi(x) is missing"),
    _dx("derivative-wrong", lambda x, k: _distribution(x) + _density(x), "the x of x phi(x) is missing"),
    _dx("derivative-wrong", lambda x, k: _distribution(x) - x * _density(x), "x phi(x) has the wrong sign"),
    _dx(
        "derivative-wrong",
        lambda x, k: _distribution(x) + x * np.exp(-x * x / 2),
        "1 / sqrt(2 pi) is missing in phi",
    ),
    *_smooth(lambda x, k: _distribution(x) + x * _density(x), _gelu),
]


_SLOPES: dict[str, Curve] = {
    "relu": _relu_slope,
    "leaky relu": lambda x, k: _leaky_slope(x, k or 0.01),
    "elu": lambda x, k: _elu_slope(x, k or 1.0),
    "sigmoid": _sigmoid_slope,
    "tanh": _tanh_slope,
    "gelu": lambda x, k: _distribution(x) + x * _density(x),
}
_VALUES: dict[str, Curve] = {
    "relu": _relu,
    "leaky relu": lambda x, k: np.where(x > 0, x, (k or 0.01) * x),
    "elu": lambda x, k: _elu(x, k or 1.0),
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "gelu": _gelu,
    "softplus": lambda x, k: np.logaddexp(0, x),
    "swish": lambda x, k: x * _sigmoid(x),
    "softsign": lambda x, k: x / (1 + np.abs(x)),
    "relu6": lambda x, k: np.clip(x, 0, 6),
}


def _of_others(layer: str) -> list[Mutation]:
    """Return another activation's output, and its slope."""
    own = layer.replace("_", " ")
    outs = [_out("forward-wrong", f, f"{name} comes out") for name, f in _VALUES.items() if name != own]
    slopes = [
        _dx("derivative-wrong", f, f"the slope is that of {name}")
        for name, f in _SLOPES.items()
        if name != own
    ]
    return [*outs, *slopes]


MUTATIONS = {
    "relu": _RELU,
    "leaky_relu": _LEAKY,
    "elu": _ELU,
    "sigmoid": _SIGMOID,
    "tanh": _TANH,
    "gelu": _GELU,
    "prelu": PRELU,
    "maxout": MAXOUT,
}
for _layer in ("relu", "leaky_relu", "elu", "sigmoid", "tanh", "gelu"):
    MUTATIONS[_layer] = [*MUTATIONS[_layer], *_of_others(_layer)]
