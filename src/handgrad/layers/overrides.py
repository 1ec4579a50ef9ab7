"""Putting a learner's own function in the place of a layer, in every model and sandwich."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad import layers
from handgrad._errors import nearest

_replaced: dict[str, Callable[..., Any]] = {}


def replaced(*names: str) -> bool:
    """Return whether any of these layer functions is replaced: what computes several in one must ask."""
    return any(name in _replaced for name in names)


class use_layer:
    """Let models and sandwiches call other functions in the place of layers, until the block ends.

    Parameters
    ----------
    **functions : callable
        By the name of the layer function that each stands for: ``conv_backward=mine``. It is called with
        the same positional arguments; a backward alone gets the cache of our forward, which unpacks as
        the courses' caches do (``x, w, b, conv_param = cache``). Arrays that it returns are converted to
        the dtype of its first argument, since learners' buffers are float64.

    Raises
    ------
    ValueError
        When there is no layer function of that name.
    TypeError
        When what should stand for it cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> import handgrad
    >>> from handgrad.layers.sandwich import affine_relu_forward
    >>> x, w, b = np.ones((1, 2)), np.ones((2, 1)), np.zeros(1)
    >>> with handgrad.use_layer(relu_forward=lambda x: (10 * x, x)):
    ...     affine_relu_forward(x, w, b)[0]
    array([[20.]])
    >>> affine_relu_forward(x, w, b)[0]
    array([[2.]])
    """

    def __init__(self, **functions: Callable[..., Any]) -> None:
        for name, function in functions.items():
            if name not in layers.__all__:
                raise ValueError(f"there is no layer function {name!r}{nearest(name, layers.__all__)}")
            if not callable(function):
                raise TypeError(f"{name} must be a function, got {type(function).__name__}")
        self._functions = functions
        self._undo: list[tuple[dict[str, Any], str, Any]] = []
        self._before: dict[str, Callable[..., Any]] = {}

    def __enter__(self) -> use_layer:
        """Put the functions in place, wherever a module of handgrad holds the originals by their names."""
        self._before = dict(_replaced)
        for name, function in self._functions.items():
            original = getattr(layers, name)
            _replaced[name] = function
            self._put(original, _stand_in(original, function))
        return self

    def __exit__(self, *exc: object) -> None:
        """Put the originals back."""
        while self._undo:
            namespace, name, value = self._undo.pop()
            namespace[name] = value
        _replaced.clear()
        _replaced.update(self._before)

    def _put(self, original: Any, function: Any) -> None:
        for module_name, module in list(sys.modules.items()):
            if not module_name.startswith("handgrad.") or module_name.startswith("handgrad.checking"):
                continue
            if module_name == original.__module__:
                continue  # there it only completes a plain cache, which must be done by the original
            namespace = vars(module)
            for name, value in list(namespace.items()):
                if value is original:
                    self._undo.append((namespace, name, value))
                    namespace[name] = function


def _stand_in(original: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Call a learner's function; where it calls the layer that it stands for, call the original.

    Our option `need_dx` is dropped where the function does not know it.
    """
    drops = not _knows_need_dx(function)
    inside = threading.local()

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        if getattr(inside, "now", False):
            return original(*args, **options)
        if drops:
            options.pop("need_dx", None)
        inside.now = True
        try:
            return _in_dtype(function(*args, **options), args[0].dtype if args else None)
        finally:
            inside.now = False

    return call


def _in_dtype(results: Any, dtype: Any) -> Any:
    """Convert the float arrays of a result; a cache is left as it is."""
    if isinstance(results, tuple | list):
        return tuple(
            _in_dtype(result, dtype) if isinstance(result, np.ndarray) else result for result in results
        )
    if isinstance(results, np.ndarray) and results.dtype.kind == "f" and results.dtype != dtype:
        return results.astype(dtype)
    return results


def _knows_need_dx(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == "need_dx" or p.kind is p.VAR_KEYWORD for p in parameters)
