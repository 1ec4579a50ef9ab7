"""Right numbers with something multiplied in, divided by or added that does not belong there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from .mutation import Sample, close
from .norm import WRONG_AXES, Norm

Other = Callable[[Sample], np.ndarray]
_WAYS: tuple[tuple[str, Callable[[np.ndarray, np.ndarray], np.ndarray]], ...] = (
    ("{name} is multiplied in", lambda true, other: true * other),
    ("it is divided by {name}", lambda true, other: true / other),
    ("the square of {name} is multiplied in", lambda true, other: true * other**2),
    ("it is divided by the square of {name}", lambda true, other: true / other**2),
    ("{name} is added", lambda true, other: true + other),
    ("{name} is subtracted", lambda true, other: true - other),
)


def mixed_in(layer: str, samples: list[Sample]) -> tuple[str, str] | None:
    """Return the mistake and the words for an array or a number that is in an output by mistake.

    Parameters
    ----------
    layer : str
    samples : list of Sample
        All that were given.
    """
    usable = [s for s in samples if s.given is not None]
    if not usable or any(np.asarray(s.given).shape != s.true.shape for s in usable):
        return None
    offset = _offset(usable)
    if offset is not None:
        return "input-mixed-in", offset
    for name, other in _others(layer, usable[0]):
        for words, way in _WAYS:
            if all(_holds(sample, other, way) for sample in usable):
                return "input-mixed-in", words.format(name=name)
    return None


def masked(samples: list[Sample]) -> tuple[str, str] | None:
    """Return the words for a mask of an argument or of dout that is in an output by mistake."""
    usable = [s for s in samples if s.given is not None]
    if not usable or any(np.asarray(s.given).shape != s.true.shape for s in usable):
        return None
    for name, other in _others("", usable[0]):
        for words, mask in (("above", np.greater), ("below", np.less)):
            if all(_holds(s, other, lambda true, a, m=mask: true * m(a, 0)) for s in usable):  # type: ignore[misc]
                return (
                    "input-mixed-in",
                    f"a mask is multiplied in: it is zero where {name} is not {words} zero",
                )
    return None


def _holds(sample: Sample, other: Other, way: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> bool:
    try:
        with np.errstate(all="ignore"):
            predicted = way(sample.true, other(sample))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return close(sample.given, predicted)  # type: ignore[arg-type]


def _offset(samples: list[Sample]) -> str | None:
    """Return the words for one number that is added to all numbers of all samples."""
    gaps = [np.asarray(s.given) - s.true for s in samples]
    number = float(gaps[0].flat[0]) if gaps[0].size else 0.0
    if sum(gap.size for gap in gaps) < 3 or not np.isfinite(number) or abs(number) < 1e-3:
        return None
    if all(close(s.given, s.true + number) for s in samples):  # type: ignore[arg-type]
        return f"every number is {abs(number):.4g} too {'large' if number > 0 else 'small'}"
    return None


def _others(layer: str, sample: Sample) -> Iterator[tuple[str, Other]]:
    """Yield what may be mixed in, by name: the arguments, dout, and what a norm works out on its way."""
    for name, value in sample.args.items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            yield name, lambda s, k=name: _beside(s.args[k], s.true)  # type: ignore[misc]
        elif isinstance(value, float):
            yield name, lambda s, k=name: np.asarray(s.args[k])  # type: ignore[misc]
    yield "dout", lambda s: _beside(np.asarray(s.dout), s.true)
    if layer in WRONG_AXES:
        for name in ("mean", "std", "x_hat"):
            yield name, lambda s, k=name: _of_norm(layer, s, k)  # type: ignore[misc]


def _of_norm(layer: str, sample: Sample, name: str) -> np.ndarray:
    norm = Norm(layer, sample.args)
    values = np.broadcast_to(getattr(norm, name), norm.x.shape).reshape(norm.shape)
    return _beside(values if sample.true.shape == norm.shape else getattr(norm, name).ravel(), sample.true)


def _beside(other: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Let a vector of channels stand beside an image."""
    if other.ndim == 1 and true.ndim == 4:
        other = other[:, None, None]
    return np.broadcast_to(other, true.shape)
