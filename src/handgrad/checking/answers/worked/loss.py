# ruff: noqa: RUF059 - what a solution does not use, an edit of it may
"""Losses, worked out."""

from __future__ import annotations

from ..edits.variants import Worked
from ._np import Arrays, np


def _softmax(x: np.ndarray, y: np.ndarray) -> Arrays:
    N, C = x.shape
    rows = np.arange(N)
    hot = np.eye(C)[y]
    "from here on"
    shifted = x - np.max(x, axis=1, keepdims=True)
    power = np.exp(shifted)
    p = power / np.sum(power, axis=1, keepdims=True)
    loss = -np.sum(np.log(p[rows, y])) / N
    dx = (p - hot) / N
    return {"loss": loss, "dx": dx}


def _softmax_log(x: np.ndarray, y: np.ndarray) -> Arrays:
    N, C = x.shape
    rows = np.arange(N)
    "from here on"
    shifted = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_p = shifted - np.log(Z)
    loss = -np.sum(log_p[rows, y]) / N
    dx = np.exp(log_p)
    dx[rows, y] -= 1
    dx /= N
    return {"loss": loss, "dx": dx}


def _svm(x: np.ndarray, y: np.ndarray) -> Arrays:
    N, C = x.shape
    rows = np.arange(N)
    hot = np.eye(C)[y]
    "from here on"
    right = x[rows, y][:, None]
    margins = np.maximum(0, x - right + 1)
    margins = margins * (1 - hot)
    loss = np.sum(margins) / N
    violated = (margins > 0) * 1.0
    count = np.sum(violated, axis=1, keepdims=True)
    dx = (violated - hot * count) / N
    return {"loss": loss, "dx": dx}


def _svm_masked(x: np.ndarray, y: np.ndarray) -> Arrays:
    N, C = x.shape
    rows = np.arange(N)
    hot = np.eye(C)[y]
    "from here on"
    margins = x - x[rows, y][:, None] + 1
    violated = (margins > 0) * (1 - hot)
    loss = np.sum(margins * violated) / N
    dx = violated / N
    dx[rows, y] -= np.sum(violated, axis=1) / N
    return {"loss": loss, "dx": dx}


_GROUPS = tuple(
    frozenset(names.split())
    for names in ("N C", "p hot", "shifted x", "margins violated", "log_p shifted", "hot violated", "Z power")
)
_ROLES = (
    ("index*|all", "*", "*", "wrong-index"),
    ("dropped call|inside|divisor", "p|log_p|Z", "*", "normaliser-missing"),
    ("line", "dx", "*", "mean-missing"),
    ("line|late", "margins", "*", "margin-counts-right-class"),
    ("divisor|name", "loss|dx", "N", "mean-missing"),
    ("term|factor|name|exchange|constant", "dx", "hot*|1", "one-hot-missing"),
    ("constant|bound", "*", "*y*", "label-off-by-one"),
    ("sign|turned", "*", "*", "gradient-sign"),
    ("axis", "*", "*", "wrong-axes"),
    ("term", "shifted", "*", "log-of-zero"),
    ("*", "margins", "hot|1 - hot", "margin-counts-right-class"),
    ("term|sign|constant", "margins", "1|right", "forward-wrong"),
    ("compare", "violated", "*", "margin-zero-counted"),
    ("*", "loss|shifted|power|p|Z|log_p|margins|right", "*", "forward-wrong"),
)
SOFTMAX = tuple(Worked(one, _GROUPS, {}, _ROLES) for one in (_softmax, _softmax_log))
SVM = tuple(Worked(one, _GROUPS, {}, _ROLES) for one in (_svm, _svm_masked))
