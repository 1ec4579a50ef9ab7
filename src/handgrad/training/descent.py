"""One step of gradient descent for all parameters of a model."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from handgrad.training import clipping
from handgrad.training.optim import Rule, own_name
from handgrad.training.optim_config import Config

Arrays = dict[str, np.ndarray]


def descend(
    rule: Rule,
    params: Arrays,
    grads: Arrays,
    configs: dict[str, Config],
    factor: float = 1.0,
    frozen: Collection[str] = (),
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> tuple[Arrays, dict[str, Config], dict[str, float | None]]:
    """Return the next parameters, the next configs, and the learning rates that were in force.

    Nothing that is given is changed, unless by the rule. The configs keep their learning rate; the rule
    sees it multiplied by `factor`. A parameter keeps its dtype, whatever that of its gradient. The `frozen`
    ones stay as they are. Gradients are clipped together: by our own rules in their pass, for others before.
    """
    step, grads = _with_clipping(rule, grads, clip_norm, clip_value)
    next_params, next_configs, rates = {}, {}, {}
    for name, w in params.items():
        if name in frozen:
            next_params[name], next_configs[name] = w, configs[name]
            continue
        config = dict(configs[name])
        base = config.get("learning_rate")
        if base is not None:
            config["learning_rate"] = base * factor
        next_w, config = _checked(step(w, grads[name], config), name, w)
        rates[name] = config.get("learning_rate")
        if base is not None and rates[name] == base * factor:
            config["learning_rate"] = base
        # C order, since the memory order of a parameter decides how a product of matrices is rounded, and
        # a checkpoint does not keep it.
        next_params[name] = np.asarray(next_w, dtype=w.dtype, order="C")
        next_configs[name] = config
    return next_params, next_configs, rates


def decay(configs: dict[str, Config], lr_decay: float) -> dict[str, Config]:
    """Return the configs with their learning rate multiplied by `lr_decay`, as at the end of an epoch."""
    if lr_decay == 1:
        return configs
    for config in configs.values():
        if "learning_rate" not in config:
            raise ValueError("lr_decay needs config['learning_rate'], which the update rule does not keep")
    return {name: c | {"learning_rate": c["learning_rate"] * lr_decay} for name, c in configs.items()}


def _with_clipping(
    rule: Callable[..., Any], grads: Arrays, norm: float | None, value: float | None
) -> tuple[Callable[..., Any], Arrays]:
    """Return the rule that clips and the gradients, or the rule and clipped gradients."""
    if own_name(rule) is None:
        return rule, clipping.clip(grads, norm, value)
    return functools.partial(rule, before=clipping.before(grads, norm, value)), grads


def _checked(result: Any, name: str, w: np.ndarray) -> tuple[np.ndarray, Config]:
    if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], dict)):
        raise TypeError(f"update_rule must return (next_w, config), got {type(result).__name__}")
    if np.shape(result[0]) != w.shape:
        raise ValueError(
            f"update_rule must return {name!r} with its shape, {w.shape}, got {np.shape(result[0])}"
        )
    return result[0], dict(result[1])
