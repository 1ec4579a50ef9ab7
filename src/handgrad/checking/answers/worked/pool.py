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


def _max_backward_flat(dout: np.ndarray, x: np.ndarray, pool_param: Param) -> Arrays:
    PH, PW, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H, W = x.shape
    HO, WO = dout.shape[2:]
    rows, columns = np.arange(HO)[:, None], np.arange(WO)[None, :]
    views = np.lib.stride_tricks.sliding_window_view(x, (PH, PW), axis=(2, 3))[:, :, ::stride, ::stride]
    flat = np.zeros((N, C, 4 * H * W))
    chosen = views.reshape(N, C, HO, WO, PH * PW).argmax(axis=4)
    "from here on"
    place = (rows * stride + chosen // PW) * W + columns * stride + chosen % PW
    for n in range(N):
        for c in range(C):
            np.add.at(flat[n, c], place[n, c].ravel(), dout[n, c].ravel())
    dx = flat[:, :, : H * W].reshape(N, C, H, W)
    return {"dx": dx}


def _mean_by_sums(x: np.ndarray, pool_param: Param) -> Arrays:
    PH, PW, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H, W = x.shape
    HO, WO = 1 + (H - PH) // stride, 1 + (W - PW) // stride
    sums = np.zeros((N, C, H + 1, W + 1))
    sums[:, :, 1:, 1:] = x.cumsum(axis=2).cumsum(axis=3)
    top, left = np.arange(HO)[:, None] * stride, np.arange(WO)[None, :] * stride
    low, right = top + PH, left + PW
    "from here on"
    total = sums[:, :, low, right] - sums[:, :, top, right] - sums[:, :, low, left] + sums[:, :, top, left]
    out = total / (PH * PW)
    return {"out": out}


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
    share = dout / (PH * PW)
    for i in range(HO):
        for j in range(WO):
            dx[:, :, i * stride : i * stride + PH, j * stride : j * stride + PW] += share[:, :, i, j][
                :, :, None, None
            ]
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
        "top low",
        "left right",
        "W WO H",
        "PH PW W",
    )
)
_TWINS = {"H": "W", "PH": "PW", "HO": "WO", "i": "j", "a": "b"}
_ROLES = (
    ("name", "*", "P[HW]>stride|H>*|W>*", "wrong-window"),
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
    ("*", "place", "*", "wrong-window"),
    ("sign", "total", "*", "sign"),
    ("*", "total", "*", "wrong-window"),
    ("sign|*", "dx", "dx", "sign"),
    ("bound|constant|term|twice|times|factor|plus|sign", "*", "*", "wrong-window"),
)
_MEAN_ROLES = (
    ("brackets", "out|dx", "*", "average-not-divided"),
    ("factor|name", "dx", "np.ones*", "shape-wrong"),
    (
        "divisor|factor|times|twice|plus|call|name|exchange|ignored|line|brackets|power",
        "share",
        "*",
        "average-not-divided",
    ),
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


MAX = _all(_ROLES, _max, _max_backward, _max_backward_flat, _max_backward_mask)
MEAN = _all(_MEAN_ROLES, _mean, _mean_by_sums, _mean_backward)
GLOBAL = _all(_MEAN_ROLES, _global, _global_backward)
