"""The first steps: their size against the weights, gradients against slopes, and twenty images by heart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.checking.sandbox import Failure
from handgrad.checking.training.batchnorm import has_batchnorm
from handgrad.checking.training.patient import Grads, Patient, loss, remembered, scores
from handgrad.checking.training.report import Check, failed, passed, skipped
from handgrad.training import optim

_RATES = (1e-3, 1e-2, 1e-4)  # the doctor's, with adam; steps that any sound net of the courses learns with
_LARGE, _SMALL, _TINY = 0.1, 3e-3, 1e-4  # update to weight; healthy is 1e-3, and 0.05 in the first steps
_PEAK = 3.0  # times the first loss
_MOVE = 3.0  # of the first step, in sizes of the weights, or of sound ones where these begin very small
_FLAT = 0.01  # fall of the loss that counts as none
_LEARNT = 0.2  # of the first loss
_NOISE = 300  # roundings of a loss that a difference must stand out from


@dataclass
class Trial:
    """Some steps of training on a few images.

    Attributes
    ----------
    losses : list of float
        Before each step.
    ratios : dict
        For each weight the update's norm over its own, for each step.
    moves : dict
        Root of the mean square of each weight's first update.
    touched : set of str
        Parameters that had a gradient other than 0 at least once.
    dtypes : dict
        Of each parameter, after the last step.
    """

    model: Any
    losses: list[float] = field(default_factory=list)
    ratios: dict[str, list[float]] = field(default_factory=dict)
    moves: dict[str, float] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    dtypes: dict[str, np.dtype] = field(default_factory=dict)
    broke: bool = False

    @property
    def end(self) -> float:
        """Loss of the last steps."""
        return float(np.median(self.losses[-5:]))

    @property
    def fall(self) -> float:
        """Share of the first loss that is gone in the end."""
        return 1 - self.end / self.losses[0] if self.losses[0] else 0.0

    def typical(self) -> dict[str, float]:
        """Return the median ratio of each weight over the second half of the steps that had much to learn."""
        busy = sum(loss > _LEARNT * self.losses[0] for loss in self.losses)
        return {key: float(np.median(each[busy // 2 : max(busy, 1)])) for key, each in self.ratios.items()}


def check_updates(patient: Patient) -> Check:
    """Take steps by the rule of the run: their size against the weights, and what they do to the loss."""
    name = "update-to-weight ratio"
    trial = own_trial(patient)
    ratios = trial.typical()
    if not ratios:
        return skipped(name, "no weight has a gradient")
    largest, smallest = max(ratios, key=ratios.__getitem__), min(ratios, key=ratios.__getitem__)
    sizes = f"{ratios[smallest]:.1g} ({smallest}) to {ratios[largest]:.1g} ({largest})"
    steps = f"a step is {sizes} of the weights"
    if (leap := _leap(patient, trial)) and learns(patient):
        return failed(name, "update-ratio-too-large", largest, f"{leap}; {steps}, later on")
    story = f"the loss goes from {trial.losses[0]:.4g} to {trial.end:.4g} in {len(trial.losses)} steps"
    too_small = ratios[largest] < _TINY or (ratios[largest] < _SMALL and trial.fall < _FLAT / 10)
    if trial.fall < _FLAT and too_small and not by_heart(patient, trial) and learns(patient):
        return failed(name, "update-ratio-too-small", largest, f"{steps}; {story}")
    return passed(name, f"{steps}; {story}")


def _leap(patient: Patient, trial: Trial) -> str:
    """Tell of steps that are too large, or return ''."""
    first, peak = trial.losses[0], max(trial.losses)
    if trial.broke:
        return f"after {len(trial.losses)} steps the loss, {first:.4g} at first, is no finite number"
    if peak > _PEAK * max(first, math.log(patient.num_classes)):
        return f"the loss, {first:.4g} at first, rises to {peak:.4g} within {trial.losses.index(peak)} steps"
    for key, w in patient.params.items():
        if key in trial.ratios and trial.moves[key] > _MOVE * max(_rms(w), _natural(w)):
            return f"the first step moves {key} by {trial.ratios[key][0]:.3g} times its size"
    if max(trial.typical().values()) > _LARGE and trial.fall < _FLAT:
        return f"the loss, {first:.4g} at first, is {trial.end:.4g} after {len(trial.losses)} steps"
    return ""


def _rms(w: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(w, dtype=np.float64))))


def _natural(w: np.ndarray) -> float:
    """Return the standard deviation that He et al. would draw these weights with."""
    inputs = w[0].size if w.ndim > 2 else w.shape[0]
    return math.sqrt(2 / inputs)


def check_gradients(patient: Patient) -> Check:
    """Look for parameters without a gradient, and compare the others with the slope of the loss."""
    name = "gradients"
    grads = patient.first[1]
    missing = [key for key in patient.params if key not in grads]
    if missing:
        listed = ", ".join(missing)
        evidence = f"loss(X, y) gives gradients of {', '.join(grads)} only"
        return failed(name, "gradient-missing", listed, evidence)
    trial = own_trial(patient)
    alike = [key for key in _hidden(patient) if _units_alike(trial.model.params[key])]
    if alike:
        evidence = f"after {len(trial.losses)} steps all of its units are equal to the last bit"
        return failed(name, "units-alike", ", ".join(alike), evidence)
    # A bias in front of batch norm moves nothing, so that its gradient is 0 but for rounding.
    inert = {key for key, w in patient.params.items() if w.ndim < 2 and has_batchnorm(patient)}
    zero = [key for key in patient.params if key not in trial.touched and key not in inert]
    if zero:
        evidence = f"every number of it is 0 in {len(trial.losses)} steps"
        return failed(name, "gradient-zero", f"gradient of {', '.join(zero)}", evidence)
    if wrong := wrong_slopes(patient):
        key, ratio = next(iter(wrong.items()))
        listed = ", ".join(wrong)
        evidence = f"along the gradient of {listed} the loss rises {ratio:.2g} times as fast as it says"
        return failed(name, "gradient-wrong", f"gradient of {key}", evidence)
    return passed(name, "every parameter has one, and the loss rises along it as it says")


def check_overfit(patient: Patient) -> Check:
    """Learn a few images by heart, by the rule of the run or else by adam at several rates."""
    name = "overfit"
    trial = next((trial for trial in _attempts(patient) if by_heart(patient, trial)), None)
    if trial is not None:
        story = f"loss {trial.losses[0]:.4g} to {trial.end:.4g}"
        return passed(name, f"{patient.effort.few} images learnt in {len(trial.losses)} steps, {story}")
    best = min((trial for trial in _attempts(patient) if not trial.broke), key=lambda t: t.end, default=None)
    evidence = "the loss becomes no number at every rate that was tried"
    if best is not None:
        hits = _accuracy(patient, best)
        evidence = (
            f"after {len(best.losses)} steps the loss is {best.end:.4g} (it was {best.losses[0]:.4g}) and "
            f"{hits:.0%} are right, at the best of several learning rates"
        )
    wrong = wrong_slopes(patient)
    where = ", ".join(f"gradient of {key}" for key in wrong) or "model"
    if wrong:
        slopes = ", ".join(f"{ratio:.2g}" for ratio in wrong.values())
        evidence += f"; along that gradient the loss rises {slopes} times as fast as it says"
    return failed(name, "cannot-overfit", where, evidence)


def learns(patient: Patient) -> bool:
    """Say whether some rule learns a few images by heart, or at least halves their loss."""
    whole = (trial for trial in _attempts(patient) if not trial.broke)
    return any(trial.fall > 0.5 or by_heart(patient, trial) for trial in whole)


def by_heart(patient: Patient, trial: Trial) -> bool:
    """Say whether the images of the trial were learnt: by their loss, or by their scores at test time."""
    if trial.broke:
        return False
    guessing = math.log(patient.num_classes)
    return trial.end < _LEARNT * min(trial.losses[0], guessing) or (
        trial.end < guessing and _accuracy(patient, trial) >= 0.95
    )


@remembered
def own_trial(patient: Patient) -> Trial:
    """Return some steps by the rule of the run, with its penalty."""
    return _train(patient, patient.fresh(), patient.update_rule, patient.optim_config, patient.effort.steps)


def _attempts(patient: Patient) -> Iterator[Trial]:
    """Yield trials, each made once, and only when it is asked for."""
    yield own_trial(patient)
    trials = patient.memory.setdefault("doctor's trials", {})
    for rate in _RATES:
        if rate not in trials:
            model, settings = patient.fresh(reg=0.0), {"learning_rate": rate}
            trials[rate] = _train(patient, model, "adam", settings, patient.effort.more_steps)
        yield trials[rate]


def _train(patient: Patient, model: Any, rule: Any, settings: dict[str, Any], steps: int) -> Trial:
    X, y = patient.few()
    update = optim.get_rule(rule)
    configs: dict[str, Any] = {key: dict(settings) for key in model.params}
    trial = Trial(model)
    for step in range(steps):
        value, grads = loss(model, X, y)
        if not math.isfinite(value):
            trial.broke = True
            break
        trial.losses.append(value)
        if step >= patient.effort.steps and step % 10 == 0 and by_heart(patient, trial):
            break
        _step(trial, update, grads, configs)
    trial.dtypes = {key: w.dtype for key, w in model.params.items()}
    return trial


def _step(trial: Trial, update: Any, grads: Grads, configs: dict[str, Any]) -> None:
    params = trial.model.params
    with np.errstate(all="ignore"):
        for key in params:
            if key not in grads:
                continue
            w = params[key]
            if grads[key].any():
                trial.touched.add(key)
            params[key], configs[key] = update(w, grads[key], configs[key])
            if w.ndim >= 2 and (size := float(np.linalg.norm(w))) > 0:
                moved = float(np.linalg.norm(params[key] - w))
                trial.moves.setdefault(key, moved / math.sqrt(w.size))
                trial.ratios.setdefault(key, []).append(moved / size)


def _accuracy(patient: Patient, trial: Trial) -> float:
    X, y = patient.few()
    return float(np.mean(scores(trial.model, X).argmax(axis=1) == y))


@remembered
def wrong_slopes(patient: Patient) -> dict[str, float]:
    """Return the parameters along whose gradient the loss does not rise as it says, and by which factor."""
    X, y = patient.few()
    try:
        model = in_float64(patient)
        grads = loss(model, X.astype(np.float64), y)[1]
        if all(g.dtype == np.float64 for g in grads.values()):
            return _wrong_among(grads, lambda: in_float64(patient), X.astype(np.float64), y)
    except Failure:
        pass  # it insists on its own dtype
    grads = loss(patient.fresh(reg=0.0), X, y)[1]
    return _wrong_among(grads, lambda: patient.fresh(reg=0.0), X, y)


def in_float64(patient: Patient) -> Any:
    """Return a copy whose parameters are float64, so that rounding hides no slope."""
    model = patient.fresh(reg=0.0)
    for key, w in model.params.items():
        model.params[key] = w.astype(np.float64)
    if hasattr(model, "dtype"):
        model.dtype = np.dtype(np.float64)
    return model


def _wrong_among(grads: Grads, make: Callable[[], Any], X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    ratios = {key: _slope_ratio(make, X, y, key, g) for key, g in grads.items()}
    return {key: ratio for key, ratio in ratios.items() if ratio is not None and not 0.75 < ratio < 1.33}


def _slope_ratio(
    make: Callable[[], Any], X: np.ndarray, y: np.ndarray, key: str, g: np.ndarray
) -> float | None:
    """Return slope over gradient at the step where they agree best, or None where rounding hides it."""
    size = float(np.linalg.norm(g))
    w = make().params[key]
    if size == 0 or g.shape != w.shape:
        return None
    spread = float(np.linalg.norm(w)) or math.sqrt(w.size) * 1e-2
    found: list[float] = []
    for step in (1e-2, 1e-4, 1e-6):
        values = []
        for sign in (1, -1):
            model = make()
            model.params[key] = w + g * (sign * step * spread / size)
            values.append(loss(model, X, y)[0])
        noise = _NOISE * float(np.finfo(g.dtype).eps) * max(map(abs, values))
        expected = 2 * step * spread * size
        if expected > noise and all(map(math.isfinite, values)):
            found.append((values[0] - values[1]) / expected)
            if 0.9 < found[-1] < 1.1:
                break
    return min(found, key=lambda ratio: abs(ratio - 1), default=None)


def _hidden(patient: Patient) -> list[str]:
    """Return the weights of layers that do not give the scores."""
    return [key for key in patient.weights if patient.num_classes not in patient.params[key].shape]


def _units_alike(w: np.ndarray) -> bool:
    units = w if w.ndim > 2 else w.T
    return len(units) > 1 and bool((units == units[0]).all())
