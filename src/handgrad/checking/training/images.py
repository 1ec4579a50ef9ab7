"""The images and labels themselves: centred, balanced, and no image in two parts."""

from __future__ import annotations

import numpy as np

from handgrad.checking.training.patient import Patient
from handgrad.checking.training.report import Check, failed, passed, skipped

_MANY = 500  # images for statistics
_OFF_CENTRE = 0.5  # mean over standard deviation; uncentred photographs have about 2, dark drawings 0.7
_OFF_TRAINING = 0.35  # distance of another part's mean image from the training part's, likewise
_SAME = 0.97  # correlation; images that have only their class in common stay below 0.93
_FEATURES = 64  # fewer do not tell images apart
_EXACT, _EXACT_OF_FEW, _NEAR = (
    0.005,
    0.2,
    0.08,
)  # share of a part; CIFAR-10 itself has near-duplicates of 3 % of its test images
_BLOCK = 4096


def check_centred(patient: Patient) -> Check:
    """Compare the mean of what the model gets with its spread, in every part."""
    name = "centred inputs"
    X = patient.draw(_MANY)[0].astype(np.float64)
    if X.std() == 0:
        return failed(name, "not-centred", "X_train", f"all inputs are {X.flat[0]:.4g}")
    ratio = _ratio(X.mean(axis=0), X)
    if ratio > _OFF_CENTRE + 1 / np.sqrt(len(X)):  # the mean of few images is off by chance
        evidence = (
            f"inputs run from {X.min():.4g} to {X.max():.4g} with mean {X.mean():.4g}; the mean image is "
            f"{ratio:.2g} times as large as the spread around it"
        )
        return failed(name, "not-centred", "X_train", evidence)
    for part in patient.parts()[1:]:
        other = patient.draw(_MANY, part)[0].astype(np.float64)
        shift, scale = _ratio(other.mean(axis=0) - X.mean(axis=0), X), other.std() / X.std()
        sampling = 2 * np.sqrt(1 / len(other) + 1 / len(X))
        if shift > _OFF_TRAINING + sampling or not 1 / 3 < scale < 3:
            evidence = (
                f"its mean is {other.mean():.4g} and its spread {other.std():.4g}, but those of X_train are "
                f"{X.mean():.4g} and {X.std():.4g}"
            )
            return failed(name, "not-centred", f"X_{part}", evidence)
    return passed(name, f"the mean image is {ratio:.2g} times as large as the spread around it")


def check_classes(patient: Patient) -> Check:
    """Count the labels."""
    name = "classes"
    num_classes = patient.num_classes
    for part in patient.parts():
        y = patient.raw(part)[1]
        evidence = f"labels run from {y.min()} to {y.max()}, but the model has {num_classes} classes"
        if y.min() >= 1 and y.max() == num_classes:
            return failed(name, "label-off-by-one", f"y_{part}", evidence)
        if y.min() < 0 or y.max() >= num_classes:
            return failed(name, "label-out-of-range", f"y_{part}", evidence)
    for part in patient.parts():
        evidence = _imbalance(np.bincount(patient.raw(part)[1], minlength=num_classes), part)
        if evidence:
            return failed(name, "class-imbalance-or-constant-labels", f"y_{part}", evidence)
    counts = np.bincount(patient.raw("train")[1], minlength=num_classes)
    return passed(name, f"{num_classes} classes with {counts.min()} to {counts.max()} training images each")


def _imbalance(counts: np.ndarray, part: str) -> str:
    total, num_classes = counts.sum(), len(counts)
    share = counts.max() / total
    if share == 1:
        return f"all {total} labels are {counts.argmax()}"
    if share > np.clip(2.5 / num_classes, 0.4, 0.9) and total >= 4 * num_classes:
        return f"{share:.0%} of {total} labels are {counts.argmax()}, in {num_classes} classes"
    missing = np.flatnonzero(counts == 0)
    many = total >= 20 * num_classes or (total >= 3 * num_classes and 2 * len(missing) > num_classes)
    if part == "train" and len(missing) and many:
        listed = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
        return f"{len(missing)} of {num_classes} classes have no training image: {listed}"
    return ""


def check_leak(patient: Patient) -> Check:
    """Look for images of the other parts in the training set, equal ones and nearly equal ones."""
    name = "separate parts"
    others = patient.parts()[1:]
    train = patient.raw("train")[0]
    if not others:
        return skipped(name, "there are no validation images")
    if train[0].size < 2:
        return skipped(name, "one number does not tell samples apart")
    hashes = set(_hashes(train))
    few_values = train[0].size < _FEATURES  # and may be equal by chance
    for part in others:
        X = patient.raw(part)[0]
        same = float(np.mean([each in hashes for each in _hashes(X)]))
        if same * len(X) >= 2 and same > (_EXACT_OF_FEW if few_values else _EXACT):
            evidence = f"{same:.1%} of its {len(X):,} images are in X_train, to the last bit"
            return failed(name, "validation-leak", f"X_{part}", evidence)
    if not few_values:
        near = _near(train, {part: patient.raw(part)[0][:_MANY] for part in others})
        for part, share in near.items():
            if share > _NEAR:
                evidence = f"{share:.1%} of its images are nearly one of X_train (correlation above {_SAME})"
                return failed(name, "validation-leak", f"X_{part}", evidence)
    return passed(name, f"no image of {' and '.join('X_' + part for part in others)} is in X_train")


def _hashes(X: np.ndarray) -> list[int]:
    return [hash(row.tobytes()) for row in X]


def _near(train: np.ndarray, parts: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the share of each part that a training image resembles, straight or mirrored."""
    wanted = {part: [_fingerprints(X)] for part, X in parts.items()}
    if train.ndim == 4:
        for part, X in parts.items():
            wanted[part].append(_fingerprints(X[..., ::-1]))
    best = {part: np.full(len(X), -1.0) for part, X in parts.items()}
    for start in range(0, len(train), _BLOCK):
        block = _fingerprints(train[start : start + _BLOCK]).T
        for part, ways in wanted.items():
            for prints in ways:
                best[part] = np.maximum(best[part], (prints @ block).max(axis=1))
    return {part: float(np.mean(each > _SAME)) for part, each in best.items()}


def _fingerprints(X: np.ndarray) -> np.ndarray:
    """Return images at half their size, less their mean, with length 1; constant ones are 0."""
    if X.ndim == 4 and min(X.shape[2:]) >= 16:
        height, width = (side // 2 * 2 for side in X.shape[2:])
        X = X[:, :, :height, :width].astype(np.float32)
        X = X[:, :, ::2, ::2] + X[:, :, 1::2, ::2] + X[:, :, ::2, 1::2] + X[:, :, 1::2, 1::2]
    flat = X.reshape(len(X), -1).astype(np.float32)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), np.finfo(np.float32).tiny)


def _ratio(mean: np.ndarray, X: np.ndarray) -> float:
    return float(np.sqrt(np.mean(mean**2) / np.mean(X.var(axis=0))))
