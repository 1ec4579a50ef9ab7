"""What the models of this package share: how parameters begin, how inputs are cast, what is remembered."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from handgrad import backend
from handgrad._numbers import finite_number, float_dtype
from handgrad._random import generator
from handgrad.backend.factored import Product
from handgrad.layers.params import whole


class Model(ABC):
    """A network with parameters by name and a loss.

    Attributes
    ----------
    params : dict of ndarray
        Parameters by the courses' names: ``W1``, ``b1``, ``gamma1``, ``beta1``, ...
    bn_params : list of dict
        Settings and running statistics of the batch-norm layers, in order.
    reg : float
        Strength of the L2 penalty: ``0.5 * reg * sum(W**2)`` over the weights (not biases, gamma, beta).
    dtype : numpy.dtype
        float32 or float64; parameters have it, inputs are cast to it.
    rng : numpy.random.Generator
        Drew the first weights, and draws dropout's masks.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        """Remember the constructor's arguments, and begin with no parameters."""
        self._settings = settings
        self.dtype = float_dtype(settings["dtype"])
        self.reg = _not_negative("reg", settings["reg"])
        scale = settings["weight_scale"]
        self._weight_scale = 0.0 if scale is None else _not_negative("weight_scale", scale)
        self.rng = generator(settings["seed"])
        self.params: dict[str, np.ndarray] = {}
        self.bn_params: list[dict[str, Any]] = []

    @abstractmethod
    def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
        """Return the scores (N, K) when `y` is None, else ``(loss, grads)``."""

    def __str__(self) -> str:
        """Return what the model is called in titles."""
        return type(self).__name__

    def config(self) -> dict[str, Any]:
        """Return the model's name and constructor arguments, fit for JSON; `build` takes it."""
        settings = {name: value for name, value in self._settings.items() if name != "seed"}
        return {"model": type(self).__name__, **settings, "reg": self.reg, "dtype": self.dtype.name}

    def _add_affine(self, number: int, shape: tuple[int, ...]) -> None:
        """Add weights of a normal distribution and biases of zero, as ``W{number}`` and ``b{number}``.

        `shape` is (D, M), or (F, C, HH, WW) for filters; a bias belongs to a column, or to a filter.
        """
        outputs = shape[1] if len(shape) == 2 else shape[0]
        self.params[f"W{number}"] = (self.rng.standard_normal(shape) * self._weight_scale).astype(self.dtype)
        self.params[f"b{number}"] = np.zeros(outputs, self.dtype)

    def _add_scale(self, number: int, features: int) -> None:
        """Add ``gamma{number}`` of ones and ``beta{number}`` of zeros."""
        self.params[f"gamma{number}"] = np.ones(features, self.dtype)
        self.params[f"beta{number}"] = np.zeros(features, self.dtype)

    def _cast(self, X: np.ndarray, sample: tuple[int, ...]) -> np.ndarray:
        """Return X in the model's dtype; each of its rows must hold a sample of this shape, or flat."""
        X = np.asarray(X)
        flat = len(sample) == 1 and math.prod(X.shape[1:]) == sample[0]
        if X.ndim < 2 or not (flat or X.shape[1:] == sample):
            raise ValueError(f"X must have shape (N, {', '.join(map(str, sample))}), got {X.shape}")
        return X.astype(self.dtype, copy=False)

    def _penalty(self, grads: dict[str, Any]) -> float:
        """Add the penalty's gradient to those that are in `grads`, and return the penalty of all weights."""
        if self.reg == 0:
            return 0.0
        total = 0.0
        for name, w in self.params.items():
            if name.startswith("W"):
                dw = grads.get(name)
                if isinstance(dw, Product):
                    grads[name], dw = dw.with_l2(self.reg), None
                total += backend.ops().add_l2(dw, w, self.reg)
        return 0.5 * self.reg * total


def _not_negative(name: str, value: Any) -> float:
    number = finite_number(name, value)
    if number < 0:
        raise ValueError(f"{name} must not be negative, got {number}")
    return number


def check_sizes(name: str, sizes: Any) -> list[int]:
    """Return a sequence of whole numbers of at least 1 as a list.

    Raises
    ------
    ValueError
        When it is none.
    """
    try:
        return [whole(f"{name}[{index}]", size, least=1) for index, size in enumerate(sizes)]
    except TypeError:
        raise ValueError(f"{name} must be a sequence of whole numbers, got {sizes!r}") from None
