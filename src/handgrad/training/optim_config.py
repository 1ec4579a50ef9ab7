"""The settings and the memory of update rules: names, defaults, ranges, and what is refused."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad._errors import check_known
from handgrad._numbers import finite_number
from handgrad.backend.before import Before
from handgrad.backend.factored import Product

Config = dict[str, Any]

OF_ALL = {"l2": 0.0, "clip_value": 0.0}
"""The settings that every rule has, with their defaults, which do nothing."""

_OWN: dict[str, dict[str, float]] = {
    "sgd": {"learning_rate": 1e-2, "weight_decay": 0.0},
    "sgd_momentum": {"learning_rate": 1e-2, "momentum": 0.9, "weight_decay": 0.0},
    "sgd_nesterov_momentum": {"learning_rate": 1e-2, "momentum": 0.9, "weight_decay": 0.0},
    "adagrad": {"learning_rate": 1e-2, "epsilon": 1e-8},
    "adadelta": {"learning_rate": 1.0, "decay_rate": 0.95, "epsilon": 1e-6},
    "rmsprop": {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8},
    "adam": {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "adamw": {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 1e-2},
}
DEFAULTS = {name: own | OF_ALL for name, own in _OWN.items()}
"""The settings of each rule with their defaults."""

_MEMORY = {
    "sgd": (),
    "sgd_momentum": ("velocity",),
    "sgd_nesterov_momentum": ("velocity",),
    "adagrad": ("cache",),
    "adadelta": ("cache", "delta_cache"),
    "rmsprop": ("cache",),
    "adam": ("m", "v"),
    "adamw": ("m", "v"),
}
_RANGES: dict[str, tuple[Callable[[float], bool], str]] = {
    "momentum": (lambda value: 0 <= value <= 1, "from 0 to 1"),
    "decay_rate": (lambda value: 0 <= value <= 1, "from 0 to 1"),
    "beta1": (lambda value: 0 <= value < 1, "from 0 to below 1"),
    "beta2": (lambda value: 0 <= value < 1, "from 0 to below 1"),
    "epsilon": (lambda value: value >= 0, "0 or above"),
    "weight_decay": (lambda value: value >= 0, "0 or above"),
    "l2": (lambda value: value >= 0, "0 or above"),
    "clip_value": (lambda value: value >= 0, "0 (no clipping) or above"),
}


def check_settings(name: str, config: Config) -> None:
    """Refuse settings of the rule `name` that are unknown, no finite numbers or out of range."""
    check_known(f"optim_config of {name}", config, DEFAULTS[name])
    for key in config:
        _number(key, config[key])


def prepare(
    name: str, w: np.ndarray, dw: Any, config: Config | None, before: Before
) -> tuple[np.ndarray, Any, Config, Before]:
    """Return w, dw and config, checked, with defaults, gradient and memory in the dtype of `w`.

    `before` comes back with what the config adds to it. A `Product` stays one where the rule can multiply it.
    """
    w = np.asarray(w)
    if w.dtype.kind != "f":
        raise TypeError(f"w must be floating point, got dtype {w.dtype}")
    config = {} if config is None else config
    counter = ("t",) if "m" in _MEMORY[name] else ()
    check_known(f"config of {name}", config, (*DEFAULTS[name], *_MEMORY[name], *counter))
    for key, default in DEFAULTS[name].items():
        config[key] = _number(key, config.get(key, default))
    for key in _MEMORY[name]:
        config[key] = _like(w, f"config[{key!r}]", config[key]) if key in config else np.zeros_like(w)
    for key in counter:
        config[key] = _count(config.get(key, 0))
    before = _with_settings(before, config)
    if not (isinstance(dw, Product) and dw.goes_into(w, before)):
        return w, _like(w, "dw", dw), config, before
    return w, dw, config, before._replace(l2=before.l2 + dw.l2)


def _with_settings(before: Before, config: Config) -> Before:
    return before._replace(
        l2=config["l2"],
        clip_value=config["clip_value"] or math.inf,
        shrink=1 - config["learning_rate"] * config.get("weight_decay", 0.0),
    )


def _number(key: str, value: Any) -> float:
    number = finite_number(key, value)
    in_range, range_in_words = _RANGES.get(key, (lambda value: True, ""))
    if not in_range(number):
        raise ValueError(f"{key} must be {range_in_words}, got {value!r}")
    return number


def _count(value: Any) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        count = -1
    if count < 0:
        raise ValueError(f"t must be a whole number, 0 or above, got {value!r}")
    return count


def _like(w: np.ndarray, name: str, value: np.ndarray) -> np.ndarray:
    value = np.asarray(value)
    if value.shape != w.shape:
        raise ValueError(f"{name} must have the shape of w, {w.shape}, got {value.shape}")
    if value.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers, got dtype {value.dtype}")
    return value.astype(w.dtype, copy=False)
