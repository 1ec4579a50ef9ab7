"""The training doctor: the checklist of the courses, run on a model and its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from handgrad.checking.sandbox import Failure, random_state_kept
from handgrad.checking.training import batchnorm, images, inside, labels, learning, start
from handgrad.checking.training.patient import Patient, Preprocess
from handgrad.checking.training.report import Check, TrainingReport, skipped
from handgrad.training import optim

_Look = Callable[[Patient], Check]
_OF_DATA: dict[str, _Look] = {
    "centred inputs": images.check_centred,
    "labels and images": labels.check_labels,
}
_OF_MODEL: dict[str, _Look] = {
    "dtype": start.check_dtypes,
    "dead relus": inside.check_relus,
    "saturation": inside.check_saturation,
    "first loss": start.check_first_loss,
    "regularisation": start.check_regularisation,
    "test mode": batchnorm.check_test_mode,
    "batch norm": batchnorm.check_training_mode,
    "gradients": learning.check_gradients,
    "update-to-weight ratio": learning.check_updates,
    "overfit": learning.check_overfit,
}

_NO_LABELS = {"label-off-by-one", "label-out-of-range"}


def examine_model(
    model: Any,
    data: Mapping[str, np.ndarray],
    *,
    update_rule: str | optim.Rule = "adam",
    optim_config: Mapping[str, Any] | None = None,
    preprocess: Preprocess | None = None,
    seed: int = 0,
) -> TrainingReport:
    """Run the checklist of the courses on a model before, or after, it is trained.

    Parameters
    ----------
    model : object
        ``params`` and ``loss(X, y=None)``, as the Solver takes it. It is copied, and left as it is, its
        running statistics and random generators included.
    data : mapping
        X_train (N, ...), y_train (N,), and X_val, y_val, X_test, y_test where there are any.
    update_rule, optim_config
        As the Solver takes them; the steps that are tried are made with them.
    preprocess : function, optional
        From a batch of images to what the model takes.
    seed : int, default 0
        Chooses the images that are looked at.

    Returns
    -------
    TrainingReport
        ``findings``, causes before what they lead to, and ``checks``, the whole list.

    Raises
    ------
    ValueError, TypeError
        When the model has no parameters, or the data are no arrays that belong together.

    Notes
    -----
    After "babysitting the learning process" of Stanford CS231n and Karpathy's "A recipe for training neural
    networks" (2019). A few hundred images are looked at, so that it takes seconds.

    Examples
    --------
    >>> from handgrad.data import get_shapes_data
    >>> from handgrad.models import TwoLayerNet
    >>> data = get_shapes_data(num_training=200, num_validation=50, num_test=0)
    >>> examine_model(TwoLayerNet(weight_scale=5.0, seed=0), data).findings[0].mistake
    'first-loss-wrong'
    """
    _check_model(model)
    arrays = _check_data(data)
    optim.get_rule(update_rule)
    report = TrainingReport(type(model).__name__)
    patient = Patient(model, arrays, update_rule, optim_config or {}, preprocess, seed)
    with random_state_kept(), np.errstate(all="ignore"):
        _examine(patient, report)
    return report


def _examine(patient: Patient, report: TrainingReport) -> None:
    report.add(_run("separate parts", images.check_leak, patient))
    classes = _run("classes", images.check_classes, patient)
    report.add(classes)
    labelled = classes.finding is None or classes.finding.mistake not in _NO_LABELS
    runs = start.check_runs(patient) if labelled else skipped("model runs", "its labels name no classes")
    report.add(runs)
    sound = labelled and runs.finding is None
    if sound:
        finite = inside.check_finite(patient)
        report.add(finite)
        sound = finite.finding is None
    of_data = labelled and all(inside.is_finite(patient.raw(part)[0]) for part in patient.parts())
    for name, look in _OF_DATA.items():
        report.add(
            _run(name, look, patient) if of_data else skipped(name, "it takes finite images and labels")
        )
    for name, look in _OF_MODEL.items():
        reason = "it takes a model that runs, and finite numbers"
        report.add(_run(name, look, patient) if sound else skipped(name, reason))


def examine_parts(patient: Patient, looks: Mapping[str, _Look]) -> list[Check]:
    """Make some points of the checklist; numbers that are none end it."""
    checks: list[Check] = []
    with random_state_kept(), np.errstate(all="ignore"):
        for name, look in looks.items():
            checks.append(_run(name, look, patient))
            if checks[-1].finding is not None and checks[-1].finding.mistake == "nan-layer":
                break
    return checks


def _run(name: str, look: _Look, patient: Patient) -> Check:
    try:
        return look(patient)
    except Failure as failure:
        return skipped(name, f"the model fails there: {failure.evidence()}")


def _check_model(model: Any) -> None:
    params = getattr(model, "params", None)
    if not isinstance(params, Mapping) or not params or not callable(getattr(model, "loss", None)):
        got = type(model).__name__
        raise TypeError(f"model must have params, a dictionary of arrays, and loss(X, y), got {got}")
    for name, w in params.items():
        if not isinstance(w, np.ndarray) or w.dtype.kind != "f":
            got = str(w.dtype) if isinstance(w, np.ndarray) else type(w).__name__
            raise TypeError(f"model.params[{name!r}] must be an array of floats, got {got}")


def _check_data(data: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    if not isinstance(data, Mapping):
        raise TypeError(f"data must be a dictionary with X_train and y_train, got {type(data).__name__}")
    if "X_train" not in data or "y_train" not in data:
        got = ", ".join(map(str, data)) or "nothing"
        raise ValueError(f"data must have X_train and y_train, got {got}")
    arrays: dict[str, np.ndarray] = {}
    for part in ("train", "val", "test"):
        names = f"X_{part}", f"y_{part}"
        if all(name in data for name in names):
            arrays |= dict(
                zip(names, _check_part(*names, *(np.asarray(data[n]) for n in names)), strict=True)
            )
    if len(arrays["X_train"]) < 2:
        raise ValueError(f"data['X_train'] must hold 2 samples at least, got {len(arrays['X_train'])}")
    return arrays


def _check_part(X_name: str, y_name: str, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if X.ndim < 2 or X.dtype.kind not in "fiub":
        raise ValueError(
            f"data['{X_name}'] must be numbers of shape (N, ...), got {X.dtype} of shape {X.shape}"
        )
    if y.shape != X.shape[:1] or y.dtype.kind not in "iu":
        raise ValueError(
            f"data['{y_name}'] must be {len(X)} whole numbers, one for each of {X_name}, "
            f"got {y.dtype} of shape {y.shape}"
        )
    return X, y
