"""Convolutional networks with hand-written gradients on plain NumPy arrays."""

from __future__ import annotations

import importlib
from typing import Any

from handgrad._version import __version__
from handgrad.backend import get_backend, use_backend
from handgrad.backend.factored import factored_gradients
from handgrad.backend.memory import empty_memory, memory_info, set_memory_limit
from handgrad.backend.precision import get_precision, set_precision
from handgrad.backend.threads import get_num_threads, set_num_threads

__all__ = [
    "__version__",
    "empty_memory",
    "factored_gradients",
    "get_backend",
    "get_num_threads",
    "get_precision",
    "memory_info",
    "set_memory_limit",
    "set_num_threads",
    "set_precision",
    "use_backend",
]

_ROOMS = ("checking", "data", "layers", "models", "reference", "training", "viz")


def __getattr__(name: str) -> Any:
    """Load a room when it is first asked for."""
    if name == "use_layer":
        return importlib.import_module("handgrad.layers.overrides").use_layer
    if name in _ROOMS:
        return importlib.import_module(f"handgrad.{name}")
    raise AttributeError(f"module 'handgrad' has no attribute {name!r}")
