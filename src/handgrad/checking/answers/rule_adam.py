"""Adam, AdamW and Adadelta, whose every part can be made wrong, and the mistakes that are known of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .rule_steps import Config, State, Step, divisor


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
        return w + sign * lr * (g if raw else m_hat) / divisor(v_hat, c["epsilon"], root) - shrink * w

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
