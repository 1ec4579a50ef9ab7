"""Batch norm's two modes and its memory, judged by what scores and gradients depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.checking.training.inside import observe
from handgrad.checking.training.patient import Grads, Patient, loss, remembered, scores
from handgrad.checking.training.report import Check, failed, passed, skipped

_STEPS = 3  # in training mode, so that there are running statistics
_MOVED = 1e-3  # relative; rounding stays far below
_COUPLED = 0.01

Group = tuple[np.ndarray, np.ndarray]


def check_test_mode(patient: Patient) -> Check:
    """Ask for the scores of the same images twice, and with other neighbours."""
    name = "test mode"
    ours, one, _ = _groups(patient)
    first, again, moved = _asked_three_times(patient)
    if _differ(first, again):
        evidence = (
            f"the same {len(first)} images asked again get scores that differ by up to {_gap(first, again)}"
        )
        if has_batchnorm(patient) and not _is_random(patient, _both(ours, one)):
            return failed(name, "bn-wrong-mode", "test mode", evidence)
        return failed(name, "drops-at-test", "scores", evidence)
    if _differ(first, moved):
        evidence = (
            f"the scores of {len(first)} images change by up to {_gap(first, moved)} with the images beside "
            "them: the batch's own statistics are used at test time"
        )
        return failed(name, "bn-wrong-mode", "test mode", evidence)
    return passed(name, "scores are the same when asked again, and with other images beside them")


@remembered
def _asked_three_times(patient: Patient) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scores of the same images: once, again, and with other images beside them."""
    ours, one, other = _groups(patient)
    model = _trained_a_little(patient, ours, one)
    batches = [_both(ours, one)[0], _both(ours, one)[0], _both(ours, other)[0]]
    first, again, moved = (scores(model, X)[: len(ours[0])] for X in batches)
    return first, again, moved


def check_training_mode(patient: Patient) -> Check:
    """See whether images of a batch matter to each other in training, and leave a trace at test time."""
    name = "batch norm"
    ours, one, other = _groups(patient)
    if not has_batchnorm(patient) and _gradients(patient, ours, one) != _gradients(patient, ours, one):
        return skipped(name, "the model draws random numbers that cannot be repeated")
    if not _coupled(patient, ours, one, other):
        if not has_batchnorm(patient):
            return skipped(name, "the model has none")
        evidence = (
            "in training the gradient of an image does not depend on the others of its batch: the running "
            "statistics normalise it, not the batch's own"
        )
        return failed(name, "bn-wrong-mode", "training mode", evidence)
    if any(_differ(_asked_three_times(patient)[0], each) for each in _asked_three_times(patient)[1:]):
        return skipped(name, "scores at test time do not come from the running statistics alone")
    model = _trained_a_little(patient, ours, one)
    before = scores(model, ours[0])
    for _ in range(_STEPS):
        loss(model, *_both(other, other))
    if not _differ(before, scores(model, ours[0])):
        evidence = f"{_STEPS} training batches of another mean leave the scores at test time as they were"
        return failed(name, "bn-recreated", "running statistics", evidence)
    return passed(name, "the batch normalises in training, and moves the running statistics")


def has_batchnorm(patient: Patient) -> bool:
    """Say whether the model uses the layer, or holds running statistics or settings of its own."""
    return any(step.kind == "batchnorm" for step in observe(patient)) or _holds_settings(patient.model)


def _holds_settings(model: Any) -> bool:
    waiting = [(name.lower(), value, 0) for name, value in getattr(model, "__dict__", {}).items()]
    while waiting:
        path, value, depth = waiting.pop()
        if path.rpartition(".")[2].startswith("running_"):
            return True
        inner = _items(value)
        if "mode" in inner and ("bn" in path or "batch" in path):
            return True
        if depth < 3:
            waiting += [(f"{path}.{name}".lower(), item, depth + 1) for name, item in inner.items()]
    return False


def _items(value: Any) -> Mapping[Any, Any]:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, (list, tuple)) and len(value) < 100:
        return dict(enumerate(value))
    return {} if isinstance(value, (np.random.Generator, type)) else getattr(value, "__dict__", {})


def _groups(patient: Patient) -> tuple[Group, Group, Group]:
    """Return three groups of images with labels, the third with another mean and spread."""
    X, y = patient.draw(3 * patient.effort.group)
    X = X.astype(patient.dtype) if X.dtype.kind in "iub" else X
    third = len(X) // 3
    a, b, c = (slice(k * third, (k + 1) * third) for k in range(3))
    return (X[a], y[a]), (X[b], y[b]), ((2 * X[c] + float(X.std())).astype(X.dtype), y[c])


def _both(a: Group, b: Group) -> Group:
    return np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]])


def _trained_a_little(patient: Patient, a: Group, b: Group) -> Any:
    """Return a copy that has seen batches in training mode; its parameters are as they were."""
    model = patient.fresh()
    for _ in range(_STEPS):
        loss(model, *_both(a, b))
    return model


def _gradients(patient: Patient, a: Group, b: Group) -> dict[str, bytes]:
    return {key: g.tobytes() for key, g in loss(patient.fresh(reg=0.0), *_both(a, b))[1].items()}


def _coupled(patient: Patient, ours: Group, one: Group, other: Group) -> bool:
    """Say whether the gradient of a batch is more than a sum over its two halves.

    A sum f(A) + g(B) has no mixed difference, whether it is averaged or not, and whatever masks are drawn,
    for those are alike in batches of one size.
    """

    def of(a: Group, b: Group) -> Grads:
        return loss(patient.fresh(reg=0.0), *_both(a, b))[1]

    # The other group's images stand beside ours once more, in the first half.
    plain, both, right, left = of(ours, one), of(other, other), of(ours, other), of(other, one)
    return any(_mixed(plain[k], both[k], right[k], left[k]) > _COUPLED for k in patient.weights if k in plain)


def _mixed(plain: np.ndarray, both: np.ndarray, right: np.ndarray, left: np.ndarray) -> float:
    mixed = plain.astype(np.float64) + both - right - left
    size = max(float(np.linalg.norm(a - plain)) for a in (both, right, left))
    return float(np.linalg.norm(mixed)) / size if size > 0 else 0.0


def _is_random(patient: Patient, batch: Group) -> bool:
    model = patient.fresh()
    return len({loss(model, *batch)[0] for _ in range(3)}) > 1


def _gap(a: np.ndarray, b: np.ndarray) -> str:
    return f"{np.abs(a - b).max():.3g}"


def _differ(a: np.ndarray, b: np.ndarray) -> bool:
    scale = float(np.std(a)) or 1.0
    return bool(np.abs(a - b).max() > _MOVED * scale) or not bool(np.isfinite(b).all())
