"""Letting a learner's forward compute with complex numbers: an array type and a stand-in for `np`.

The derivative of f at x along v is ``imag(f(x + i h v)) / h`` for any tiny h: nothing is subtracted, so
nothing cancels, and a kink that is not exactly at x is never crossed. For that, everything that compares
must look at real parts, and buffers that the code makes must be complex. What cannot be carried through
(``float(x)``, a buffer from elsewhere) raises, and the caller falls back to differences.
"""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

STEP = 1e-25

_COMPARE = {
    np.greater,
    np.greater_equal,
    np.less,
    np.less_equal,
    np.equal,
    np.not_equal,
    np.sign,
    np.floor,
    np.rint,
}
_CHOOSE = {
    np.maximum: np.greater_equal,
    np.minimum: np.less_equal,
    np.fmax: np.greater_equal,
    np.fmin: np.less_equal,
}


class ComplexArray(np.ndarray):
    """Complex numbers that compare and take absolute values by their real part."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Compute on plain arrays; the few functions that are not analytic look at real parts."""
        plain = [_plain(value) for value in inputs]
        if "out" in options:
            options["out"] = tuple(_plain(value) for value in options["out"])
        if method == "__call__" and "out" not in options and "where" not in options:
            if ufunc in _COMPARE:
                return ufunc(*(np.real(value) for value in plain))
            if ufunc in (np.absolute, np.fabs):
                return _wrap(np.where(np.real(plain[0]) < 0, -plain[0], plain[0]))
            if ufunc in _CHOOSE:
                first, second = plain
                return _wrap(np.where(_CHOOSE[ufunc](np.real(first), np.real(second)), first, second))
        if ufunc is np.conjugate:
            return _wrap(np.positive(plain[0]))
        return _wrap(getattr(ufunc, method)(*plain, **options))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        """Take the variance without a conjugate, make buffers complex, and refuse what loses a part."""
        if function in _REPLACED:
            return _REPLACED[function](*args, **options)
        if function in (np.real, np.imag, np.linalg.norm, np.round, np.angle):
            raise TypeError(f"{function.__name__} is not differentiated through")
        return super().__array_function__(function, types, args, options)

    def var(self, *args: Any, **options: Any) -> Any:
        """Mean of the squared deviation, without a conjugate."""
        return _var(self, *args, **options)

    def std(self, *args: Any, **options: Any) -> Any:
        """Root of `var`."""
        return np.sqrt(_var(self, *args, **options))

    def astype(self, dtype: Any, *args: Any, **options: Any) -> Any:
        """Stay complex for any floating type."""
        if np.dtype(dtype).kind in "fc":
            return _wrap(np.array(self, copy=True))
        return np.real(_plain(self)).astype(dtype, *args, **options)


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, ComplexArray) else value


