"""Mistakes of affine layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..cases import Args
from .mutation import Mutation
from .sums import bias_mutations

Flatten = Callable[[np.ndarray], np.ndarray]


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)


def _columns_first(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1, order="F")


def _batch_last(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, len(x)).T


def _reversed_axes(x: np.ndarray) -> np.ndarray:
    return x.transpose(0, *range(x.ndim - 1, 0, -1)).reshape(len(x), -1)


def _moved(x: np.ndarray) -> np.ndarray:
    return x.transpose(*range(1, x.ndim), 0).reshape(len(x), -1)


_ORDERS: tuple[tuple[Flatten, str], ...] = (
    (_columns_first, "the first axis of a sample runs fastest"),
    (_batch_last, "the samples run fastest"),
    (_reversed_axes, "the axes of a sample are reversed"),
    (_moved, "the samples are moved behind the others"),
)


def _forward(flatten: Flatten = _rows, transpose: bool = False, bias: Any = None) -> Any:
    def compute(a: Args, _: Any) -> np.ndarray:
        w = _square(a["w"]).T if transpose else a["w"]
        return flatten(a["x"]) @ w + (a["b"] if bias is None else bias(a))

    return compute


def _square(w: np.ndarray) -> np.ndarray:
    if w.shape[0] != w.shape[1]:
        raise ValueError("not square")
    return w


def _unfold(rows: np.ndarray, x: np.ndarray, order: Flatten) -> np.ndarray:
    where = order(np.arange(x.size).reshape(x.shape)).ravel()
    dx = np.zeros(x.size)
    dx[where] = rows.ravel()
    return dx.reshape(x.shape)


def _dx(order: Flatten) -> Any:
    return lambda a, d: _unfold(d @ a["w"].T, a["x"], order)


def _dx_folded_order(a: Args, d: np.ndarray) -> np.ndarray:
    return (d @ a["w"].T).reshape(a["x"].shape, order="F")


def _dx_turned(a: Args, d: np.ndarray) -> np.ndarray:
    return (d @ a["w"].T).reshape(a["x"].shape[::-1]).T


def _dw(order: Flatten) -> Any:
    return lambda a, d: order(a["x"]).T @ d


MUTATIONS = [
    Mutation("bias-missing", "out", _forward(bias=lambda a: 0.0), "out = x w"),
    Mutation("bias-wrong-axes", "out", _forward(bias=lambda a: a["b"].sum()), "the sum of b is added"),
    Mutation("bias-wrong-axes", "out", _forward(bias=lambda a: -a["b"]), "b is subtracted"),
    Mutation("bias-wrong-axes", "out", _forward(bias=lambda a: len(a["x"]) * a["b"]), "b is added N times"),
    Mutation("bias-wrong-axes", "out", _forward(bias=lambda a: len(a["w"]) * a["b"]), "b is added D times"),
    *(Mutation("reshape-order", "out", _forward(order), words) for order, words in _ORDERS),
    Mutation("transpose-missing", "out", _forward(transpose=True), "out = x w^T + b"),
    Mutation(
        "transpose-missing", "dx", lambda a, d: (d @ _square(a["w"])).reshape(a["x"].shape), "dx = dout w"
    ),
    Mutation("transpose-missing", "dx", lambda a, d: (d @ a["w"].T).T, "dx comes as (D, N)"),
    *(Mutation("reshape-order", "dx", _dx(order), words) for order, words in _ORDERS),
    Mutation("reshape-order", "dx", _dx_turned, "dx is folded to the reversed shape, and turned"),
    Mutation("reshape-order", "dx", _dx_folded_order, "dx is folded back with the first axis fastest"),
    Mutation(
        "shape-wrong",
        "dx",
        lambda a, d: d @ a["w"].T,
        "dx stays flat, (N, D): it is not folded back to x's shape",
    ),
    Mutation("transpose-missing", "dw", lambda a, d: d.T @ _rows(a["x"]), "dw comes as (M, D)"),
    Mutation("transpose-missing", "dw", lambda a, d: _rows(_square(a["x"])) @ d, "dw = x dout"),
    *(Mutation("reshape-order", "dw", _dw(order), words) for order, words in _ORDERS),
    *bias_mutations("db", "NM", axis=1),
]
