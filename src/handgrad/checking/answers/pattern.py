"""What wrong numbers have to do with the right ones in any layer: a part, another order, a rounding."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np

from ..geography import describe, letters_of
from .mutation import Sample, close

_AXES = {
    "N": "samples",
    "C": "channels",
    "F": "filters",
    "H": "rows",
    "W": "columns",
    "D": "features",
    "M": "outputs",
    "K": "classes",
    "P": "filter rows",
    "Q": "filter columns",
}
Found = tuple[str, str]


def relate(output: str, samples: list[Sample]) -> Found | None:
    """Return the mistake and the words for how an output's wrong numbers come from the right ones.

    Parameters
    ----------
    output : str
    samples : list of Sample
        All that were given; those that are right agree with any relation that leaves them alone.
    """
    wrong = [s for s in samples if s.given is not None and not close(s.given, s.true)]
    if not wrong or any(s.given.shape != s.true.shape for s in wrong):  # type: ignore[union-attr]
        return None
    for relation in (
        _rounded,
        _through,
        _gathered,
        _unwritten,
        _same_along,
        _shifted,
        _exchanged,
        _reordered,
    ):
        found = relation(output, wrong)
        if found is not None:
            return found
    return None


def _pairs(samples: list[Sample]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.asarray(s.given, dtype=float), s.true) for s in samples]


def _all(samples: list[Sample], holds: Callable[[np.ndarray, np.ndarray], bool]) -> bool:
    return all(holds(given, true) for given, true in _pairs(samples))


def _rounded(output: str, samples: list[Sample]) -> Found | None:
    for name, rounding in (("cut off to whole", np.trunc), ("rounded to whole", np.rint)):
        if _all(samples, lambda given, true, r=rounding: true.size > 1 and close(given, r(true))):  # type: ignore[misc]
            return "dtype-lost", f"its numbers are {name} numbers"
    return None


_FUNCTIONS: tuple[tuple[str, Callable[[np.ndarray], np.ndarray]], ...] = (
    ("what is below zero becomes zero, as in a relu", lambda a: np.maximum(a, 0)),
    ("it is kept between 0 and 1", lambda a: np.clip(a, 0, 1)),
    ("it is kept between -1 and 1", lambda a: np.clip(a, -1, 1)),
    ("it is kept between 0 and 6", lambda a: np.clip(a, 0, 6)),
    ("its absolute value is taken", np.abs),
    ("its square is taken", np.square),
    ("its sign alone is left", np.sign),
    ("its exponential is taken", np.exp),
    ("tanh is taken of it", np.tanh),
    ("sigmoid is taken of it", lambda a: 1 / (1 + np.exp(-a))),
)


def _through(output: str, samples: list[Sample]) -> Found | None:
    """Another function is applied to the right numbers."""
    for words, function in _FUNCTIONS:
        with np.errstate(all="ignore"):
            if _all(samples, lambda given, true, f=function: true.size > 3 and close(given, f(true))):  # type: ignore[misc]
                return "another-function", words
    return None


def _gathered(output: str, samples: list[Sample]) -> Found | None:
    """All of an axis is added up in its first or its last place."""
    for axis in range(samples[0].true.ndim):
        for place, name in ((0, "first"), (-1, "last")):

            def holds(given: np.ndarray, true: np.ndarray, k: int = axis, at: int = place) -> bool:
                if true.ndim <= k or true.shape[k] < 2:
                    return False
                moved = np.zeros_like(true)
                np.moveaxis(moved, k, 0)[at] = true.sum(axis=k)
                return close(given, moved)

            if _all(samples, holds):
                words = _letter(output, axis, samples[0].true.ndim)
                return "wrong-index", f"what belongs to all {words} is gathered in the {name} of them"
    return None


def _unwritten(output: str, samples: list[Sample]) -> Found | None:
    """A part stays zero, and the rest is right."""

    def holds(given: np.ndarray, true: np.ndarray) -> bool:
        scale = max(float(np.abs(true).max(initial=0.0)), 1e-3)
        right = np.abs(given - true) <= 1e-6 * scale
        return true.size > 3 and bool((right | (given == 0)).all())

    if not _all(samples, holds):
        return None
    if _all(samples, lambda given, true: not given.any()):
        return "part-missing", "every number is zero"
    given, true = max(_pairs(samples), key=lambda pair: pair[1].size)
    zero = (given == 0) & (true != 0)
    place = describe(zero, letters_of(output, true.ndim))
    return "part-missing", f"what is zero that should not be: {place}"


def _letter(output: str, axis: int, ndim: int) -> str:
    return _AXES.get(letters_of(output, ndim)[axis : axis + 1], f"of axis {axis}")


def _same_along(output: str, samples: list[Sample]) -> Found | None:
    for axis in range(samples[0].true.ndim):
        if not _all(samples, lambda given, true, k=axis: given.ndim > k):  # type: ignore[misc]
            continue
        several = [s for s in samples if s.true.shape[axis] > 1]
        if not several or _constant(several, axis, true=True) or not _constant(several, axis):
            continue
        words = _letter(output, axis, several[0].true.ndim)
        if _all(several, lambda given, true, k=axis: _is_sum(given, true, k)):  # type: ignore[misc]
            return "wrong-axes", f"all {words} get the sum over them"
        return "wrong-axes", f"it is the same for all {words}"
    return None


def _constant(samples: list[Sample], axis: int, *, true: bool = False) -> bool:
    values = [s.true if true else np.asarray(s.given) for s in samples]
    return all(np.ptp(v, axis=axis).max(initial=0.0) <= 1e-9 * np.abs(v).max(initial=1e-3) for v in values)


def _is_sum(given: np.ndarray, true: np.ndarray, axis: int) -> bool:
    return close(given, np.broadcast_to(true.sum(axis=axis, keepdims=True), true.shape))


def _shifted(output: str, samples: list[Sample]) -> Found | None:
    """The right numbers, moved by one along an axis or in reversed order."""
    for axis in range(samples[0].true.ndim):
        if any(s.true.ndim <= axis for s in samples):
            continue
        words = _letter(output, axis, samples[0].true.ndim)
        if _all(samples, lambda given, true, k=axis: close(given, np.flip(true, k))):  # type: ignore[misc]
            return "reshape-order", f"the {words} come in reversed order"
        for step in (-1, 1):
            if _all(samples, lambda given, true, k=axis, s=step: close(given, np.roll(true, s, k))):  # type: ignore[misc]
                return "wrong-window", f"the {words} are moved by one"
    return None


def _exchanged(output: str, samples: list[Sample]) -> Found | None:
    ndim = samples[0].true.ndim
    for order in permutations(range(ndim)):
        if order != tuple(range(ndim)) and _all(
            samples,
            lambda given, true, o=order: true.ndim == len(o) and _folded_as(given, true, o),  # type: ignore[misc]
        ):
            letters = letters_of(output, ndim)
            names = "".join(letters[k] for k in order)
            return "reshape-order", f"the numbers of the right array come in the order {names}, not {letters}"
    return None


def _folded_as(given: np.ndarray, true: np.ndarray, order: tuple[int, ...]) -> bool:
    return close(given, true.transpose(order).reshape(true.shape)) or close(
        given.transpose(order).reshape(given.shape), true
    )


def _reordered(output: str, samples: list[Sample]) -> Found | None:
    def holds(given: np.ndarray, true: np.ndarray) -> bool:
        return true.size > 3 and close(np.sort(given, axis=None), np.sort(true, axis=None))

    if _all(samples, holds):
        return "reshape-order", "its numbers are the right ones, in wrong places"
    return None
