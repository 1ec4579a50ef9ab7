"""Examining update rules: several steps, compared with the rule itself or held to laws."""

from __future__ import annotations

import functools
import importlib
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import sandbox
from .laws.rules import Trial, broken
from .report import Finding, Report, finding
from .sandbox import Failure, random_state_kept
from .subject import BadResult

STEPS = 4
SETTINGS: dict[str, tuple[dict[str, float], ...]] = {
    "sgd": ({"learning_rate": 0.25},),
    "sgd_momentum": ({"learning_rate": 0.25, "momentum": 0.75},),
    "sgd_nesterov_momentum": ({"learning_rate": 0.25, "momentum": 0.75},),
    "adagrad": ({"learning_rate": 0.25, "epsilon": 0.05},),
    "adadelta": ({"learning_rate": 0.5, "decay_rate": 0.8, "epsilon": 0.05},),
    "rmsprop": ({"learning_rate": 0.25, "decay_rate": 0.8, "epsilon": 0.05},),
    "adam": ({"learning_rate": 0.25, "beta1": 0.8, "beta2": 0.95, "epsilon": 0.05},),
    "adamw": ({"learning_rate": 0.25, "beta1": 0.8, "beta2": 0.95, "epsilon": 0.05, "weight_decay": 0.3},),
}
Rule = Callable[..., Any]


class Walk:
    """Steps of a rule from one point: the points that it went to."""

    def __init__(
        self, rule: Rule, config: dict[str, float] | None, gradients: list[np.ndarray], start: np.ndarray
    ) -> None:
        self.points: list[np.ndarray] = []
        self.changed: set[str] = set()
        self.shared: set[str] = set()
        w, config = start.copy(), None if config is None else dict(config)
        for gradient in gradients:
            given, dw = w.copy(), gradient.copy()
            result = sandbox.call(rule, given, dw, config)
            if not isinstance(result, tuple | list) or len(result) != 2:
                raise BadResult(f"a rule must return (next_w, config), got {type(result).__name__}")
            following, config = np.asarray(result[0]), result[1]
            if following.shape != w.shape:
                raise BadResult(f"next_w has shape {following.shape}, w has {w.shape}")
            if not np.array_equal(dw, gradient):
                self.changed.add("dw")
            if not np.array_equal(given, w):
                self.changed.add("w")
            self.shared |= _sharing(config, following)
            w = np.array(following, dtype=float)
            self.points.append(w)
            w = w if np.isfinite(w).all() else start.copy()


def _sharing(config: Any, point: np.ndarray) -> set[str]:
    """Return the keys of a config whose array lies in the memory of a parameter."""
    items = config.items() if isinstance(config, dict) else ()
    return {k for k, v in items if isinstance(v, np.ndarray) and np.shares_memory(v, point)}


def examine_rule(name: str, rule: Rule, like: str, *, answers: bool = True) -> Report:
    """Return the report on an update rule."""
    report = Report(name)
    with random_state_kept():
        try:
            _examine(report, rule, like, answers)
        except Failure as failure:
            mistake = "shape-wrong" if isinstance(failure, BadResult) else "raises"
            report.findings.append(finding(mistake, "step", failure.evidence(), severity="broken"))
    return report


def draw(like: str) -> tuple[dict[str, float], list[np.ndarray], np.ndarray]:
    """Return settings, gradients and a start for a rule."""
    rng = np.random.default_rng(3)
    gradients = [rng.standard_normal((3, 4)) * (1 + k) + 0.2 for k in range(STEPS)]
    return SETTINGS[like][0], gradients, rng.standard_normal((3, 4)) + 0.5


