"""Looking inside a model written in plain NumPy: its arrays report what is done with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.checking.training.seen import Names, Seen, look

_COMPARISONS = {np.greater, np.greater_equal, np.less, np.less_equal}
_MAXIMA = {np.maximum, np.fmax}


class Trace:
    """What is recorded while traced arrays are computed with.

    Parameters
    ----------
    params : mapping of ndarray
    batch : int
        N: only arrays of so many rows are activations.
    num_classes : int
        K: arrays (N, K) are scores and margins, no activations.
    """

    def __init__(self, params: Mapping[str, np.ndarray], batch: int, num_classes: int) -> None:
        self.seen: list[Seen] = []
        self._names = Names(params)
        self._batch, self._scores = batch, (batch, num_classes)
        self._had_exp = False

    def traced(self, array: np.ndarray) -> Traced:
        """Return the array as one that reports here."""
        traced = array.view(Traced)
        traced.log = self
        return traced

    def step(self, function: Any, inputs: list[Any], out: np.ndarray) -> None:
        """Look at one ufunc's result."""
        arrays = [x for x in inputs if isinstance(x, np.ndarray)]
        self._names.note(arrays)
        if out.ndim < 2 or out.shape[0] != self._batch or out.shape == self._scores or not self._names.last:
            return
        if function is np.exp:
            self._had_exp = True
        kind, result = self._activation(function, inputs, out)
        if kind:
            self._record(look(kind, self._names.last, result))

    def _activation(self, function: Any, inputs: list[Any], out: np.ndarray) -> tuple[str, np.ndarray]:
        name = getattr(function, "__name__", "")
        has_zero = any(_is(x, 0) for x in inputs)
        if function in _MAXIMA and has_zero:
            return "relu", out
        if function in _COMPARISONS and has_zero:
            return "relu", next(x for x in inputs if not _is(x, 0))
        if function is np.tanh:
            return "tanh", out
        if name == "expit" or (self._had_exp and _is_inverse(function, inputs)):
            self._had_exp = False
            return "sigmoid", out
        return "", out

    def _record(self, seen: Seen) -> None:
        if not any((old.kind, old.after) == (seen.kind, seen.after) for old in self.seen):
            self.seen.append(seen)


class Traced(np.ndarray):
    """An array whose ufuncs, and those of all results, are reported to a `Trace`."""

    log: Trace | None = None

    def __array_finalize__(self, parent: Any) -> None:
        self.log = getattr(parent, "log", None)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        plain = [_plain(x) for x in inputs]
        if out is not None:
            options["out"] = tuple(_plain(x) for x in out)
        result = getattr(ufunc, method)(*plain, **{key: _plain(value) for key, value in options.items()})
        if self.log is not None and method == "__call__" and isinstance(result, np.ndarray):
            self.log.step(ufunc, plain, result)
        return out[0] if out is not None and len(out) == 1 else self._wrapped(result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        plain_args, plain_kwargs = _deep(args), _deep(kwargs)
        result = function(*plain_args, **plain_kwargs)
        if self.log is not None and isinstance(result, np.ndarray):
            self.log.step(function, list(plain_args), result)
        return self._wrapped(result)

    def dot(self, other: Any, out: Any = None) -> Any:
        """Return the matrix product; NumPy's own method would not report it."""
        return np.dot(self, other) if out is None else np.dot(self, other, out)

    def _wrapped(self, result: Any) -> Any:
        if isinstance(result, tuple):
            return tuple(map(self._wrapped, result))
        if type(result) is np.ndarray and self.log is not None:
            return self.log.traced(result)
        return result


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Traced) else value


def _deep(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(_deep, value))
    if isinstance(value, dict):
        return {key: _deep(item) for key, item in value.items()}
    return _plain(value)


def _is(value: Any, number: int) -> bool:
    return np.ndim(value) == 0 and not isinstance(value, np.ndarray) and bool(value == number)


def _is_inverse(function: Any, inputs: list[Any]) -> bool:
    return function is np.reciprocal or (function is np.divide and _is(inputs[0], 1))
