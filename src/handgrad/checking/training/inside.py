"""Inside the net: numbers that are none, dead relus, saturated sigmoids, layers that change the dtype."""

from __future__ import annotations

import numpy as np

from handgrad.checking import sandbox
from handgrad.checking.sandbox import Failure
from handgrad.checking.training.patient import CALL_LIMIT, Patient, loss, remembered
from handgrad.checking.training.report import Check, failed, passed, skipped
from handgrad.checking.training.seen import Seen
from handgrad.checking.training.trace import Trace
from handgrad.checking.training.watch import watching

_DEAD = 0.4  # of a layer's units, before training
_DEAD_AFTER = 0.9  # in training many die, often for a while, and the others learn
_SATURATED = 0.5  # of a layer's numbers
_ACTIVATIONS = {"relu", "sigmoid", "tanh"}


def check_finite(patient: Patient) -> Check:
    """Look for NaN and infinity in images, parameters, layers, loss and gradients, in this order."""
    name = "finite numbers"
    for part in patient.parts():
        X = patient.raw(part)[0]
        if not is_finite(X):
            return failed(name, "nan-layer", f"X_{part}", _count(X))
    for key, w in patient.params.items():
        if not is_finite(w):
            return failed(name, "nan-layer", key, f"{_count(w)} before any step")
    value, grads = patient.first
    for seen in observe(patient):
        if not seen.finite:
            evidence = "the first step of the forward pass whose output has one"
            return failed(name, "nan-layer", seen.name, evidence)
    if not np.isfinite(value):
        return failed(name, "nan-layer", "loss", f"the loss is {value} though all parameters are finite")
    for key, g in reversed(grads.items()):
        if not is_finite(g):
            evidence = f"{_count(g)} while the loss is {value:.4g}"
            return failed(name, "nan-layer", f"gradient of {key}", evidence)
    return passed(name, "images, parameters, layers, loss and gradients are finite")


def check_relus(patient: Patient, trained: bool = False) -> Check:
    """Look for units that no image makes positive."""
    name = "dead relus"
    relus = [seen for seen in observe(patient) if seen.kind == "relu"]
    if not relus:
        return _dead_by_gradient(patient, name)
    limit = _DEAD_AFTER if trained or patient.learns_already else _DEAD
    bad = [seen for seen in relus if seen.dead >= limit]
    if not bad:
        worst = max(relus, key=lambda seen: seen.dead)
        return passed(name, f"at most {worst.dead:.0%} of a layer's units are dead ({worst.name})")
    evidence = f"{bad[0].dead:.0%} of its {bad[0].units} units are 0 for all of {len(patient.scores)} images"
    return failed(name, "dead-relus", bad[0].name, evidence)


def check_relus_after(patient: Patient) -> Check:
    """Look for layers with hardly a unit left that some image makes positive."""
    return check_relus(patient, trained=True)


def check_saturation(patient: Patient) -> Check:
    """Look for sigmoids and tanhs at their bounds."""
    name = "saturation"
    curves = [seen for seen in observe(patient) if seen.kind in ("sigmoid", "tanh")]
    if not curves:
        return skipped(name, "no sigmoid and no tanh was seen")
    bad = [seen for seen in curves if seen.saturated >= _SATURATED]
    if not bad:
        worst = max(curves, key=lambda seen: seen.saturated)
        share = f"{worst.saturated:.0%}"
        return passed(name, f"at most {share} of a layer's outputs are at their bounds ({worst.name})")
    evidence = f"{bad[0].saturated:.0%} of its outputs are within 1 % of their bounds"
    return failed(name, "saturated", bad[0].name, evidence)


@remembered
def observe(patient: Patient) -> tuple[Seen, ...]:
    """Return what was seen of the steps of a forward pass, in their order."""
    X, y = patient.some()
    model = patient.fresh()
    with watching(model.params) as seen:
        loss(model, X, y)  # in training mode: a batch norm that has seen nothing yet has no test mode
    if any(step.kind in _ACTIVATIONS for step in seen):
        return tuple(seen)
    return (*seen, *_traced(patient, X))


def _traced(patient: Patient, X: np.ndarray) -> list[Seen]:
    try:
        num_classes = patient.num_classes
        model = patient.fresh()
        trace = Trace(model.params, len(X), num_classes)
        for key in model.params:
            model.params[key] = trace.traced(model.params[key])
        # Scores only: a backward pass compares the same arrays again.
        sandbox.call(model.loss, trace.traced(X), limit=CALL_LIMIT)
    except Failure:
        return []  # it insists on plain arrays
    return trace.seen


def _dead_by_gradient(patient: Patient, name: str) -> Check:
    """Judge by gradients: weights into a dead unit get exactly none."""
    grads = patient.first[1]
    hidden = [key for key in patient.weights if key in grads and patient.num_classes not in grads[key].shape]
    for key in hidden:
        g = grads[key]
        silent = ~g.any(axis=0) if g.ndim == 2 else ~g.reshape(len(g), -1).any(axis=1)
        if _DEAD <= silent.mean() < 1:
            evidence = f"{silent.mean():.0%} of its {silent.size} units get no gradient at all from any image"
            return failed(name, "dead-relus", f"units of {key}", evidence)
    if not hidden:
        return skipped(name, "no relu was seen")
    return passed(name, "no relu was seen, but gradients reach the units of every layer")


def is_finite(array: np.ndarray) -> bool:
    """Say whether the array holds neither NaN nor infinity."""
    return array.dtype.kind != "f" or bool(np.isfinite(array.min()) and np.isfinite(array.max()))


def _count(array: np.ndarray) -> str:
    bad = int((~np.isfinite(array)).sum())
    return f"{bad:,} of its {array.size:,} numbers are NaN or infinite"
