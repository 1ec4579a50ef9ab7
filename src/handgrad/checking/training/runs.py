"""The doctor on a finished run: its log, the net that it began with and the net that it left."""

from __future__ import annotations

import inspect
import json
import math
import os
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from handgrad import data as data_room
from handgrad import models
from handgrad.checking.training import batchnorm, inside
from handgrad.checking.training.doctor import examine_model, examine_parts
from handgrad.checking.training.patient import Patient
from handgrad.checking.training.report import Check, TrainingReport, failed, passed, skipped
from handgrad.training import checkpoint
from handgrad.training.checkpoint import Checkpoint

_LOOKS = {
    "finite numbers": inside.check_finite,
    "dead relus": inside.check_relus_after,
    "saturation": inside.check_saturation,
    "test mode": batchnorm.check_test_mode,
    "batch norm": batchnorm.check_training_mode,
}
_PEAK = 3.0  # times the first loss
_LEAST = 50  # iterations, to speak of a fall
_FLAT = 0.01
_COUNTS = ("num_training", "num_validation", "num_test")


def examine_run(
    run_folder: str | os.PathLike[str],
    data: Mapping[str, np.ndarray] | str | os.PathLike[str] | None = None,
    *,
    model: Any = None,
    seed: int = 0,
) -> TrainingReport:
    """Run the checklist on a training run: the folder of ``handgrad train``, or a Solver's checkpoint.

    Parameters
    ----------
    run_folder : str or path-like
        Holds ``config.toml``, ``log.jsonl`` and ``checkpoint``, or is a checkpoint itself.
    data : mapping or str, optional
        The arrays of the run, as the Solver takes them; or 'shapes', 'cifar10' or a folder of images in the
        place of what ``config.toml`` names.
    model : object, optional
        The model as it was before training, needed where it is not one of `handgrad.models`.
    seed : int, default 0
        Chooses the images that are looked at.

    Returns
    -------
    TrainingReport
        Points of the log, of the net before training, and, as "trained: ...", of the last weights. What
        needs a model or data that cannot be found is not examined, with the reason.

    Raises
    ------
    FileNotFoundError
        When the folder holds no run.
    ValueError
        When the run is damaged, or `data` names nothing known.
    """
    run = _Run(Path(run_folder))
    report = TrainingReport(f"run {Path(run_folder).name}")
    report.add(_check_losses(run.losses()))
    arrays, why = _tried(run.arrays) if data is None else (_given(data, run.config), "")
    first, why_no_model = (model, "") if model is not None else _tried(lambda: run.model())
    if arrays is None or first is None:
        report.add(skipped("model", why if arrays is None else why_no_model))
        return report
    rule, settings = run.update_rule()
    prepare = run.preprocess(arrays)
    before = examine_model(
        first, arrays, update_rule=rule, optim_config=settings, preprocess=prepare, seed=seed
    )
    for check in before.checks:
        report.add(check)
    if run.checkpoint is not None:
        last = Patient(first, arrays, rule, settings, prepare, seed).fresh()
        run.checkpoint.apply(last, "last")
        for check in examine_parts(Patient(last, arrays, rule, settings, prepare, seed), _LOOKS):
            report.add(_of_trained(check))
    return report


