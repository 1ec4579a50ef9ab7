"""Watching handgrad's own layers at work: every step of a forward pass is looked at as it comes out."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from handgrad import backend
from handgrad.checking.training.seen import Names, Seen, look

_ACTIVATIONS = ("relu", "sigmoid", "tanh", "batchnorm")


@contextmanager
def watching(params: Mapping[str, np.ndarray]) -> Iterator[list[Seen]]:
    """Record what the layers put out in this thread while the block runs.

    The layers ask the backend for the tier that computes; for a while they get one that looks at every
    forward result and is the tier in use otherwise. Other threads get the bare results.
    """
    seen: list[Seen] = []
    before = backend.ops()
    watched = _Watched(before, Names(params), seen)
    backend._in_use = watched
    try:
        yield seen
    finally:
        watched.close()
        if backend._in_use is watched:
            backend._in_use = before


class _Watched(ModuleType):
    """A tier whose forward functions are looked at."""

    BLOCKS: ClassVar[dict[tuple[str, ...], Any]] = {}  # layers that are computed in one would be seen as one

    def __init__(self, tier: ModuleType, names: Names, seen: list[Seen]) -> None:
        super().__init__(tier.__name__)
        self._tier, self._names, self._seen = tier, names, seen
        self._thread: int | None = threading.get_ident()

    def close(self) -> None:
        """Look no more."""
        self._thread = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tier, name)
        if not name.endswith("_forward") or threading.get_ident() != self._thread:
            return found

        def forward(*args: Any, **options: Any) -> Any:
            result = found(*args, **options)
            self._names.note([arg for arg in args if isinstance(arg, np.ndarray)])
            out = result[0] if isinstance(result, tuple) else result
            if isinstance(out, np.ndarray):
                self._seen.append(look(_kind(name), self._names.last, out))
            return result

        return forward


def _kind(name: str) -> str:
    """Return the activation that a layer ends with, or its own name: ``conv_relu_pool`` has a relu."""
    words = name.removesuffix("_forward").split("_")
    if "leaky" in words:
        return "leaky_relu"
    return next((kind for kind in _ACTIVATIONS if kind in words), "_".join(words))
