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
        return w + sign * lr * g / _root(a, c["epsilon"], root)

    return step


def _root(a: np.ndarray, eps: float, root: str) -> np.ndarray:
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


def adam(
    *,
    correct: tuple[bool, bool] = (True, True),
    t_of: Callable[[int], int] = lambda t: t,
    root: str = "outside",
    reverse: tuple[bool, bool] = (False, False),
    swap: bool = False,
    keep: tuple[bool, bool] = (True, True),
    square: bool = True,
    sign: float = -1.0,
    rate: bool = True,
    raw: bool = False,
    stored: bool = False,
    decay: str = "",
) -> Step:
    """Return Adam, or AdamW with `decay`."""

    def step(w: np.ndarray, g: np.ndarray, c: Config, s: State) -> np.ndarray:
        s["t"] = s.get("t", 0) + 1
        t = t_of(s["t"])
        wd, lr = c.get("weight_decay", 0.0), c["learning_rate"] if rate else 1.0
        if decay == "coupled":
            g = g + wd * w
        b1, b2 = (c["beta2"], c["beta1"]) if swap else (c["beta1"], c["beta2"])
        m = _average(s.get("m", 0.0), g, b1, reverse[0])
        v = _average(s.get("v", 0.0), g * g if square else g, b2, reverse[1])
        m_hat = m / (1 - b1**t) if correct[0] else m
        v_hat = v / (1 - b2**t) if correct[1] else v
        if keep[0]:
            s["m"] = m_hat if stored else m
        if keep[1]:
            s["v"] = v_hat if stored else v
        shrink = {"": 0.0, "right": lr * wd, "no rate": wd, "coupled": 0.0, "sign": -lr * wd}[decay]
        return w + sign * lr * (g if raw else m_hat) / _root(v_hat, c["epsilon"], root) - shrink * w

    return step


def _average(old: Any, new: np.ndarray, beta: float, reverse: bool) -> np.ndarray:
    return (1 - beta) * old + beta * new if reverse else beta * old + (1 - beta) * new


_ADAM_OPTIONS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("bias-correction-missing", {"correct": (False, False)}, "neither average is corrected"),
    ("bias-correction-missing", {"correct": (False, True)}, "the first moment is not corrected"),
    ("bias-correction-missing", {"correct": (True, False)}, "the second moment is not corrected"),
    ("corrected-twice", {"stored": True}, "the corrected averages are stored, and corrected again"),
    (
        "state-not-kept",
        {"keep": (False, False), "t_of": lambda t: 1},
        "nothing is kept: every step is a first step",
    ),
    ("t-not-advanced", {"t_of": lambda t: 1}, "t is 1 in every step"),
    ("t-not-advanced", {"t_of": lambda t: t + 1}, "t is one ahead"),
    ("t-not-advanced", {"t_of": lambda t: max(t - 1, 1)}, "t is one behind"),
    ("t-not-advanced", {"t_of": lambda t: 0}, "t stays 0"),
    ("t-not-advanced", {"t_of": lambda t: t - 1}, "t is raised too late: the first step has t = 0"),
    ("t-not-advanced", {"t_of": lambda t: 2}, "t is 2 in every step"),
    ("t-not-advanced", {"t_of": lambda t: 2 * t}, "t advances twice a step"),
    ("epsilon-inside-root", {"root": "inside"}, "sqrt(v_hat + epsilon)"),
    ("epsilon-inside-root", {"root": "inside squared"}, "sqrt(v_hat + epsilon^2)"),
    ("epsilon-inside-root", {"root": "missing"}, "epsilon is missing"),
    ("root-missing", {"root": "none"}, "it is divided by the mean square, not by its root"),
    ("decay-reversed", {"reverse": (True, True)}, "1 - beta weighs the old averages"),
    ("decay-reversed", {"reverse": (True, False)}, "1 - beta1 weighs the old first moment"),
    ("decay-reversed", {"reverse": (False, True)}, "1 - beta2 weighs the old second moment"),
    ("decay-reversed", {"swap": True}, "beta1 and beta2 are exchanged"),
    ("state-not-kept", {"keep": (False, False)}, "both averages start at zero in every step"),
    ("state-not-kept", {"keep": (False, True)}, "the first moment starts at zero in every step"),
    ("state-not-kept", {"keep": (True, False)}, "the second moment starts at zero in every step"),
    ("state-not-kept", {"raw": True}, "the gradient stands where its average should"),
    ("sign", {"sign": 1.0}, "the step goes along the gradient"),
    ("learning-rate-missing", {"rate": False}, "the learning rate is missing"),
    ("forward-wrong", {"square": False}, "the gradient is not squared"),
)


def adam_rows(decay: str) -> list[tuple[str, Step, str]]:
    """Return Adam's mistakes."""
    return [(mistake, adam(**options, decay=decay), words) for mistake, options, words in _ADAM_OPTIONS]


def adadelta(*, keep: bool = True, inside: bool = True) -> Step:
    """Return Adadelta."""

    def step(w: np.ndarray, g: np.ndarray, c: Config, s: State) -> np.ndarray:
        d, eps = c["decay_rate"], c["epsilon"]
        a = d * s.get("a", 0.0) + (1 - d) * g * g
        before = s.get("delta", np.zeros_like(w))
        ratio = (
            np.sqrt(before + eps) / np.sqrt(a + eps)
            if inside
            else (np.sqrt(before) + eps) / (np.sqrt(a) + eps)
        )
        delta = ratio * g
        if keep:
            s["a"], s["delta"] = a, d * before + (1 - d) * delta * delta
        return w - c["learning_rate"] * delta

    return step
