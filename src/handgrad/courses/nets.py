"""The courses' networks: ours, with their keywords, their defaults and their first weights.

First weights are drawn from NumPy's global generator in the courses' order, so that a notebook that begins
with ``np.random.seed(231)`` prints the figures that its course prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from handgrad import models
from handgrad._random import generator
from handgrad.courses.adapters import Drop, probability_to_drop, probability_to_keep
from handgrad.courses.notes import note
from handgrad.models.base import Model

NO_DRAW = 0  # a seed: the constructor must not disturb the global generator before the weights are drawn


def standard_normal(shape: tuple[int, ...]) -> np.ndarray:
    """Draw from NumPy's global generator."""
    return np.random.standard_normal(shape)  # noqa: NPY002 - the courses' figures depend on it


class FullyConnectedNet(models.FullyConnectedNet):
    """`handgrad.models.FullyConnectedNet` with the keywords of every year.

    Parameters
    ----------
    hidden_dims, input_dim, num_classes, reg, weight_scale, dtype
        As there.
    dropout : float, optional
        The course's p, whichever meaning it has there.
    normalization : str, bool or None
        'batchnorm' or 'layernorm'. A bool is `use_batchnorm`, which stood in this place before.
    seed : int, optional
        Makes dropout draw the same masks each time, for gradient checks.
    use_batchnorm : bool
        The same as ``normalization='batchnorm'``.
    dropout_keep_ratio : float, optional
        The probability to keep.
    """

    drop: ClassVar[Drop] = staticmethod(probability_to_drop)

    def __init__(
        self,
        hidden_dims: Sequence[int],
        input_dim: int = 3 * 32 * 32,
        num_classes: int = 10,
        dropout: float | None = None,
        normalization: str | bool | None = None,
        reg: float = 0.0,
        weight_scale: float = 1e-2,
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
        *,
        use_batchnorm: bool = False,
        dropout_keep_ratio: float | None = None,
    ) -> None:
        if use_batchnorm or normalization is True:
            normalization = "batchnorm"
        p = 0.0 if dropout is None else type(self).drop(dropout)
        if dropout_keep_ratio is not None:
            p = probability_to_keep(dropout_keep_ratio)
        super().__init__(
            hidden_dims, input_dim, num_classes, p, normalization or None, reg, weight_scale, dtype,
            seed=NO_DRAW, dropout_seed=seed,
        )  # fmt: skip
        _draw_weights(self, weight_scale)
        self.use_dropout, self.use_batchnorm = p > 0, normalization == "batchnorm"
        if self.use_dropout:
            self.rng = self.dropout_param["rng"] = generator(None)


class TwoLayerNet(models.TwoLayerNet):
    """Stanford's ``TwoLayerNet(input_dim, hidden_dim, ...)``; float64, as there."""

    def __init__(
        self,
        input_dim: int = 3 * 32 * 32,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float = 1e-3,
        reg: float = 0.0,
    ) -> None:
        super().__init__(input_dim, hidden_dim, num_classes, weight_scale, reg, np.float64, NO_DRAW)
        _draw_weights(self, weight_scale)


class TwoLayerNetOfUCLA(TwoLayerNet):
    """UCLA's ``TwoLayerNet(input_dim, hidden_dims, ...)``, where `hidden_dims` is one number."""

    def __init__(
        self,
        input_dim: int = 3 * 32 * 32,
        hidden_dims: int = 100,
        num_classes: int = 10,
        dropout: float = 0,
        weight_scale: float = 1e-3,
        reg: float = 0.0,
    ) -> None:
        if dropout:
            note("TwoLayerNet has no dropout, and ignores the setting, as the course's does")
        super().__init__(input_dim, hidden_dims, num_classes, weight_scale, reg)


class ThreeLayerConvNet(models.ThreeLayerConvNet):
    """`handgrad.models.ThreeLayerConvNet`, with the courses' first weights."""

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (3, 32, 32),
        num_filters: int = 32,
        filter_size: int = 7,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float = 1e-3,
        reg: float = 0.0,
        dtype: DTypeLike = np.float32,
        use_batchnorm: bool = False,
    ) -> None:
        super().__init__(
            input_dim, num_filters, filter_size, hidden_dim, num_classes, weight_scale, reg, dtype,
            use_batchnorm, seed=NO_DRAW,
        )  # fmt: skip
        _draw_weights(self, weight_scale)


def named(name: str, net: type, **differences: Any) -> type:
    """Return a subclass of `net` that goes by the courses' name."""
    return type(name, (net,), {"__doc__": net.__doc__, **differences})


def _draw_weights(model: Model, scale: float) -> None:
    for name, w in model.params.items():
        if name.startswith("W"):
            model.params[name] = (scale * standard_normal(w.shape)).astype(model.dtype)
