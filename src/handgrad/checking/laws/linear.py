"""Laws of affine layers and convolutions (linear in x and in w), and of sandwiches."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..subject import Run
from .common import good_runs, near, off, value


def affine(state: Any) -> None:
    """Zero weights give the bias; a single weight carries one number of x to one output."""
    for run in good_runs(state):
        x, w, b = (run.case.args[k] for k in ("x", "w", "b"))
        if not _shape(state, run, (len(x), b.size)) or not _bias(state, run, w, b, (len(x), b.size), axis=1):
            return
        rng = np.random.default_rng(2)
        for _ in range(4):
            d, m = int(rng.integers(len(w))), int(rng.integers(b.size))
            single = np.zeros(w.shape)
            single[d, m] = 1.0
            out = value(state, run, w=single, b=0 * b)
            due = np.zeros((len(x), b.size))
            due[:, m] = x.reshape(len(x), -1)[:, d]
            if out is not None and not near(out, due):
                state.add(
                    "forward-wrong",
                    "out",
                    f"with w zero but for w[{d}, {m}] = 1, output {m} must be number {d} "
                    f"of each sample: {off(out, due)}, on {run.case.words}",
                )
                return
        _superposition(state, run)


def conv(state: Any) -> None:
    """Zero filters give the bias; a filter of a single 1 copies the image, moved."""
    for run in good_runs(state):
        args = run.case.args
        x, w, b = args["x"], args["w"], args["b"]
        stride, pad = args["conv_param"]["stride"], args["conv_param"]["pad"]
        h, width = ((x.shape[k] + 2 * pad - w.shape[k]) // stride + 1 for k in (2, 3))
        shape = (len(x), len(w), h, width)
        if not _shape(state, run, shape) or not _bias(state, run, w, b, shape, axis=1):
            return
        rng = np.random.default_rng(2)
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        for _ in range(4):
            f, c, p, q = (int(rng.integers(n)) for n in w.shape)
            single = np.zeros(w.shape)
            single[f, c, p, q] = 1.0
            out = value(state, run, w=single, b=0 * b)
            due = np.zeros(shape)
            rows, columns = np.arange(h) * stride + p, np.arange(width) * stride + q
            due[:, f] = padded[:, c][:, rows][:, :, columns]
            if out is not None and not near(out, due):
                state.add(
                    "forward-wrong",
                    "out",
                    f"a filter that is 1 at ({c}, {p}, {q}) and 0 elsewhere must copy "
                    f"channel {c} of the padded image from row {p}, column {q} on: {off(out, due)}, "
                    f"on {run.case.words}",
                )
                return
        if not _superposition(state, run):
            return
        _shift(state, run, stride, pad)


def _shape(state: Any, run: Run, due: tuple[int, ...]) -> bool:
    out = run.outputs["out"]
    if out.shape != due:
        state.add("shape-wrong", "out", f"out has shape {out.shape}, due is {due}, on {run.case.words}")
    return bool(out.shape == due)


def _bias(state: Any, run: Run, w: np.ndarray, b: np.ndarray, shape: tuple[int, ...], axis: int) -> bool:
    out = value(state, run, w=0 * w)
    due = np.broadcast_to(b.reshape(1, -1, *(1 for _ in shape[2:])), shape)
    if out is None or near(out, due):
        return True
    mistake = "bias-missing" if not out.any() else "bias-wrong-axes"
    state.add(
        mistake, "out", f"with all weights zero, out must be the bias: {off(out, due)}, on {run.case.words}"
    )
    return False


def _superposition(state: Any, run: Run) -> bool:
    """Hold f(x1 + 2 x2) = f(x1) + 2 f(x2) without a bias."""
    x, b = run.case.args["x"], run.case.args["b"]
    other = np.random.default_rng(4).standard_normal(x.shape)
    parts = [value(state, run, x=v, b=0 * b) for v in (x, other, x + 2 * other)]
    first, second, both = parts
    if first is None or second is None or both is None or near(both, first + 2 * second):
        return True
    state.add(
        "forward-wrong", "out", f"it is not linear in x: {off(both, first + 2 * second)}, on {run.case.words}"
    )
    return False


def _shift(state: Any, run: Run, stride: int, pad: int) -> None:
    """Hold shift equivariance: an image moved by the stride moves the output by one, inside."""
    x, b = run.case.args["x"], run.case.args["b"]
    moved = np.zeros(x.shape)
    moved[:, :, stride:] = x[:, :, :-stride]
    out, shifted = value(state, run, b=0 * b), value(state, run, x=moved, b=0 * b)
    if out is None or shifted is None:
        return
    edge = -(-pad // stride)  # windows that see the padding above
    first, second = (
        out[:, :, edge : out.shape[2] - 1 - edge],
        shifted[:, :, edge + 1 : shifted.shape[2] - edge],
    )
    if first.size and not near(second, first):
        state.add(
            "forward-wrong",
            "out",
            f"an image moved down by {stride} must move the output down by one row: "
            f"{off(second, first)}, on {run.case.words}",
        )


def sandwich(state: Any) -> None:
    """Nothing below zero comes out of a relu, and a part of it is zero; it has the shape of its pieces."""
    for run in good_runs(state):
        out = run.outputs["out"]
        words = f"on {run.case.words}"
        if (out < 0).any():
            state.add(
                "mask-missing",
                "out",
                f"behind a relu, {float(np.mean(out < 0)):.0%} of the numbers are below zero, {words}",
            )
            return
        if "bn_param" in run.case.args and not _normalised(state, run, words):
            return
        if "bn_param" not in run.case.args and not _rectified(state, run, words):
            return


def pooled(state: Any) -> None:
    """Hold what a maximum over sums keeps: the bias, and any positive factor; and it is no minimum."""
    for run in good_runs(state):
        x, w, b = (run.case.args[name] for name in ("x", "w", "b"))
        words = f"on {run.case.words}"
        if not _bias(state, run, w, b, run.outputs["out"].shape, 1):
            return
        plain, double, negative = (value(state, run, x=factor * x, b=0 * b) for factor in (1, 2, -1))
        if plain is None or double is None or negative is None:
            continue
        if not near(double, 2 * plain):
            said = f"without a bias, twice the image must give twice the output: {off(double, 2 * plain)}"
            return state.add("forward-wrong", "out", f"{said}, {words}")
        if not near(np.maximum(plain, -negative), plain):
            said = f"the largest of a window's numbers comes out smaller than the smallest, {words}"
            return state.add("forward-wrong", "out", said)


def normed(state: Any) -> None:
    """Hold what batch norm puts out when nothing follows it."""
    for run in good_runs(state):
        if not _normalised(state, run, f"on {run.case.words}", relu=False):
            return


def _rectified(state: Any, run: Run, words: str) -> bool:
    """Hold f(w, b) - f(-w, -b) linear: relu(a) - relu(-a) = a, and a is linear in x. Not behind a pool."""
    w, b = run.case.args["w"], run.case.args["b"]
    high = value(state, run, w=0 * w, b=np.abs(b))
    if high is not None:
        due = np.broadcast_to(np.abs(b).reshape(1, -1, *(1 for _ in high.shape[2:])), high.shape)
        if not near(high, due):
            state.add(
                "bias-missing",
                "out",
                f"with all weights zero and b >= 0, out must be b: {off(high, due)}, {words}",
            )
            return False
    low = value(state, run, w=0 * w, b=-np.abs(b))
    if low is not None and low.any():
        state.add("mask-missing", "out", f"with all weights zero and b < 0, out must be 0, {words}")
        return False
    x = run.case.args["x"]
    positive = value(state, run, w=np.abs(w), b=np.abs(b), x=np.abs(x))
    double = value(state, run, w=np.abs(w), b=np.abs(b), x=2 * np.abs(x))
    plain = value(state, run, w=np.abs(w), b=0 * b, x=np.abs(x))
    if positive is None or double is None or plain is None:
        return True
    if not near(double - positive, plain):
        state.add(
            "forward-wrong",
            "out",
            f"where every sum is positive, out must be linear in x: {off(double - positive, plain)}, {words}",
        )
        return False
    return True


def _normalised(state: Any, run: Run, words: str, relu: bool = True) -> bool:
    """With gamma 0, out is beta, or behind relu its positive part."""
    gamma, beta = run.case.args["gamma"], run.case.args["beta"]
    out = value(state, run, gamma=0 * gamma)
    if out is None:
        return True
    left, what = (np.maximum(beta, 0), "the positive part of beta") if relu else (beta, "beta")
    due = np.broadcast_to(left.reshape(1, -1, *(1 for _ in out.shape[2:])), out.shape)
    if not near(out, due):
        state.add(
            "forward-wrong",
            "out",
            f"with gamma zero, out must be {what}: {off(out, due)}, {words}",
        )
        return False
    x = run.case.args["x"]
    first, second = value(state, run), value(state, run, x=3 * x, b=3 * run.case.args["b"])
    eps_free = {**run.case.args["bn_param"], "eps": 0.0}
    first, second = (
        value(state, run, bn_param=dict(eps_free)),
        value(state, run, x=3 * x, b=3 * run.case.args["b"], bn_param=dict(eps_free)),
    )
    if first is not None and second is not None and not near(first, second, 1e-5):
        state.add(
            "forward-wrong",
            "out",
            f"without eps, out must not change when the input is scaled: {off(second, first)}, {words}",
        )
        return False
    return True
