"""Laws of activations: points that everyone knows, symmetries, and inverses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..subject import Run
from .common import good_runs, near, off, value

Law = Callable[[np.ndarray, np.ndarray, np.ndarray, Any], np.ndarray]


def _moderate(x: np.ndarray, value: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < 5, value, 0.0)  # further out an inverse has lost its digits


def _below(x: np.ndarray, value: np.ndarray) -> np.ndarray:
    return np.where(x < 0, value, 0.0)


# Each law gives numbers that must be zero, from x, f(x) and f(-x).
CURVES: dict[str, tuple[tuple[Law, str], ...]] = {
    "relu": (
        (lambda x, out, m, k: out - m - x, "relu(x) - relu(-x) = x"),
        (lambda x, out, m, k: out * m, "relu(x) or relu(-x) is zero"),
        (lambda x, out, m, k: np.minimum(out, 0), "nothing below zero comes out"),
    ),
    "leaky_relu": (
        (lambda x, out, m, k: np.where(x > 0, out - x, 0), "what is positive passes as it is"),
        (
            lambda x, out, m, k: _below(x, out - k * x) if k is not None else 0 * x,
            "what is negative is scaled by the slope",
        ),
    ),
    "prelu": (
        (lambda x, out, m, k: np.where(x > 0, out - x, 0), "what is positive passes as it is"),
        (
            lambda x, out, m, k: _below(x, out - _shaped(k, x) * x),
            "what is negative is scaled by its channel's slope",
        ),
    ),
    "elu": (
        (lambda x, out, m, k: np.where(x > 0, out - x, 0), "what is positive passes as it is"),
        (
            lambda x, out, m, k: (
                _moderate(x, _below(x, np.log(np.maximum(out / k + 1, 1e-30)) - x))
                if k is not None
                else 0 * x
            ),
            "below zero, log(1 + out / alpha) = x",
        ),
    ),
    "sigmoid": (
        (lambda x, out, m, k: out + m - 1, "s(x) + s(-x) = 1"),
        (
            lambda x, out, m, k: _moderate(
                x, np.log(np.maximum(out, 1e-30) / np.maximum(1 - out, 1e-30)) - x
            ),
            "the odds of out are exp(x)",
        ),
    ),
    "tanh": (
        (lambda x, out, m, k: out + m, "it is odd"),
        (
            lambda x, out, m, k: _moderate(x, np.arctanh(np.clip(out, -0.999999, 0.999999)) - x),
            "its inverse gives x back",
        ),
    ),
    "gelu": (
        (lambda x, out, m, k: out - m - x, "g(x) - g(-x) = x"),
        (lambda x, out, m, k: np.minimum(out + 0.18, 0), "nothing below -0.17 comes out"),
        (
            lambda x, out, m, k: np.where(
                np.abs(x) > 0.3, np.maximum(np.abs(out - x / 2) / np.abs(x) - 0.5, 0), 0
            ),
            "out lies between 0 and x",
        ),
    ),
}


def _shaped(alpha: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.asarray(alpha).reshape(-1, *(1 for _ in x.shape[2:]))


def activation(state: Any) -> None:
    """Hold an activation to its laws, and backward to its values at a kink (as a note)."""
    for run in good_runs(state):
        x, out = run.case.args["x"], run.outputs["out"]
        if out.shape != x.shape:
            state.add(
                "shape-wrong", "out", f"out has shape {out.shape}, x has {x.shape}, on {run.case.words}"
            )
            return
        mirrored = value(state, run, x=-x)
        if mirrored is None or not np.isfinite(mirrored).all():
            continue
        alpha = run.case.args.get("alpha") if len(state.subject.positional(run.case.args)) > 1 else None
        for law, words in CURVES[state.layer]:
            with np.errstate(all="ignore"):
                rest = law(x, out, mirrored, alpha)
            if not near(rest, 0 * rest, 1e-3 if state.layer == "gelu" else 1e-5):
                state.add("forward-wrong", "out", f"{words}: {off(rest, 0 * rest)}, on {run.case.words}")
                return


def maxout(state: Any) -> None:
    """Each output is one of its group, and none there is larger."""
    for run in good_runs(state):
        x, pieces, out = run.case.args["x"], run.case.args["pieces"], run.outputs["out"]
        due = (x.shape[0], x.shape[1] // pieces, *x.shape[2:])
        if out.shape != due:
            state.add("shape-wrong", "out", f"out has shape {out.shape}, due is {due}, on {run.case.words}")
            return
        groups = x.reshape(due[0], due[1], pieces, *due[2:])
        top = out[:, :, None]
        if not ((groups <= top + 1e-9).all() and (np.abs(groups - top) < 1e-9).any(axis=2).all()):
            state.add(
                "forward-wrong",
                "out",
                "an output is one of its group of neighbouring channels, and none there "
                f"is larger, on {run.case.words}",
            )
            return
        _one_credited(state, run, groups)


def _one_credited(state: Any, run: Run, groups: np.ndarray) -> None:
    dx = run.outputs.get("dx")
    if dx is None or run.case.smooth or dx.shape != run.case.args["x"].shape:
        return
    shares = dx.reshape(groups.shape)
    if run.dout is not None and not near(shares.sum(axis=2), run.dout):
        words = f"more than dout goes out where channels of a group are equal, on {run.case.words}"
        state.add("ties-all-credited", "dx", words)
    elif ((shares != 0).sum(axis=2) > 1).any() or (
        np.argmax(shares != 0, axis=2) != np.argmax(groups, axis=2)
    ).any():
        state.notes.append("where channels of a group are equal another than the first takes gradient")
