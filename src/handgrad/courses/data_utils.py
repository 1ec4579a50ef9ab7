"""CIFAR-10 as the courses load it: float64, from a folder that the notebook names.

Where that folder is not there, the data is looked for (and downloaded) as `handgrad.data` does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from handgrad import data
from handgrad.courses.notes import note
from handgrad.data.pickles import load_arrays


def load_pickle(f: Any) -> Any:
    """Read a data file without running what a pickle can run.

    Parameters
    ----------
    f : file
        Open, and of the disk: it is read from its beginning, by its name.

    Returns
    -------
    object
        Texts that Python 2 wrote are str.

    Raises
    ------
    TypeError
        When f has no name.
    UnsafePickleError, ValueError
        When it holds anything but arrays, lists, dicts, numbers and texts.
    """
    name = getattr(f, "name", None)
    if not isinstance(name, str | os.PathLike):
        raise TypeError(f"f must be an open file of the disk, got {type(f).__name__}")
    return _decoded(load_arrays(Path(name)))


def load_CIFAR_batch(filename: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read one batch: X (N, 32, 32, 3) float64 from 0 to 255, y (N,) int64."""
    X, y = data.load_batch(filename)
    return X.transpose(0, 2, 3, 1).astype(np.float64), y


def load_CIFAR10(ROOT: str | os.PathLike[str]) -> tuple[np.ndarray, ...]:
    """Read all of CIFAR-10: X_train, y_train, X_test, y_test; images (N, 32, 32, 3) float64.

    Parameters
    ----------
    ROOT : str or path-like
        The folder of the batches. Where it does not exist, `handgrad.data.load_cifar10` finds the data.
    """
    if not Path(ROOT).is_dir():
        note(f"{os.fspath(ROOT)!r} does not exist, so CIFAR-10 is taken from where handgrad.data finds it")
    dataset = data.load_cifar10(ROOT if Path(ROOT).is_dir() else None)
    X_train, X_test = (X.transpose(0, 2, 3, 1).astype(np.float64) for X in (dataset.X_train, dataset.X_test))
    return X_train, dataset.y_train.copy(), X_test, dataset.y_test.copy()


def get_CIFAR10_data(
    num_training: int = 49000, num_validation: int = 1000, num_test: int = 1000, subtract_mean: bool = True
) -> dict[str, np.ndarray]:
    """Return the six arrays; images (N, 3, 32, 32) float64, less the mean image of X_train."""
    return data.get_CIFAR10_data(num_training, num_validation, num_test, subtract_mean, dtype=np.float64)


def _decoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin1")
    if isinstance(value, dict):
        return {_decoded(key): _decoded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value
