"""The folder of a run: its files, how it is begun, and how its net is taken up again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handgrad._files import atomic_write
from handgrad.cli import config_file, settings
from handgrad.cli.settings import Settings

if TYPE_CHECKING:
    import numpy as np

    from handgrad.models import ConvNet


class RunFolder:
    """The files of a run.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.toml"
        self.facts = path / "run.json"
        self.log = path / "log.jsonl"
        self.checkpoint = path / "checkpoint"
        self.curves = path / "curves.png"
        self.filters = path / "filters.png"
        self.report = path / "report.html"
        self.events = path / "tensorboard"

    def __str__(self) -> str:
        return str(self.path)

    def settings(self) -> Settings:
        """Return the settings in config.toml."""
        return settings.make(config_file.read(self.config))

    def read_facts(self) -> dict[str, Any]:
        """Return what run.json tells of data, machine and result.

        Raises
        ------
        ValueError
            When it is missing or damaged.
        """
        try:
            found = json.loads(self.facts.read_text(encoding="utf-8"))
            found["data"]["class_names"], found["data"]["input_dim"]
        except (OSError, ValueError, KeyError, TypeError):
            raise ValueError(
                f"run '{self}' is damaged: its run.json is missing or not as it was written"
            ) from None
        return dict(found)

    def write_facts(self, facts: dict[str, Any]) -> None:
        """Write run.json."""
        atomic_write(self.facts, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")

    def read_log(self) -> list[dict[str, Any]]:
        """Return the records of log.jsonl.

        Raises
        ------
        ValueError
            When it is missing or damaged.
        """
        try:
            return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError):
            raise ValueError(
                f"run '{self}' is damaged: its log.jsonl is missing or not as it was written"
            ) from None


def existing(path: Path) -> RunFolder:
    """Return the run at `path`.

    Raises
    ------
    FileNotFoundError
        When there is none.
    """
    run = RunFolder(path)
    if not run.config.is_file():
        what = "holds no config.toml" if path.is_dir() else "is no folder"
        runs = [found.parent for found in path.glob("*/config.toml")] if path.is_dir() else []
        if runs:
            newest = max(runs, key=lambda run: (run / "config.toml").stat().st_mtime)
            what += f"; the newest run in it is '{newest}'"
        raise FileNotFoundError(f"run must name the folder of a run of 'handgrad train', but '{path}' {what}")
    return run


def name_new(data: str) -> Path:
    """Return a name for a run that is not taken: runs/DATA-DATE-TIME."""
    name = f"{Path(data).resolve().name}-{datetime.now():%Y%m%d-%H%M%S}"
    path, number = Path("runs") / name, 2
    while path.exists():
        path, number = Path("runs") / f"{name}-{number}", number + 1
    return path


def check_new(path: Path) -> None:
    """Refuse a folder that holds files already, and what is no folder.

    Raises
    ------
    FileExistsError
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        what = "holds files" if path.is_dir() else "is a file"
        more = f", or go on with --resume {path}" if (path / "config.toml").is_file() else ""
        raise FileExistsError(f"out must name a new or empty folder, but '{path}' {what}: name another{more}")


@contextmanager
def begun(path: Path) -> Iterator[RunFolder]:
    """Make the folder of a new run; when the block fails, leave everything as it was.

    Raises
    ------
    FileExistsError
        When it holds files.
    OSError
        When it cannot be made or written, in one sentence.
    """
    check_new(path)
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / "checkpoint").mkdir()  # from here on the folder is ours, whoever else wants it
    except OSError as error:
        _remove_empty(made)
        raise OSError(f"run folder '{path}' cannot be written: {error.strerror}") from error
    try:
        yield RunFolder(path)
    except BaseException:
        for entry in path.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        _remove_empty(made)
        raise


def _remove_empty(folders: list[Path]) -> None:
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def trained_snapshots(run: RunFolder) -> list[TrainedNet]:
    """Return the nets of a run's snapshots.

    Raises
    ------
    ValueError
        When it has none.
    """
    from handgrad import training

    number = len(training.load_checkpoint(run.checkpoint).snapshots)
    if not number:
        raise ValueError(f"run '{run}' has no snapshots: train with --num-snapshots")
    return [TrainedNet(run, snapshot) for snapshot in range(number)]


class TrainedNet:
    """The net of a run with its best parameters, and all that an image needs on its way there.

    Parameters
    ----------
    run : RunFolder
    snapshot : int, optional
        Take the weights of this snapshot, counted from 0, in the place of the best ones.

    Raises
    ------
    ValueError, OSError
        When the run has no checkpoint yet, or is damaged.
    """

    def __init__(self, run: RunFolder, snapshot: int | None = None) -> None:
        from handgrad import data, models, training

        facts = run.read_facts()["data"]
        none_yet = f"run '{run}' has no trained net yet: go on with 'handgrad train --resume {run}'"
        if run.checkpoint.is_dir() and not any(run.checkpoint.iterdir()):  # stopped before its first one
            raise ValueError(none_yet)
        checkpoint = training.load_checkpoint(run.checkpoint)
        if checkpoint.model is None or not checkpoint.best_params:
            raise ValueError(none_yet)
        self.class_names: list[str] = facts["class_names"]
        self.input_dim: tuple[int, int, int] = tuple(facts["input_dim"])
        self._preprocess = checkpoint.preprocess and data.Standardize.from_arrays(checkpoint.preprocess)
        self._net = models.build(checkpoint.model)
        if snapshot is None:
            checkpoint.apply(self._net)
        else:
            checkpoint.apply_snapshot(self._net, snapshot)

    def with_layers(self) -> ConvNet:
        """Return the net as one whose layers can be asked for by name; it wants prepared images."""
        from handgrad.models import as_conv_net

        return as_conv_net(self._net, self.input_dim)

    def prepared(self, X: np.ndarray) -> np.ndarray:
        """Return uint8 images as the net wants them."""
        return self._preprocess(X) if self._preprocess else X

    def loss(self, X: np.ndarray, y: None = None) -> Any:
        """Return the scores (N, K) of uint8 images (N, C, H, W): the protocol of a model in test mode."""
        return self._net.loss(self.prepared(X), y)

    def check_data(self, class_names: Sequence[str], X: np.ndarray) -> None:
        """Refuse images and classes of another kind than the net was trained on."""
        if list(class_names) != self.class_names:
            raise ValueError(
                f"data must have the classes of the run ({', '.join(self.class_names)}), "
                f"got {', '.join(class_names)}"
            )
        if len(X) == 0:
            raise ValueError("data must hold images in the part that --split names, got none")
        if X.shape[1:] != self.input_dim:
            raise ValueError(f"data must hold images of shape {self.input_dim}, got an array {X.shape}")
