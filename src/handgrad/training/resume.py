"""All of a Solver's run as a tree for a checkpoint, and the way back."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.training import checkpoint, checks, model_state, optim
from handgrad.training.errors import CheckpointError
from handgrad.training.optim_config import OF_ALL
from handgrad.training.schedule import Schedule

if TYPE_CHECKING:
    from handgrad.training.run import Run

_HISTORIES = ("loss_history", "train_acc_history", "val_acc_history")
# Without these alike, the resumed run would not be the run that was stopped.
_ALIKE = (
    "update_rule", "optim_config", "param_config", "lr_decay", "batch_size", "schedule", "ema", "lookahead",
    "clip_norm", "clip_value", "mixup", "prune", "recalibrate", "num_snapshots", "image_side",
)  # fmt: skip


def settings(solver: Run) -> dict[str, Any]:
    """Return the solver's settings as numbers and texts."""
    return {
        "update_rule": _name(solver.update_rule),
        "optim_config": dict(solver.optim_config),
        "param_config": solver.param_config or None,
        "lr_decay": solver.lr_decay,
        "batch_size": solver.batch_size,
        "num_epochs": solver.num_epochs,
        "num_train_samples": solver.num_train_samples,
        "num_val_samples": solver.num_val_samples,
        "schedule": _name(solver.schedule),
        "augment": _name(solver.augment),
        "ema": solver.ema,
        "lookahead": None if solver.lookahead is None else str(solver.lookahead),
        "image_side": solver.image_side,
        "num_snapshots": solver.num_snapshots,
        "recalibrate": solver.recalibrate,
        "mixup": solver.mixup,
        "prune": solver.prune,
        "clip_norm": solver.clip_norm,
        "clip_value": solver.clip_value,
        "checkpoint_every": solver.checkpoint_every,
    }


def capture(solver: Run) -> dict[str, Any]:
    """Return everything that the rest of the run depends on."""
    rest = model_state.rest(solver.model)
    return {
        "iteration": solver.iteration,
        "epoch": solver.epoch,
        "checked_at": solver._checked_at,
        "seed": solver._seed,
        **{name: np.array(getattr(solver, name), dtype=np.float64) for name in _HISTORIES},
        "params": solver.model.params,
        "statistics": rest.statistics,
        "model_generator": rest.generator,
        "optim_configs": solver.optim_configs,
        **solver._averages.state(),
        "snapshots": [{"params": p, "statistics": s} for p, s in solver.snapshots],
        "pruning": None if solver._pruning is None else solver._pruning.losses,
        "best_val_acc": solver.best_val_acc,
        "best_params": solver.best_params,
        "best_statistics": solver.best_bn_params,
        "preprocess": _preprocess_arrays(solver),
        "model": _config(solver.model),
        "settings": settings(solver),
        "data": _data(solver),
    }


def begin(solver: Run, resume: Any) -> None:
    """Do what the setting `resume` says: begin afresh, or go on from a checkpoint.

    Raises
    ------
    ValueError, TypeError
        As `restore`, and where `resume` is True without a folder, or no folder's name.
    """
    if not isinstance(resume, bool):
        restore(solver, checks.folder("resume", resume))
    elif resume and solver.checkpoint_name is None:
        raise ValueError("resume=True needs checkpoint_name, the folder of the checkpoint")
    elif resume and solver.checkpoint_name is not None and checkpoint.exists(solver.checkpoint_name):
        restore(solver, solver.checkpoint_name)


def restore(solver: Run, folder: Path) -> None:
    """Put the run of a checkpoint into a fresh solver: all of it, or on an error nothing.

    Raises
    ------
    CheckpointError
        In one sentence, naming the setting, parameter or data that differs.
    """
    tree = checkpoint.read(folder)
    where = f"checkpoint '{folder}'"
    try:
        _check(solver, tree, where)
        fields = _fields(tree)
        params, rest = tree["params"], model_state.Rest(tree["statistics"], tree["model_generator"])
    except CheckpointError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise checkpoint.damaged(folder, error) from error
    solver.model.params.update(params)
    model_state.set_rest(solver.model, rest)
    vars(solver).update(fields)
    solver._averages.restore(tree)
    if solver._pruning is not None:
        solver._pruning.losses[:] = tree["pruning"]


