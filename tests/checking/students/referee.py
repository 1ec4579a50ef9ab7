"""The plain referee: is a submission right? It knows the reference tier and nothing of the doctor.

Every comparison is in float64 and to 1e-7 of the largest number; beside the numbers it asks what the layer
contract asks: inputs left alone, float64 kept, any memory order, fresh results, initialised buffers.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from checking.students.cases import CALLS, Call
from checking.students.student import Student
from checking.students.suite import LOSSES, RULES
from handgrad import reference
from handgrad.training import optim

TOLERANCE = 1e-7


def complaints(student: Student) -> list[str]:
    """Return what is wrong with a submission, in words; nothing when it is right."""
    with warnings.catch_warnings(), _poisoned_memory(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if student.like in RULES:
            return list(_judge_rule(student))
        return list(_judge_loss(student) if student.like in LOSSES else _judge_layer(student))


def _judge_layer(student: Student) -> Iterator[str]:
    for call in CALLS[student.like](np.random.default_rng(5)):
        if student.own_ties and len(np.unique(call["x"])) < call["x"].size:
            continue  # among equal maxima any choice is a gradient
        try:
            yield from (f"{text} at {_shown(call)}" for text in _one_call(student, call))
        except Exception as error:  # whatever a student's code raises
            yield f"{type(error).__name__}: {error} at {_shown(call)}"


def _shown(call: Call) -> str:
    return ", ".join(f"{k}{v.shape}" if isinstance(v, np.ndarray) else f"{k}={v}" for k, v in call.items())


def _one_call(student: Student, call: Call) -> Iterator[str]:
    expected_forward = getattr(reference, f"{student.like}_forward_naive")
    expected_backward = getattr(reference, f"{student.like}_backward_naive")
    rng = np.random.default_rng(6)
    given, truth = copy.deepcopy(call), copy.deepcopy(call)
    out, cache = apply(student.forward, given)
    if student.like == "dropout":
        yield from _judge_dropout(student, call, out, cache)
        return
    true_out, true_cache = apply(expected_forward, truth)
    yield from _differs("out", out, true_out)
    yield from _same_inputs(call, given)
    for key in ("running_mean", "running_var"):
        if key in truth.get("bn_param", {}):
            yield from _differs(key, given["bn_param"].get(key), truth["bn_param"][key])
    if call.get("bn_param", {}).get("mode") == "test":
        return  # the courses' backward is for training
    dout = rng.standard_normal(true_out.shape)
    kept = dout.copy()
    gradients = as_tuple(student.backward(dout, cache))
    if not np.array_equal(dout, kept):
        yield "dout changed"
    wanted = as_tuple(expected_backward(kept, true_cache))
    if len(gradients) != len(wanted):
        yield f"{len(gradients)} gradients, expected {len(wanted)}"
    for number, (one, other) in enumerate(zip(gradients, wanted, strict=False)):
        yield from _differs(f"gradient {number}", one, other)
    yield from _habits(student, call, out)


def _habits(student: Student, call: Call, out: np.ndarray) -> Iterator[str]:
    """Two calls, Fortran order, float32."""
    kept = out.copy()
    moved = {k: v + 0.25 if k == "x" else v for k, v in copy.deepcopy(call).items()}
    out, cache = apply(student.forward, copy.deepcopy(call))
    first = [np.array(g) for g in as_tuple(student.backward(np.ones_like(out), cache))]
    earlier, cache = apply(student.forward, copy.deepcopy(call))
    moved_out, _ = apply(student.forward, copy.deepcopy(moved))
    truth = getattr(reference, f"{student.like}_forward_naive")
    yield from _differs("out of a second call", moved_out, apply(truth, moved)[0])
    yield from _differs("an earlier result after another call", earlier, kept)
    again = as_tuple(student.backward(np.ones_like(kept), cache))
    for one, other in zip(again, first, strict=True):
        yield from _differs("a gradient after another forward", one, other)
    fortran = copy.deepcopy(call)
    fortran |= {k: np.asfortranarray(v) for k, v in fortran.items() if isinstance(v, np.ndarray)}
    yield from _differs("out of Fortran-ordered inputs", apply(student.forward, fortran)[0], kept)
    single = _as_float32(copy.deepcopy(call))
    out32, cache = apply(student.forward, single)
    results = (out32, *as_tuple(student.backward(np.ones_like(kept, dtype=np.float32), cache)))
    for one, other in zip(results, (kept, *first), strict=True):
        yield from _differs_in_float32(one, other)


def _judge_dropout(student: Student, call: Call, out: np.ndarray, cache: Any) -> Iterator[str]:
    x, (p, mode) = call["x"], (call["dropout_param"]["p"], call["dropout_param"]["mode"])
    dout = np.random.default_rng(8).standard_normal(x.shape)
    dx = student.backward(dout.copy(), cache)
    if mode == "test":
        yield from _differs("out at test time", out, x)
        yield from _differs("dx at test time", dx, dout)
        return
    kept = out != 0
    if abs(kept.mean() - (1 - p)) > 0.15:
        yield f"keeps {kept.mean():.2f} of the units, p is {p}"
    yield from _differs("out", out, np.where(kept, x / (1 - p), 0))
    yield from _differs("dx", dx, np.where(kept, dout / (1 - p), 0))
    free = {"x": x, "dropout_param": {"p": p, "mode": mode}}
    one, other = (apply(student.forward, copy.deepcopy(free))[0] for _ in range(2))
    if np.array_equal(one, other):
        yield "two calls without a seed drop the same units"
    if len(x) > 1 and (kept == kept[:1]).all():
        yield "every sample drops the same units"
    out, cache = apply(student.forward, copy.deepcopy(free))
    yield from _differs(
        "dx without a seed", (student.backward(dout.copy(), cache) != 0) * 1.0, (out != 0) * 1.0
    )


def _judge_loss(student: Student) -> Iterator[str]:
    truth = getattr(reference, f"{student.like}_naive")
    for call in CALLS[student.like](np.random.default_rng(5)):
        try:
            yield from _one_loss(student, call, *truth(call["x"], call["y"]))
        except Exception as error:  # whatever a student's code raises
            yield f"{type(error).__name__}: {error} at {_shown(call)}"


def _one_loss(student: Student, call: Call, true_loss: float, true_dx: np.ndarray) -> Iterator[str]:
    x = call["x"].copy()
    loss, dx = student.forward(x, call["y"])
    yield from _differs("loss", loss, true_loss)
    yield from _differs("dx", dx, true_dx)
    yield from _same_inputs(call, {"x": x})
    single = student.forward(call["x"].astype(np.float32), call["y"])[1]
    yield from _differs_in_float32(single, true_dx)


def _judge_rule(student: Student) -> Iterator[str]:
    """Ten steps beside ours, with small and with large gradients and an epsilon that shows."""
    rule = getattr(optim, student.like)
    for scale, settings in ((1.0, {}), (1e-4, {"learning_rate": 0.3}), (0.5, {"epsilon": 1e-2})):
        if "epsilon" in settings and student.like.startswith("sgd"):
            continue
        rng = np.random.default_rng(9)
        w = true_w = rng.standard_normal((3, 4))
        config, true_config = dict(settings), dict(settings)
        for step in range(10):
            dw = rng.standard_normal(w.shape) * scale
            given = dw.copy()
            w, config = student.forward(w.copy(), given, config)
            true_w, true_config = rule(true_w, dw, true_config)
            yield from _differs(f"w after step {step + 1}", w, true_w)
            if not np.array_equal(given, dw):
                yield "dw changed"
    yield from _starts_anew(student.forward)


def _starts_anew(rule: Any) -> Iterator[str]:
    """Two parameters that begin without a config have nothing to do with each other."""
    rng = np.random.default_rng(9)
    w, dw = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    one, other = (rule(w.copy(), dw.copy(), None)[0] for _ in range(2))
    yield from _differs("w of a second parameter without a config", other, one)


def apply(function: Any, values: Call) -> Any:
    """Call with the values that its parameters name."""
    return function(*(values[name] for name in inspect.signature(function).parameters if name in values))


def as_tuple(result: Any) -> tuple:
    return result if isinstance(result, tuple) else (result,)


def _differs(what: str, one: Any, other: Any) -> Iterator[str]:
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype == object or one.shape != other.shape:
        yield f"{what} has shape {one.shape}, expected {other.shape}"
        return
    if one.dtype != other.dtype:
        yield f"{what} is {one.dtype}, expected {other.dtype}"
    scale = max(1.0, float(np.max(np.abs(other), initial=0)))
    error = float(np.max(np.abs(one - other), initial=0))
    if not error <= TOLERANCE * scale:
        yield f"{what} is off by {error:.2e}"


def _differs_in_float32(one: np.ndarray, other: np.ndarray) -> Iterator[str]:
    """Float64 for float32 is no mistake: np.zeros alone brings it about, in the courses' own solutions."""
    if one.dtype not in (np.float32, np.float64):
        yield f"float32 becomes {one.dtype}"
    elif not np.max(np.abs(one - other), initial=0) <= 1e-4 * max(1.0, np.max(np.abs(other), initial=0)):
        yield "other numbers in float32"


def _same_inputs(call: Call, given: Call) -> Iterator[str]:
    for name, value in call.items():
        if isinstance(value, np.ndarray) and name in given and not np.array_equal(value, given[name]):
            yield f"{name} changed"


def _as_float32(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_float32(part) for key, part in value.items()}
    return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value


@contextmanager
def _poisoned_memory() -> Iterator[None]:
    """Make np.empty hand out NaN, as it may."""
    empty, empty_like = np.empty, np.empty_like

    def poison(array: np.ndarray) -> np.ndarray:
        if array.dtype.kind == "f":
            array.fill(np.nan)
        return array

    np.empty = lambda *args, **kwargs: poison(empty(*args, **kwargs))
    np.empty_like = lambda *args, **kwargs: poison(empty_like(*args, **kwargs))
    try:
        yield
    finally:
        np.empty, np.empty_like = empty, empty_like
