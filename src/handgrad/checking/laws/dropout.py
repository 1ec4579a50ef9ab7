"""Dropout is judged by its laws alone: its mask is drawn, so there is no one right output."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..sandbox import Failure
from ..subject import Run
from .common import good_runs, near, value


def dropout(state: Any) -> None:
    """Read share and scale of what is kept off out / x, and hold backward to the same mask."""
    if not _shapes(state):
        return
    shared = next((r for r in _training(state) if _one_mask_for_all(r)), None)
    if shared is not None:
        words = f"every sample drops the same numbers, on {shared.case.words}"
        state.add("mask-shared", "out", words)
        return
    keeps = _keeps(state)
    if _cut_off(state, keeps):
        return
    for run in good_runs(state):
        x, out = run.case.args["x"], run.outputs["out"]
        if run.case.args["dropout_param"]["mode"] == "test":
            _test(state, run, out / x)
        elif not _train(state, run, out / x, keeps):
            return
    _trains(state)


def _shapes(state: Any) -> bool:
    for run in good_runs(state):
        x, out = run.case.args["x"], run.outputs["out"]
        if out.shape != x.shape:
            words = f"out has shape {out.shape}, x has {x.shape}, on {run.case.words}"
            state.add("shape-wrong", "out", words)
            return False
    return True


def _keeps(state: Any) -> bool:
    """Return whether p is the probability to keep, throughout the first run: another convention. Tell it."""
    run = next(iter(_training(state)), None)
    if run is None:
        return False
    p = run.case.args["dropout_param"]["p"]
    share, scale = float(np.mean(run.outputs["out"] != 0)), _scale(run)
    loose = 5 * (p * (1 - p) / run.outputs["out"].size) ** 0.5
    if abs(share - p) > loose or not np.isclose(scale, 1 / p, rtol=1e-5):
        return False
    words = (
        f"{share:.1%} are kept and multiplied by 1 / p, where p = {p:g} drops {p:.0%}, on {run.case.words}"
    )
    state.add("keep-drop-swapped", "out", words, severity="doubtful")  # in itself it is consistent
    return True


def _cut_off(state: Any, keeps: bool) -> bool:
    """Tell a scale of 1 / (1 - p) that lost its fraction."""
    runs = _training(state)
    due = [1 / (p if keeps else 1 - p) for p in (r.case.args["dropout_param"]["p"] for r in runs)]
    given = [_scale(r) for r in runs]
    whole = [float(np.trunc(number)) for number in due]
    if given != whole or whole == due or max(whole, default=1.0) == 1.0:
        return False
    k = next(k for k, number in enumerate(due) if number != whole[k])
    words = (
        f"what is kept is multiplied by {given[k]:g}, which is {due[k]:.4g} cut off, on {runs[k].case.words}"
    )
    state.add("dtype-lost", "out", words, "which type has the array that holds the mask?")
    return True


def _test(state: Any, run: Run, ratio: np.ndarray) -> None:
    words = f"on {run.case.words}"
    p = run.case.args["dropout_param"]["p"]
    if near(ratio, np.ones(ratio.shape)):
        _test_backward(state, run, words)
    elif (ratio == 0).any():
        state.add(
            "drops-at-test",
            "out",
            f"{float(np.mean(ratio == 0)):.0%} of the numbers are zero at test time, {words}",
        )
    elif np.ptp(ratio) < 1e-9:
        train_scaled = any(abs(_scale(r) - 1) > 1e-6 for r in _training(state))
        mistake = "scaled-twice" if train_scaled or not np.isclose(ratio.flat[0], 1 - p) else "scale-missing"
        state.add(mistake, "out", f"at test time out = {ratio.flat[0]:.4g} * x, {words}")
    else:
        state.add("drops-at-test", "out", f"at test time out is not x, {words}")


def _test_backward(state: Any, run: Run, words: str) -> None:
    dx, dout = run.outputs.get("dx"), run.dout
    if dx is not None and dout is not None and not near(dx, dout):
        state.add(
            "drops-at-test", "dx", f"at test time forward passes x on, and backward changes dout, {words}"
        )


def _training(state: Any) -> list[Run]:
    return [
        r
        for r in good_runs(state)
        if r.case.args["dropout_param"]["mode"] == "train" and r.case.args["x"].size > 500
    ]


def _scale(run: Run) -> float:
    ratio = run.outputs["out"] / run.case.args["x"]
    kept = ratio[ratio != 0]
    return float(np.median(kept)) if kept.size else 0.0


def _train(state: Any, run: Run, ratio: np.ndarray, keeps: bool) -> bool:
    given = run.case.args["dropout_param"]["p"]
    p = 1 - given if keeps else given
    words = f"on {run.case.words}"
    kept = ratio != 0
    share, scale = float(kept.mean()), _scale(run)
    if kept.any() and np.ptp(ratio[kept]) > 1e-6 * abs(scale):
        state.add(
            "forward-wrong",
            "out",
            f"what is kept is scaled by different numbers, {ratio[kept].min():.3g} to "
            f"{ratio[kept].max():.3g}, {words}",
        )
        return False
    if ratio.size > 500:
        mistake = _named(share, scale, p, ratio.size)
        if mistake:
            state.add(
                mistake,
                "out",
                f"{share:.1%} are kept and multiplied by {scale:.4g}, where p = {given:g} drops "
                f"{p:.0%}, and {1 / (1 - p):.4g} keeps the mean, {words}",
            )
            return False
    return _backward(state, run, ratio, scale, words)


def _named(share: float, scale: float, p: float, count: int) -> str:
    keep = 1 - p
    loose = 5 * (p * keep / count) ** 0.5 + 1e-9
    if abs(share - keep) > loose:
        return "keep-drop-swapped" if abs(share - p) <= loose else "forward-wrong"
    if np.isclose(scale, 1 / keep, rtol=1e-5):
        return ""
    if np.isclose(scale, 1.0, rtol=1e-5):
        return "scale-missing"
    if np.isclose(scale, keep**-2, rtol=1e-5):
        return "scaled-twice"
    return (
        "keep-drop-swapped"
        if np.isclose(scale, 1 / p, rtol=1e-5)
        else "scale-missing"
        if scale < 1
        else "factor"
    )


def _backward(state: Any, run: Run, ratio: np.ndarray, scale: float, words: str) -> bool:
    dx, dout = run.outputs.get("dx"), run.dout
    if dx is None or dout is None:
        return True
    if dx.shape != ratio.shape:
        state.add("shape-wrong", "dx", f"dx has shape {dx.shape}, x has {ratio.shape}, {words}")
        return False
    back = dx / dout
    if near(back, ratio):
        return True
    passed = back != 0
    if near(dx, ratio) or near(dx, ratio != 0):
        mistake = "derivative-wrong"
    elif passed.all():
        mistake = "mask-not-used-in-backward"
    elif np.array_equal(passed, ratio != 0):
        factor = float(np.median(back[passed])) / scale
        mistake = (
            "scale-missing"
            if np.isclose(factor * scale, 1)
            else "scaled-twice"
            if np.isclose(factor, scale)
            else "factor"
        )
    elif np.array_equal(passed, ratio == 0):
        mistake = "mask-inverted"
    else:
        mistake = "mask-redrawn"
    times = float(np.median(back[passed])) if passed.any() else 0.0
    agree = float(np.mean(passed == (ratio != 0)))
    state.add(
        mistake,
        "dx",
        f"{passed.mean():.1%} of dout pass, times {times:.4g}; forward kept {np.mean(ratio != 0):.1%}, "
        f"times {scale:.4g}; the two masks agree at {agree:.0%}, {words}",
    )
    return False


def _one_mask_for_all(run: Run) -> bool:
    kept = run.outputs["out"] != 0
    return any(kept.shape[k] > 1 and bool((kept == np.take(kept, [0], k)).all()) for k in range(kept.ndim))


def _trains(state: Any) -> None:
    """A mask that never drops, or always the same share whatever p is, is no dropout."""
    shares = {
        r.case.args["dropout_param"]["p"]: float(np.mean(r.outputs["out"] != 0)) for r in _training(state)
    }
    if shares and all(share == 1.0 for share in shares.values()) and not state.findings:
        state.add("forward-wrong", "out", "nothing is ever dropped in training")
    run = next(iter(_training(state)), None)
    if run is not None and not state.findings:
        _reseeds(state, run)


def _reseeds(state: Any, run: Run) -> None:
    """Without a seed two calls draw two masks; the same twice means that the layer seeds by itself."""
    param = {k: v for k, v in run.case.args["dropout_param"].items() if k != "seed"}
    masks = [value(state, run, dropout_param=dict(param)) for _ in range(2)]
    if masks[0] is None:
        try:
            state.subject.forward({**run.case.copy_args(), "dropout_param": dict(param)})
        except Failure as failure:
            words = f"{failure.evidence()}, with p {param['p']:g} and no seed"
            state.add("raises", "forward pass", words, "the seed is there for tests only: do without it too.")
    if masks[0] is not None and masks[1] is not None and np.array_equal(masks[0], masks[1]):
        state.add(
            "global-random-touched",
            "out",
            f"without a seed two calls draw the same mask, on {run.case.words}",
        )
