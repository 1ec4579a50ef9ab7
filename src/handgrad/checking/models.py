"""Examining a whole model: its loss, its gradients, its penalty, and its manners."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np

from . import sandbox
from .derivative import Slope, differences
from .report import Report, finding
from .sandbox import Failure, random_state_kept

LIMIT = 30.0
DIRECTIONS = 6


class _Broken(Exception):
    pass


class _Probe(NamedTuple):
    """Directional derivatives of the loss for one parameter: due, given by grads, and along the weights."""

    due: np.ndarray
    given: np.ndarray
    weights: np.ndarray
    error: float


def check_model(model: Any, X: np.ndarray, y: np.ndarray) -> Report:
    """Examine a model with ``params`` and ``loss(X, y=None)``, as the courses and our Solver have them.

    The gradient of every parameter is held to differences of the loss along random directions; what is off
    is read as a factor or as a wrong penalty where it is one.

    Parameters
    ----------
    model : object
        A copy of it computes, in float64 where it has a ``dtype`` to set.
    X, y : ndarray
        A small batch.

    Returns
    -------
    report : handgrad.checking.report.Report

    Examples
    --------
    >>> import numpy as np
    >>> from handgrad.models import TwoLayerNet
    >>> net = TwoLayerNet(input_dim=4, hidden_dim=5, num_classes=3, weight_scale=0.5, reg=0.3, seed=0)
    >>> X, y = np.random.default_rng(0).standard_normal((6, 4)), np.array([0, 1, 2, 0, 1, 2])
    >>> check_model(net, X, y).verdict
    'right'
    """
    report = Report(type(model).__name__)
    with random_state_kept():
        try:
            _examine(report, in_float64(model), np.asarray(X), np.asarray(y))
        except Failure as failure:
            report.findings.append(finding("raises", "loss", failure.evidence(), severity="broken"))
        except _Broken:
            pass
    return report


def in_float64(model: Any) -> Any:
    """Return a copy of a model that computes in float64, where it has a ``dtype`` to set."""
    own = copy.deepcopy(model)
    if hasattr(own, "dtype"):
        own.dtype = np.dtype(np.float64) if isinstance(own.dtype, np.dtype) else np.float64
    own.params = {name: np.array(value, dtype=float) for name, value in own.params.items()}
    return own


def _examine(report: Report, model: Any, X: np.ndarray, y: np.ndarray) -> None:
    loss, grads = _loss(report, model, X, y)
    _scores(report, model, X, y)
    _keys(report, model, grads)
    again, _ = _loss(report, model, X, y)
    if not np.isclose(loss, again, rtol=1e-9):
        report.notes.append(
            f"the loss is {loss:.6g} and then {again:.6g}: it draws numbers (dropout without a seed?), so "
            "its gradients cannot be checked"
        )
        return
    for name in model.params:
        if name in grads and np.shape(grads[name]) == model.params[name].shape:
            _gradient(report, model, X, y, name, np.asarray(grads[name]))


def _loss(report: Report, model: Any, X: np.ndarray, y: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
    state = copy.deepcopy(getattr(model, "bn_params", None))
    before = {name: value.copy() for name, value in model.params.items()}
    given = X.copy()
    result = sandbox.call(model.loss, given, y, limit=LIMIT)
    if state is not None:
        model.bn_params = state
    if not isinstance(result, tuple | list) or len(result) != 2 or not isinstance(result[1], dict):
        report.findings.append(
            finding("shape-wrong", "loss", "loss(X, y) must return (loss, grads)", severity="broken")
        )
        raise _Broken
    for where, same in (
        ("X", np.array_equal(given, X)),
        *((n, np.array_equal(before[n], model.params[n])) for n in before),
    ):
        if not same and not any(f.mistake == "input-changed" for f in report.findings):
            report.findings.append(finding("input-changed", where, f"loss(X, y) changes {where}"))
    loss = float(np.asarray(result[0]))
    if not np.isfinite(loss):
        report.findings.append(finding("not-a-number", "loss", f"the loss is {loss}"))
        raise _Broken
    return loss, result[1]


def _scores(report: Report, model: Any, X: np.ndarray, y: np.ndarray) -> None:
    scores = np.asarray(sandbox.call(model.loss, X.copy(), limit=LIMIT))
    if scores.ndim != 2 or len(scores) != len(X):
        report.findings.append(
            finding("shape-wrong", "scores", f"loss(X) must return scores ({len(X)}, K), got {scores.shape}")
        )
        return
    alone = np.asarray(sandbox.call(model.loss, X[:1].copy(), limit=LIMIT))
    if alone.shape == (1, scores.shape[1]) and not np.allclose(alone[0], scores[0], rtol=1e-5, atol=1e-8):
        report.findings.append(
            finding(
                "statistics-swapped",
                "scores",
                "at test time the scores of a sample change when it is alone in its batch: "
                f"off by {np.abs(alone[0] - scores[0]).max():.2g}",
            )
        )


def _keys(report: Report, model: Any, grads: dict[str, np.ndarray]) -> None:
    missing = [name for name in model.params if name not in grads]
    if missing:
        report.findings.append(
            finding("shape-wrong", ", ".join(missing), f"grads lacks {', '.join(missing)}")
        )
    for name, value in grads.items():
        due = np.shape(model.params.get(name))
        if name in model.params and np.shape(value) != due:
            report.findings.append(
                finding("shape-wrong", name, f"its gradient has shape {np.shape(value)}, due is {due}")
            )


def _gradient(report: Report, model: Any, X: np.ndarray, y: np.ndarray, name: str, grad: np.ndarray) -> None:
    probe = _probe(report, model, X, y, name, grad)
    scale = np.abs(probe.due).max() + np.abs(probe.given).max() + 1e-10
    if np.all(np.abs(probe.due - probe.given) <= 1e-5 * scale + 10 * probe.error):
        return
    columns = np.stack([probe.given, probe.weights], axis=1)
    (factor, penalty), *_ = np.linalg.lstsq(columns, probe.due, rcond=None)
    rest = np.abs(columns @ (factor, penalty) - probe.due).max()
    words = f"<d{name}, v> = {probe.given[0]:.6g}, differences of the loss give {probe.due[0]:.6g}"
    if rest > 1e-4 * scale:
        report.findings.append(
            finding(
                "wrong-unknown",
                f"d{name}",
                words,
                "check the layers one by one; the last "
                "parameter that is right shows where backward is still right.",
            )
        )
    elif abs(penalty) > 1e-4 * max(1.0, abs(float(getattr(model, "reg", 0.0) or 0.0))):
        _penalty(report, model, name, penalty, words)
    else:
        mistake = "sign" if np.isclose(factor, -1, rtol=1e-4) else "factor"
        report.findings.append(
            finding(mistake, f"d{name}", f"the right gradient is {factor:.4g} times as large; {words}")
        )


def _penalty(report: Report, model: Any, name: str, penalty: float, words: str) -> None:
    mistake = "regularisation-missing" if penalty > 0 else "regularisation-doubled"
    reg = getattr(model, "reg", None)
    told = f" (reg is {reg:g})" if isinstance(reg, int | float) else ""
    report.findings.append(
        finding(
            mistake,
            f"d{name}",
            f"the loss has {penalty:.4g} * {name} more in its gradient than d{name}{told}; {words}",
        )
    )


def _probe(report: Report, model: Any, X: np.ndarray, y: np.ndarray, name: str, grad: np.ndarray) -> _Probe:
    rng = np.random.default_rng(23)
    weight = model.params[name]
    due: list[float] = []
    given: list[float] = []
    along: list[float] = []
    worst = 0.0
    tries = 0
    while len(due) < DIRECTIONS and tries < 3 * DIRECTIONS:
        tries += 1
        v = rng.standard_normal(weight.shape) / max(1.0, weight.size**0.5)
        slope = _slope(report, model, X, y, name, v)
        if slope.kind == "kink":
            continue
        due.append(float(slope.value))
        given.append(float(np.sum(grad * v)))
        along.append(float(np.sum(weight * v)))
        worst = max(worst, slope.error)
    if not due:
        report.notes.append(f"every direction of {name} met a kink of the loss; its gradient was not checked")
        return _Probe(np.zeros(1), np.zeros(1), np.zeros(1), 0.0)
    return _Probe(np.array(due), np.array(given), np.array(along), worst)


def _slope(report: Report, model: Any, X: np.ndarray, y: np.ndarray, name: str, v: np.ndarray) -> Slope:
    weight = model.params[name]

    def f(t: float) -> np.ndarray:
        model.params[name] = weight + t * v
        try:
            return np.asarray(_loss(report, model, X, y)[0])
        finally:
            model.params[name] = weight

    return differences(f, step=1e-4, halvings=2)
