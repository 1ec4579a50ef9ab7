"""Mistakes of the losses of a linear classifier: those of its scores, and those of its penalty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..cases import Args
from .mutation import Mutation

Fn = Callable[[np.ndarray, np.ndarray], Any]


def linear(rows: list[tuple[str, str, Fn, str]], loss: Fn, gradient: Fn) -> list[Mutation]:
    """Return the mistakes of a loss of ``X W`` with a penalty."""

    def data(value: Fn, output: str) -> Any:
        def compute(a: Args, _: Any) -> np.ndarray:
            inner = value(a["X"] @ a["W"], a["y"])
            return inner + _penalty(a) if output == "loss" else a["X"].T @ inner + _dpenalty(a)

        return compute

    def weighed(weight: Callable[[Args], float], output: str) -> Any:
        def compute(a: Args, _: Any) -> np.ndarray:
            if output == "loss":
                return np.asarray(loss(a["X"] @ a["W"], a["y"]) + weight(a) * _penalty(a))
            return a["X"].T @ gradient(a["X"] @ a["W"], a["y"]) + weight(a) * _dpenalty(a)

        return compute

    weights: tuple[tuple[str, Callable[[Args], float], str], ...] = (
        ("regularisation-missing", lambda a: 0.0, "the penalty is not in it"),
        ("regularisation-doubled", lambda a: 2.0, "the penalty is counted twice"),
        ("regularisation-doubled", lambda a: 0.5, "the penalty is halved here, and not in the other result"),
        ("regularisation-doubled", lambda a: 4.0, "the penalty is counted four times"),
        ("regularisation-doubled", lambda a: 1 / len(a["X"]), "the penalty is divided by N"),
        ("regularisation-doubled", lambda a: float(len(a["X"])), "the penalty is multiplied by N"),
        (
            "regularisation-missing",
            lambda a: 1 / a["reg"] if a["reg"] else 1.0,
            "the penalty lacks the factor reg",
        ),
    )
    found = [
        Mutation(mistake, output, weighed(weight, output), words)
        for mistake, weight, words in weights
        for output in ("loss", "dW")
    ]
    for mistake, output, value, words in rows:
        name = "dW" if output == "dx" else "loss"
        found.append(Mutation(mistake, name, data(value, name), words))
    return found


def _penalty(a: Args) -> float:
    return a.get("penalty", 1.0) * a["reg"] * np.sum(a["W"] ** 2)


def _dpenalty(a: Args) -> np.ndarray:
    return 2 * a.get("penalty", 1.0) * a["reg"] * a["W"]
