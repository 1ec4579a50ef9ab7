"""CIFAR-10: found on disk or downloaded, read without running its pickles, kept as uint8.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from handgrad.data.archive import CIFAR10, FOLDER, TEST_FILE, TRAIN_FILES, is_complete, unpack
from handgrad.data.dataset import Dataset, float_arrays
from handgrad.data.download import OFFICIAL, cache_folder, download_cifar10
from handgrad.data.pickles import load_arrays

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

# Where course notebooks have the folder, seen from the one that they run in: cs231n (Stanford), cs6353
# (Utah), utils and nndl (UCLA and its like; some have it beside the notebook). torchvision's is data.
COURSE_FOLDERS = (
    "cs231n/datasets",
    "cs6353/datasets",
    "utils/datasets",
    "nndl/datasets",
    "datasets",
    ".",
    "data",
)


def find_cifar10(path: str | os.PathLike[str] | None = None) -> Path | None:
    """Find the folder cifar-10-batches-py without touching the network.

    Looked at in this order: `path`; the environment variable HANDGRAD_DATA; the courses' own folders under
    the current one (`COURSE_FOLDERS`); the user's cache. Each may be the folder cifar-10-batches-py or the
    one that holds it. Where only the archive cifar-10-python.tar.gz is there (`path` may also name it),
    its checksum is compared and it is unpacked beside itself.

    Parameters
    ----------
    path : str or path-like, optional
        When it is given, or HANDGRAD_DATA is set, nothing else is looked at after it.

    Returns
    -------
    pathlib.Path or None
        The folder that holds data_batch_1; None when neither is given and the data is nowhere.

    Raises
    ------
    FileNotFoundError
        When `path` or HANDGRAD_DATA names no place that holds the data, or a folder lacks some of its files.
    ValueError
        When an archive found is damaged.
    OSError
        When there is no room to unpack it.
    """
    named = _named_place(path)
    if named is not None:
        name, place = named
        found = _look_in(place)
        if found is None:
            raise FileNotFoundError(
                f"{name} must name the folder {FOLDER}, the folder that holds it, or {CIFAR10.name}, "
                f"got {str(place)!r}"
            )
        return found
    return next((found for place in _usual_places() if (found := _look_in(place))), None)


def _named_place(path: str | os.PathLike[str] | None) -> tuple[str, Path] | None:
    if path is not None:
        return "path", Path(path).expanduser()
    if os.environ.get("HANDGRAD_DATA"):
        return "HANDGRAD_DATA", Path(os.environ["HANDGRAD_DATA"]).expanduser()
    return None


def _usual_places() -> Iterator[Path]:
    yield from (Path(folder) for folder in COURSE_FOLDERS)
    yield cache_folder()


def _look_in(place: Path) -> Path | None:
    for folder in (place, place / FOLDER):
        if is_complete(folder):
            return folder
    for archive in (place, place / CIFAR10.name, place / FOLDER / CIFAR10.name):
        if archive.name == CIFAR10.name and archive.is_file():
            return unpack(archive)
    return None


def load_cifar10(path: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load CIFAR-10, as uint8.

    Parameters
    ----------
    path : str or path-like, optional
        Where to look; see `find_cifar10` for what happens without it.
    download : bool
        Whether to download 170 MB into the user's cache when the data is nowhere. With False no
        network is ever touched. A `path`, or HANDGRAD_DATA, that does not hold the data is an error
        in either case.

    Returns
    -------
    Dataset
        50,000 training and 10,000 test images (N, 3, 32, 32), in the official order; no validation part,
        which `Dataset.split` takes from the end of the training part.

    Raises
    ------
    FileNotFoundError
        When the data is nowhere and `download` is False; it names the places looked at.
    DownloadError
        When no mirror delivered the file; it says what was tried.
    ValueError
        When a file is damaged or is not of CIFAR-10.
    OSError
        When a file cannot be read, or the disk is full.
    """
    folder = find_cifar10(path)
    if folder is None:
        folder = download_cifar10() if download else _refuse()
    X_train, y_train = _load_batches([folder / name for name in TRAIN_FILES])
    X_test, y_test = load_batch(folder / TEST_FILE)
    X_val, y_val = X_train[:0], y_train[:0]
    return Dataset("cifar10", X_train, y_train, X_val, y_val, X_test, y_test, CLASS_NAMES, str(folder))


