"""Mistakes of the forward of norms: statistics, eps, scale, running averages, train and test."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..cases import Args
from .mutation import Mutation
from .norm import EPS_PLACES, WRONG_AXES, Axes, Norm, letters_of_axes


def _train(args: Args) -> bool:
    return "bn_param" not in args or args["bn_param"]["mode"] == "train"


def forward_mutations(layer: str) -> list[Mutation]:
    """Return the mistakes of out."""

    def out(mistake: str, words: str, gamma: bool = True, beta: bool = True, **options: Any) -> Mutation:
        def compute(a: Args, _: Any) -> np.ndarray:
            chosen = options if _train(a) or "eps" in options else {}
            return Norm(layer, a, **chosen).forward(gamma, beta)

        return Mutation(mistake, "out", compute, words)

    found = [
        out("variance-unbiased", "the variance is that of a sample", ddof=1),
        *(out("eps-misplaced", f"eps: {words}", eps=eps) for eps, words in EPS_PLACES),
        *(
            out("wrong-axes", f"statistics over {letters_of_axes(layer, axes)}", axes=axes)
            for axes in WRONG_AXES[layer]
        ),
        out("root-missing", "it is divided by the variance, not by its root", eps="no root"),
        out("gamma-missing", "out = x_hat + beta", gamma=False),
        out("bias-missing", "beta is not added", beta=False),
        out("gamma-missing", "out = x_hat: neither gamma nor beta", gamma=False, beta=False),
        Mutation("forward-wrong", "out", lambda a, _: _uncentred(layer, a), "the mean is not subtracted"),
        Mutation(
            "division-missing", "out", lambda a, _: _unscaled(layer, a), "it is not divided by the deviation"
        ),
    ]
    if layer.endswith("batchnorm"):
        found += [
            Mutation(
                "statistics-swapped",
                "out",
                lambda a, _: _swapped(layer, a),
                "training normalises with the running statistics, test time with those of the batch",
            ),
            Mutation(
                "statistics-swapped",
                "out",
                lambda a, _: Norm(layer, _as(a, "train")).forward(),
                "test time normalises with the batch's own statistics",
            ),
            Mutation(
                "statistics-swapped",
                "out",
                lambda a, _: Norm(layer, _as(a, "test")).forward(),
                "training normalises with the old running statistics",
            ),
            Mutation(
                "statistics-swapped",
                "out",
                lambda a, _: _with_newrunning(layer, a),
                "training normalises with the new running statistics",
            ),
            *(
                Mutation(
                    "eps-misplaced", "out", functools.partial(only, layer, eps=eps), f"eps {when}: {words}"
                )
                for only, when in ((_train_only, "in training"), (_test_only, "at test time"))
                for eps, words in EPS_PLACES
            ),
            Mutation(
                "gamma-missing", "out", lambda a, _: Norm(layer, a).forward(_train(a), True), "at test time"
            ),
            Mutation(
                "gamma-missing",
                "out",
                lambda a, _: Norm(layer, a).forward(_train(a), _train(a)),
                "neither gamma nor beta at test time",
            ),
            Mutation(
                "root-missing",
                "out",
                lambda a, _: _root_forgotten(layer, a),
                "at test time the running variance stands where its root should",
            ),
        ]
    return found


def _uncentred(layer: str, a: Args) -> np.ndarray:
    norm = Norm(layer, a)
    return (norm.x / norm.std * norm.gamma + norm.beta).reshape(norm.shape)


def _unscaled(layer: str, a: Args) -> np.ndarray:
    norm = Norm(layer, a)
    return (norm.centred * norm.gamma + norm.beta).reshape(norm.shape)


def _as(a: Args, mode: str) -> Args:
    features = a["x"].shape[1]
    param = {
        "running_mean": np.zeros(features),
        "running_var": np.zeros(features),
        **a["bn_param"],
        "mode": mode,
    }
    return a | {"bn_param": param}


def _swapped(layer: str, a: Args) -> np.ndarray:
    return Norm(layer, _as(a, "test" if _train(a) else "train")).forward()


def _with_newrunning(layer: str, a: Args) -> np.ndarray:
    if not _train(a):
        return Norm(layer, a).forward()
    new = running(layer, a, lambda old, batch, m, norm: m * old + (1 - m) * batch)
    return Norm(layer, a | {"bn_param": a["bn_param"] | {"mode": "test"} | new}).forward()


def _test_only(layer: str, a: Args, _: Any, eps: str) -> np.ndarray:
    return Norm(layer, a, eps="inside" if _train(a) else eps).forward()


def _train_only(layer: str, a: Args, _: Any, eps: str) -> np.ndarray:
    return Norm(layer, a, eps=eps if _train(a) else "inside").forward()


def _root_forgotten(layer: str, a: Args) -> np.ndarray:
    return Norm(layer, a, eps="inside" if _train(a) else "no root").forward()


Update = Callable[[np.ndarray, np.ndarray, float, Norm], np.ndarray]


def running(layer: str, a: Args, update: Update) -> dict[str, np.ndarray]:
    """Return the running statistics as `update` makes them of the old ones and those of the batch."""
    param = _as(a, "train")["bn_param"]
    norm = Norm(layer, a)
    momentum = float(param.get("momentum", 0.9))
    batch = {"running_mean": norm.mean.reshape(-1), "running_var": norm.var.reshape(-1)}
    return {key: update(param[key], batch[key], momentum, norm) for key in batch}


def _usual(old: np.ndarray, new: np.ndarray, m: float, norm: Norm) -> np.ndarray:
    return m * old + (1 - m) * new


def running_mutations(layer: str) -> list[Mutation]:
    """Return the mistakes of running averages."""

    def count(norm: Norm) -> float:
        return norm.x.size / norm.mean.size

    rows: list[tuple[str, Update, str]] = [
        (
            "momentum-reversed",
            lambda old, new, m, _: (1 - m) * old + m * new,
            "running = (1 - momentum) old + momentum new",
        ),
        ("running-not-written", lambda old, new, m, _: old, "it keeps its old value"),
        (
            "momentum-reversed",
            lambda old, new, m, _: new,
            "the batch's value replaces it: momentum is not used",
        ),
        ("running-not-written", lambda old, new, m, _: m * old, "the new value is never added"),
        ("momentum-reversed", lambda old, new, m, _: old + (1 - m) * new, "the old value is not reduced"),
        (
            "momentum-reversed",
            lambda old, new, m, _: m * old + new,
            "the new value comes with its whole weight",
        ),
        ("momentum-reversed", lambda old, new, m, _: m * (old + new), "both come with the weight momentum"),
        (
            "variance-unbiased",
            lambda old, new, m, n: m * old + (1 - m) * new * count(n) / (count(n) - 1),
            "the running variance is that of a sample",
        ),
        (
            "std-for-variance",
            lambda old, new, m, _: m * old + (1 - m) * np.sqrt(new),
            "it gathers the standard deviation, not the variance",
        ),
        (
            "std-for-variance",
            lambda old, new, m, n: m * old + (1 - m) * np.sqrt(new + _eps_of(n)),
            "it gathers the root of variance plus eps",
        ),
        ("eps-misplaced", lambda old, new, m, n: m * old + (1 - m) * (new + _eps_of(n)), "eps is in it"),
    ]

    def one(mistake: str, key: str, update: Update, words: str) -> Mutation:
        return Mutation(mistake, key, lambda a, _: running(layer, a, update)[key], words)

    found = [
        one(m, key, update, words) for m, update, words in rows for key in ("running_mean", "running_var")
    ]
    found += [
        Mutation(
            "running-at-test",
            f"{key} at test time",
            lambda a, _, k=key: running(layer, _as(a, "train"), _usual)[k],
            "they move towards the statistics of the test batch",
        )
        for key in ("running_mean", "running_var")
    ]
    for axes in WRONG_AXES[layer]:
        words = f"statistics over {letters_of_axes(layer, axes)}"
        found += [
            Mutation("wrong-axes", key, lambda a, _, x=axes, k=key: _running_over(layer, a, x)[k], words)
            for key in ("running_mean", "running_var")
        ]
    return found


def _eps_of(norm: Norm) -> float:
    return float(norm.args["bn_param"].get("eps", 1e-5))


def _running_over(layer: str, a: Args, axes: Axes) -> dict[str, np.ndarray]:
    param = _as(a, "train")["bn_param"]
    norm, momentum = Norm(layer, a, axes=axes), float(param.get("momentum", 0.9))
    batch = {"running_mean": np.squeeze(norm.mean), "running_var": np.squeeze(norm.var)}
    return {key: momentum * param[key] + (1 - momentum) * batch[key] for key in batch}
