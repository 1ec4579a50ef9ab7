"""Laws of losses: known values, what must not change them, and gradients that sum to zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..sandbox import Failure
from ..subject import Run
from .common import good_runs, near, value


def softmax(state: Any) -> None:
    """Hold the values of equal scores, of two classes, and the sums of the gradient."""
    _scores(state, "softmax")
    stable(state)


def svm(state: Any) -> None:
    """Hold the values of equal scores and of a clear winner, and the sums of the gradient."""
    _scores(state, "svm")


def _equal_value(kind: str, classes: int) -> float:
    return float(np.log(classes)) if kind == "softmax" else classes - 1.0


def _scores(state: Any, kind: str) -> None:
    for run in good_runs(state):
        x, y = run.case.args["x"], run.case.args["y"]
        n, classes = x.shape
        words = f"on {run.case.words}"
        equal = value(state, run, x=np.zeros(x.shape))
        due = _equal_value(kind, classes)
        if equal is not None and not near(equal, np.array(due)):
            mistake = (
                "mean-missing"
                if np.isclose(equal, n * due)
                else "margin-counts-right-class"
                if kind == "svm" and np.isclose(equal, due + 1)
                else "forward-wrong"
            )
            state.add(
                mistake,
                "loss",
                f"equal scores of {classes} classes must cost {due:.4g}, not {float(equal):.4g}, {words}",
            )
            return
        if not _mean_law(state, run, x, y, words) or not _winner(state, run, kind, words):
            return
        _row_sums(state, run, words)


def _mean_law(state: Any, run: Run, x: np.ndarray, y: np.ndarray, words: str) -> bool:
    twice = value(state, run, x=np.concatenate([x, x]), y=np.concatenate([y, y]))
    once = run.outputs["loss"]
    if twice is not None and not near(twice, once):
        state.add(
            "mean-missing",
            "loss",
            f"the same batch twice must cost the same: {float(twice):.4g} for {float(once):.4g}, {words}",
        )
        return False
    moved = value(state, run, x=x + 2.5)
    if moved is not None and not near(moved, once):
        state.add(
            "forward-wrong",
            "loss",
            f"one number added to all scores must change nothing: {float(moved):.4g} for "
            f"{float(once):.4g}, {words}",
        )
        return False
    return True


def _winner(state: Any, run: Run, kind: str, words: str) -> bool:
    """One class ahead by a known gap has a known cost."""
    x, y = run.case.args["x"], run.case.args["y"]
    n, classes = x.shape
    for gap in (1.5, 0.4):
        ahead = np.zeros(x.shape)
        ahead[np.arange(n), y] = gap
        due = (
            np.log(1 + (classes - 1) * np.exp(-gap))
            if kind == "softmax"
            else (classes - 1) * max(0.0, 1 - gap)
        )
        got = value(state, run, x=ahead)
        if got is not None and not near(got, np.array(due)):
            mistake = "label-off-by-one" if _other_label(state, run, gap, due) else "forward-wrong"
            if kind == "svm" and np.isclose(got, due + 1):
                mistake = "margin-counts-right-class"
            if np.isclose(got, -due):
                mistake = "gradient-sign"
            state.add(
                mistake,
                "loss",
                f"right classes ahead by {gap:g} must cost {due:.4g}, they cost {float(got):.4g}, {words}",
            )
            return False
    return True


def _other_label(state: Any, run: Run, gap: float, due: float) -> bool:
    """Return whether a class beside the right one costs what the right one should."""
    x, y = run.case.args["x"], run.case.args["y"]
    for step in (1, -1):
        ahead = np.zeros(x.shape)
        ahead[np.arange(len(y)), (y + step) % x.shape[1]] = gap
        got = value(state, run, x=ahead)
        if got is not None and near(got, np.array(due)):
            return True
    return False


def _row_sums(state: Any, run: Run, words: str) -> None:
    dx, y = run.outputs.get("dx"), run.case.args["y"]
    if dx is None or dx.shape != run.case.args["x"].shape:
        return
    sums = dx.sum(axis=1)
    if not near(sums, 0 * sums):
        state.add(
            "sum-not-zero",
            "dx",
            f"adding one number to a row changes nothing, so its gradient must sum to 0: "
            f"the first row sums to {sums[0]:.4g}, {words}",
        )
    elif (dx[np.arange(len(y)), y] > 1e-9).any():
        state.add("gradient-sign", "dx", f"a higher score of the right class must not cost more, {words}")


def stable(state: Any) -> None:
    """Large scores: no overflow, and a loss that is not lost."""
    run = next(good_runs(state), None)
    if run is None:
        return
    for words, change in _LARGE:
        try:
            loss, gradient = state.subject.forward(_with_scores(run, change))
        except Failure as failure:
            state.add("log-of-zero", "loss", f"{failure.evidence()}, {words}")
            return
        if not (np.isfinite(loss).all() and np.isfinite(np.asarray(gradient, dtype=float)).all()):
            state.add("log-of-zero", "loss", f"the loss is {float(loss)} {words}, on {run.case.words}")
            return
    try:
        loss, _ = state.subject.forward(_with_scores(run, _one_ahead(run.case.args["y"])))
    except Failure:
        return
    if not np.isfinite(loss).all():
        words = "where a wrong class leads by 1000: the log meets a probability that was rounded to zero"
        state.add("log-of-zero", "loss", f"the loss is {float(loss)} {words}", severity="doubtful")


def _one_row_large(x: np.ndarray) -> np.ndarray:
    large = x.copy()
    large[0] += 1000.0
    return large


_LARGE: tuple[tuple[str, Any], ...] = (
    ("with scores near 1000", lambda x: x + 1000.0),
    ("with one row of scores near 1000", _one_row_large),
)


def _one_ahead(y: np.ndarray) -> Any:
    def change(x: np.ndarray) -> np.ndarray:
        ahead = 0 * x
        ahead[0, (y[0] + 1) % x.shape[1]] = 1000.0
        return ahead

    return change


def _with_scores(run: Run, change: Any) -> Any:
    """Return arguments that make changed scores; of a linear classifier, by way of its X and W."""
    args = run.case.copy_args()
    if "x" in args:
        return args | {"x": change(args["x"])}
    n, classes = len(args["y"]), args["W"].shape[1]
    scores = change(np.zeros((n, classes)))
    return args | {"X": np.eye(n), "W": scores, "reg": 0.0}


def linear_softmax(state: Any) -> None:
    """Zero weights cost log K, and the penalty grows with reg as W does."""
    _linear(state, "softmax")
    stable(state)


def linear_svm(state: Any) -> None:
    """Zero weights cost K - 1, and the penalty grows with reg as W does."""
    _linear(state, "svm")


def _linear(state: Any, kind: str) -> None:
    for run in good_runs(state):
        W, X, reg = (run.case.args[k] for k in ("W", "X", "reg"))
        words = f"on {run.case.words}"
        zero, due = value(state, run, W=0 * W), _equal_value(kind, W.shape[1])
        if zero is not None and not near(zero, np.array(due)):
            mistake = "mean-missing" if np.isclose(zero, len(X) * due) else "forward-wrong"
            if kind == "svm" and np.isclose(zero, due + 1):
                mistake = "margin-counts-right-class"
            state.add(
                mistake, "loss", f"zero weights must cost {due:.4g}, they cost {float(zero):.4g}, {words}"
            )
            return
        if not _mean_law_linear(state, run, words) or not _class_law(state, run, kind, words):
            return
        if reg and not _penalty(state, run, reg, W, words):
            return


def _mean_law_linear(state: Any, run: Run, words: str) -> bool:
    X, y = run.case.args["X"], run.case.args["y"]
    twice = value(state, run, X=np.concatenate([X, X]), y=np.concatenate([y, y]))
    if twice is not None and not near(twice, run.outputs["loss"]):
        state.add("mean-missing", "loss", f"the same batch twice must cost the same, {words}")
        return False
    return True


def _class_law(state: Any, run: Run, kind: str, words: str) -> bool:
    """One sample, weights that give class y a known lead, no penalty: a known cost."""
    W, y = run.case.args["W"], run.case.args["y"]
    d, classes = W.shape
    weights = np.zeros((d, classes))
    weights[0, y[0]] = 0.5
    got = value(state, run, W=weights, X=np.eye(d)[:1], y=y[:1], reg=0.0)
    due = np.log(1 + (classes - 1) * np.exp(-0.5)) if kind == "softmax" else (classes - 1) * 0.5
    if got is not None and not near(got, np.array(due)):
        state.add(
            "label-off-by-one",
            "loss",
            f"a right class ahead by 0.5 must cost {due:.4g}, it costs {float(got):.4g}, {words}",
        )
        return False
    return True


def _penalty(state: Any, run: Run, reg: float, W: np.ndarray, words: str) -> bool:
    free = value(state, run, reg=0.0)
    if free is None:
        return True
    weight = float(run.outputs["loss"] - free) / (reg * float(np.sum(W * W)))
    if not (np.isclose(weight, 1.0, rtol=1e-5) or np.isclose(weight, 0.5, rtol=1e-5)):
        mistake = "regularisation-missing" if abs(weight) < 1e-9 else "regularisation-doubled"
        state.add(mistake, "loss", f"the loss grows by {weight:.3g} * reg * sum of W^2, {words}")
        return False
    return True
