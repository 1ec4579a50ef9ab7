"""The images that a command is to look at: files, and numbers of images in a run's data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from handgrad._errors import nearest
from handgrad.cli import assembly, run_folder

if TYPE_CHECKING:
    import numpy as np

SPLITS = {"val": "validation", "test": "test", "train": "training"}

Images = Annotated[
    list[str] | None,
    typer.Argument(metavar="[IMAGE...]", help="Image files, and numbers of images of the run's data."),
]
Split = Annotated[str, typer.Option(help="What numbers count in: val, test or train.")]
DataPath = Annotated[str | None, typer.Option(help="Where CIFAR-10 is.")]


class Chosen(NamedTuple):
    """Images (N, C, H, W), uint8, and for each a name and its right class, None where it is not known."""

    X: np.ndarray
    names: list[str]
    right: list[int | None]


def files_among(words: Sequence[str]) -> list[Path]:
    """Return those words that are files: all but whole numbers."""
    return [Path(word) for word in words if not _is_number(word)]


def choose(
    folder: run_folder.RunFolder,
    net: run_folder.TrainedNet,
    words: Sequence[str],
    split: str,
    path: str | None,
) -> Chosen:
    """Return the images that words name; the data of the run is read only where a number is among them.

    Raises
    ------
    ValueError, OSError
        When one is not there, or the data is not.
    """
    import numpy as np

    from handgrad.data import load_image

    X_all, y_all = split_of(folder, net, split, path) if any(map(_is_number, words)) else ([], [])
    images: list[np.ndarray] = []
    right: list[int | None] = []
    for word in words:
        if not _is_number(word):
            images.append(load_image(word, net.input_dim[1:]))
            right.append(None)
            continue
        if int(word) >= len(X_all):
            raise ValueError(f"image must be from 0 to {len(X_all) - 1}, got {word}")
        images.append(X_all[int(word)])
        right.append(int(y_all[int(word)]))
    return Chosen(np.stack(images), [Path(word).name for word in words], right)


def split_of(
    folder: run_folder.RunFolder, net: run_folder.TrainedNet, split: str, path: str | None
) -> tuple[Any, Any]:
    """Return images and right classes of a part of the run's data.

    Raises
    ------
    ValueError, OSError
        When there is no such part, the data is not there, or is not what the run was trained on.
    """
    if split not in SPLITS:
        raise ValueError(f"split has no option {split!r}{nearest(split, SPLITS)}")
    chosen = folder.settings()
    chosen = assembly.settle(replace(chosen, path=path) if path is not None else chosen)
    dataset, arrays = assembly.load_data(chosen)
    net.check_data(dataset.class_names, arrays[f"X_{split}"])
    return arrays[f"X_{split}"], arrays[f"y_{split}"]


def _is_number(word: str) -> bool:
    return word.isdecimal() and not Path(word).exists()
