"""Affine layers, worked out."""

from __future__ import annotations

from ..edits.variants import Worked
from ._np import Arrays, np


def _forward(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> Arrays:
    N = x.shape[0]
    "from here on"
    rows = x.reshape(N, -1)
    product = rows @ w
    out = product + b[None, :]
    return {"out": out}


def _backward(dout: np.ndarray, x: np.ndarray, w: np.ndarray, b: np.ndarray) -> Arrays:
    N = x.shape[0]
    "from here on"
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(N, -1).T @ dout
    db = np.sum(dout, axis=0)
    return {"dx": dx, "dw": dw, "db": db}


_ROLES = (
    ("call", "db", "sum", "factor-n"),
    ("axis|dropped call", "db", "*", "bias-wrong-axes"),
    ("*", "db", "*", "bias-wrong-axes"),
    ("new axis", "out", "b", "bias-wrong-axes"),
    ("term", "out", "b[[]*", "bias-missing"),
    ("*", "out", "b*", "bias-wrong-axes"),
    ("order", "*", "*", "reshape-order"),
    ("transpose", "*", "*", "transpose-missing"),
    ("sign", "*", "*", "sign"),
)
SOLUTIONS = tuple(Worked(one, (), {}, _ROLES) for one in (_forward, _backward))
