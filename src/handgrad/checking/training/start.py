"""Before the first step: does the model run, what does guessing cost, does the penalty act, which dtypes."""

from __future__ import annotations

import math

import numpy as np

from handgrad.checking import sandbox
from handgrad.checking.sandbox import Failure
from handgrad.checking.training.inside import observe
from handgrad.checking.training.learning import own_trial
from handgrad.checking.training.patient import CALL_LIMIT, Patient, loss, scores
from handgrad.checking.training.report import Check, failed, passed, skipped

_NEAR = 0.02  # relative, between a loss and the one that theory gives
_TOO_LARGE = 2.0  # times what guessing costs


def check_runs(patient: Patient) -> Check:
    """Run the model once in each mode, and compare shapes."""
    name = "model runs"
    try:
        first, grads = patient.first
        num_classes = patient.num_classes
    except Failure as failure:
        odd = [key for key, w in patient.params.items() if w.dtype != patient.dtype]
        if odd:
            dtypes = f"{patient.params[odd[0]].dtype} in a model of {patient.dtype}"
            evidence = f"{dtypes}, which then fails: {failure.evidence()}"
            return failed(name, "float64-drift", odd[0], evidence)
        return failed(name, "raises", "model.loss", failure.evidence(), "broken")
    for key, w in patient.params.items():
        if key in grads and grads[key].shape != w.shape:
            evidence = f"the gradient has shape {grads[key].shape}, the parameter {w.shape}"
            return failed(name, "shape-wrong", f"gradient of {key}", evidence)
    X, y = patient.few()
    given = X.copy()
    sandbox.call(patient.fresh().loss, given, y.copy(), limit=CALL_LIMIT)
    if not np.array_equal(given, X, equal_nan=given.dtype.kind == "f"):
        return failed(name, "input-changed", "X", f"loss(X, y) changed {np.mean(given != X):.0%} of X")
    story = f"{len(patient.scores)} images give {num_classes} scores each, loss {first:.4g} and gradients"
    return passed(name, story)


def check_first_loss(patient: Patient) -> Check:
    """Compare the loss of all-zero parameters, and the first loss, with what guessing costs."""
    name = "first loss"
    num_classes = patient.num_classes
    zero = _loss_of_zeros(patient)
    known = _costs_of_guessing(num_classes)
    kind = next((k for k, cost in known.items() if zero is not None and _near(zero, cost)), "")
    if zero is not None and not kind:
        evidence = (
            f"with all parameters 0 every class is as likely, yet the loss is {zero:.4f}: softmax gives log "
            f"{num_classes} = {known['softmax']:.4f}, the hinge loss {num_classes - 1}"
            + _guess(zero, num_classes, patient.effort.few)
        )
        return failed(name, "first-loss-wrong", "loss", evidence)
    if patient.learns_already:
        return skipped(name, f"the model is trained already: {patient.accuracy:.0%} of images are right")
    first = patient.first[0]
    expected = known[kind or "softmax"]
    if first > _TOO_LARGE * max(expected, 1.0):
        spread = float(np.std(patient.scores - patient.scores.mean(axis=1, keepdims=True)))
        evidence = (
            f"the first loss is {first:.4g} where guessing costs {expected:.4g}; an image's scores spread by "
            f"{spread:.3g} before any step"
        )
        return failed(name, "first-loss-wrong", "scores", evidence)
    penalty = _penalty(patient)
    if penalty > _TOO_LARGE * max(expected, 1.0):
        evidence = f"the penalty of the first weights is {penalty:.4g}, the images' loss {first:.4g}"
        return failed(name, "first-loss-wrong", "regularisation", evidence)
    if not kind:
        return skipped(name, f"it is {first:.4g}; softmax begins at log {num_classes} = {expected:.4g}")
    return passed(name, f"{first:.4g}, where guessing costs {expected:.4g} ({kind}, {num_classes} classes)")


def check_regularisation(patient: Patient) -> Check:
    """Raise the strength of the penalty: loss and gradients must follow."""
    name = "regularisation"
    if not patient.has_reg:
        return skipped(name, "the model has no attribute reg")
    weights = [patient.params[key].astype(np.float64) for key in patient.weights]
    squares = sum(float(np.vdot(w, w)) for w in weights)
    if squares == 0:
        return skipped(name, "all weights are 0")
    strength = 2 / squares  # a penalty of 1 where it is half the sum of squares
    X, y = patient.few()
    bare, bare_grads = loss(patient.fresh(reg=0.0), X, y)
    full, full_grads = loss(patient.fresh(reg=strength), X, y)
    rise = full - bare
    if not rise > 1e-3:
        evidence = f"reg = {strength:.3g} instead of 0 moves the loss from {bare:.6g} to {full:.6g}"
        return failed(name, "regularisation-has-no-effect", "loss", evidence)
    there = [key for key in patient.weights if key in full_grads and patient.params[key].any()]
    pulls = {key: full_grads[key].astype(np.float64) - bare_grads[key] for key in there}
    without = [key for key, pull in pulls.items() if not pull.any()]
    if len(without) == len(pulls):
        evidence = f"reg = {strength:.3g} raises the loss by {rise:.3g}, but leaves the gradients as they are"
        return failed(name, "regularisation-has-no-effect", "gradients", evidence)
    if without:
        listed = ", ".join(without)
        evidence = f"reg = {strength:.3g} raises the loss by {rise:.3g}, but leaves {listed} alone"
        return failed(name, "regularisation-has-no-effect", listed, evidence, "doubtful")
    share = _share_of_slope(pulls, patient.params, rise)
    if not _near(share, 1, 0.1):
        evidence = f"its gradient is {share:.3g} times the slope of the penalty in the loss"
        return failed(name, "regularisation-has-no-effect", "gradients", evidence)
    return passed(name, f"reg = {strength:.3g} raises the loss by {rise:.3g}, and the gradients agree")


