# ruff: noqa: RUF059 - what a solution does not use, an edit of it may
"""Pooling, worked out."""

from __future__ import annotations

from ..edits.variants import Solution, Worked
from ._np import Arrays, Param, np


def _max(x: np.ndarray, pool_param: Param) -> Arrays:
    PH, PW, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H, W = x.shape
    "from here on"
    HO = 1 + (H - PH) // stride
    WO = 1 + (W - PW) // stride
    out = np.zeros((N, C, HO, WO))
    for i in range(HO):
        for j in range(WO):
            window = x[:, :, i * stride : i * stride + PH, j * stride : j * stride + PW]
            out[:, :, i, j] = np.max(window, axis=(2, 3))
    return {"out": out}


def _mean(x: np.ndarray, pool_param: Param) -> Arrays:
    PH, PW, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H, W = x.shape
    "from here on"
    HO = 1 + (H - PH) // stride
    WO = 1 + (W - PW) // stride
    out = np.zeros((N, C, HO, WO))
    for i in range(HO):
        for j in range(WO):
            window = x[:, :, i * stride : i * stride + PH, j * stride : j * stride + PW]
            out[:, :, i, j] = np.sum(window, axis=(2, 3)) / (PH * PW)
    return {"out": out}


def _max_backward(dout: np.ndarray, x: np.ndarray, pool_param: Param) -> Arrays:
    PH, PW, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H, W = x.shape
    HO, WO = dout.shape[2:]
    dx = np.zeros(x.shape)
    "from here on"
    for n in range(N):
        for c in range(C):
            for i in range(HO):
                for j in range(WO):
                    window = x[n, c, i * stride : i * stride + PH, j * stride : j * stride + PW]
                    a, b = np.unravel_index(window.argmax(), window.shape)
                    dx[n, c, i * stride + a, j * stride + b] += dout[n, c, i, j]
    return {"dx": dx}


def _max_backward_mask(dout: np.ndarray, x: np.ndarray, pool_param: Param) -> Arrays:
    PH, PW, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H, W = x.shape
    HO, WO = dout.shape[2:]
    dx = np.zeros(x.shape)
    "from here on"
    for i in range(HO):
        for j in range(WO):
            window = x[:, :, i * stride : i * stride + PH, j * stride : j * stride + PW]
            mask = window == np.max(window, axis=(2, 3), keepdims=True)
            dx[:, :, i * stride : i * stride + PH, j * stride : j * stride + PW] += (
                mask * dout[:, :, i, j][:, :, None, None]
            )
    return {"dx": dx}


def _mean_backward(dout: np.ndarray, x: np.ndarray, pool_param: Param) -> Arrays:
    PH, PW, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H, W = x.shape
    HO, WO = dout.shape[2:]
    dx = np.zeros(x.shape)
    "from here on"
    for i in range(HO):
        for j in range(WO):
            dx[:, :, i * stride : i * stride + PH, j * stride : j * stride + PW] += dout[:, :, i, j][
                :, :, None, None
            ] / (PH * PW)
    return {"dx": dx}


def _global(x: np.ndarray) -> Arrays:
    H, W = x.shape[2:]
    "from here on"
    out = np.sum(x, axis=(2, 3)) / (H * W)
    return {"out": out}


def _global_backward(dout: np.ndarray, x: np.ndarray) -> Arrays:
    N, C, H, W = x.shape
    "from here on"
    dx = np.ones(x.shape) * dout[:, :, None, None] / (H * W)
    return {"dx": dx}


_GROUPS = tuple(
    frozenset(names.split())
    for names in (
        "H W",
        "PH PW",
        "HO WO",
        "H HO PH",
        "W WO PW",
        "i j",
        "a b",
        "N C",
        "stride PH PW",
        "window x",
    )
)
_TWINS = {"H": "W", "PH": "PW", "HO": "WO", "i": "j", "a": "b"}
_ROLES = (
    ("assign", "*", "*", "overwrite-overlap"),
    ("*", "H[O]|W[O]", "*", "shape-wrong"),
    ("name", "*", "stride", "stride-missing"),
    ("factor|divisor|ignored", "*", "stride", "stride-missing"),
    ("name|exchange", "*", "PH|PW|H|W|HO|WO|i|j|a|b", "swapped-height-width"),
    ("name|exchange", "*", "N|C", "channels-mixed"),
    ("compare", "mask", "*", "mask-inverted"),
    ("call", "(a, b)", "*", "mask-inverted"),
    ("axis", "*", "*", "wrong-axes"),
    ("divisor|factor|times|twice|plus|power|call", "dx|out", "*P[HW]*", "average-not-divided"),
    ("sign|*", "dx", "dx", "sign"),
    ("bound|constant|term|twice|times|factor|plus|sign", "*", "*", "wrong-window"),
)
_MEAN_ROLES = (
    ("factor|name", "dx", "np.ones*", "shape-wrong"),
    (
        "divisor|factor|times|twice|plus|call",
        "dx|out",
        "H|W|P[HW]|H [*] W|P[HW] [*] P[HW]|sum",
        "average-not-divided",
    ),
    *_ROLES,
)


def _all(roles: tuple[tuple[str, str, str, str], ...], *solutions: Solution) -> tuple[Worked, ...]:
    return tuple(Worked(one, _GROUPS, _TWINS, roles, {"stride": (1, 2)}) for one in solutions)


MAX = _all(_ROLES, _max, _max_backward, _max_backward_mask)
MEAN = _all(_MEAN_ROLES, _mean, _mean_backward)
GLOBAL = _all(_MEAN_ROLES, _global, _global_backward)
