"""Handgrad's layers as course code calls them.

The adapters take what course code passes and the layers refuse: lists, float32 beside float64, labels as
floats, keys that a dictionary has no use for. They return caches that unpack as the courses' do, so that a
student's own backward pass reads the cache of our forward pass, and the other way round.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from handgrad.backend import use_backend
from handgrad.courses.notes import note
from handgrad.layers.caches import ActivationCache, DropoutCache, keep

Drop = Callable[[float], float]

ARRAYS = ("x", "w", "b", "gamma", "beta", "scores")
KEYS = {
    "conv_param": ("stride", "pad"),
    "pool_param": ("pool_height", "pool_width", "stride"),
    "bn_param": ("mode", "eps", "momentum", "running_mean", "running_var"),
    "ln_param": ("eps",),
    "gn_param": ("eps",),
    "dropout_param": ("p", "mode", "seed", "rng"),
}
STATISTICS = ("running_mean", "running_var")


class Sandwich(tuple[Any, ...]):
    """The caches of a sandwich's steps, as the courses' sandwiches leave them; `ours` is what made it.

    They are made when they are asked for: a tier that computes the steps in one pass has stored less.
    """

    ours: Any

    def __iter__(self) -> Iterator[Any]:
        """Yield the caches of the steps."""
        return map(present, self.ours)

    def __getitem__(self, place: Any) -> Any:
        """Return the cache of a step."""
        return tuple(self)[place]


def probability_to_drop(p: float) -> float:
    """Return dropout's p for Handgrad where the course's p is the probability to drop.

    A p of 1, with which one course's notebook drops everything, becomes the float below it.

    Examples
    --------
    >>> probability_to_drop(0.25)
    0.25
    """
    return min(float(p), float(np.nextafter(1.0, 0.0)))


def probability_to_keep(p: float) -> float:
    """Return dropout's p for Handgrad where the course's p is the probability to keep.

    Nobody keeps nothing: 0 means, as in the years before, that there is no dropout.

    Examples
    --------
    >>> probability_to_keep(0.75), probability_to_keep(1), probability_to_keep(0)
    (0.25, 0.0, 0.0)
    """
    return 1.0 - float(p) if p else 0.0


def forward(
    layer: Callable[..., Any],
    *,
    tier: str | None = None,
    order: Sequence[str] = (),
    drop: Drop = probability_to_drop,
) -> Callable[..., Any]:
    """Return a forward pass of ours as a course has it.

    Parameters
    ----------
    layer : callable
        From `handgrad.layers`.
    tier : str, optional
        What computes; default: the tier in use.
    order : sequence of str, optional
        The course's order of the arguments, where it is another one.
    drop : callable
        From the course's p of dropout to the probability to drop.
    """
    signature = _in_order(inspect.signature(layer), order)

    @functools.wraps(layer)
    def call(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        given = dict(signature.bind(*args, **kwargs).arguments)
        taken = {name: _known(name, value, drop) for name, value in given.items()} | _floats(given)
        with _in_tier(tier):
            out, cache = layer(**taken)
        if "bn_param" in given:
            given["bn_param"].update({k: taken["bn_param"][k] for k in STATISTICS if k in taken["bn_param"]})
        if isinstance(cache, DropoutCache):
            cache = keep(DropoutCache, cache.ops, cache.kept, given["dropout_param"], cache.mask)
        return out, present(cache)

    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def backward(layer: Callable[..., Any], *, tier: str | None = None) -> Callable[..., Any]:
    """Return a backward pass of ours as a course has it: ``(dout, cache)``, `dout` of any floating dtype."""

    @functools.wraps(layer)
    def call(dout: Any, cache: Any) -> Any:
        cache = getattr(cache, "ours", cache)
        dtype = _dtype(cache)
        with _in_tier(tier):
            return layer(np.asarray(dout) if dtype is None else np.asarray(dout, dtype), cache)

    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("dout", "cache")]
    )
    return call


def loss(layer: Callable[..., Any]) -> Callable[..., Any]:
    """Return a loss of ours as a course has it: ``(x, y)``, lists and labels as whole floats included."""

    @functools.wraps(layer)
    def call(x: Any, y: Any) -> Any:
        labels = np.asarray(y)
        if labels.dtype.kind == "f" and np.all(labels == np.floor(labels)):
            labels = labels.astype(np.int64)
        return layer(_floats({"x": x})["x"], labels)

    del call.__wrapped__  # its first argument is called `scores`
    return call


def present(cache: Any) -> Any:
    """Return a cache of ours in the shape that the courses' code unpacks."""
    if isinstance(cache, ActivationCache):
        return cache.x
    if any(isinstance(step, tuple) for step in tuple.__iter__(cache)):
        sandwich = Sandwich(tuple.__iter__(cache))
        sandwich.ours = cache
        return sandwich
    return cache


def _in_order(signature: inspect.Signature, order: Sequence[str]) -> inspect.Signature:
    parameters = signature.parameters
    return signature.replace(parameters=[parameters[name] for name in order or parameters])


def _in_tier(tier: str | None) -> AbstractContextManager[Any]:
    return nullcontext() if tier is None else use_backend(tier)


def _known(name: str, value: Any, drop: Drop) -> Any:
    """Return a dictionary without the keys that the layer does not know; anything else as it is."""
    if name not in KEYS or not isinstance(value, Mapping):
        return value
    for key in value:
        # The courses' own notebooks give a mode to layer norm and group norm, which have none.
        if key not in KEYS[name] and key != "mode":
            note(f"{name}[{key!r}] has no meaning, and is ignored")
    known = {key: value[key] for key in KEYS[name] if key in value}
    return known | {"p": drop(known["p"])} if name == "dropout_param" and "p" in known else known


def _floats(given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the arrays among the arguments, those that hold floats in one floating dtype."""
    arrays = {name: np.asarray(value) for name, value in given.items() if name in ARRAYS}
    kinds = [array.dtype for array in arrays.values() if array.dtype.kind == "f"]
    dtype = np.float64 if any(kind.itemsize > 4 for kind in kinds) else np.float32
    return {n: a.astype(dtype, copy=False) if a.dtype.kind == "f" else a for n, a in arrays.items()}


def _dtype(cache: Any) -> np.dtype | None:
    """Return the floating dtype of the first array in a cache."""
    if isinstance(cache, np.ndarray):
        return cache.dtype if cache.dtype.kind == "f" else np.dtype(np.float64)
    if isinstance(cache, tuple | list):
        steps = (
            tuple.__iter__(cache) if isinstance(cache, tuple) else cache
        )  # without making what is not there
        return next((found for step in steps if (found := _dtype(step)) is not None), None)
    return None