def check_dtypes(patient: Patient) -> Check:
    """Compare the dtypes of everything with the model's."""
    name = "dtype"
    wanted = patient.dtype
    grads = patient.first[1]
    arrays = {key: w.dtype for key, w in patient.params.items()}
    arrays |= {step.name: step.dtype for step in observe(patient) if step.kind not in ("relu",)}
    arrays |= {f"gradient of {key}": g.dtype for key, g in grads.items()}
    arrays["scores"] = patient.scores.dtype
    arrays |= {f"{key} after a step": dtype for key, dtype in own_trial(patient).dtypes.items()}
    wrong = [(key, dtype) for key, dtype in arrays.items() if dtype.kind == "f" and dtype != wanted]
    if not wrong:
        return passed(name, f"parameters, layers, scores and gradients are {wanted}")
    listed = ", ".join(key for key, _ in wrong[:4]) + (", ..." if len(wrong) > 4 else "")
    given = patient.draw(1)[0].dtype
    evidence = f"{listed}: {wrong[0][1]} in a model of {wanted}; the images come as {given}"
    return failed(name, "float64-drift", wrong[0][0], evidence)


def _costs_of_guessing(num_classes: int) -> dict[str, float]:
    return {
        "softmax": math.log(num_classes),
        "hinge": num_classes - 1.0,
        "logistic": num_classes * math.log(2),
    }


def _loss_of_zeros(patient: Patient) -> float | None:
    """Return the loss of a copy with all parameters 0, or None where its scores are not all equal then."""
    X, y = patient.few()
    try:
        model = _zeroed(patient)
        flat = scores(model, X)
        value = loss(_zeroed(patient), X, y)[0]
    except Failure:
        return None
    return value if np.ptp(flat) == 0 and math.isfinite(value) else None


def _zeroed(patient: Patient) -> object:
    model = patient.fresh(reg=0.0)
    for w in model.params.values():
        w[...] = 0
    return model


def _guess(zero: float, num_classes: int, batch: int) -> str:
    """Name the step that a loss of softmax or hinge lacks, where the factor tells."""
    causes = {
        float(batch): "summed over the batch instead of averaged",
        1 / batch: "divided by the size of the batch twice",
        1 / math.log(2): "a logarithm to base 2",
        1 / math.log(10): "a logarithm to base 10",
        1 / num_classes: "averaged over the classes, too",
        float(num_classes): "summed over the classes instead of taken at the right one",
        -1.0: "with the wrong sign",
    }
    for kind, cost in _costs_of_guessing(num_classes).items():
        for factor, cause in causes.items():
            if kind != "logistic" and _near(zero, factor * cost):
                return f"; {factor:.4g} times {'log K' if kind == 'softmax' else 'K - 1'}: {cause}?"
    if _near(zero, num_classes):
        return "; K: is the margin of the right class counted?"
    return ""


def _penalty(patient: Patient) -> float:
    if not patient.has_reg:
        return 0.0
    X, y = patient.few()
    return loss(patient.fresh(), X, y)[0] - loss(patient.fresh(reg=0.0), X, y)[0]


def _share_of_slope(pulls: dict[str, np.ndarray], params: dict[str, np.ndarray], rise: float) -> float:
    """Return the penalty's gradient over the slope of the penalty, both along the weights.

    A penalty of squares is homogeneous: its slope along the weights is twice the penalty. One of absolute
    values, whose gradient does not lie along the weights, has a slope of once the penalty.
    """
    w = np.concatenate([params[key].astype(np.float64).ravel() for key in pulls])
    pull = np.concatenate([each.ravel() for each in pulls.values()])
    along = float(pull @ w)
    cosine = along / float(np.linalg.norm(pull) * np.linalg.norm(w))
    return along / ((2 if abs(cosine) > 0.95 else 1) * rise)


def _near(value: float, wanted: float, relative: float = _NEAR) -> bool:
    return abs(value - wanted) <= relative * abs(wanted)