def _fields(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "iteration": int(tree["iteration"]),
        "_checked_at": int(tree["checked_at"]),
        "_written_at": int(tree["iteration"]),
        "_seed": int(tree["seed"]),
        **{name: tree[name].tolist() for name in _HISTORIES},
        "optim_configs": {name: dict(config) for name, config in tree["optim_configs"].items()},
        "snapshots": [(kept["params"], kept["statistics"]) for kept in tree.get("snapshots", [])],
        "best_val_acc": float(tree["best_val_acc"]),
        "best_params": tree["best_params"],
        "best_bn_params": tree["best_statistics"],
    }


def _check(solver: Run, tree: Mapping[str, Any], where: str) -> None:
    model = solver.model
    for params, statistics in (("params", "statistics"), ("best_params", "best_statistics")):
        model_state.check_fit(where, model, tree[params], tree[statistics])
    for kept in (tree["average"], tree.get("lookahead"), *tree.get("snapshots", [])):
        if kept is not None:
            model_state.check_fit(where, model, kept["params"], kept["statistics"])
    model_state.check_generator(where, model, tree["model_generator"])
    config = _config(model)
    if config is not None and tree["model"] is not None:
        _check_alike(f"{where} was written by a model with", "this one has", tree["model"], config)
    ours = settings(solver)
    theirs = {name: tree["settings"].get(name) for name in _ALIKE}
    if optim.own_name(solver.update_rule) is not None:  # older checkpoints lack these settings
        theirs["optim_config"] = theirs["optim_config"] | OF_ALL | theirs["optim_config"]
    _check_alike(
        f"{where} was written with",
        "this Solver has",
        theirs,
        {name: ours[name] for name in _ALIKE},
    )
    _check_alike(f"{where} was written with training data of", "these have", tree["data"], _data(solver))
    _check_preprocess(where, tree["preprocess"], _preprocess_arrays(solver))
    if set(tree["optim_configs"]) != set(model.params):
        raise CheckpointError(f"{where} is damaged: optim_configs do not belong to its parameters")


def _check_alike(there: str, here: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    for name in sorted(set(theirs) | set(ours)):
        a, b = _as_stored(theirs.get(name)), _as_stored(ours.get(name))
        if a != b:
            raise CheckpointError(f"{there} {name}={a!r}, but {here} {b!r}")


def _check_preprocess(where: str, theirs: Mapping[str, Any] | None, ours: Mapping[str, Any] | None) -> None:
    theirs, ours = theirs or {}, ours or {}
    for name in sorted(set(theirs) | set(ours)):
        if name not in theirs or name not in ours or not np.array_equal(theirs[name], ours[name]):
            raise CheckpointError(f"{where} was written with another preprocess: {name!r} differs")


def _config(model: Any) -> dict[str, Any] | None:
    config = getattr(model, "config", None)
    return dict(config()) if callable(config) else None


def _preprocess_arrays(solver: Run) -> dict[str, np.ndarray] | None:
    arrays = getattr(solver.preprocess, "arrays", None)
    return dict(arrays()) if callable(arrays) else None


def _data(solver: Run) -> dict[str, Any]:
    labels = np.ascontiguousarray(solver.y_train, dtype=np.int64)
    return {
        "shape": list(solver.X_train.shape),
        "dtype": str(solver.X_train.dtype),
        "labels_crc32": zlib.crc32(labels.tobytes()),
    }


def _as_stored(value: Any) -> Any:
    """Return `value` as a checkpoint gives it back: lists for tuples, Python's numbers for NumPy's."""
    if isinstance(value, Mapping):
        return {str(key): _as_stored(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_stored(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _name(function: Any) -> str | None:
    """Return a text by which a function is known: of its own, as a schedule has, or where it was written."""
    if function is None:
        return None
    if isinstance(function, Schedule):
        return str(function)
    return str(getattr(function, "__qualname__", type(function).__qualname__))
