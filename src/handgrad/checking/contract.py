"""Probes of manners: what a layer must not do, whatever it computes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from .cases import Args, Case
from .complex_step import zeroed_numpy
from .report import Finding, finding
from .sandbox import Failure
from .subject import Layer, Loss, Run, draw_dout


def probe(subject: Layer, case: Case, run: Run, *, draws: bool = False) -> tuple[list[Finding], list[str]]:
    """Return what the manners of a function are blamed for, and notes.

    Parameters
    ----------
    subject : Layer
    case : Case
        A case that runs.
    run : Run
        Its results.
    draws : bool
        Whether the layer may draw random numbers (dropout).
    """
    findings = _changed(run)
    notes: list[str] = []
    probes: list[Callable[..., Finding | None]] = [_one_array, _second_call, _fortran, _cache, _buffers]
    if not draws:
        probes += [_random_state, _aliases]
    for one in probes:
        try:
            found = one(subject, case, run)
        except Failure as failure:
            found = _late_failure(one.__name__, failure)
        if found is not None:
            findings.append(found)
    _dtypes(subject, case, findings, notes)
    return findings, notes


def _late_failure(name: str, failure: Failure) -> Finding | None:
    if failure.refused:
        return None
    mistake = {"_fortran": "fails-for-fortran", "_cache": "cache-not-enough"}.get(name, "second-call-differs")
    return finding(mistake, "both passes", failure.evidence())


def _changed(run: Run) -> list[Finding]:
    return [
        finding("input-changed", name, f"{stage} changes {name} of the caller, on {run.case.words}")
        for name, stage in run.changed.items()
    ]


def uninitialised(subject: Layer, case: Case, run: Run) -> bool:
    """Return whether NaN of a run come from memory that nobody wrote."""
    with zeroed_numpy(subject.functions):
        again = subject.run(case, run.dout)
    if again.failure is not None:
        return False
    return any(
        again.outputs[name].shape == value.shape
        and bool((np.isfinite(again.outputs[name]) & ~np.isfinite(value)).any())
        for name, value in run.outputs.items()
        if name in again.outputs
    )


def _differs(one: Run, other: Run) -> str:
    """Return the first output in which two runs differ beyond rounding."""
    for name, value in one.outputs.items():
        second = other.outputs.get(name)
        if second is None or second.shape != value.shape:
            return name
        scale = max(float(np.max(np.abs(value), initial=0.0)), 1e-3)
        if not np.allclose(value, second, rtol=0, atol=1e-8 * scale, equal_nan=True):
            return name
    return ""


def _one_array(subject: Layer, case: Case, run: Run) -> Finding | None:
    """Two running statistics that are one array, at the first call."""
    if "bn_param" not in case.args or case.args["bn_param"].get("mode") != "train":
        return None
    args = case.copy_args()
    for key in ("running_mean", "running_var"):
        args["bn_param"].pop(key, None)
    subject.forward(args)
    mean, var = (args["bn_param"].get(key) for key in ("running_mean", "running_var"))
    if not (isinstance(mean, np.ndarray) and isinstance(var, np.ndarray) and np.shares_memory(mean, var)):
        return None
    words = (
        f"at the first call both are one array: what is written to the one is in the other, on {case.words}"
    )
    return finding("one-array", "running_mean, running_var", words)


def _second_call(subject: Layer, case: Case, run: Run) -> Finding | None:
    again = subject.run(case, run.dout)
    if again.failure is not None:
        raise again.failure
    name = _differs(run, again)
    if name:
        return finding(
            "second-call-differs", name, f"the same arguments give another {name}, on {case.words}"
        )
    if subject.backward_function is None or not case.backward or isinstance(subject, Loss):
        return None
    names = ["d" + n for n in case.arrays]
    twice = Run(case, subject.backward(again.dout.copy(), again.cache, names))  # type: ignore[union-attr]
    name = _differs(twice, Run(case, {n: run.outputs[n] for n in names}))
    if name:
        return finding(
            "second-call-differs",
            name,
            f"backward twice with the same cache gives another {name}, on {case.words}",
        )
    return None


def _ordered(args: Args) -> Args:
    return {
        name: np.asfortranarray(v) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v
        for name, v in args.items()
    }


def _fortran(subject: Layer, case: Case, run: Run) -> Finding | None:
    turned = Case(_ordered(case.args), case.properties, case.smooth, case.backward)
    dout = None if run.dout is None else np.asfortranarray(run.dout)
    other = subject.run(turned, dout)
    if other.failure is not None:
        raise other.failure
    name = _differs(run, other)
    if not name:
        return None
    error = np.max(np.abs(run.outputs[name] - other.outputs[name])) if name in other.outputs else np.nan
    return finding(
        "fails-for-fortran",
        name,
        f"{name} moves by {error:.2g} when the arrays are Fortran-ordered, on {case.words}",
    )


def _cache(subject: Layer, case: Case, run: Run) -> Finding | None:
    """Call forward for another batch in between: backward of the first must not notice."""
    if isinstance(subject, Loss) or subject.backward_function is None or not case.backward:
        return None
    names = ["d" + n for n in case.arrays]
    _, cache = subject.forward(case.copy_args())
    other = case.copy_args()
    rng = np.random.default_rng(5)
    for name in case.arrays:
        other[name] = rng.permuted(other[name] * 1.5 + 0.25)
    subject.forward(other)
    grads = subject.backward(run.dout.copy(), cache, names)  # type: ignore[union-attr]
    late = Run(case, {name: np.array(value) for name, value in grads.items()})
    name = _differs(Run(case, {n: run.outputs[n] for n in names}), late)
    if name:
        return finding(
            "cache-not-enough",
            name,
            f"{name} changes when forward is called for another batch in between, on {case.words}",
        )
    return None


def _buffers(subject: Layer, case: Case, run: Run) -> Finding | None:
    """Keep a result, call again for another batch: what was kept must stay as it was."""
    if isinstance(subject, Loss):
        return None
    names = ["d" + n for n in case.arrays]
    held = []
    for scale in (1.0, 1.5):
        args = case.copy_args()
        for name in case.arrays:
            args[name] = args[name] * scale
        out, cache = subject.forward(args)
        grads = {}
        if subject.backward_function is not None and case.backward and run.dout is not None:
            grads = subject.backward(run.dout * scale, cache, names)
        held.append({"out": out, **grads})
        if len(held) == 1:
            kept = {name: np.array(value) for name, value in held[0].items()}
    for name, value in kept.items():
        if not np.array_equal(value, held[0][name], equal_nan=True):
            return finding(
                "second-call-differs",
                name,
                f"{name} of a first call changes when a second call is made: both lie in one buffer, "
                f"on {case.words}",
            )
    return None


def _random_state(subject: Layer, case: Case, run: Run) -> Finding | None:
    np.random.seed(20_000)  # noqa: NPY002 - else a layer that always seeds alike would leave it as it was
    random.seed(20_000)
    before = _global_state()
    subject.run(case, run.dout)
    if before == _global_state():
        return None
    return finding(
        "global-random-touched", "both passes", f"after a call it is another state, on {case.words}"
    )


def _global_state() -> tuple[Any, ...]:
    state: Any = np.random.get_state()  # noqa: NPY002 - whether it stays is the question
    return state[1].tobytes(), state[2], random.getstate()


def _aliases(subject: Layer, case: Case, run: Run) -> Finding | None:
    if isinstance(subject, Loss):
        return None
    args = case.copy_args()
    out, cache = subject.forward(args)
    for name in case.arrays:
        if np.shares_memory(out, args[name]):
            return finding(
                "result-aliases-input", "out", f"out lies in the memory of {name}, on {case.words}"
            )
    if subject.backward_function is None or not case.backward:
        return None
    dout = draw_dout(out) if run.dout is None else run.dout.copy()
    grads = subject.backward(dout, cache, ["d" + n for n in case.arrays])
    for name, value in grads.items():
        for other, array in (("dout", dout), *((n, args[n]) for n in case.arrays)):
            if np.shares_memory(value, array):
                return finding(
                    "result-aliases-input", name, f"{name} lies in the memory of {other}, on {case.words}"
                )
    return None


def _halved(value: Any) -> Any:
    """Return float64 arrays as float32, in dictionaries too."""
    if isinstance(value, dict):
        return {key: _halved(item) for key, item in value.items()}
    is_double = isinstance(value, np.ndarray) and value.dtype == np.float64
    return value.astype(np.float32) if is_double else value


def _is_single(value: np.ndarray) -> bool:
    """Return whether no number needs more digits than float32 has, and most need more than float16 has."""
    if value.dtype.kind != "f" or value.size < 4 or not np.isfinite(value).all():
        return False
    if np.abs(value).max() < 1e-6:  # what is left of rounding
        return False
    with np.errstate(over="ignore"):
        single, half = value.astype(np.float32), value.astype(np.float16)
    long = np.mean(half != value) > 0.5  # counts and small fractions fit any type
    return bool(np.array_equal(single, value) and long)


def _all_single(case: Case) -> bool:
    return any(_is_single(case.args[name]) for name in case.arrays)


def _dtypes(subject: Layer, case: Case, findings: list[Finding], notes: list[str]) -> None:
    run = subject.run(case)
    small = [
        f"{k} ({v.dtype})" for k, v in run.outputs.items() if v.dtype.kind != "f" or v.dtype.itemsize < 8
    ]
    if small:
        findings.append(
            finding(
                "dtype-lost",
                small[0].partition(" ")[0],
                f"float64 in, out comes {', '.join(small)}, on {case.words}",
            )
        )
        return
    short = [name for name, value in run.outputs.items() if _is_single(value) and not _all_single(case)]
    if short:
        words = f"every number of {', '.join(short)} fits float32, on {case.words}: digits were cut off"
        findings.append(finding("dtype-lost", short[0], words))
        return
    args = {name: _halved(value) for name, value in case.args.items()}
    run = subject.run(
        Case(args, case.properties, case.smooth, case.backward),
        None if run.dout is None else run.dout.astype(np.float32),
    )
    large = [name for name, value in run.outputs.items() if value.dtype == np.float64 and value.ndim]
    if large:
        notes.append(
            f"float32 goes in and {', '.join(large)} come out as float64: right, and twice the memory"
        )
