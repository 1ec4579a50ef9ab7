"""Update rules whose every part can be made wrong, and the mistakes that are known of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

State = dict[str, Any]
Config = dict[str, float]
Step = Callable[[np.ndarray, np.ndarray, Config, State], np.ndarray]


def sgd(*, sign: float = -1.0, rate: float | None = None) -> Step:
    """Return plain descent."""

    def step(w: np.ndarray, g: np.ndarray, c: Config, s: State) -> np.ndarray:
        return w + sign * (c["learning_rate"] if rate is None else rate) * g

    return step


def momentum(
    combine: Callable[[Any, np.ndarray, float, float], np.ndarray],
    move: Callable[[np.ndarray, np.ndarray, Any, np.ndarray, Config], np.ndarray] = lambda w, v, old, g, c: (
        w + v
    ),
    keep: bool = True,
) -> Step:
    """Return descent with a velocity: `combine` makes the new one, `move` the step."""

    def step(w: np.ndarray, g: np.ndarray, c: Config, s: State) -> np.ndarray:
        old = s.get("v", 0.0)
        v = combine(old, g, c["momentum"], c["learning_rate"])
        if keep:
            s["v"] = v
        return move(w, v, old, g, c)

    return step


def plain(v: Any, g: np.ndarray, m: float, lr: float) -> np.ndarray:
    """Let the velocity fade and take in the gradient."""
    return m * v - lr * g


def nesterov(w: np.ndarray, v: np.ndarray, old: Any, g: np.ndarray, c: Config) -> np.ndarray:
    """Step with a look ahead."""
    return w + v + c["momentum"] * (v - old)


_UPHILL: tuple[tuple[str, Any, str], ...] = (
    ("momentum-sign", lambda v, g, m, lr: m * v + lr * g, "the gradient is added to the velocity"),
    ("momentum-sign", lambda v, g, m, lr: -m * v - lr * g, "the old velocity is turned round"),
    ("decay-reversed", lambda v, g, m, lr: (1 - m) * v - lr * g, "1 - momentum weighs the old velocity"),
    (
        "decay-reversed",
        lambda v, g, m, lr: m * v - (1 - m) * lr * g,
        "the gradient is weighed with 1 - momentum",
    ),
    ("learning-rate-missing", lambda v, g, m, lr: m * v - g, "the velocity lacks the learning rate"),
    (
        "learning-rate-missing",
        lambda v, g, m, lr: lr * (m * v - g),
        "the learning rate weighs the old velocity too",
    ),
    ("learning-rate-missing", lambda v, g, m, lr: m * v - lr * lr * g, "the learning rate comes twice"),
    ("decay-reversed", lambda v, g, m, lr: v - lr * g, "momentum is not used: the velocity never fades"),
)


def _velocity_rows(move: Any) -> list[tuple[str, Step, str]]:
    rows = [(mistake, momentum(combine, move), words) for mistake, combine, words in _UPHILL]
    rows.append(
        ("state-not-kept", momentum(plain, move, keep=False), "the velocity starts at zero in every step")
    )
    return rows


def _moved(w: np.ndarray, v: np.ndarray, old: Any, g: np.ndarray, c: Config) -> np.ndarray:
    return w + v


MOMENTUM = [
    *_velocity_rows(_moved),
    ("momentum-sign", momentum(plain, lambda w, v, old, g, c: w - v), "the velocity is subtracted"),
    (
        "state-stale",
        momentum(plain, lambda w, v, old, g, c: w + old),
        "the step goes along the old velocity",
    ),
    (
        "momentum-sign",
        momentum(lambda v, g, m, lr: m * v - lr * g, lambda w, v, old, g, c: w + v - c["learning_rate"] * g),
        "the gradient is used twice",
    ),
]
NESTEROV = [
    *_velocity_rows(nesterov),
    (
        "look-ahead-missing",
        momentum(plain, _moved),
        "plain momentum comes out, as if old and new velocity were one",
    ),
    (
        "look-ahead-missing",
        momentum(plain, lambda w, v, old, g, c: w + v - c["momentum"] * (v - old)),
        "the look-ahead has the wrong sign",
    ),
    (
        "momentum-sign",
        momentum(plain, lambda w, v, old, g, c: w + c["momentum"] * old + (1 + c["momentum"]) * v),
        "the old velocity is added, not subtracted",
    ),
    (
        "momentum-sign",
        momentum(plain, lambda w, v, old, g, c: w - v - c["momentum"] * (v - old)),
        "the velocity is subtracted",
    ),
    (
        "look-ahead-missing",
        momentum(plain, lambda w, v, old, g, c: w + v + c["momentum"] * v),
        "the old velocity is not subtracted",
    ),
    (
        "momentum-sign",
        momentum(plain, lambda w, v, old, g, c: w + c["momentum"] * old - (1 + c["momentum"]) * v),
        "both velocities have the wrong sign",
    ),
]


def scaled(
    *,
    rule: str,
    decay: Callable[[Any, np.ndarray, Config], np.ndarray] | None = None,
    root: str = "outside",
    sign: float = -1.0,
    rate: bool = True,
    keep: bool = True,
) -> Step:
    """Return a rule that divides by the root of gathered squares."""

    def step(w: np.ndarray, g: np.ndarray, c: Config, s: State) -> np.ndarray:
        old = s.get("a", 0.0)
        if decay is not None:
            a = decay(old, g, c)
        elif rule == "adagrad":
            a = old + g * g
        else:
            a = c["decay_rate"] * old + (1 - c["decay_rate"]) * g * g
        if keep:
            s["a"] = a
        lr = c["learning_rate"] if rate else 1.0
        return w + sign * lr * g / divisor(a, c["epsilon"], root)

    return step


def divisor(a: np.ndarray, eps: float, root: str) -> np.ndarray:
    """Return what a step is divided by, with the root and epsilon at some place."""
    with np.errstate(all="ignore"):
        roots: dict[str, Callable[[], Any]] = {
            "outside": lambda: np.sqrt(a) + eps,
            "inside": lambda: np.sqrt(a + eps),
            "inside squared": lambda: np.sqrt(a + eps**2),
            "none": lambda: a + eps,
            "missing": lambda: np.sqrt(a),
        }
        return roots[root]()


def _scaled_rows(rule: str) -> list[tuple[str, Step, str]]:
    return [
        ("epsilon-inside-root", scaled(rule=rule, root="inside"), "sqrt(cache + epsilon)"),
        ("epsilon-inside-root", scaled(rule=rule, root="inside squared"), "sqrt(cache + epsilon^2)"),
        ("epsilon-inside-root", scaled(rule=rule, root="missing"), "epsilon is missing"),
        ("root-missing", scaled(rule=rule, root="none"), "it is divided by the mean square, not by its root"),
        ("sign", scaled(rule=rule, sign=1.0), "the step goes along the gradient"),
        ("learning-rate-missing", scaled(rule=rule, rate=False), "the learning rate is missing"),
        ("state-not-kept", scaled(rule=rule, keep=False), "the cache starts at zero in every step"),
    ]


RMSPROP = [
    *_scaled_rows("rmsprop"),
    (
        "decay-reversed",
        scaled(rule="rmsprop", decay=lambda a, g, c: (1 - c["decay_rate"]) * a + c["decay_rate"] * g * g),
        "1 - decay_rate weighs the old cache",
    ),
    (
        "decay-reversed",
        scaled(rule="rmsprop", decay=lambda a, g, c: a + g * g),
        "squares are summed, as in adagrad",
    ),
    (
        "decay-reversed",
        scaled(rule="rmsprop", decay=lambda a, g, c: c["decay_rate"] * a + g * g),
        "the new square comes with its whole weight",
    ),
    (
        "decay-reversed",
        scaled(rule="rmsprop", decay=lambda a, g, c: a + (1 - c["decay_rate"]) * g * g),
        "the old cache is not reduced",
    ),
    (
        "forward-wrong",
        scaled(rule="rmsprop", decay=lambda a, g, c: c["decay_rate"] * a + (1 - c["decay_rate"]) * np.abs(g)),
        "the gradient is not squared",
    ),
    (
        "forward-wrong",
        scaled(rule="rmsprop", decay=lambda a, g, c: c["decay_rate"] * a + (1 - c["decay_rate"]) * g),
        "the gradient is not squared",
    ),
]
ADAGRAD = [
    *_scaled_rows("adagrad"),
    (
        "forward-wrong",
        scaled(rule="adagrad", decay=lambda a, g, c: a + np.abs(g)),
        "the gradient is not squared",
    ),
    ("forward-wrong", scaled(rule="adagrad", decay=lambda a, g, c: a + g), "the gradient is not squared"),
]
