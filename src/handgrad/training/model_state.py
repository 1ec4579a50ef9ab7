"""What a model holds that training changes: parameters, running statistics, a generator.

A model need have no more than ``params``. Batch norm's running statistics are found in
``model.bn_params``, the courses' list of dictionaries, and dropout's generator in ``model.rng``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from handgrad.training.errors import CheckpointError

Arrays = dict[str, np.ndarray]
Weights = tuple[Arrays, list[Arrays]]


class Rest(NamedTuple):
    """All that a model changes by itself in a training step."""

    statistics: list[Arrays]
    generator: dict[str, Any] | None


def is_ours(model: Any) -> bool:
    """Return whether the model's loss is that of a class of `handgrad.models`, and no other stands before it.

    Examples
    --------
    >>> from handgrad.models import TwoLayerNet
    >>> class Mine(TwoLayerNet):
    ...     def loss(self, X, y=None):
    ...         return super().loss(X, y)
    >>> is_ours(TwoLayerNet()), is_ours(Mine())
    (True, False)
    """
    function = getattr(model.loss, "__func__", None)
    return getattr(function, "__module__", "").startswith("handgrad.models.")


def statistics(model: Any) -> list[Arrays]:
    """Return copies of the arrays in each of the model's ``bn_params``; an empty list where it has none."""
    return [
        {key: value.copy() for key, value in bn_param.items() if isinstance(value, np.ndarray)}
        for bn_param in bn_params(model)
    ]


def set_statistics(model: Any, values: list[Arrays]) -> None:
    """Put copies of `values` in the place of the arrays in the model's ``bn_params``."""
    for bn_param, arrays in zip(bn_params(model), values, strict=True):
        for key in [key for key, value in bn_param.items() if isinstance(value, np.ndarray)]:
            if key not in arrays:
                del bn_param[key]
        bn_param.update({key: value.copy() for key, value in arrays.items()})


def rest(model: Any) -> Rest:
    """Return copies of the running statistics and of the generator's state."""
    rng = _generator(model)
    return Rest(statistics(model), None if rng is None else dict(rng.bit_generator.state))


def set_rest(model: Any, values: Rest) -> None:
    """Set the running statistics and the generator's state."""
    set_statistics(model, values.statistics)
    rng = _generator(model)
    if rng is not None and values.generator is not None:
        rng.bit_generator.state = values.generator


def weights(model: Any) -> Weights:
    """Return copies of the parameters and the running statistics."""
    return copy_params(model.params), statistics(model)


def set_weights(model: Any, values: Weights) -> None:
    """Put copies of `values` in the place of the model's parameters and running statistics."""
    model.params.update(copy_params(values[0]))
    set_statistics(model, values[1])


def copy_params(params: Mapping[str, np.ndarray]) -> Arrays:
    """Return the parameters with every array copied."""
    return {name: w.copy() for name, w in params.items()}


@contextmanager
def frozen(model: Any, names: Collection[str]) -> Iterator[None]:
    """Let a model that has ``frozen`` leave out the gradients of these parameters for a while."""
    if not hasattr(model, "frozen"):
        yield
        return
    before, model.frozen = model.frozen, names
    try:
        yield
    finally:
        model.frozen = before


@contextmanager
def swapped(model: Any, params: Arrays, stats: list[Arrays]) -> Iterator[None]:
    """Let the model hold other parameters and running statistics for a while."""
    own_params, own_statistics = dict(model.params), statistics(model)
    try:
        model.params.update(params)
        set_statistics(model, stats)
        yield
    finally:
        model.params.update(own_params)
        set_statistics(model, own_statistics)


@contextmanager
def unchanged_on_error(model: Any) -> Iterator[None]:
    """Give the model its running statistics and generator state back when the block fails."""
    before = rest(model)
    try:
        yield
    except BaseException:
        set_rest(model, before)
        raise


def check_fit(where: str, model: Any, params: Arrays, stats: list[Arrays]) -> None:
    """Refuse arrays that do not belong to the model.

    Raises
    ------
    CheckpointError
        Naming `where` and the first parameter that is missing, unknown or of another shape or dtype.
    """
    for name, w in model.params.items():
        if name not in params:
            raise CheckpointError(f"{where} has no parameter {name!r}, which this model has")
        found = params[name]
        if found.shape != w.shape or found.dtype != w.dtype:
            raise CheckpointError(
                f"{where} has parameter {name!r} with shape {found.shape} and {found.dtype}, "
                f"but this model's has {w.shape} and {w.dtype}"
            )
    for name in params:
        if name not in model.params:
            raise CheckpointError(f"{where} has parameter {name!r}, which this model lacks")
    if len(stats) != len(bn_params(model)):
        raise CheckpointError(
            f"{where} has running statistics of {len(stats)} batch-norm layers, "
            f"but this model has {len(bn_params(model))}"
        )


def check_generator(where: str, model: Any, state: Mapping[str, Any] | None) -> None:
    """Refuse the generator state of a model that is unlike this one."""
    rng = _generator(model)
    if (rng is None) != (state is None):
        holds, has = ("a", "none") if rng is None else ("no", "one")
        raise CheckpointError(f"{where} holds {holds} state of model.rng, but this model has {has}")
    if rng is not None and state is not None:
        kind = rng.bit_generator.state["bit_generator"]
        if state.get("bit_generator") != kind:
            raise CheckpointError(
                f"{where} holds the state of a {state.get('bit_generator')}, but model.rng is a {kind}"
            )
        type(rng.bit_generator)().state = state  # refuses here what it would refuse in the middle of a load


def non_finite(params: Mapping[str, np.ndarray]) -> str | None:
    """Return the name of the first parameter that holds NaN or infinity, or None."""
    for name, w in params.items():
        if w.size and not (np.isfinite(w.min()) and np.isfinite(w.max())):
            return name
    return None


def bn_params(model: Any) -> list[dict[str, Any]]:
    """Return the dictionaries of the model's batch-norm layers; an empty list where it has none."""
    found = getattr(model, "bn_params", None) or []
    return list(found.values() if isinstance(found, Mapping) else found)


def _generator(model: Any) -> np.random.Generator | None:
    rng = getattr(model, "rng", None)
    return rng if isinstance(rng, np.random.Generator) else None
