"""Mistakes of losses, on scores and on a linear classifier."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .loss_linear import Fn, linear
from .mutation import Mutation

Scores = np.ndarray


def _softmax(x: np.ndarray, axis: int = 1) -> np.ndarray:
    power = np.exp(x - x.max(axis=axis, keepdims=True))
    return power / power.sum(axis=axis, keepdims=True)


def _one_hot(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.eye(x.shape[1])[y]


def _picked(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return x[np.arange(len(x)), y]


def _cross_entropy(x: np.ndarray, y: np.ndarray) -> float:
    return float(-np.mean(np.log(_picked(_softmax(x), y))))


def _shifted(y: np.ndarray, x: np.ndarray, by: int) -> np.ndarray:
    return (y + by) % x.shape[1]


def _clipped_labels(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.minimum(y + 1, x.shape[1] - 1)


_OTHER_LABELS: tuple[tuple[Callable[..., np.ndarray], str], ...] = (
    (lambda y, x: _shifted(y, x, -1), "the class before the right one is read"),
    (lambda y, x: _shifted(y, x, 1), "the class after the right one is read"),
    (_clipped_labels, "the class after the right one is read"),
    (lambda y, x: np.maximum(y - 1, 0), "the class before the right one is read"),
)


def _softmax_gradient(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (_softmax(x) - _one_hot(x, y)) / len(x)


def _softmax_rows() -> list[tuple[str, str, Fn, str]]:
    return [
        *(
            ("label-off-by-one", "loss", lambda x, y, o=o: _cross_entropy(x, o(y, x)), words)
            for o, words in _OTHER_LABELS
        ),
        *(
            ("label-off-by-one", "dx", lambda x, y, o=o: _softmax_gradient(x, o(y, x)), words)
            for o, words in _OTHER_LABELS
        ),
        (
            "one-hot-missing",
            "loss",
            lambda x, y: -np.mean(np.log(_softmax(x)[:, y])),
            "every label is read in every row",
        ),
        (
            "one-hot-missing",
            "dx",
            lambda x, y: (_softmax(x) - (_one_hot(x, y).sum(axis=0) > 0)) / len(x),
            "every label is subtracted in every row",
        ),
        (
            "dtype-lost",
            "loss",
            lambda x, y: np.mean(np.trunc(-np.log(_picked(_softmax(x), y)))),
            "the loss of each sample is cut off to a whole number",
        ),
        ("gradient-sign", "loss", lambda x, y: -_cross_entropy(x, y), "the minus of -log is missing"),
        (
            "wrong-axes",
            "loss",
            lambda x, y: -np.mean(np.log(_picked(_softmax(x, 0), y))),
            "softmax runs over samples",
        ),
        (
            "wrong-axes",
            "dx",
            lambda x, y: (_softmax(x, 0) - _one_hot(x, y)) / len(x),
            "softmax runs over samples",
        ),
        (
            "one-hot-missing",
            "loss",
            lambda x, y: -np.sum(np.log(_softmax(x))) / len(x),
            "every class is counted",
        ),
        (
            "one-hot-missing",
            "dx",
            lambda x, y: (_softmax(x) - 1) / len(x),
            "one is subtracted from every class",
        ),
        ("forward-wrong", "loss", lambda x, y: -np.mean(_picked(_softmax(x), y)), "the logarithm is missing"),
        (
            "normaliser-missing",
            "loss",
            lambda x, y: -np.mean(_picked(x - x.max(axis=1, keepdims=True), y)),
            "the sum of the exponentials is not subtracted",
        ),
        (
            "one-hot-missing",
            "dx",
            lambda x, y: _softmax(x) * (1 - _one_hot(x, y)) / len(x),
            "the right class gets 0",
        ),
        (
            "one-hot-missing",
            "dx",
            lambda x, y: (_softmax(x) * (1 - _one_hot(x, y)) - _one_hot(x, y)) / len(x),
            "the right class gets -1: its prediction is overwritten",
        ),
    ]


def _margins(x: np.ndarray, y: np.ndarray, delta: float = 1.0) -> np.ndarray:
    return x - _picked(x, y)[:, None] + delta


def _hinge(x: np.ndarray, y: np.ndarray, delta: float = 1.0) -> float:
    margins = np.maximum(_margins(x, y, delta), 0) * (1 - _one_hot(x, y))
    return float(margins.sum() / len(x))


def _svm_gradient(x: np.ndarray, mask: np.ndarray, y: np.ndarray, right: np.ndarray) -> np.ndarray:
    gradient = mask * (1 - _one_hot(x, y)) + _one_hot(x, y) * right[:, None]
    return gradient / len(x)


def _violated(x: np.ndarray, y: np.ndarray, *, equal: bool = False) -> np.ndarray:
    margins = _margins(x, y)
    return ((margins >= 0) if equal else (margins > 0)) * (1 - _one_hot(x, y))


def _svm_wrong_right(value: Callable[[np.ndarray], np.ndarray]) -> Fn:
    def gradient(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        mask = _violated(x, y)
        return _svm_gradient(x, mask, y, value(mask.sum(axis=1)))

    return gradient


_RIGHTS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda k: -k,
    lambda k: 1 - k,
    lambda k: -(k + 1),
    lambda k: 0.0 * k,
    lambda k: 0.0 * k - 1,
)


def _svm_all(value: Callable[[np.ndarray], np.ndarray]) -> Fn:
    """Let every wrong class count, and give the right class `value` of the number that should."""
    return lambda x, y: _svm_gradient(x, np.ones(x.shape), y, value(_violated(x, y).sum(axis=1)))


def _svm_with(mask: Callable[..., np.ndarray]) -> Fn:
    def gradient(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        chosen = mask(x, y)
        return _svm_gradient(x, chosen, y, -chosen.sum(axis=1))

    return gradient


def _svm_rows() -> list[tuple[str, str, Fn, str]]:
    return [
        (
            "dtype-lost",
            "loss",
            lambda x, y: np.mean(np.trunc(np.maximum(_margins(x, y), 0) * (1 - _one_hot(x, y))).sum(axis=1)),
            "each margin is cut off to a whole number",
        ),
        ("margin-counts-right-class", "loss", lambda x, y: _hinge(x, y) + 1, "the loss is one too large"),
        (
            "margin-counts-right-class",
            "dx",
            _svm_wrong_right(lambda k: -(k + 1)),
            "the right class gets one too many",
        ),
        (
            "margin-counts-right-class",
            "dx",
            _svm_wrong_right(lambda k: 1 - k),
            "the right class keeps its own 1",
        ),
        (
            "margin-counts-right-class",
            "dx",
            _svm_wrong_right(lambda k: 1.0 + 0 * k),
            "the right class gets 1",
        ),
        ("margin-zero-counted", "dx", _svm_with(lambda x, y: 1 - _one_hot(x, y)), "every margin counts"),
        (
            "margin-zero-counted",
            "dx",
            lambda x, y: (1 - x.shape[1] * _one_hot(x, y)) / len(x),
            "every margin counts",
        ),
        (
            "margin-zero-counted",
            "dx",
            lambda x, y: (1 - _one_hot(x, y) * (x.shape[1] + 1)) / len(x),
            "every margin counts, that of the right class too",
        ),
        (
            "margin-zero-counted",
            "dx",
            _svm_with(lambda x, y: _violated(x, y, equal=True)),
            "a margin of exactly zero counts",
        ),
        *(("margin-zero-counted", "dx", _svm_all(value), "every wrong class counts") for value in _RIGHTS),
        ("one-hot-missing", "dx", _svm_wrong_right(lambda k: 0.0 * k), "the right class gets nothing"),
        (
            "one-hot-missing",
            "dx",
            _svm_wrong_right(lambda k: -1.0 * (k > 0)),
            "the right class gets -1 however many margins are violated",
        ),
        ("one-hot-missing", "dx", _svm_wrong_right(lambda k: -1.0 + 0 * k), "the right class always gets -1"),
        ("gradient-sign", "dx", _svm_wrong_right(lambda k: k), "the right class is pushed the wrong way"),
        ("forward-wrong", "loss", lambda x, y: _hinge(x, y, 0.0), "the margin of 1 is missing"),
        (
            "forward-wrong",
            "loss",
            lambda x, y: (_margins(x, y) * (1 - _one_hot(x, y))).sum() / len(x),
            "negative margins are not clipped",
        ),
        ("forward-wrong", "loss", lambda x, y: _hinge(x, y, -1.0), "the margin has the wrong sign"),
        (
            "gradient-sign",
            "loss",
            lambda x, y: _hinge(-x, y),
            "right minus wrong stands where wrong minus right should",
        ),
        *(
            ("label-off-by-one", "loss", lambda x, y, o=o: _hinge(x, o(y, x)), words)
            for o, words in _OTHER_LABELS
        ),
        *(
            ("label-off-by-one", "dx", lambda x, y, o=o: _svm_with(_violated)(x, o(y, x)), words)
            for o, words in _OTHER_LABELS
        ),
    ]


def _on_scores(rows: list[tuple[str, str, Fn, str]]) -> list[Mutation]:
    found = []
    for mistake, output, value, words in rows:
        severity = "choice" if "exactly zero" in words else "wrong"
        found.append(
            Mutation(mistake, output, lambda a, _, v=value: np.asarray(v(a["x"], a["y"])), words, severity)
        )
    return found


MUTATIONS = {
    "softmax_loss": _on_scores(_softmax_rows()),
    "svm_loss": _on_scores(_svm_rows()),
    "linear_softmax_loss": linear(_softmax_rows(), _cross_entropy, _softmax_gradient),
    "linear_svm_loss": linear(_svm_rows(), _hinge, _svm_with(_violated)),
}
