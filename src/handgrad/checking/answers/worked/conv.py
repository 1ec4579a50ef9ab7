# ruff: noqa: RUF059 - what a solution does not use, an edit of it may
"""Convolutions, worked out in the styles that courses teach."""

from __future__ import annotations

from ..edits.variants import Worked
from ._np import Arrays, Param, np


def _windows(x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: Param) -> Arrays:
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    "from here on"
    HO = 1 + (H + 2 * pad - HH) // stride
    WO = 1 + (W + 2 * pad - WW) // stride
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    padded[:, :, pad : pad + H, pad : pad + W] = x
    out = np.zeros((N, F, HO, WO))
    for i in range(HO):
        for j in range(WO):
            window = padded[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            out[:, :, i, j] = np.einsum("ncpq,fcpq->nf", window, w) + b
    return {"out": out}


def _filters(x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: Param) -> Arrays:
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    HO, WO = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((N, F, HO, WO))
    views = np.lib.stride_tricks.sliding_window_view(padded, (HH, WW), axis=(2, 3))[:, :, ::stride, ::stride]
    "from here on"
    for f in range(F):
        part = views * w[f, :, None, None]
        out[:, f] = np.sum(part, axis=(1, 4, 5)) + b[f]
    return {"out": out}


def _whole(x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: Param) -> Arrays:
    stride, pad = conv_param["stride"], conv_param["pad"]
    HH, WW = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (HH, WW), axis=(2, 3))
    "from here on"
    product = np.einsum("nchwpq,fcpq->nfhw", views[:, :, ::stride, ::stride], w)
    out = product + b[:, None, None]
    return {"out": out}


def _flat(x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: Param) -> Arrays:
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    HP, WP = padded.shape[2:]
    HO, WO = 1 + (HP - HH) // stride, 1 + (WP - WW) // stride
    n, c, i, j, p, q = np.ogrid[:N, :C, :HO, :WO, :HH, :WW]
    "from here on"
    plane = HP * WP
    place = n * (C * plane) + c * plane + i * stride * WP + j * stride + p * WP + q
    views = padded.ravel()[place % padded.size]
    product = np.einsum("nchwpq,fcpq->nfhw", views, w)
    out = product + b[:, None, None]
    return {"out": out}


def _columns(x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: Param) -> Arrays:
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    HO, WO = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    cols = np.zeros((N, C, HH, WW, HO, WO))
    for p in range(HH):
        for q in range(WW):
            cols[:, :, p, q] = padded[:, :, p : p + HO * stride : stride, q : q + WO * stride : stride]
    "from here on"
    rows = cols.transpose(0, 4, 5, 1, 2, 3).reshape(N * HO * WO, C * HH * WW)
    weights = w.reshape(F, -1)
    product = rows @ weights.T + b
    out = product.reshape(N, HO, WO, F).transpose(0, 3, 1, 2)
    return {"out": out}


def _columns_course(x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: Param) -> Arrays:
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    HO, WO = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    cols = np.zeros((N, C, HH, WW, HO, WO))
    for p in range(HH):
        for q in range(WW):
            cols[:, :, p, q] = padded[:, :, p : p + HO * stride : stride, q : q + WO * stride : stride]
    "from here on"
    product = w.reshape(F, -1) @ cols.transpose(1, 2, 3, 4, 5, 0).reshape(C * HH * WW, -1) + b[:, None]
    out = product.reshape(F, HO, WO, N).transpose(3, 0, 1, 2)
    return {"out": out}


def _columns_batch_first(x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: Param) -> Arrays:
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    HO, WO = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    cols = np.zeros((N, C, HH, WW, HO, WO))
    for p in range(HH):
        for q in range(WW):
            cols[:, :, p, q] = padded[:, :, p : p + HO * stride : stride, q : q + WO * stride : stride]
    "from here on"
    product = w.reshape(F, -1) @ cols.transpose(1, 2, 3, 0, 4, 5).reshape(C * HH * WW, -1) + b[:, None]
    out = product.reshape(F, N, HO, WO).transpose(1, 0, 2, 3)
    return {"out": out}


