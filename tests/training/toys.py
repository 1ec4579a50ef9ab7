"""Models and data small enough to train in a moment.

The models are written as a student would write them, from NumPy alone: that they train unchanged is part of
what is tested.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.training import Solver


class Linear:
    """Softmax regression, with nothing but what the protocol asks for."""

    def __init__(self, features: int = 48, classes: int = 3, dtype: type = np.float64, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.params = {
            "W": (0.01 * rng.standard_normal((features, classes))).astype(dtype),
            "b": np.zeros(classes, dtype),
        }

    def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
        X = X.reshape(len(X), -1)
        scores = X @ self.params["W"] + self.params["b"]
        if y is None:
            return scores
        loss, dscores = softmax(scores, y)
        return loss, {"W": X.T @ dscores, "b": dscores.sum(axis=0)}


class Dropped(Linear):
    """Softmax regression on inputs that are dropped at random, from a generator of its own."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.rng = np.random.default_rng(5)

    def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
        X = X.reshape(len(X), -1)
        if y is not None:
            X = X * (self.rng.random(X.shape) < 0.8) / 0.8
        return super().loss(X, y)


class Normed(Dropped):
    """Batch norm, dropout and softmax regression; running statistics in `bn_params`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        features = len(self.params["W"])
        self.params["gamma"] = np.ones(features, self.params["W"].dtype)
        self.bn_params: list[dict[str, Any]] = [{"momentum": 0.9}]

    def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
        X = X.reshape(len(X), -1)
        bn, gamma = self.bn_params[0], self.params["gamma"]
        if y is not None:
            for name, now in (("running_mean", X.mean(axis=0)), ("running_var", X.var(axis=0))):
                bn[name] = 0.9 * bn.get(name, np.zeros_like(now)) + 0.1 * now
        mean, var = (
            (bn.get("running_mean", 0.0), bn.get("running_var", 1.0)) if y is None else (X.mean(0), X.var(0))
        )
        normed = (X - mean) / np.sqrt(var + 1e-5)
        if y is None:
            return super().loss(normed * gamma)
        loss, grads = super().loss(normed * gamma, y)
        # Through dropout the gradient of gamma is not exact; descent does not mind.
        scores = (normed * gamma) @ self.params["W"] + self.params["b"]
        grads["gamma"] = (normed * (softmax(scores, y)[1] @ self.params["W"].T)).sum(axis=0)
        return loss, grads


def softmax(scores: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    return loss, p / len(y)


def blobs(n: int = 60, n_val: int = 20, classes: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    """uint8 images (3, 4, 4): a mean colour pattern for each class under noise that hides it in part."""
    rng = np.random.default_rng(seed)
    patterns = rng.uniform(80, 170, (classes, 3, 4, 4))
    y = rng.integers(0, classes, n + n_val)
    X = np.clip(patterns[y] + 60 * rng.standard_normal((n + n_val, 3, 4, 4)), 0, 255).astype(np.uint8)
    return {"X_train": X[:n], "y_train": y[:n], "X_val": X[n:], "y_val": y[n:]}


def scale(batch: np.ndarray) -> np.ndarray:
    """uint8 to float64 about 0."""
    return batch / 128.0 - 1


def solver(model: Any = None, data: Any = None, **settings: Any) -> Solver:
    """A quiet Solver of small things: 60 images, 6 iterations an epoch, 3 epochs."""
    defaults = {
        "optim_config": {"learning_rate": 0.05},
        "batch_size": 10,
        "num_epochs": 3,
        "preprocess": scale,
        "seed": 0,
        "verbose": False,
    }
    return Solver(
        Linear() if model is None else model, blobs() if data is None else data, **defaults | settings
    )
