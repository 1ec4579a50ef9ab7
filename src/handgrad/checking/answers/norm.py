"""Batch, layer and group norm on one picture: numbers of a group share mean and variance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cases import Args

Axes = tuple[int, ...]


class Norm:
    """One norm on one case: x as an array whose `axes` share statistics, and everything from it.

    Options are mistakes: `ddof` 1 divides by N - 1, `eps` is where it stands, `axes` other axes.
    """

    def __init__(
        self, layer: str, args: Args, *, ddof: int = 0, eps: str = "inside", axes: Axes | None = None
    ) -> None:
        x = args["x"]
        self.layer, self.args, self.shape = layer, args, x.shape
        param: dict[str, Any] = next(v for v in args.values() if isinstance(v, dict))
        value = float(param.get("eps", 1e-5))
        folded = self.fold(x)
        self.x = folded
        self.axes = _axes(layer) if axes is None else axes
        self.mean = folded.mean(axis=self.axes, keepdims=True)
        self.var = folded.var(axis=self.axes, keepdims=True, ddof=ddof)
        if param.get("mode") == "test" and axes is None and ddof == 0:
            self.mean, self.var = (self.column(param[key]) for key in ("running_mean", "running_var"))
        self.std = {
            "inside": lambda: np.sqrt(self.var + value),
            "outside": lambda: np.sqrt(self.var) + value,
            "missing": lambda: np.sqrt(self.var),
            "default": lambda: np.sqrt(self.var + 1e-5),
            "squared": lambda: np.sqrt(self.var + value**2),
            "no root": lambda: self.var + value,
            "times": lambda: np.sqrt(self.var) * (1 + value),
            "roots": lambda: np.sqrt(self.var) + np.sqrt(value),
            "least": lambda: np.maximum(np.sqrt(self.var), value),
            "least variance": lambda: np.sqrt(np.maximum(self.var, value)),
        }[eps]()
        self.centred = folded - self.mean
        self.x_hat = self.centred / self.std
        self.gamma, self.beta = self.column(args["gamma"]), self.column(args["beta"])

    def fold(self, x: np.ndarray) -> np.ndarray:
        """Split the channels into groups where the layer has groups."""
        if self.layer != "spatial_groupnorm":
            return x
        n, c, h, w = x.shape
        groups = self.args["G"]
        return x.reshape(n, groups, c // groups, h, w)

    def column(self, scale: np.ndarray) -> np.ndarray:
        """Shape a number for each feature so that it meets x."""
        flat = np.asarray(scale).reshape(-1)
        if self.layer == "spatial_groupnorm":
            return flat.reshape(1, self.x.shape[1], -1, 1, 1)
        return flat.reshape(1, -1, *(1 for _ in self.shape[2:]))

    @property
    def std_of_x(self) -> np.ndarray:
        """The deviation beside each number of x."""
        return np.broadcast_to(self.std, self.x.shape).reshape(self.shape)

    def forward(self, gamma: bool = True, beta: bool = True) -> np.ndarray:
        """Scale and shift."""
        out = self.x_hat * (self.gamma if gamma else 1.0) + (self.beta if beta else 0.0)
        return out.reshape(self.shape)

    def terms(self, dout: np.ndarray, gamma: bool = True) -> dict[str, np.ndarray]:
        """Return the terms of dx by name: their sum is the gradient."""
        dx_hat = self.fold(dout) * (self.gamma if gamma else 1.0)
        direct = dx_hat / self.std
        mean = -dx_hat.mean(axis=self.axes, keepdims=True) / self.std
        variance = -self.x_hat * (dx_hat * self.x_hat).mean(axis=self.axes, keepdims=True) / self.std
        named = {"direct": direct, "mean": mean + 0 * direct, "variance": variance}
        return {name: term.reshape(self.shape) for name, term in named.items()}

    def summed(self, values: np.ndarray) -> np.ndarray:
        """Sum over all but the features, in gamma's shape."""
        values = np.asarray(values).reshape(self.shape)
        axes = tuple(k for k in range(values.ndim) if k != 1)
        return values.sum(axis=axes).reshape(self.args["gamma"].shape)


def _axes(layer: str) -> Axes:
    return {"batchnorm": (0,), "spatial_batchnorm": (0, 2, 3), "layernorm": (1,)}.get(layer, (2, 3, 4))


WRONG_AXES: dict[str, tuple[Axes, ...]] = {
    "batchnorm": ((1,), (0, 1)),
    "spatial_batchnorm": ((0,), (2, 3), (1,), (0, 1, 2, 3), (1, 2, 3), (0, 2), (0, 3)),
    "layernorm": ((0,), (0, 1)),
    "spatial_groupnorm": ((3, 4), (2,), (0, 2, 3, 4), (1, 2, 3, 4), (0, 3, 4), (0,), (1,)),
}
_AXIS_LETTERS = {
    "batchnorm": "ND",
    "layernorm": "ND",
    "spatial_batchnorm": "NCHW",
    "spatial_groupnorm": "NGcHW",
}
EPS_PLACES = (
    ("outside", "it is added to the root"),
    ("missing", "there is none"),
    ("default", "it is always 1e-5, whatever the settings say"),
    ("squared", "its square is added"),
    ("times", "the root is multiplied by 1 + eps"),
    ("roots", "its root is added to the root"),
    ("least", "it is the least that the root may be, not added"),
    ("least variance", "it is the least that the variance may be, not added"),
)


def letters_of_axes(layer: str, axes: Axes) -> str:
    """Return the names of axes."""
    return ", ".join(_AXIS_LETTERS[layer][k] for k in axes)
