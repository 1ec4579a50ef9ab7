"""Checkpoints: a folder of two files, arrays in safetensors and all else in JSON, never a pickle.

``arrays-<iteration>-<start of its hash>.safetensors`` is written first, ``state.json`` next, each to a
temporary name that is then renamed. ``state.json`` names its arrays with their SHA-256, so that its rename
is the moment at which one checkpoint follows another: a crash or a full disk before it leaves the old one,
whole. Arrays of older checkpoints are removed last.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from handgrad._files import atomic_write
from handgrad.training import model_state
from handgrad.training.errors import CheckpointError

FORMAT = "handgrad checkpoint"
VERSION = 1
STATE = "state.json"
_ARRAY = "__array__"


@dataclass(frozen=True)
class Checkpoint:
    """What evaluation and prediction want of a checkpoint.

    Attributes
    ----------
    folder : Path
    iteration, epoch : int
        Iterations and whole epochs done.
    params, statistics
        Parameters and batch norm's running statistics after the last iteration.
    best_params, best_statistics
        Those of the best validation accuracy; averaged ones where the run had ``ema``.
    best_val_acc : float
    loss_history, train_acc_history, val_acc_history : list of float
    model : dict or None
        The model's ``config()``, from which ``handgrad.models.build`` makes it again.
    settings : dict
        The Solver's.
    preprocess : dict of arrays or None
        What ``preprocess.arrays()`` gave.
    snapshots : list of dict
        ``"params"`` and ``"statistics"`` of each part of a run with ``num_snapshots``.
    """

    folder: Path
    iteration: int
    epoch: int
    params: dict[str, np.ndarray] = field(repr=False)
    statistics: list[dict[str, np.ndarray]] = field(repr=False)
    best_params: dict[str, np.ndarray] = field(repr=False)
    best_statistics: list[dict[str, np.ndarray]] = field(repr=False)
    best_val_acc: float
    loss_history: list[float] = field(repr=False)
    train_acc_history: list[float]
    val_acc_history: list[float]
    model: dict[str, Any] | None
    settings: dict[str, Any]
    preprocess: dict[str, np.ndarray] | None = field(repr=False)
    snapshots: list[dict[str, Any]] = field(repr=False, default_factory=list)

    def apply(self, model: Any, which: str = "best") -> None:
        """Give the model the ``"best"`` or the ``"last"`` parameters and running statistics.

        Raises
        ------
        CheckpointError
            Where they do not fit the model, naming the parameter; the model is then as it was.
        """
        params, statistics = self._which(which)
        model_state.check_fit(f"checkpoint '{self.folder}'", model, params, statistics)
        model_state.set_weights(model, (params, statistics))

    def apply_snapshot(self, model: Any, number: int) -> None:
        """Give the model the weights of a snapshot, counted from 0.

        Raises
        ------
        CheckpointError
            Where they do not fit the model; the model is then as it was.
        """
        kept = self.snapshots[number]["params"], self.snapshots[number]["statistics"]
        model_state.check_fit(f"snapshot {number} of checkpoint '{self.folder}'", model, *kept)
        model_state.set_weights(model, kept)

    def _which(self, which: str) -> tuple[dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
        if which not in ("best", "last"):
            raise ValueError(f"which must be 'best' or 'last', got {which!r}")
        if which == "best":
            return self.best_params, self.best_statistics
        return self.params, self.statistics


def load_checkpoint(folder: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    CheckpointError
        In one sentence, when there is none, or it is damaged, foreign or of a newer version.
    """
    folder = Path(folder)
    tree = read(folder)
    try:
        tree = {"snapshots": []} | tree  # of a version that had none
        known = {f.name: tree[f.name] for f in fields(Checkpoint) if f.name != "folder"}
        known |= {name: tree[name].tolist() for name in known if name.endswith("_history")}
        return Checkpoint(folder=folder, **known)
    except (KeyError, AttributeError) as error:
        raise damaged(folder, error) from error


def load_params(folder: str | os.PathLike[str], which: str = "best") -> dict[str, np.ndarray]:
    """Return the ``"best"`` or the ``"last"`` parameters of a checkpoint.

    A model with batch norm wants its running statistics too: use ``load_checkpoint(folder).apply(model)``.
    """
    return load_checkpoint(folder)._which(which)[0]


def exists(folder: str | os.PathLike[str]) -> bool:
    """Say whether there is a checkpoint at `folder`, whole or damaged."""
    return (Path(folder) / STATE).exists()


