"""The memory of a training step, found by rehearsing it with few images."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np

from handgrad import backend
from handgrad.models import ConvNet
from handgrad.models.steps import Chain, Residual, Step


def of_a_step(net: ConvNet, X: np.ndarray, y: np.ndarray) -> int:
    """Return the most bytes that ``net.loss(X, y)`` holds, measured: gradients and all that it works with.

    What NumPy allocates is seen by tracemalloc; what the native tier recycles is what its pool grows by.
    The network's running statistics change, as in any step.
    """
    gc.collect()
    if backend.extension is not None:
        backend.extension.empty_memory()
    before, traced = _recycled(), tracemalloc.is_tracing()
    if traced:
        tracemalloc.reset_peak()
    else:
        tracemalloc.start()
    try:
        held = tracemalloc.get_traced_memory()[0]
        net.loss(X, y)
        peak = tracemalloc.get_traced_memory()[1] - held
        return peak + _recycled() - before
    finally:
        if not traced:
            tracemalloc.stop()


def _recycled() -> int:
    if backend.extension is None:
        return 0
    info = backend.extension.memory_info()
    return int(info["in_use"] + info["idle"])


def rehearsed(net: ConvNet, batch: int, most: float) -> int:
    """Return `of_a_step` for a batch: measured with up to `most` images, above drawn on as a straight line.

    A step's memory is a fixed part (the weights' gradients, copies of them) and a part for each image. The
    rehearsals halve the batch, since blocks of recycled memory come in eight sizes to a doubling.
    """
    count = batch
    while count > max(2, most):
        count //= 2
    high = of_a_step(net, *images(net, count))
    if count == batch:
        return high
    low = of_a_step(net, *images(net, count // 2))
    return round(high + (high - low) / (count - count // 2) * (batch - count))


def images(net: ConvNet, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch of noise, and labels."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((count, *net.input_dim), dtype=np.float32).astype(net.dtype)
    return X, rng.integers(0, net.num_classes, count)


def kept(net: ConvNet, batch: int) -> dict[str, int]:
    """Return the bytes that each step keeps for its backward pass, by the name of the step.

    An array that several steps keep counts for the first of them; parameters and the images do not count.
    """
    count = max(1, min(batch, 2))  # what is kept is so much for each image
    X, _ = images(net, count)
    known = {_base(array) for array in (X, *net.params.values())}
    found: dict[str, int] = {}
    _, caches = net.steps.forward(X, net.params)
    for step, cache in _by_step(net.steps, caches):
        new = {_base(array): array.nbytes for array in _arrays(cache) if _base(array) not in known}
        known |= new.keys()
        found[step.name] = sum(new.values()) * batch // count
    return found


def _by_step(chain: Chain, caches: list[Any]) -> Iterator[tuple[Step, Any]]:
    for step, cache in zip(chain.steps, caches, strict=True):
        if isinstance(step, Residual):
            yield from _by_step(step.main, cache[0])
            yield from _by_step(step.shortcut, cache[1])
        yield step, () if isinstance(step, Residual) else cache


def _base(array: np.ndarray) -> int:
    """Return what identifies the memory of an array, whichever view it is."""
    return int(array.__array_interface__["data"][0])


def _arrays(cache: Any) -> Iterator[np.ndarray]:
    if isinstance(cache, np.ndarray):
        yield cache
    elif isinstance(cache, tuple | list):
        # As a tuple or list holds them: unpacking the cache of a block would compute what it never stored.
        fields = cache if isinstance(cache, list) else tuple.__iter__(cache)
        for item in (*fields, *getattr(cache, "__dict__", {}).values()):
            yield from _arrays(item)