def _refuse() -> Path:
    places = ", ".join(str(place) for place in _usual_places())
    raise FileNotFoundError(
        f"CIFAR-10 must be on disk, got none in HANDGRAD_DATA (not set), {places}; allow the download, "
        f"or unpack {OFFICIAL} anywhere and set HANDGRAD_DATA to the folder that holds {FOLDER}"
    )


def _load_batches(files: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    batches = [load_batch(file) for file in files]
    return np.concatenate([X for X, _ in batches]), np.concatenate([y for _, y in batches])


def load_batch(file: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Load one batch file of CIFAR-10 in the official format.

    Parameters
    ----------
    file : str or path-like
        A pickle of a dict with ``data``, uint8 (N, 3072) in the order channel, height, width, and
        ``labels``, N whole numbers from 0 to 9. It is read without running it (`handgrad.data.pickles`).

    Returns
    -------
    X : numpy.ndarray
        uint8 (N, 3, 32, 32).
    y : numpy.ndarray
        int64 (N,).

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it is truncated or damaged, does not have that form, or wants something run.
    """
    file = Path(file)
    record = load_arrays(file)
    if not isinstance(record, dict):
        raise ValueError(f"{file} must hold a dict, got {type(record).__name__}")
    record = {key.decode("latin1") if isinstance(key, bytes) else key: value for key, value in record.items()}
    for key in ("data", "labels"):
        if key not in record:
            raise ValueError(
                f"{file} must hold {key!r}, got {', '.join(map(repr, record)) or 'an empty dict'}"
            )
    return _images(file, record["data"]), _labels(file, record["labels"], len(record["data"]))


def _images(file: Path, data: object) -> np.ndarray:
    if not isinstance(data, np.ndarray):
        raise ValueError(f"{file}: 'data' must be an array, got {type(data).__name__}")
    if data.ndim != 2 or data.shape[1] != 3 * 32 * 32 or len(data) == 0:
        raise ValueError(f"{file}: 'data' must have shape (N, 3072), got {data.shape}")
    return data.reshape(-1, 3, 32, 32)


def _labels(file: Path, labels: object, count: int) -> np.ndarray:
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise ValueError(f"{file}: 'labels' must be a list of whole numbers, got {reprlib.repr(labels)}")
    if len(labels) != count:
        raise ValueError(f"{file}: 'labels' must be as many as the images ({count}), got {len(labels)}")
    for label in labels:
        if not 0 <= label < len(CLASS_NAMES):
            raise ValueError(f"{file}: 'labels' must be from 0 to 9, got {label}")
    return np.array(labels, dtype=np.int64)


def get_CIFAR10_data(
    num_training: int = 49000,
    num_validation: int = 1000,
    num_test: int = 1000,
    subtract_mean: bool = True,
    path: str | os.PathLike[str] | None = None,
    download: bool = True,
    dtype: np.typing.DTypeLike = np.float32,
) -> dict[str, np.ndarray]:
    """Return CIFAR-10 as the courses' six arrays.

    Parameters
    ----------
    num_training, num_validation, num_test : int
        The first `num_training` of the 50,000 training images, the `num_validation` that follow them, and
        the first `num_test` of the 10,000 test images.
    subtract_mean : bool
        Subtract the mean image of X_train from all three. Pixels keep the scale 0 to 255.
    path, download
        As in `load_cifar10`.
    dtype : float32 or float64
        Of the images. The courses' own function gives float64.

    Returns
    -------
    dict
        X_train, X_val, X_test (N, 3, 32, 32) of `dtype`; y_train, y_val, y_test (N,) int64.

    Raises
    ------
    ValueError
        When more images are asked for than there are.
    FileNotFoundError, DownloadError
        As in `load_cifar10`.
    """
    split = load_cifar10(path, download).split(num_training, num_validation, num_test)
    return float_arrays(split, subtract_mean, dtype)
