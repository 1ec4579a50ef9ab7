"""Do the labels belong to the images? Quick probes must guess labels of unseen images better than chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from handgrad.checking.training.patient import Patient
from handgrad.checking.training.report import Check, failed, passed, skipped

_LEAST, _FIRST, _ALL = 100, 600, 1200  # images: below the least nothing can be said
_SURE, _CHANCE = 6.0, 3.5  # standard deviations above chance
_FILTERS, _SIDE, _STRIDE = 64, 6, 2  # of the probe for images
_RIDGE = 0.1
_FOLDS = 5

Probe = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def check_labels(patient: Patient) -> Check:
    """Fit probes to some labels of each part and let them guess others; only shuffled labels resist."""
    name = "labels and images"
    if len(np.unique(patient.raw("train")[1])) < 2:
        return skipped(name, "there is one class only")
    if len(patient.raw("train")[0]) < _LEAST:
        return skipped(name, f"it takes {_LEAST} training images to tell")
    if np.ptp(patient.draw(_LEAST)[0]) == 0:
        return skipped(name, "all images are alike")
    within = _best(patient, None)
    if within[0] < _CHANCE:
        return failed(name, "labels-shuffled", "y_train", _evidence("unseen training images", *within))
    if "val" in patient.parts() and len(patient.raw("val")[0]) >= _LEAST:
        across = _best(patient, "val")
        if across[0] < _CHANCE:
            evidence = f"{_evidence('validation images', *across)}, but {within[1]:.0%} of training images"
            return failed(name, "labels-shuffled", "y_val", evidence)
    return passed(name, _evidence("unseen training images", *within))


def _evidence(which: str, sigmas: float, hits: float, chance: float, count: int) -> str:
    return f"a quick probe guesses {hits:.0%} of {count} {which}; chance is {chance:.0%} ({sigmas:+.1f} sd)"


def _best(patient: Patient, part: str | None) -> tuple[float, float, float, int]:
    """Return standard deviations above chance, hits, chance and count of the best probe."""
    best = (-np.inf, 0.0, 0.0, 0)
    for count in (_FIRST, _ALL):
        X, y = patient.draw(count)
        other = (X, y) if part is None else patient.draw(count, part)
        for features, rows in _features(X, other[0], patient.seed):
            guesses = _across_folds(features, y) if part is None else _ridge(features, rows, y)
            best = max(best, _above_chance(guesses, other[1]))
            if best[0] > _SURE:
                return best
        if best[0] > _CHANCE or count >= len(patient.raw("train")[0]):
            break
    return best


def _above_chance(guesses: np.ndarray, y: np.ndarray) -> tuple[float, float, float, int]:
    """Compare hits with those of the same guesses and labels paired at random."""
    n = len(y)
    size = int(max(guesses.max(), y.max())) + 1
    chance = float(np.bincount(guesses, minlength=size) @ np.bincount(y, minlength=size)) / n**2
    hits = float(np.mean(guesses == y))
    spread = np.sqrt(max(chance * (1 - chance), 1e-12) / n)
    return (hits - chance) / spread, hits, chance, n


def _across_folds(features: np.ndarray, y: np.ndarray) -> np.ndarray:
    guesses = np.empty(len(y), dtype=np.int64)
    fold = np.arange(len(y)) % _FOLDS
    for k in range(_FOLDS):
        guesses[fold == k] = _ridge(features[fold != k], features[fold == k], y[fold != k])
    return guesses


def _ridge(features: np.ndarray, others: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the classes of `others` by ridge regression in its dual form."""
    classes, index = np.unique(y, return_inverse=True)
    target = np.eye(len(classes))[index]
    kernel = features @ features.T
    kernel[np.diag_indices_from(kernel)] += _RIDGE * np.trace(kernel) / len(kernel) or 1.0
    weights = np.linalg.solve(kernel, target - target.mean(axis=0))
    return classes[(others @ (features.T @ weights)).argmax(axis=1)]


def _features(X: np.ndarray, others: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Return pairs of feature matrices, the most telling of images first, of which `others` gets the same."""
    rng = np.random.default_rng(seed)
    X, others = (np.asarray(each, dtype=np.float32) for each in (X, others))
    images, more = _as_images(X), _as_images(others)
    if images is not None and more is not None:
        filters = _patches(images, rng)
        yield _standard(_filtered(images, filters), _filtered(more, filters))
    flat, rest = _standard(X.reshape(len(X), -1), others.reshape(len(others), -1))
    yield flat, rest
    yield _bent(flat, rest, rng)


def _standard(X: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    X, others = X.astype(np.float64), others.astype(np.float64)
    mean, spread = X.mean(axis=0), X.std(axis=0)
    scale = 1 / np.where(spread > 0, spread, 1) / np.sqrt(X.shape[1])
    return (X - mean) * scale, (others - mean) * scale


def _bent(flat: np.ndarray, rest: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return random Fourier features, for classes that no plane divides."""
    directions = rng.standard_normal((flat.shape[1], 300)) * np.sqrt(2)
    phases = rng.uniform(0, 2 * np.pi, 300)
    return _standard(np.cos(flat @ directions + phases), np.cos(rest @ directions + phases))


def _as_images(X: np.ndarray) -> np.ndarray | None:
    """Return X as (N, C, H, W) where it is, or may be, images of at least 12 x 12."""
    if X.ndim == 4:
        return X if min(X.shape[2:]) >= 2 * _SIDE else None
    size = X.reshape(len(X), -1).shape[1]
    for channels in (3, 1):
        side = round((size / channels) ** 0.5)
        if channels * side**2 == size and side >= 2 * _SIDE:
            return X.reshape(len(X), channels, side, side)
    return None


def _patches(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return patches of the images themselves, normalised, as filters."""
    _, _, height, width = X.shape
    where = zip(
        rng.integers(len(X), size=_FILTERS),
        rng.integers(height - _SIDE + 1, size=_FILTERS),
        rng.integers(width - _SIDE + 1, size=_FILTERS),
        strict=True,
    )
    rows = np.array([X[n, :, i : i + _SIDE, j : j + _SIDE].ravel() for n, i, j in where], dtype=np.float32)
    return _normalised(rows, 0.1 * float(X.std()))


def _filtered(X: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Return each filter's rectified answer: its mean in each quarter of the image, and its maximum."""
    windows = np.lib.stride_tricks.sliding_window_view(X, (_SIDE, _SIDE), axis=(2, 3))
    windows = windows[:, :, ::_STRIDE, ::_STRIDE]
    n, _, rows, columns = windows.shape[:4]
    answers = np.empty((n, rows, columns, len(filters)), dtype=np.float32)
    for start in range(0, n, 100):  # bounds the memory
        block = windows[start : start + 100].transpose(0, 2, 3, 1, 4, 5).reshape(-1, filters.shape[1])
        block = _normalised(block.astype(np.float32), 0.01 * float(X.std()))
        answers[start : start + 100].reshape(-1, len(filters))[...] = np.maximum(block @ filters.T, 0)
    i, j = rows // 2, columns // 2
    quarters = [answers[:, :i, :j], answers[:, :i, j:], answers[:, i:, :j], answers[:, i:, j:]]
    return np.concatenate([*(q.mean(axis=(1, 2)) for q in quarters), answers.max(axis=(1, 2))], axis=1)


def _normalised(rows: np.ndarray, floor: float) -> np.ndarray:
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / (rows.std(axis=1, keepdims=True) + max(floor, 1e-12))
