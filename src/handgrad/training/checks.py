"""What the Solver refuses, each in one sentence, before it can do harm."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from handgrad._numbers import finite_number, fraction, whole_number
from handgrad.backend.factored import Product
from handgrad.data.checks import check_split
from handgrad.training import model_state, optim
from handgrad.training import optim_config as settings
from handgrad.training.errors import DivergenceError
from handgrad.training.lookahead import Lookahead


def optional_whole_number(name: str, value: Any, least: int) -> int | None:
    """Return `value` as an int of at least `least`, or None for None."""
    return None if value is None else whole_number(name, value, least)


def positive_number(name: str, value: Any) -> float:
    """Return `value` as a finite float above 0."""
    number = finite_number(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be above 0, got {value!r}")
    return number


def optional_positive_number(name: str, value: Any) -> float | None:
    """Return `value` as a finite float above 0, or None for None."""
    return None if value is None else positive_number(name, value)


def optional_fraction(name: str, value: Any) -> float | None:
    """Return `value` as a float from 0 to below 1, or None for None."""
    return None if value is None else fraction(name, value, include_one=False)


def folder(name: str, value: Any) -> Path:
    """Return `value` as a path."""
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} must be a folder's name, got {value!r}")
    return Path(value)


def function(name: str, value: Any) -> Any:
    """Return `value`, a function or None."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be a function or None, got {value!r}")
    return value


