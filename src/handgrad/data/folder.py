"""Image folders: one folder for each class, the pictures of the class inside."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from handgrad._numbers import whole_number
from handgrad._random import generator
from handgrad.data.dataset import Dataset

if TYPE_CHECKING:
    from PIL import Image

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff", ".webp")


def load_folder(
    path: str | os.PathLike[str],
    size: int | tuple[int, int] = (32, 32),
    validation: float = 0.1,
    seed: int | np.random.Generator | None = 0,
) -> Dataset:
    """Load images that lie in a folder for each class.

    ``path/cat/1.png``, ``path/dog/1.jpg``: the names of the folders, sorted, are the classes. Or `path` holds
    ``train`` and ``val``, with or without ``test``, and each of them a folder for each class of ``train``.
    Hidden files and folders are ignored, and files that are no images by their name.

    Parameters
    ----------
    path : str or path-like
    size : int or (height, width)
        Every image is resized to it, without keeping its proportions.
    validation : float
        Where there is no ``val``: the part of each class, from 0 to below 1 and rounded to whole images,
        that is set aside.
    seed : int, numpy.random.Generator or None
        Chooses the images set aside.

    Returns
    -------
    Dataset
        uint8 (N, 3, height, width). A part that is not there has N = 0.

    Raises
    ------
    FileNotFoundError
        When `path` is no folder.
    ValueError
        When there are fewer than two classes, a class without images, a part with other classes, or a file
        that is no image that can be read.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"path must name a folder with a folder for each class, got {str(path)!r}")
    height_width = _height_width(size)
    if not 0 <= validation < 1:
        raise ValueError(f"validation must be from 0 to below 1, got {validation}")
    split = (root / "train").is_dir() and (root / "val").is_dir()
    train_root = root / "train" if split else root
    names = _class_names(train_root)
    X, y = _load_part(train_root, names, height_width)
    if split:
        X_val, y_val = _load_part(root / "val", names, height_width)
    else:
        chosen = _set_aside(y, validation, generator(seed))
        X_val, y_val, X, y = X[chosen], y[chosen], X[~chosen], y[~chosen]
    has_test = split and (root / "test").is_dir()
    X_test, y_test = _load_part(root / "test", names, height_width) if has_test else (X[:0], y[:0])
    return Dataset(root.resolve().name, X, y, X_val, y_val, X_test, y_test, names, str(root))


def load_image(path: str | os.PathLike[str], size: int | tuple[int, int] = (32, 32)) -> np.ndarray:
    """Load one image file.

    Parameters
    ----------
    path : str or path-like
        Any format that Pillow reads, with 8 or 16 bits a channel. Of an animation the first picture is
        taken; transparency is dropped; a camera's note on which side is up is followed.
    size : int or (height, width)
        Resized to it with a filter that averages what it shrinks.

    Returns
    -------
    numpy.ndarray
        uint8 (3, height, width), RGB.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is no image, or a damaged one.
    """
    from PIL import Image, ImageOps

    height, width = _height_width(size)
    if not Path(path).is_file():
        raise FileNotFoundError(f"path must name an image file, got {str(path)!r}")
    try:
        with Image.open(path) as image:
            upright = _rgb(ImageOps.exif_transpose(image))
            pixels = np.asarray(upright.resize((width, height), Image.Resampling.BILINEAR))
    # Pillow raises what it meets, from SyntaxError to struct.error, for a damaged file.
    except Exception as error:
        reason = "not an image format" if type(error).__name__ == "UnidentifiedImageError" else str(error)
        raise ValueError(f"{path} must be an image that can be read: {reason}") from None
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("its pixels are floats of no known range")
    if image.mode.startswith("I"):  # 16 bits of grey: Pillow's own conversion would cut off above 255
        from PIL import Image

        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def _height_width(size: int | tuple[int, int]) -> tuple[int, int]:
    height, width = size if isinstance(size, Sequence) and len(size) == 2 else (size, size)
    return whole_number("size", height, least=1), whole_number("size", width, least=1)


def _visible(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _class_names(root: Path) -> tuple[str, ...]:
    names = tuple(entry.name for entry in _visible(root) if entry.is_dir())
    if len(names) < 2:
        raise ValueError(f"{root} must hold at least two class folders, got {', '.join(names) or 'none'}")
    return names


def _load_part(root: Path, names: tuple[str, ...], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    other = {entry.name for entry in _visible(root) if entry.is_dir()} ^ set(names)
    if other:
        raise ValueError(
            f"{root} must hold the class folders {', '.join(names)}, but differs in {min(other)!r}"
        )
    files = [(file, label) for label, name in enumerate(names) for file in _images_of(root / name)]
    X = np.empty((len(files), 3, *size), dtype=np.uint8)
    for row, (file, _) in zip(X, files, strict=True):
        row[:] = load_image(file, size)
    return X, np.array([label for _, label in files], dtype=np.int64)


def _images_of(folder: Path) -> list[Path]:
    files = [entry for entry in _visible(folder) if entry.suffix.lower() in EXTENSIONS]
    if not files:
        raise ValueError(f"{folder} must hold at least one image ({', '.join(EXTENSIONS)}), got none")
    return files


def _set_aside(y: np.ndarray, part: float, rng: np.random.Generator) -> np.ndarray:
    """Mark (N,) the images that go to validation, of each class the same part, and never all of a class."""
    chosen = np.zeros(len(y), dtype=bool)
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        count = min(round(part * len(members)), len(members) - 1)
        chosen[rng.permutation(members)[:count]] = True
    return chosen