def _backward_windows(
    dout: np.ndarray, x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: Param
) -> Arrays:
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    HO, WO = dout.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    "from here on"
    dpadded = np.zeros(padded.shape)
    dw = np.zeros(w.shape)
    for i in range(HO):
        for j in range(WO):
            window = padded[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            dw += np.einsum("nf,ncpq->fcpq", dout[:, :, i, j], window)
            dpadded[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW] += np.einsum(
                "nf,fcpq->ncpq", dout[:, :, i, j], w
            )
    dx = dpadded[:, :, pad : pad + H, pad : pad + W]
    db = np.sum(dout, axis=(0, 2, 3))
    return {"dx": dx, "dw": dw, "db": db}


def _backward_positions(
    dout: np.ndarray, x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: Param
) -> Arrays:
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    HO, WO = dout.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    "from here on"
    dpadded = np.zeros(padded.shape)
    dw = np.zeros(w.shape)
    for p in range(HH):
        for q in range(WW):
            patch = padded[:, :, p : p + stride * HO : stride, q : q + stride * WO : stride]
            dw[:, :, p, q] = np.einsum("nfij,ncij->fc", dout, patch)
            dpadded[:, :, p : p + stride * HO : stride, q : q + stride * WO : stride] += np.einsum(
                "nfij,fc->ncij", dout, w[:, :, p, q]
            )
    dx = dpadded[:, :, pad : pad + H, pad : pad + W]
    return {"dx": dx, "dw": dw}


def _backward_columns(
    dout: np.ndarray, x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: Param
) -> Arrays:
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    HO, WO = dout.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    cols = np.zeros((N, C, HH, WW, HO, WO))
    for p in range(HH):
        for q in range(WW):
            cols[:, :, p, q] = padded[:, :, p : p + HO * stride : stride, q : q + WO * stride : stride]
    "from here on"
    rows = cols.transpose(0, 4, 5, 1, 2, 3).reshape(N * HO * WO, C * HH * WW)
    douts = dout.transpose(0, 2, 3, 1).reshape(N * HO * WO, F)
    dw = (douts.T @ rows).reshape(w.shape)
    drows = douts @ w.reshape(F, -1)
    dcols = drows.reshape(N, HO, WO, C, HH, WW)
    dpadded = np.zeros(padded.shape)
    for i in range(HO):
        for j in range(WO):
            dpadded[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW] += dcols[:, i, j]
    dx = dpadded[:, :, pad : pad + H, pad : pad + W]
    db = np.sum(douts, axis=0)
    return {"dx": dx, "dw": dw, "db": db}


_GROUPS = tuple(
    frozenset(names.split())
    for names in (
        "H W",
        "HH WW",
        "HO WO",
        "H HO HH",
        "W WO WW",
        "i j",
        "p q",
        "N C F",
        "stride pad",
        "HP H HO",
        "WP W WO",
        "HP WP",
        "window padded",
    )
)
_TWINS = {"H": "W", "HH": "WW", "HO": "WO", "HP": "WP", "i": "j", "p": "q"}
_SIDES = "[HW]*|i|j|p|q"
_ROLES = (
    ("*", "place", "stride", "stride-missing"),
    ("*", "place|plane", "*", "wrong-strides"),
    ("assign", "*", "*", "overwrite-overlap"),
    ("axis", "db", "*", "bias-wrong-axes"),
    ("call", "db", "sum", "factor-n"),
    ("*", "db", "*", "bias-wrong-axes"),
    ("call", "out", "sum", "step-differs"),
    ("term", "out|product", "b|b?:*", "bias-missing"),
    ("*", "out|product", "b|b?:*", "bias-wrong-axes"),
    ("*", "H[O]|W[O]", "*", "shape-wrong"),
    ("factor|divisor|ignored", "*", "stride", "stride-missing"),
    ("name|exchange", "*", "stride|pad", "stride-missing"),
    ("name|exchange", "*", _SIDES, "swapped-height-width"),
    ("name|exchange", "*", "N|C|F", "channels-mixed"),
    ("letters", "*", "pq|qp|ij|ji", "swapped-height-width"),
    ("letters", "*", "*", "channels-mixed"),
    ("order|transpose", "*", "*", "reshape-order"),
    ("*", "padded|dx", "*", "pad-cropped-wrong-side"),
    ("bound|constant|term|twice|times|factor|plus", "*", "*", "wrong-window"),
    ("sign", "window|dpadded|patch", "*", "wrong-window"),
    ("sign", "dw", "dw", "sign"),
)
SOLUTIONS = tuple(
    Worked(solution, _GROUPS, _TWINS, _ROLES, {"stride": (1,), "pad": (0, 1)})
    for solution in (
        _windows,
        _filters,
        _whole,
        _flat,
        _columns,
        _columns_course,
        _columns_batch_first,
        _backward_windows,
        _backward_positions,
        _backward_columns,
    )
)
