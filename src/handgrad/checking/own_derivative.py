"""Backward held to the derivative of the learner's own forward, which gives no answer away."""

from __future__ import annotations

import numpy as np

from .derivative import Differentiator
from .examination import Examination, property_of
from .geography import describe, letters_of
from .sandbox import Failure
from .subject import Loss, Run

TOLERANCE = 1e-6


def partings(state: Examination, run: Run, trials: int = 2) -> list[tuple[str, float, float, str]]:
    """Compare backward with the derivative of the learner's forward along random directions.

    Return the gradients that part from it, with what they give, what is due, and the method.
    """
    try:
        differ = Differentiator(state.subject, run.case.args)
    except Failure:
        return []
    dout = run.dout if run.dout is not None else np.array(1.0)
    rng = np.random.default_rng(state.seed + 17)
    found = []
    for name in run.case.arrays:
        gradient = run.outputs.get("d" + name)
        array = run.case.args[name]
        if gradient is None:
            continue
        if gradient.shape != array.shape:
            found.append(("d" + name, float("nan"), 0.0, "shape"))
            continue
        for _ in range(trials):
            v = rng.standard_normal(array.shape)
            slope = differ.along({name: v})
            if slope.kind != "smooth":
                continue
            due = float(np.sum(dout * slope.value))
            given = float(np.sum(gradient * v))
            scale = float(np.linalg.norm(gradient) + np.linalg.norm(dout * slope.value))
            scale += 1e-4 * float(np.linalg.norm(dout)) + 1e-12  # a gradient that is 0 comes as rounding
            loose = TOLERANCE if differ.method == "complex step" else 1e-4
            if not abs(given - due) <= loose * scale + 10 * slope.error * dout.size:
                found.append(("d" + name, given, due, differ.method))
                break
    return found


def own_derivative(state: Examination) -> None:
    """Hold backward to the derivative of the learner's own forward, which gives no answer away."""
    if state.subject.backward_function is None and not isinstance(state.subject, Loss):
        return
    if _swapped_shapes(state):
        return
    bad_runs: dict[str, list[Run]] = {}
    good_runs: dict[str, list[Run]] = {}
    evidence: dict[str, tuple[Run, float, float, str]] = {}
    for run in state.runs:
        if run.failure is not None or not run.case.smooth or not run.case.backward:
            continue
        differing = {name: rest for name, *rest in partings(state, run)}
        for name in ("d" + n for n in run.case.arrays):
            (bad_runs if name in differing else good_runs).setdefault(name, []).append(run)
            if name in differing and name not in evidence:
                evidence[name] = (run, *differing[name])  # type: ignore[assignment]
    for name, (run, given, due, method) in evidence.items():
        _tell_own(state, name, run, given, due, method, bad_runs[name], good_runs.get(name, []))


def _swapped_shapes(state: Examination) -> bool:
    """Tell gradients whose shapes are due, in another order."""
    for run in state.runs:
        names = ["d" + n for n in run.case.arrays if "d" + n in run.outputs]
        due = [run.case.args[n[1:]].shape for n in names]
        given = [run.outputs[n].shape for n in names]
        if given != due and sorted(given) == sorted(due):
            shapes = ", ".join(map(str, given))
            state.add(
                "swapped-outputs", ", ".join(names), f"their shapes come as {shapes}, on {run.case.words}"
            )
            return True
    return False


def _tell_own(
    state: Examination,
    name: str,
    run: Run,
    given: float,
    due: float,
    method: str,
    bad: list[Run],
    good: list[Run],
) -> None:
    array = run.case.args[name[1:]]
    gradient = run.outputs[name]
    if method == "shape":
        turned = gradient.shape == array.shape[::-1] and gradient.ndim > 1
        state.add(
            "shape-transposed" if turned else "shape-wrong",
            name,
            f"{name} has shape {gradient.shape}, {name[1:]} has {array.shape}, on {run.case.words}",
        )
        return
    several = [r for r in bad if "N1" not in r.case.properties] or bad  # one sample hides what is per sample
    small = min(several, key=lambda r: r.case.args[name[1:]].size)
    words = (
        f"<{name}, v> = {given:.6g}, but <dout, J v> = {due:.6g} by {method} of your own forward, "
        f"on {run.case.words}"
    )
    own = _whole_gradient(state, small, name)
    mistake = "wrong-unknown"
    if own is not None:
        mistake, extra = _read_own(small.outputs[name], own, name)
        words += f"; {extra} ({small.case.words})"
    if mistake == "wrong-unknown" and good:
        named, only = property_of(bad, good)
        mistake, words = named or mistake, f"{words}; {only}" if only else words
    state.add(mistake, name, words)


def _whole_gradient(state: Examination, run: Run, name: str) -> np.ndarray | None:
    if run.case.args[name[1:]].size > 400:
        return None
    try:
        differ = Differentiator(state.subject, run.case.args)
        return differ.gradient(name[1:], run.dout if run.dout is not None else np.array(1.0))
    except Failure:
        return None


def _read_own(given: np.ndarray, own: np.ndarray, name: str) -> tuple[str, str]:
    """Say how a gradient differs from the derivative: by a factor, or where."""
    norm = float(np.sum(own * own))
    scale = max(float(np.max(np.abs(own), initial=0.0)), 1e-12)
    if norm > 1e-16:
        factor = float(np.sum(given * own)) / norm
        if abs(factor) > 1e-9 and np.allclose(given, factor * own, rtol=0, atol=1e-4 * scale):
            return ("sign" if np.isclose(factor, -1) else "factor"), f"{name} = {factor:.4g} * the derivative"
    wrong = ~(np.abs(given - own) <= 1e-4 * scale)
    return "wrong-unknown", f"wrong: {describe(wrong, letters_of(name, own.ndim))}"
