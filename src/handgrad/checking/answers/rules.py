"""Update rules and their known mistakes, compared step by step."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..report import Finding, finding
from .edits.naming import mistake_of, words_of
from .worked import RULES

State = dict[str, Any]
Config = dict[str, float]
Step = Callable[[np.ndarray, np.ndarray, Config, State], np.ndarray]


def _sgd(*, sign: float = -1.0, rate: float | None = None) -> Step:
    def step(w: np.ndarray, g: np.ndarray, c: Config, s: State) -> np.ndarray:
        return w + sign * (c["learning_rate"] if rate is None else rate) * g

    return step


def _momentum(
    combine: Callable[[Any, np.ndarray, float, float], np.ndarray],
    move: Callable[[np.ndarray, np.ndarray, Any, np.ndarray, Config], np.ndarray] = lambda w, v, old, g, c: (
        w + v
    ),
    keep: bool = True,
) -> Step:
    def step(w: np.ndarray, g: np.ndarray, c: Config, s: State) -> np.ndarray:
        old = s.get("v", 0.0)
        v = combine(old, g, c["momentum"], c["learning_rate"])
        if keep:
            s["v"] = v
        return move(w, v, old, g, c)

    return step


def _plain(v: Any, g: np.ndarray, m: float, lr: float) -> np.ndarray:
    return m * v - lr * g


def _nesterov(w: np.ndarray, v: np.ndarray, old: Any, g: np.ndarray, c: Config) -> np.ndarray:
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
    rows = [(mistake, _momentum(combine, move), words) for mistake, combine, words in _UPHILL]
    rows.append(
        ("state-not-kept", _momentum(_plain, move, keep=False), "the velocity starts at zero in every step")
    )
    return rows


def _moved(w: np.ndarray, v: np.ndarray, old: Any, g: np.ndarray, c: Config) -> np.ndarray:
    return w + v


_MOMENTUM = [
    *_velocity_rows(_moved),
    ("momentum-sign", _momentum(_plain, lambda w, v, old, g, c: w - v), "the velocity is subtracted"),
    (
        "state-not-kept",
        _momentum(_plain, lambda w, v, old, g, c: w + old),
        "the step goes along the old velocity",
    ),
    (
        "momentum-sign",
        _momentum(lambda v, g, m, lr: m * v - lr * g, lambda w, v, old, g, c: w + v - c["learning_rate"] * g),
        "the gradient is used twice",
    ),
]
_NESTEROV = [
    *_velocity_rows(_nesterov),
    ("forward-wrong", _momentum(_plain, _moved), "plain momentum comes out: the look-ahead is missing"),
    (
        "momentum-sign",
        _momentum(_plain, lambda w, v, old, g, c: w + v - c["momentum"] * (v - old)),
        "the look-ahead has the wrong sign",
    ),
    (
        "momentum-sign",
        _momentum(_plain, lambda w, v, old, g, c: w + c["momentum"] * old + (1 + c["momentum"]) * v),
        "the old velocity is added, not subtracted",
    ),
    (
        "momentum-sign",
        _momentum(_plain, lambda w, v, old, g, c: w - v - c["momentum"] * (v - old)),
        "the velocity is subtracted",
    ),
    (
        "state-not-kept",
        _momentum(_plain, lambda w, v, old, g, c: w + v + c["momentum"] * v),
        "the old velocity is not subtracted",
    ),
    (
        "momentum-sign",
        _momentum(_plain, lambda w, v, old, g, c: w + c["momentum"] * old - (1 + c["momentum"]) * v),
        "both velocities have the wrong sign",
    ),
]


def _scaled(
    *,
    rule: str,
    decay: Callable[[Any, np.ndarray, Config], np.ndarray] | None = None,
    root: str = "outside",
    sign: float = -1.0,
    rate: bool = True,
    keep: bool = True,
) -> Step:
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
        ("epsilon-inside-root", _scaled(rule=rule, root="inside"), "sqrt(cache + epsilon)"),
        ("epsilon-inside-root", _scaled(rule=rule, root="inside squared"), "sqrt(cache + epsilon^2)"),
        ("epsilon-inside-root", _scaled(rule=rule, root="missing"), "epsilon is missing"),
        ("forward-wrong", _scaled(rule=rule, root="none"), "the root is missing"),
        ("sign", _scaled(rule=rule, sign=1.0), "the step goes along the gradient"),
        ("learning-rate-missing", _scaled(rule=rule, rate=False), "the learning rate is missing"),
        ("state-not-kept", _scaled(rule=rule, keep=False), "the cache starts at zero in every step"),
    ]


_RMSPROP = [
    *_scaled_rows("rmsprop"),
    (
        "decay-reversed",
        _scaled(rule="rmsprop", decay=lambda a, g, c: (1 - c["decay_rate"]) * a + c["decay_rate"] * g * g),
        "1 - decay_rate weighs the old cache",
    ),
    (
        "state-not-kept",
        _scaled(rule="rmsprop", decay=lambda a, g, c: a + g * g),
        "squares are summed, as in adagrad",
    ),
    (
        "decay-reversed",
        _scaled(rule="rmsprop", decay=lambda a, g, c: c["decay_rate"] * a + g * g),
        "the new square comes with its whole weight",
    ),
    (
        "decay-reversed",
        _scaled(rule="rmsprop", decay=lambda a, g, c: a + (1 - c["decay_rate"]) * g * g),
        "the old cache is not reduced",
    ),
    (
        "forward-wrong",
        _scaled(
            rule="rmsprop", decay=lambda a, g, c: c["decay_rate"] * a + (1 - c["decay_rate"]) * np.abs(g)
        ),
        "the gradient is not squared",
    ),
    (
        "forward-wrong",
        _scaled(rule="rmsprop", decay=lambda a, g, c: c["decay_rate"] * a + (1 - c["decay_rate"]) * g),
        "the gradient is not squared",
    ),
]
_ADAGRAD = [
    *_scaled_rows("adagrad"),
    (
        "forward-wrong",
        _scaled(rule="adagrad", decay=lambda a, g, c: a + np.abs(g)),
        "the gradient is not squared",
    ),
    ("forward-wrong", _scaled(rule="adagrad", decay=lambda a, g, c: a + g), "the gradient is not squared"),
]


def _adam(
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
    ("bias-correction-missing", {"stored": True}, "the corrected averages are stored, and corrected again"),
    (
        "state-not-kept",
        {"keep": (False, False), "t_of": lambda t: 1},
        "nothing is kept: every step is a first step",
    ),
    ("t-not-advanced", {"t_of": lambda t: 1}, "t is 1 in every step"),
    ("t-not-advanced", {"t_of": lambda t: t + 1}, "t is one ahead"),
    ("t-not-advanced", {"t_of": lambda t: max(t - 1, 1)}, "t is one behind"),
    ("t-not-advanced", {"t_of": lambda t: 2}, "t is 2 in every step"),
    ("t-not-advanced", {"t_of": lambda t: 2 * t}, "t advances twice a step"),
    ("epsilon-inside-root", {"root": "inside"}, "sqrt(v_hat + epsilon)"),
    ("epsilon-inside-root", {"root": "inside squared"}, "sqrt(v_hat + epsilon^2)"),
    ("epsilon-inside-root", {"root": "missing"}, "epsilon is missing"),
    ("forward-wrong", {"root": "none"}, "the root is missing"),
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


def _adam_rows(decay: str) -> list[tuple[str, Step, str]]:
    return [(mistake, _adam(**options, decay=decay), words) for mistake, options, words in _ADAM_OPTIONS]


def _adadelta(*, keep: bool = True, inside: bool = True) -> Step:
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


_RIGHT: dict[str, Step] = {
    "sgd": _sgd(),
    "sgd_momentum": _momentum(_plain),
    "sgd_nesterov_momentum": _momentum(_plain, _nesterov),
    "adagrad": _scaled(rule="adagrad"),
    "rmsprop": _scaled(rule="rmsprop"),
    "adadelta": _adadelta(),
    "adam": _adam(),
    "adamw": _adam(decay="right"),
}
_WRONG: dict[str, list[tuple[str, Step, str]]] = {
    "sgd": [
        ("sign", _sgd(sign=1.0), "the step goes along the gradient"),
        ("learning-rate-missing", _sgd(rate=1.0), "the learning rate is missing"),
        ("learning-rate-missing", _sgd(rate=1e-2), "the learning rate is always 0.01"),
    ],
    "sgd_momentum": _MOMENTUM,
    "sgd_nesterov_momentum": _NESTEROV,
    "adagrad": _ADAGRAD,
    "rmsprop": _RMSPROP,
    "adadelta": [
        ("state-not-kept", _adadelta(keep=False), "the memory starts at zero in every step"),
        ("epsilon-inside-root", _adadelta(inside=False), "epsilon is added to the roots"),
    ],
    "adam": _adam_rows(""),
    "adamw": [
        *_adam_rows("right"),
        ("regularisation-missing", _adam(), "there is no weight decay"),
        (
            "regularisation-doubled",
            _adam(decay="coupled"),
            "the decay is added to the gradient, as in Adam with L2",
        ),
        ("learning-rate-missing", _adam(decay="no rate"), "the decay lacks the learning rate"),
        ("sign", _adam(decay="sign"), "the decay has the wrong sign"),
    ],
}


def points(step: Step, settings: Config, gradients: list[np.ndarray], start: np.ndarray) -> list[np.ndarray]:
    """Return the points that a rule goes through."""
    state: State = {}
    w, found = start, []
    for gradient in gradients:
        w = step(w, gradient, settings, state)
        found.append(w)
    return found


def _tried(step: Step, settings: Config, gradients: list[np.ndarray], start: np.ndarray) -> list[np.ndarray]:
    """Return the points of a rule that may fail in any way; none when it does."""
    try:
        with np.errstate(all="ignore"):
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
            error = max(float(np.abs(a - b).max()) for a, b in zip(walk.points, true, strict=True))
            figures = f"{what}: off by up to {error:.2g} after {len(true)} steps, w {start.shape}, {words}"
            return [finding(mistake, "next_w", figures)]
    for mistake, step, what in edited(like):
        if _same(walk.points, _tried(step, settings, gradients, start)):
            error = max(float(np.abs(a - b).max()) for a, b in zip(walk.points, true, strict=True))
            figures = f"{what}: off by up to {error:.2g} after {len(true)} steps, w {start.shape}, {words}"
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