class _Run:
    """The files of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = _read_config(path / "config.toml")
        places = [place for place in (path / "checkpoint", path) if checkpoint.exists(place)]
        self.checkpoint: Checkpoint | None = checkpoint.load_checkpoint(places[0]) if places else None
        if not self.config and self.checkpoint is None:
            what = "holds neither config.toml nor a checkpoint" if path.is_dir() else "is no folder"
            raise FileNotFoundError(f"run_folder must be a training run, but '{path}' {what}")

    def losses(self) -> list[float]:
        """Return the loss of each iteration, from the log or else the checkpoint."""
        found: list[float] = []
        with suppress(OSError):
            for line in (self.path / "log.jsonl").read_text(encoding="utf-8").splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    record = json.loads(line)
                    found += [float(record["loss"])] if record["event"] == "iteration" else []
        return found or (list(self.checkpoint.loss_history) if self.checkpoint else [])

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return the images and labels that the run was made with."""
        if "data" not in self.config:
            raise ValueError("the run does not tell its data: give them")
        return _given(self.config["data"], self.config)

    def model(self) -> Any:
        """Return the model with the first weights of the run."""
        config = self.checkpoint.model if self.checkpoint else _model_config(self.config, self.path)
        if config is None:
            raise ValueError("the model is not one of handgrad.models: give it as it was before training")
        return models.build({**config, "seed": self.config.get("seed", 0)})

    def update_rule(self) -> tuple[Any, dict[str, Any]]:
        """Return the update rule and its settings."""
        settings = dict(self.config.get("optim_config", {}))
        rule = self.config.get("update_rule", "adam")
        if self.checkpoint is not None:
            rule = self.checkpoint.settings.get("update_rule", rule)
            settings = dict(self.checkpoint.settings.get("optim_config") or settings)
        rate = self.config.get("learning_rate")
        return rule, {"learning_rate": rate, **settings} if rate is not None else settings

    def preprocess(self, arrays: Mapping[str, np.ndarray]) -> Callable[[np.ndarray], np.ndarray] | None:
        """Return what stands between images and model."""
        if self.checkpoint is not None:
            kept = self.checkpoint.preprocess
            return data_room.Standardize.from_arrays(kept) if kept else None
        kind, dtype = self.config.get("preprocess", "none"), self.config.get("dtype", "float32")
        if kind == "none":
            return None
        per: Any = {"mean": "image", "standardize": "channel"}[kind]
        return data_room.Standardize.fit(arrays["X_train"], per, scale=kind == "standardize", dtype=dtype)


def _given(data: Any, config: Mapping[str, Any]) -> Mapping[str, np.ndarray]:
    """Return the arrays of a data set by its name, as many of them as the run had."""
    if isinstance(data, Mapping):
        return data
    counts = [config.get(key) for key in _COUNTS]
    if data == "shapes":
        sizes = {key: n for key, n in zip(_COUNTS, counts, strict=True) if n is not None}
        return data_room.load_shapes(**sizes).split()
    if data == "cifar10":
        return data_room.load_cifar10(config.get("path"), download=False).split(*counts)
    if not Path(data).expanduser().is_dir():
        raise ValueError(f"data must be cifar10, shapes or a folder of images, got '{data}'")
    return data_room.load_folder(data, config.get("image_size", 32)).split(*counts)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"'{path}' must be a TOML file: {error}") from None


def _model_config(config: Mapping[str, Any], path: Path) -> dict[str, Any] | None:
    """Return constructor arguments from the settings of a run that has no checkpoint yet."""
    start = str(config.get("model", "three-layer")).replace("-", "")
    name = next((name for name in models.MODELS if name.lower().startswith(start)), None)
    if name is None:
        return None
    facts = json.loads((path / "run.json").read_text(encoding="utf-8"))["data"]
    parameters = inspect.signature(models.MODELS[name]).parameters
    own = {key: value for key, value in config.items() if key in parameters}
    flat = not isinstance(parameters["input_dim"].default, tuple)
    shape = facts["input_dim"]
    sizes = {"input_dim": math.prod(shape) if flat else shape, "num_classes": len(facts["class_names"])}
    return {"model": name, **sizes, **own}


def _tried(make: Callable[[], Any]) -> tuple[Any, str]:
    """Return what was made, or None and the reason."""
    try:
        return make(), ""
    except (ValueError, OSError, KeyError, TypeError) as error:
        return None, f"{error}"


def _check_losses(losses: list[float]) -> Check:
    """Look at the losses of the run: finite, not above the first, and falling."""
    name = "losses of the run"
    if not losses:
        return skipped(name, "the run has no log")
    first, count = losses[0], len(losses)
    bad = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), None)
    if bad is not None:
        evidence = f"the loss is {losses[bad]} at iteration {bad + 1} of {count}; it began with {first:.4g}"
        return failed(name, "update-ratio-too-large", "losses", evidence)
    peak = max(losses)
    if peak > _PEAK * first:
        evidence = f"it began with {first:.4g} and was {peak:.4g} at iteration {losses.index(peak) + 1}"
        return failed(name, "update-ratio-too-large", "losses", evidence)
    tenth = max(1, count // 10)
    early, late = float(np.mean(losses[:tenth])), float(np.mean(losses[-tenth:]))
    if count >= _LEAST and late > (1 - _FLAT) * early:
        evidence = f"its mean is {early:.4g} in the first tenth of {count} iterations, {late:.4g} in the last"
        return failed(name, "loss-does-not-fall", "losses", evidence)
    return passed(name, f"from {first:.4g} to {late:.4g} in {count} iterations")


def _of_trained(check: Check) -> Check:
    return Check(f"trained: {check.name}", check.verdict, check.sentence, check.finding)