def _wrap(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_wrap(item) for item in value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "c":
        return value.view(ComplexArray)
    return value


def complex_array(array: np.ndarray) -> ComplexArray:
    """Return a complex copy of `array`, in its memory order."""
    return np.array(array, dtype=complex, order="K").view(ComplexArray)


def _var(
    values: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0, keepdims: bool = False
) -> Any:
    deviation = values - np.mean(values, axis=axis, keepdims=True)
    squares = np.sum(deviation * deviation, axis=axis, keepdims=keepdims)
    return squares / (values.size / max(1, np.size(squares)) - ddof)


def _absolute(value: Any, *args: Any, **options: Any) -> Any:
    if np.iscomplexobj(value) and not isinstance(value, np.ndarray):
        return -value if value.real < 0 else value
    return np.absolute(value, *args, **options)


def _complex_type(dtype: Any) -> Any:
    return complex if dtype is None or np.dtype(dtype).kind in "fc" else dtype


def _maker(function: Callable[..., Any], position: int) -> Callable[..., Any]:
    """Return `function` (np.zeros, np.full, ...) making complex arrays where it would make floats."""

    @functools.wraps(function)
    def make(*args: Any, **options: Any) -> Any:
        if len(args) > position:
            args = (*args[:position], _complex_type(args[position]), *args[position + 1 :])
        else:
            options["dtype"] = _complex_type(options.get("dtype"))
        return _wrap(function(*args, **options))

    return make


def _maker_like(function: Callable[..., Any], position: int) -> Callable[..., Any]:
    @functools.wraps(function)
    def make(prototype: Any, *args: Any, **options: Any) -> Any:
        kind = np.asarray(_plain(prototype)).dtype
        if len(args) >= position:
            args = (*args[: position - 1], _complex_type(args[position - 1]), *args[position:])
        else:
            options["dtype"] = _complex_type(options.get("dtype") or kind)
        return _wrap(function(_plain(prototype), *args, **options))

    return make


def _converter(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def convert(values: Any, dtype: Any = None, *args: Any, **options: Any) -> Any:
        result = function(values, *args, **options)
        if dtype is None:
            return _wrap(result)
        if np.dtype(dtype).kind in "fc" and result.dtype.kind in "fc":
            return _wrap(result.astype(complex))
        return function(values, dtype, *args, **options)

    return convert


_REPLACED: dict[Any, Any] = {
    np.var: _var,
    np.std: lambda values, *args, **options: np.sqrt(_var(values, *args, **options)),
    np.zeros_like: _maker_like(np.zeros_like, 1),
    np.ones_like: _maker_like(np.ones_like, 1),
    np.empty_like: _maker_like(np.empty_like, 1),
    np.full_like: _maker_like(np.full_like, 2),
}

_COMPLEX_NAMES: dict[str, Any] = {
    "zeros": _maker(np.zeros, 1),
    "ones": _maker(np.ones, 1),
    "empty": _maker(np.empty, 1),
    "full": _maker(np.full, 2),
    "eye": np.eye,
    "zeros_like": _REPLACED[np.zeros_like],
    "ones_like": _REPLACED[np.ones_like],
    "empty_like": _REPLACED[np.empty_like],
    "full_like": _REPLACED[np.full_like],
    "array": _converter(np.array),
    "asarray": _converter(np.asarray),
    "ascontiguousarray": _converter(np.ascontiguousarray),
    "abs": _absolute,
    "absolute": _absolute,
    "fabs": _absolute,
}


def _poisoned(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def make(*args: Any, **options: Any) -> Any:
        array = function(*args, **options)
        if array.dtype.kind in "fc":
            array.fill(np.nan)
        return array

    return make


_POISON_NAMES: dict[str, Any] = {"empty": _poisoned(np.empty), "empty_like": _poisoned(np.empty_like)}


class _NumpyStandIn(types.ModuleType):
    def __init__(self, names: dict[str, Any]) -> None:
        super().__init__("numpy")
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _known_as(name: str) -> list[Any]:
    """Return np's function of that name, and what may stand for it already."""
    return [getattr(np, name), *(table[name] for table in (_COMPLEX_NAMES, _POISON_NAMES) if name in table)]


def zeroed_numpy(functions: list[Any]) -> contextlib.AbstractContextManager[None]:
    """Let the code of `functions` see an `np` whose empty buffers are zero."""
    return _numpy_replaced(functions, {"empty": np.zeros, "empty_like": np.zeros_like})


def complex_numpy(functions: list[Any]) -> contextlib.AbstractContextManager[None]:
    """Let the code of `functions` see an `np` whose buffers are complex."""
    return _numpy_replaced(functions, _COMPLEX_NAMES)


def poisoned_numpy(functions: list[Any]) -> contextlib.AbstractContextManager[None]:
    """Let the code of `functions` see an `np` whose empty buffers are full of NaN."""
    return _numpy_replaced(functions, _POISON_NAMES)


@contextlib.contextmanager
def _numpy_replaced(functions: list[Any], names: dict[str, Any]) -> Iterator[None]:
    stand_in = _NumpyStandIn(names)
    originals = {id(known): names[name] for name in names for known in _known_as(name)}
    undo: list[tuple[dict[str, Any], str, Any]] = []
    for namespace in _namespaces(functions):
        for name, value in list(namespace.items()):
            if value is np or isinstance(value, _NumpyStandIn):
                replacement: Any = stand_in
            elif id(value) in originals and callable(value):
                replacement = originals[id(value)]
            else:
                continue
            undo.append((namespace, name, value))
            namespace[name] = replacement
    try:
        yield
    finally:
        for namespace, name, value in undo:
            namespace[name] = value


def _namespaces(functions: list[Any]) -> list[dict[str, Any]]:
    """Return the global names of the functions, and those of the learner's own modules that they use."""
    found: dict[int, dict[str, Any]] = {}
    queue = [getattr(unwrapped(function), "__globals__", None) for function in functions]
    while queue:
        namespace = queue.pop()
        if namespace is None or id(namespace) in found or _is_library(namespace):
            continue
        found[id(namespace)] = namespace
        for value in list(namespace.values()):
            if isinstance(value, types.ModuleType):
                queue.append(vars(value))
            elif isinstance(value, types.FunctionType):
                queue.append(value.__globals__)
    return list(found.values())


def _is_library(namespace: dict[str, Any]) -> bool:
    name = str(namespace.get("__name__", "")).partition(".")[0]
    path = str(namespace.get("__file__") or "")
    return (
        name in ("numpy", "handgrad", "builtins", "scipy", "matplotlib", __name__.partition(".")[0])
        or "site-packages" in path
        or ("/lib/python" in path and "site-packages" not in path)
    )


def unwrapped(function: Any) -> Any:
    """Return the plain function inside decorators, methods and partials."""
    while True:
        inner = getattr(function, "__wrapped__", None) or getattr(function, "__func__", None)
        if inner is None and isinstance(function, functools.partial):
            inner = function.func
        if inner is None:
            return function if hasattr(function, "__globals__") else getattr(function, "__call__", function)  # noqa: B004
        function = inner
