"""Fully connected networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from handgrad._numbers import fraction
from handgrad.layers import (
    affine_backward,
    affine_forward,
    batchnorm_backward,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    layernorm_backward,
    layernorm_forward,
    relu_backward,
    relu_forward,
    softmax_loss,
)
from handgrad.layers.params import whole
from handgrad.models.base import Model, check_sizes

NORMALIZATIONS = (None, "batchnorm", "layernorm")


class FullyConnectedNet(Model):
    """A network of L affine layers: ``[affine - (norm) - relu - (dropout)] x (L - 1) - affine - softmax``.

    Parameters
    ----------
    hidden_dims : sequence of int
        Units of each hidden layer.
    input_dim : int, default 3 * 32 * 32
        Numbers in a sample, D; X may be (N, D) or (N, d1, ..., dk) with that many numbers.
    num_classes : int, default 10
        K.
    dropout : float, default 0
        Probability to drop a hidden unit, in [0, 1).
    normalization : {None, 'batchnorm', 'layernorm'}
        Which norm stands between an affine layer and its relu.
    reg : float, default 0
        Strength of the L2 penalty.
    weight_scale : float, default 1e-2
        Standard deviation of the first weights.
    dtype : float32 or float64, default float32
    seed : int, Generator or None
        Of the first weights and of dropout's masks.
    dropout_seed : int or None
        When given, the same masks are drawn each time: for gradient checks, not for training.

    Raises
    ------
    TypeError, ValueError
        When an argument is of the wrong type or out of range.

    Notes
    -----
    From Stanford CS231n, assignment 2.

    Examples
    --------
    >>> import numpy as np
    >>> net = FullyConnectedNet([50], input_dim=12, num_classes=3, seed=0)
    >>> net.loss(np.zeros((4, 12))).shape
    (4, 3)
    """

    def __init__(
        self,
        hidden_dims: Sequence[int],
        input_dim: int = 3 * 32 * 32,
        num_classes: int = 10,
        dropout: float = 0.0,
        normalization: str | None = None,
        reg: float = 0.0,
        weight_scale: float = 1e-2,
        dtype: DTypeLike = np.float32,
        seed: int | np.random.Generator | None = None,
        dropout_seed: int | None = None,
    ) -> None:
        hidden_dims = check_sizes("hidden_dims", hidden_dims)
        super().__init__(
            {
                "hidden_dims": hidden_dims,
                "input_dim": input_dim,
                "num_classes": num_classes,
                "dropout": dropout,
                "normalization": normalization,
                "reg": reg,
                "weight_scale": weight_scale,
                "dtype": dtype,
                "seed": seed,
            }
        )
        if normalization not in NORMALIZATIONS:
            known = ", ".join(map(repr, NORMALIZATIONS))
            raise ValueError(f"normalization must be one of {known}, got {normalization!r}")
        self.normalization = normalization
        self.dropout_param: dict[str, Any] = {
            "p": fraction("dropout", dropout, include_one=False),
            "rng": self.rng,
        }
        if dropout_seed is not None:
            self.dropout_param["seed"] = dropout_seed
        sizes = [
            whole("input_dim", input_dim, least=1),
            *hidden_dims,
            whole("num_classes", num_classes, least=1),
        ]
        self.num_layers = len(sizes) - 1
        for number in range(1, self.num_layers + 1):
            self._add_affine(number, (sizes[number - 1], sizes[number]))
            if normalization and number < self.num_layers:
                self._add_scale(number, sizes[number])
        if normalization == "batchnorm":
            self.bn_params = [{"mode": "train"} for _ in hidden_dims]

    def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
        """Return scores or loss and gradients.

        Parameters
        ----------
        X : ndarray (N, d1, ..., dk)
            A batch.
        y : ndarray (N,) of whole numbers, or None
            The right classes.

        Returns
        -------
        scores : ndarray (N, K)
            When y is None: batch norm and dropout in test mode.
        loss, grads : float, dict
            Otherwise: the loss with its penalty, and the gradient of each of `params`.
        """
        out = self._cast(X, (len(self.params["W1"]),))
        mode = "test" if y is None else "train"
        caches = []
        for number in range(1, self.num_layers):
            out, cache = self._hidden_forward(number, out, mode)
            caches.append(cache)
        last = self.num_layers
        scores, last_cache = affine_forward(out, self.params[f"W{last}"], self.params[f"b{last}"])
        if y is None:
            return scores

        loss, dout = softmax_loss(scores, y)
        grads: dict[str, np.ndarray] = {}
        dout, grads[f"W{last}"], grads[f"b{last}"] = affine_backward(dout, last_cache, need_dx=last > 1)
        for number in reversed(range(1, self.num_layers)):
            dout = self._hidden_backward(number, dout, caches[number - 1], grads)
        return float(loss) + self._penalty(grads), grads

    def _hidden_forward(self, number: int, x: np.ndarray, mode: str) -> tuple[np.ndarray, dict[str, Any]]:
        params = self.params
        cache: dict[str, Any] = {}
        out, cache["affine"] = affine_forward(x, params[f"W{number}"], params[f"b{number}"])
        if self.normalization == "batchnorm":
            bn_param = self.bn_params[number - 1]
            bn_param["mode"] = mode
            out, cache["norm"] = batchnorm_forward(
                out, params[f"gamma{number}"], params[f"beta{number}"], bn_param
            )
        elif self.normalization == "layernorm":
            out, cache["norm"] = layernorm_forward(out, params[f"gamma{number}"], params[f"beta{number}"], {})
        out, cache["relu"] = relu_forward(out)
        if self.dropout_param["p"] > 0:
            out, cache["dropout"] = dropout_forward(out, {**self.dropout_param, "mode": mode})
        return out, cache

    def _hidden_backward(
        self, number: int, dout: np.ndarray, cache: dict[str, Any], grads: dict[str, np.ndarray]
    ) -> np.ndarray:
        if "dropout" in cache:
            dout = dropout_backward(dout, cache["dropout"])
        dout = relu_backward(dout, cache["relu"])
        if "norm" in cache:
            backward = batchnorm_backward if self.normalization == "batchnorm" else layernorm_backward
            dout, grads[f"gamma{number}"], grads[f"beta{number}"] = backward(dout, cache["norm"])
        dx, grads[f"W{number}"], grads[f"b{number}"] = affine_backward(
            dout, cache["affine"], need_dx=number > 1
        )
        return dx


class TwoLayerNet(FullyConnectedNet):
    """A network of two affine layers: ``affine - relu - affine - softmax``.

    Parameters
    ----------
    input_dim : int, default 3 * 32 * 32
    hidden_dim : int, default 100
    num_classes : int, default 10
    weight_scale : float, default 1e-3
        Standard deviation of the first weights.
    reg : float, default 0
        Strength of the L2 penalty.
    dtype : float32 or float64, default float32
    seed : int, Generator or None
        Of the first weights.

    Raises
    ------
    TypeError, ValueError
        When an argument is of the wrong type or out of range.

    Notes
    -----
    From Stanford CS231n, assignment 1.
    """

    def __init__(
        self,
        input_dim: int = 3 * 32 * 32,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float = 1e-3,
        reg: float = 0.0,
        dtype: DTypeLike = np.float32,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        hidden_dim = whole("hidden_dim", hidden_dim, least=1)
        super().__init__(
            [hidden_dim], input_dim, num_classes, reg=reg, weight_scale=weight_scale, dtype=dtype, seed=seed
        )
        self._settings = {
            "input_dim": input_dim,
            "hidden_dim": hidden_dim,
            "num_classes": num_classes,
            "weight_scale": weight_scale,
            "reg": reg,
            "dtype": dtype,
        }
