"""Update rules and their known mistakes, compared step by step."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..report import Finding, finding
from .edits.naming import mistake_of, words_of
from .rule_adam import adadelta, adam, adam_rows
from .rule_steps import (
    ADAGRAD,
    MOMENTUM,
    NESTEROV,
    RMSPROP,
    Config,
    State,
    Step,
    momentum,
    nesterov,
    plain,
    scaled,
    sgd,
)
from .worked import RULES

_RIGHT: dict[str, Step] = {
    "sgd": sgd(),
    "sgd_momentum": momentum(plain),
    "sgd_nesterov_momentum": momentum(plain, nesterov),
    "adagrad": scaled(rule="adagrad"),
    "rmsprop": scaled(rule="rmsprop"),
    "adadelta": adadelta(),
    "adam": adam(),
    "adamw": adam(decay="right"),
}
_WRONG: dict[str, list[tuple[str, Step, str]]] = {
    "sgd": [
        ("sign", sgd(sign=1.0), "the step goes along the gradient"),
        ("learning-rate-missing", sgd(rate=1.0), "the learning rate is missing"),
        ("learning-rate-missing", sgd(rate=1e-2), "the learning rate is always 0.01"),
    ],
    "sgd_momentum": MOMENTUM,
    "sgd_nesterov_momentum": NESTEROV,
    "adagrad": ADAGRAD,
    "rmsprop": RMSPROP,
    "adadelta": [
        ("state-not-kept", adadelta(keep=False), "the memory starts at zero in every step"),
        ("epsilon-inside-root", adadelta(inside=False), "epsilon is added to the roots"),
    ],
    "adam": adam_rows(""),
    "adamw": [
        *adam_rows("right"),
        ("regularisation-missing", adam(), "there is no weight decay"),
        (
            "regularisation-doubled",
            adam(decay="coupled"),
            "the decay is added to the gradient, as in Adam with L2",
        ),
        ("learning-rate-missing", adam(decay="no rate"), "the decay lacks the learning rate"),
        ("sign", adam(decay="sign"), "the decay has the wrong sign"),
    ],
}


def points(step: Step, settings: Config, gradients: list[np.ndarray], start: np.ndarray) -> list[np.ndarray]:
    """Return the points that a rule goes through."""
    state: State = {}
    w, found = start, []
    for gradient in gradients:
        with np.errstate(all="ignore"):
            w = step(w, gradient, settings, state)
        found.append(w)
        w = w if np.isfinite(w).all() else start  # what comes then tells mistakes apart that begin with NaN
    return found


def _tried(step: Step, settings: Config, gradients: list[np.ndarray], start: np.ndarray) -> list[np.ndarray]:
    """Return the points of a rule that may fail in any way; none when it does."""
    try:
        return points(step, settings, gradients, start)
    except Exception:  # an edit may fail in any way
        return [np.zeros(0)] * len(gradients)


@functools.cache
def edited(like: str) -> tuple[tuple[str, Step, str], ...]:
    """Return the edits of the worked solutions of a rule: the id, the rule, the words."""
    return tuple(
        (mistake_of(worked, variant), variant, words_of(variant))
        for worked in RULES.get(like, ())
        for variant in worked.variants
    )


def _same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(
        x.shape == y.shape and np.allclose(x, y, rtol=1e-6, atol=1e-9, equal_nan=True)
        for x, y in zip(a, b, strict=True)
    )


def _off(points: list[np.ndarray], true: list[np.ndarray]) -> str:
    """Return by how much points are off, in words."""
    for step, point in enumerate(points, 1):
        if not np.isfinite(point).all():
            return f"step {step} gives numbers that are not finite,"
    error = max(float(np.abs(a - b).max()) for a, b in zip(points, true, strict=True))
    return f"off by up to {error:.2g}"


def name(
    like: str, walk: Any, settings: Config, gradients: list[np.ndarray], start: np.ndarray
) -> list[Finding]:
    """Return what is wrong with the walk of a learner's rule."""
    true = points(_RIGHT[like], settings, gradients, start)
    if _same(walk.points, true):
        return []
    words = ", ".join(f"{key} {value:g}" for key, value in settings.items())
    for mistake, step, what in _WRONG[like]:
        if _same(walk.points, points(step, settings, gradients, start)):
            figures = f"{what}: {_off(walk.points, true)} after {len(true)} steps, w {start.shape}, {words}"
            return [finding(mistake, "next_w", figures)]
    for other, step in _RIGHT.items():
        if _same(walk.points, _tried(step, settings, gradients, start)):
            figures = f"{other} comes out: {_off(walk.points, true)} after {len(true)} steps, {words}"
            return [finding("another-function", "next_w", figures)]
    for mistake, step, what in edited(like):
        if _same(walk.points, _tried(step, settings, gradients, start)):
            figures = f"{what}: {_off(walk.points, true)} after {len(true)} steps, w {start.shape}, {words}"
            return [finding(mistake, "next_w", figures)]
    first = next(
        k for k, (a, b) in enumerate(zip(walk.points, true, strict=True)) if not np.allclose(a, b, rtol=1e-6)
    )
    error = float(np.abs(walk.points[first] - true[first]).max())
    hint = "the first step is right, so look at what is kept for the next." if first else ""
    return [
        finding(
            "wrong-unknown",
            "next_w",
            f"step {first + 1} is the first that is off, by up to {error:.2g}, {words}",
            hint,
        )
    ]