def _examine(report: Report, rule: Rule, like: str, answers: bool) -> None:
    settings, gradients, start = draw(like)
    walk = Walk(rule, settings, gradients, start)
    finite = all(np.isfinite(point).all() for point in walk.points)
    if answers and not finite:
        judge = importlib.import_module(".answers.rules", __package__)
        named = judge.name(like, walk, settings, gradients, start)
        if named and named[0].mistake != "wrong-unknown":
            report.findings += named
            return
    if not finite:
        step = next(k for k, p in enumerate(walk.points) if not np.isfinite(p).all()) + 1
        whole = not np.isfinite(walk.points[step - 1]).any()  # 1 - beta**0 divides everything by zero
        mistake = "t-not-advanced" if like.startswith("adam") and step == 1 and whole else "not-a-number"
        report.findings.append(
            finding(mistake, "next_w", f"step {step} gives a number that is not finite, {_words(settings)}")
        )
        return
    if answers:
        judge = importlib.import_module(".answers.rules", __package__)
        report.findings += judge.name(like, walk, settings, gradients, start)
    else:
        moves = functools.partial(_moves, rule)
        report.findings += broken(Trial(like, settings, gradients, start, moves))
    report.findings += _defaults(rule, like, settings, gradients, start)
    again = Walk(rule, settings, gradients, start)
    if any(not np.allclose(a, b) for a, b in zip(walk.points, again.points, strict=True)):
        report.findings.append(
            finding("second-call-differs", "next_w", "the same steps from the same start lead elsewhere")
        )
    report.findings += _shared_default(rule, gradients, start)
    if walk.shared and report.findings:
        names = ", ".join(sorted(walk.shared))
        words = f"config[{names!r}] and next_w lie in the same memory, {_words(settings)}"
        report.findings.insert(0, finding("state-aliased", "next_w", words))
    if "dw" in walk.changed:
        report.findings.append(finding("input-changed", "dw", "a step changes the gradient of the caller"))
    if "w" in walk.changed:
        report.notes.append(
            "it changes w in place, as the courses' sgd does; whoever kept the old w loses it"
        )


# What every course takes where the config is silent; learning rate, epsilon and decay_rate differ by course.
_DEFAULTS = {"momentum": 0.9, "beta1": 0.9, "beta2": 0.999}


def _defaults(
    rule: Rule, like: str, settings: dict[str, float], gradients: list[np.ndarray], start: np.ndarray
) -> list[Finding]:
    """Leave out what has a usual default: the steps must be those with the default written down."""
    silent = {key: value for key, value in settings.items() if key not in _DEFAULTS}
    told = silent | {key: value for key, value in _DEFAULTS.items() if key in settings}
    if silent == settings:
        return []
    try:
        left_out, written = Walk(rule, silent, gradients, start), Walk(rule, told, gradients, start)
    except Failure:
        return []  # it has no defaults
    if all(np.allclose(a, b, rtol=1e-6) for a, b in zip(left_out.points, written.points, strict=True)):
        return []
    words = _words({key: value for key, value in told.items() if key in _DEFAULTS})
    return [
        finding(
            "default-differs",
            "next_w",
            f"a config without them leads elsewhere than one {words}",
            "",
            "doubtful",
        )
    ]


def _shared_default(rule: Rule, gradients: list[np.ndarray], start: np.ndarray) -> list[Finding]:
    """Without a config each parameter must begin anew: two of them share nothing."""
    walks = []
    for _ in range(2):
        try:
            walks.append(Walk(rule, None, gradients[:2], start).points)
        except Failure:
            return []  # it needs a config
    if all(np.allclose(a, b, rtol=1e-9, equal_nan=True) for a, b in zip(*walks, strict=True)):
        return []
    words = "a second parameter that begins without a config goes on with the memory of the first"
    hint = "what stands for a config that nobody gives must be made anew in each call."
    return [finding("second-call-differs", "next_w", words, hint)]


def _words(settings: dict[str, float]) -> str:
    return "with " + ", ".join(f"{key} {value:g}" for key, value in settings.items())


def _moves(
    rule: Rule, settings: dict[str, float], gradients: list[np.ndarray], start: np.ndarray
) -> list[np.ndarray]:
    points = [start, *Walk(rule, settings, gradients, start).points]
    return [after - before for before, after in itertools.pairwise(points)]