def data_arrays(data: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return X_train, y_train, X_val and y_val of a course's data dictionary, checked."""
    names = ("X_train", "y_train", "X_val", "y_val")
    if not isinstance(data, Mapping):
        raise TypeError(f"data must be a dict with {', '.join(names)}, got {type(data).__name__}")
    for name in names:
        if name not in data:
            raise ValueError(f"data must hold {', '.join(names)}, but has no {name}")
    X_train, y_train, X_val, y_val = (data[name] for name in names)
    check_split("train", X_train, y_train)
    check_split("val", X_val, y_val)
    if X_val.shape[1:] != X_train.shape[1:]:
        raise ValueError(
            f"X_val must hold images of the shape of X_train's, {X_train.shape[1:]}, got {X_val.shape[1:]}"
        )
    return X_train, y_train, X_val, y_val


def model(candidate: Any) -> None:
    """Refuse what has no ``params`` and ``loss``, the protocol of a model."""
    params = getattr(candidate, "params", None)
    if not isinstance(params, dict) or not params:
        raise TypeError(
            f"model must have a dict of parameters, model.params, got {type(candidate).__name__} "
            f"with {'none' if params is None else repr(params)}"
        )
    if not callable(getattr(candidate, "loss", None)):
        raise TypeError(f"model must have a method loss(X, y=None), got {type(candidate).__name__} without")
    for name, w in params.items():
        if not isinstance(w, np.ndarray):
            raise TypeError(f"model.params[{name!r}] must be a NumPy array, got {type(w).__name__}")
        if w.dtype.kind != "f" or w.dtype.itemsize > 8:
            raise TypeError(f"model.params[{name!r}] must be float32 or float64, got {w.dtype}")


def scores(value: Any, n: int) -> np.ndarray:
    """Return what ``model.loss(X)`` gave for n samples, if it is scores (n, K)."""
    if not isinstance(value, np.ndarray) or value.ndim != 2 or len(value) != n:
        came = f"shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        raise ValueError(f"model.loss(X) without labels must return scores of shape ({n}, K), got {came}")
    return value


def loss_and_grads(result: Any, params: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
    """Return loss and gradients of ``model.loss(X, y)``, each gradient in the dtype of its parameter."""
    if not (isinstance(result, (tuple, list)) and len(result) == 2 and isinstance(result[1], Mapping)):
        raise TypeError(f"model.loss(X, y) must return (loss, grads), got {type(result).__name__}")
    loss, grads = result
    if np.ndim(loss) != 0 or np.asarray(loss).dtype.kind not in "fiu":
        raise TypeError(f"the loss of model.loss(X, y) must be one number, got {loss!r}")
    return float(loss), {name: _gradient(name, w, grads) for name, w in params.items()}


def _gradient(name: str, w: np.ndarray, grads: Mapping[str, Any]) -> Any:
    if name not in grads:
        raise ValueError(f"grads must hold a gradient for each parameter, but has none for {name!r}")
    dw = grads[name]
    if isinstance(dw, Product):
        return dw
    if not isinstance(dw, (np.ndarray, np.generic)) or dw.dtype.kind not in "fiu":
        came = f"dtype {dw.dtype}" if isinstance(dw, np.ndarray) else type(dw).__name__
        raise TypeError(f"grads[{name!r}] must be an array of real numbers, got {came}")
    if dw.shape != w.shape:
        raise ValueError(f"grads[{name!r}] must have the shape of its parameter, {w.shape}, got {dw.shape}")
    return np.asarray(dw).astype(w.dtype, copy=False)


def optim_config(rule: Callable[..., Any], config: Any, schedule: Any) -> dict[str, Any]:
    """Return the settings for a rule with their defaults, where the rule is one of ours."""
    if config is not None and not isinstance(config, Mapping):
        raise TypeError(f"optim_config must be a dict or None, got {config!r}")
    config = dict(config or {})
    name = optim.own_name(rule)
    if name is not None:
        settings.check_settings(name, config)
        return settings.DEFAULTS[name] | config
    if schedule is not None and "learning_rate" not in config:
        raise ValueError("schedule needs optim_config['learning_rate'] where update_rule is not one of ours")
    return config


def lookahead(value: Any) -> Lookahead | None:
    """Return a copy, which begins anew."""
    if value is None:
        return None
    if not isinstance(value, Lookahead):
        raise TypeError(f"lookahead must be a Lookahead or None, got {value!r}")
    return Lookahead(value.every, value.alpha, value.power)


def recalibrate(candidate: Any, value: Any) -> int | None:
    """Return a number of batches for a model that has batch norm, or None for None."""
    number = optional_whole_number("recalibrate", value, 1)
    if number is not None and not model_state.bn_params(candidate):
        raise ValueError("recalibrate needs a model with batch norm (model.bn_params), and this one has none")
    return number


def prune(value: Any, mixup: Any, background: Any) -> float | None:
    """Return a share for pruning from 0 to below 1, or None for None."""
    share = optional_fraction("prune", value)
    if share is not None and mixup is not None:
        raise ValueError("prune and mixup do not go together: a mixed image has no loss of its own")
    if share is not None and background:
        raise ValueError("prune and background do not go together: a batch depends on the losses before it")
    return share


def image_side(value: Any, images: np.ndarray) -> dict[int, int] | None:
    """Return the sides of images by the epoch from which they hold, in order, or None for None."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"image_side must be a dict from epochs to sides or None, got {value!r}")
    if images.ndim != 4 or images.shape[2] != images.shape[3]:
        raise ValueError(f"image_side needs square images (N, C, S, S), got X_train of shape {images.shape}")
    return {
        whole_number("an epoch of image_side", epoch): whole_number("a side of image_side", value[epoch], 1)
        for epoch in sorted(value)
    }


def finite_loss(loss: float, iteration: int, configs: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a loss that is NaN or infinite."""
    if not math.isfinite(loss):
        raise DivergenceError(f"loss is {loss} at iteration {iteration}: {_advice(configs)}")


def finite_params(
    params: Mapping[str, np.ndarray], iteration: int, configs: Mapping[str, Mapping[str, Any]]
) -> None:
    """Refuse parameters that hold NaN or infinity."""
    name = model_state.non_finite(params)
    if name is not None:
        raise DivergenceError(f"{name} holds nan or infinity at iteration {iteration}: {_advice(configs)}")


def _advice(configs: Mapping[str, Mapping[str, Any]]) -> str:
    rate = next(iter(configs.values())).get("learning_rate")
    now = "" if rate is None else f" (now {rate:g})"
    return f"lower learning_rate{now}, or check the model's gradients"