def prepare(folder: str | os.PathLike[str]) -> Path:
    """Make `folder` and try to write there, so that a run of hours does not fail at its first checkpoint.

    Raises
    ------
    OSError
        In one sentence.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / ".writable"
        atomic_write(trial, "")
        trial.unlink()
    except OSError as error:
        raise _sentence(error, f"checkpoint folder '{folder}' cannot be written") from error
    return folder


def write(folder: Path, iteration: int, tree: Mapping[str, Any]) -> None:
    """Write a tree of dicts, lists, arrays, numbers and texts as the folder's checkpoint.

    Raises
    ------
    TypeError
        For something that a checkpoint cannot hold, naming its place.
    OSError
        In one sentence, for instance when the disk is full; the checkpoint before is whole.
    """
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    state = _flatten(tree, "", arrays)
    content = save(arrays)
    digest = hashlib.sha256(content).hexdigest()
    name = f"arrays-{iteration}-{digest[:8]}.safetensors"
    header = {"format": FORMAT, "version": VERSION, "arrays": name, "sha256": digest}
    try:
        atomic_write(folder / name, content)
        atomic_write(folder / STATE, json.dumps(header | {"state": state}, indent=1))
    except OSError as error:
        what = f"checkpoint '{folder}' cannot be written (the one before is whole)"
        raise _sentence(error, what) from error
    _remove_others(folder, name)


def read(folder: Path) -> dict[str, Any]:
    """Return the tree that `write` wrote, every array a writable copy."""
    try:
        header = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise CheckpointError(f"there is no checkpoint at '{folder}': it has no {STATE}") from None
    except ValueError as error:
        raise damaged(folder, error) from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise CheckpointError(f"'{folder / STATE}' is not the state of a {FORMAT}")
    if header.get("version") != VERSION:
        raise CheckpointError(
            f"checkpoint '{folder}' has format version {header.get('version')}, "
            f"but this Handgrad reads {VERSION}"
        )
    try:
        arrays = _read_arrays(folder, header["arrays"], header["sha256"])
        tree: dict[str, Any] = _unflatten(dict(header["state"]), arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(folder, error) from error
    return tree


def damaged(folder: Path, error: object) -> CheckpointError:
    """Return the error for a checkpoint that is not as it was written."""
    reason = f"{error} is missing" if isinstance(error, KeyError) else error
    return CheckpointError(f"checkpoint '{folder}' is damaged: {reason}")


def _read_arrays(folder: Path, name: str, digest: str) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if Path(name).name != name or not name.endswith(".safetensors"):
        raise ValueError(f"{name!r} is not the name of a file beside {STATE}")
    try:
        content = (folder / name).read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{name} is missing") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{name} is not as it was written (its SHA-256 differs)")
    try:
        return load(content)
    except SafetensorError as error:
        raise ValueError(f"{name}: {error}") from error


def _flatten(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """Return `value` for JSON, its arrays (NumPy's scalars too, for their dtype) put into `arrays`."""
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fiub":
        arrays[path] = np.array(value, order="C")
        return {_ARRAY: path}
    if isinstance(value, Mapping):
        # A slash in a key is quoted, so that no two places share a path.
        prefix = f"{path}/" if path else ""
        paths = {key: prefix + quote(str(key), safe="") for key in value}
        return {str(key): _flatten(item, paths[key], arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_flatten(item, f"{path}/{i}", arrays) for i, item in enumerate(value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a checkpoint cannot hold {path}, which is a {type(value).__name__}")


def _unflatten(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        if _ARRAY in value:
            array = np.array(arrays[value[_ARRAY]])
            return array if array.ndim else array[()]
        return {key: _unflatten(item, arrays) for key, item in value.items()}
    if isinstance(value, list):
        return [_unflatten(item, arrays) for item in value]
    return value


def _remove_others(folder: Path, keep: str) -> None:
    # The temporary names of a process that was killed while writing begin with a dot.
    for pattern in ("arrays-*.safetensors", ".arrays-*.safetensors", ".state-*.json"):
        for path in folder.glob(pattern):
            if path.name != keep:
                with suppress(OSError):
                    path.unlink()


def _sentence(error: OSError, what: str) -> OSError:
    sentence = type(error)(f"{what}: {error.strerror or error}")
    sentence.errno = error.errno
    return sentence
