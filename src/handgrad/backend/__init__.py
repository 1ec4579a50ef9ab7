"""The one place that knows that there are several ways to compute.

A tier is a module with the same functions under the same signatures: ``reference_ops`` (loops),
``numpy_ops`` (vectorised, always there), ``native_ops`` (compiled kernels, where the extension is there).
Layers ask `ops` for the tier in use; backward passes ask `tier` for the one that made their cache.
"""

from __future__ import annotations

import functools
import importlib
import logging
import os
from types import ModuleType
from typing import Any

from handgrad._errors import nearest

TIERS = {"reference": "handgrad.backend.reference_ops", "numpy": "handgrad.backend.numpy_ops"}

extension: Any = None
missing = ""  # why there is no extension
try:
    extension = importlib.import_module("handgrad._native")
except ImportError as error:
    missing = str(error)
else:
    extension.configure()  # HANDGRAD_ISA, HANDGRAD_NUM_THREADS, HANDGRAD_WINOGRAD, HANDGRAD_PRECISION
    TIERS["native"] = "handgrad.backend.native_ops"

_module = functools.cache(importlib.import_module)  # which each backward pass asks for
_in_use: ModuleType | None = None
_reason = ""


class use_backend:
    """Choose the tier that computes: 'native', 'numpy' or 'reference'.

    Takes effect at once and for good; as a context manager, until the block ends.

    Parameters
    ----------
    name : str
        'native' (compiled kernels, the default where the extension is there), 'numpy' (vectorised) or
        'reference' (plain loops, the oracle: slow).

    Raises
    ------
    ValueError
        When there is no tier of that name, or it needs the extension and that is missing.

    Examples
    --------
    >>> import handgrad
    >>> with handgrad.use_backend("reference"):
    ...     handgrad.get_backend()
    'reference'
    """

    def __init__(self, name: str) -> None:
        self._before = (_in_use, _reason)
        _choose(name, "chosen by use_backend")

    def __enter__(self) -> use_backend:
        return self

    def __exit__(self, *exc: object) -> None:
        global _in_use, _reason
        _in_use, _reason = self._before


def get_backend() -> str:
    """Return the name of the tier in use."""
    return str(ops().NAME)


def reason() -> str:
    """Return why the tier in use is in use."""
    ops()
    return _reason


def ops() -> ModuleType:
    """Return the tier in use; the first call decides it."""
    if _in_use is None:
        _decide()
    return _in_use  # type: ignore[return-value]


def tier(name: str) -> ModuleType:
    """Return the tier called `name`."""
    if name == "native" and extension is None:
        raise ValueError(f"the backend 'native' needs the native extension, which is missing ({missing})")
    if name not in TIERS:
        raise ValueError(f"there is no backend {name!r}{nearest(name, TIERS)}")
    return _module(TIERS[name])


def _choose(name: str, why: str) -> None:
    global _in_use, _reason
    _in_use, _reason = tier(name), why


def _decide() -> None:
    wanted = os.environ.get("HANDGRAD_BACKEND", "")
    if wanted:
        try:
            _choose(wanted, f"HANDGRAD_BACKEND={wanted}")
        except ValueError as error:
            raise ValueError(f"HANDGRAD_BACKEND: {error}") from None
    elif extension is None:
        logging.getLogger("handgrad").warning("the native extension is missing, so NumPy computes alone")
        _choose("numpy", f"the native extension is missing ({missing})")
    else:
        _choose("native", "the native extension is there")
