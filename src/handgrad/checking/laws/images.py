"""Laws of pooling: what stands in a window, and that gradient mass is neither made nor lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..subject import Run
from .common import good_runs, near, off, value


def _windows(run: Run) -> tuple[tuple[int, ...], list[tuple[int, int, slice, slice]]]:
    x, param = run.case.args["x"], run.case.args["pool_param"]
    height, width, stride = param["pool_height"], param["pool_width"], param["stride"]
    rows, columns = (x.shape[2] - height) // stride + 1, (x.shape[3] - width) // stride + 1
    places = [
        (i, j, slice(i * stride, i * stride + height), slice(j * stride, j * stride + width))
        for i in range(rows)
        for j in range(columns)
    ]
    return (*x.shape[:2], rows, columns), places


def _pool(state: Any, holds: Callable[[np.ndarray, np.ndarray], np.ndarray], mistake: str, law: str) -> None:
    for run in good_runs(state):
        shape, places = _windows(run)
        out = run.outputs["out"]
        if out.shape != shape:
            state.add("shape-wrong", "out", f"out has shape {out.shape}, due is {shape}, on {run.case.words}")
            return
        bad = [
            (i, j)
            for i, j, r, c in places
            if not holds(run.case.args["x"][:, :, r, c], out[:, :, i, j]).all()
        ]
        if bad:
            state.add(
                mistake,
                "out",
                f"{law}: broken at {len(bad)} of {len(places)} positions, first {bad[0]}, "
                f"on {run.case.words}",
            )
            return


def max_pool(state: Any) -> None:
    """Each output stands in its window, and nothing there is larger."""

    def holds(window: np.ndarray, out: np.ndarray) -> np.ndarray:
        place = out[:, :, None, None]
        return (window <= place + 1e-9).all(axis=(2, 3)) & (np.abs(window - place) < 1e-9).any(axis=(2, 3))

    _pool(state, holds, "forward-wrong", "an output stands in its window and nothing there is larger")
    _mass(state)
    _credited(state)


def avg_pool(state: Any) -> None:
    """A constant image keeps its constant, and the output lies between the least and the greatest."""

    def holds(window: np.ndarray, out: np.ndarray) -> np.ndarray:
        count = window[0, 0].size
        return np.abs(out * count - window.reshape(*out.shape, -1).sum(axis=2)) < 1e-6 * count

    for run in good_runs(state):
        out = value(state, run, x=np.ones(run.case.args["x"].shape))
        if out is not None and not near(out, np.ones(out.shape)):
            state.add(
                "average-not-divided",
                "out",
                f"an image of ones must give ones: {off(out, np.ones(out.shape))}, on {run.case.words}",
            )
            break
    _pool(state, holds, "forward-wrong", "a mean times the number of its pixels is their sum")
    _mass(state)


def global_avg_pool(state: Any) -> None:
    """A constant image keeps its constant; the order of the pixels does not matter."""
    for run in good_runs(state):
        x, out = run.case.args["x"], run.outputs["out"]
        if out.size != x.shape[0] * x.shape[1]:
            state.add(
                "shape-wrong", "out", f"out has shape {out.shape}, due is {x.shape[:2]}, on {run.case.words}"
            )
            return
        ones = value(state, run, x=np.ones(x.shape))
        if ones is not None and not near(ones, np.ones(ones.shape)):
            state.add("average-not-divided", "out", f"an image of ones must give ones, on {run.case.words}")
            return
        single = np.zeros(x.shape)
        single[-1, 0, 0, 0] = single[-1, 0].size
        got = value(state, run, x=single)
        due = np.zeros(x.shape[:2])
        due[-1, 0] = 1.0
        if got is not None and not near(got.reshape(due.shape), due):
            state.add(
                "wrong-axes",
                "out",
                f"one bright pixel must be seen in its own channel alone, on {run.case.words}",
            )
            return
    _mass(state)


def _mass(state: Any) -> None:
    """Hold conservation: sum(dx) = sum(dout), for each sample and channel."""
    bad: list[tuple[Run, np.ndarray, np.ndarray]] = []
    good: list[tuple[Run, np.ndarray, np.ndarray]] = []
    for run in good_runs(state):
        dx, dout = run.outputs.get("dx"), run.dout
        if dx is None or dout is None or dx.shape != run.case.args["x"].shape or dout.ndim < 2:
            continue
        given, due = dx.sum(axis=(2, 3)), dout.reshape(*dout.shape[:2], -1).sum(axis=2)
        (good if near(given, due) else bad).append((run, given, due))
    if not bad:
        return
    run, given, due = bad[0]
    overlapping = all("overlap" in r.case.properties for r, *_ in bad)
    apart = bool(good) and all("overlap" not in r.case.properties for r, *_ in good)
    mistake = "overwrite-overlap" if overlapping and apart else "wrong-unknown"
    if all(not r.case.smooth for r, *_ in bad):
        mistake = "ties-all-credited"
    state.add(
        mistake,
        "dx",
        f"gradient mass is not conserved: sum of dx in a channel {given.flat[0]:.4g}, "
        f"of dout {due.flat[0]:.4g}, on {run.case.words}",
    )


def _credited(state: Any) -> None:
    """On ties, no more than dout goes out; who of the equal ones takes it is a note."""
    for run in good_runs(state):
        dx, dout = run.outputs.get("dx"), run.dout
        if run.case.smooth or "overlap" in run.case.properties or dx is None or dout is None:
            continue
        _, places = _windows(run)
        if dx.shape != run.case.args["x"].shape:
            return
        counts = [(dx[:, :, r, c] != 0).sum(axis=(2, 3)).max(initial=0) for _, _, r, c in places]
        if max(counts, default=0) > 1:
            state.notes.append("where numbers of a window are equal they share the gradient")
            return
        last = _last_of_ties(run, dx, places)
        if last:
            state.notes.append(last)
            return


def _last_of_ties(run: Run, dx: np.ndarray, places: list[Any]) -> str:
    x = run.case.args["x"]
    for _, _, r, c in places:
        window = x[:, :, r, c].reshape(*x.shape[:2], -1)
        credited = dx[:, :, r, c].reshape(window.shape) != 0
        if (credited.any(axis=2) & (np.argmax(credited, axis=2) != np.argmax(window, axis=2))).any():
            return "where numbers are equal another than the first takes the gradient"
    return ""
