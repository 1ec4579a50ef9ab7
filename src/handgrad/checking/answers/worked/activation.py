# ruff: noqa: F841 - what a solution does not use, an edit of it may
"""Activations, worked out."""

from __future__ import annotations

from math import erf

from ..edits.variants import Solution, Worked
from ._np import Arrays, np


def _erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(erf, otypes=[float])(x)


def _relu(x: np.ndarray) -> Arrays:
    out = np.maximum(x, 0)
    return {"out": out}


def _relu_backward(dout: np.ndarray, x: np.ndarray) -> Arrays:
    out = np.maximum(x, 0)
    "from here on"
    mask = x > 0
    dx = dout * mask
    return {"dx": dx}


def _leaky(x: np.ndarray, alpha: float) -> Arrays:
    out = np.where(x > 0, x, alpha * x)
    return {"out": out}


def _leaky_maximum(x: np.ndarray, alpha: float) -> Arrays:
    out = np.maximum(x, 0) + alpha * np.minimum(x, 0)
    return {"out": out}


def _leaky_backward(dout: np.ndarray, x: np.ndarray, alpha: float) -> Arrays:
    out = np.where(x > 0, x, alpha * x)
    "from here on"
    dx = np.where(x > 0, dout, alpha * dout)
    return {"dx": dx}


def _elu(x: np.ndarray, alpha: float) -> Arrays:
    out = np.where(x > 0, x, alpha * (np.exp(x) - 1))
    return {"out": out}


def _elu_backward(dout: np.ndarray, x: np.ndarray, alpha: float) -> Arrays:
    out = np.where(x > 0, x, alpha * (np.exp(x) - 1))
    "from here on"
    dx = np.where(x > 0, dout, dout * alpha * np.exp(x))
    return {"dx": dx}


def _elu_backward_of_out(dout: np.ndarray, x: np.ndarray, alpha: float) -> Arrays:
    out = np.where(x > 0, x, alpha * (np.exp(x) - 1))
    "from here on"
    dx = dout * np.where(x > 0, 1, out + alpha)
    return {"dx": dx}


def _sigmoid(x: np.ndarray) -> Arrays:
    out = 1 / (1 + np.exp(-x))
    return {"out": out}


def _sigmoid_backward(dout: np.ndarray, x: np.ndarray) -> Arrays:
    out = 1 / (1 + np.exp(-x))
    "from here on"
    dx = dout * out * (1 - out)
    return {"dx": dx}


def _sigmoid_backward_of_x(dout: np.ndarray, x: np.ndarray) -> Arrays:
    out = 1 / (1 + np.exp(-x))
    "from here on"
    dx = dout * np.exp(-x) / (1 + np.exp(-x)) ** 2
    return {"dx": dx}


def _tanh(x: np.ndarray) -> Arrays:
    out = (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))
    return {"out": out}


def _tanh_of_sigmoid(x: np.ndarray) -> Arrays:
    out = 2 / (1 + np.exp(-2 * x)) - 1
    return {"out": out}


def _tanh_backward(dout: np.ndarray, x: np.ndarray) -> Arrays:
    out = np.tanh(x)
    "from here on"
    dx = dout * (1 - out**2)
    return {"dx": dx}


def _gelu(x: np.ndarray) -> Arrays:
    out = 0.5 * x * (1 + _erf(x / np.sqrt(2)))
    return {"out": out}


def _gelu_backward(dout: np.ndarray, x: np.ndarray) -> Arrays:
    out = 0.5 * x * (1 + _erf(x / np.sqrt(2)))
    "from here on"
    cdf = 0.5 * (1 + _erf(x / np.sqrt(2)))
    pdf = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    dx = dout * (cdf + x * pdf)
    return {"dx": dx}


def _prelu(x: np.ndarray, alpha: np.ndarray) -> Arrays:
    slope = alpha.reshape(-1, *(1 for _ in x.shape[2:]))
    "from here on"
    out = np.where(x > 0, x, slope * x)
    return {"out": out}


def _prelu_backward(dout: np.ndarray, x: np.ndarray, alpha: np.ndarray) -> Arrays:
    slope = alpha.reshape(-1, *(1 for _ in x.shape[2:]))
    axes = tuple(k for k in range(x.ndim) if k != 1)
    "from here on"
    dx = np.where(x > 0, dout, slope * dout)
    dalpha = np.sum(dout * np.where(x > 0, 0, x), axis=axes)
    return {"dx": dx, "dalpha": dalpha}


def _maxout(x: np.ndarray, pieces: int) -> Arrays:
    N, C = x.shape[:2]
    "from here on"
    groups = x.reshape(N, C // pieces, pieces, *x.shape[2:])
    out = np.max(groups, axis=2)
    return {"out": out}


def _maxout_backward(dout: np.ndarray, x: np.ndarray, pieces: int) -> Arrays:
    N, C = x.shape[:2]
    "from here on"
    groups = x.reshape(N, C // pieces, pieces, *x.shape[2:])
    mask = groups == np.max(groups, axis=2, keepdims=True)
    dx = (mask * np.expand_dims(dout, 2)).reshape(x.shape)
    return {"dx": dx}


_GROUPS = (frozenset(("x", "out")), frozenset(("x", "dout")), frozenset(("cdf", "pdf")))
_ROLES = (
    ("name|exchange", "mask", "dout", "mask-of-dout"),
    ("name|exchange", "dx", "x|out", "gradient-from-input-not-output"),
    ("compare|exchange", "*", "*", "mask-inverted"),
    ("ignored|factor|branch|name", "out|dx", "alpha*|slope*", "slope-missing"),
    ("factor", "dx", "mask", "mask-missing"),
    ("call", "dalpha", "sum", "factor"),
    ("dropped call", "dalpha", "sum", "shape-wrong"),
    ("axis", "dalpha", "*", "bias-wrong-axes"),
    ("sign", "*", "*", "sign"),
    ("*", "out", "*", "forward-wrong"),
    ("*", "d*", "*", "derivative-wrong"),
    ("*", "cdf|pdf", "*", "derivative-wrong"),
)


def _all(*solutions: Solution) -> tuple[Worked, ...]:
    return tuple(Worked(one, _GROUPS, {}, _ROLES, {"alpha": (0.01, 1.0)}) for one in solutions)


SOLUTIONS = {
    "relu": _all(_relu, _relu_backward),
    "leaky_relu": _all(_leaky, _leaky_maximum, _leaky_backward),
    "elu": _all(_elu, _elu_backward, _elu_backward_of_out),
    "sigmoid": _all(_sigmoid, _sigmoid_backward, _sigmoid_backward_of_x),
    "tanh": _all(_tanh, _tanh_of_sigmoid, _tanh_backward),
    "gelu": _all(_gelu, _gelu_backward),
    "prelu": _all(_prelu, _prelu_backward),
    "maxout": _all(_maxout, _maxout_backward),
}
