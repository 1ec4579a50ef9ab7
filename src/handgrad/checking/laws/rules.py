"""Laws of update rules: what scaling, silence and a steady gradient must do, never how a step is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..report import Finding, finding

Settings = dict[str, float]
Moves = Callable[..., list[np.ndarray]]
_LINEAR = ("sgd", "sgd_momentum", "sgd_nesterov_momentum")
_SCALED = ("adagrad", "rmsprop", "adam", "adamw")
TINY, HUGE = 1e-12, 1e8


@dataclass
class Trial:
    """A rule under trial: `moves(settings, gradients, start)` gives its steps."""

    like: str
    settings: Settings
    gradients: list[np.ndarray]
    start: np.ndarray
    moves: Moves

    def gentle(self, **changed: float) -> Settings:
        """Return the settings with some changed, and no weight decay."""
        known = {key: value for key, value in changed.items() if key in self.settings}
        return self.settings | ({"weight_decay": 0.0} if "weight_decay" in self.settings else {}) | known

    def steps(self, gradients: list[np.ndarray], **changed: float) -> list[np.ndarray]:
        """Return the steps from zero, without weight decay."""
        return self.moves(self.gentle(**changed), gradients, np.zeros_like(gradients[0]))


def broken(trial: Trial) -> list[Finding]:
    """Return a finding for each law that a rule breaks."""
    laws: list[Any] = [_still, _rate, _downhill]
    laws += [_linear, _silence] if trial.like in _LINEAR else []
    laws += [_unit, _large_epsilon] if trial.like in _SCALED else []
    laws += [_past_sign] if trial.like in ("adagrad", "rmsprop") else []
    laws += [_STEADY[trial.like]] if trial.like in _STEADY else []
    laws += [_forgetful] if trial.like.startswith("adam") else []
    laws += [_shrinks] if trial.like == "adamw" else []
    return [found for law in laws if (found := law(trial)) is not None]


def _words(settings: Settings) -> str:
    return "with " + ", ".join(f"{key} {value:g}" for key, value in settings.items())


def _same(a: list[np.ndarray], b: list[np.ndarray], rtol: float = 1e-6) -> int:
    """Return the first step in which two walks differ, from 1; 0 when there is none."""
    for step, (one, other) in enumerate(zip(a, b, strict=True), 1):
        if not np.allclose(one, other, rtol=rtol, atol=1e-12):
            return step
    return 0


def _still(t: Trial) -> Finding | None:
    still = t.moves(t.settings | {"learning_rate": 0.0}, t.gradients[:2], t.start)
    far = max(float(np.abs(move).max()) for move in still)
    if far <= 1e-12:
        return None
    words = f"with learning_rate 0 the parameter still moves by {far:.2g}"
    return finding("learning-rate-missing", "next_w", words)


def _rate(t: Trial) -> Finding | None:
    twice = t.moves(t.settings | {"learning_rate": 2 * t.settings["learning_rate"]}, t.gradients, t.start)
    once = t.moves(t.settings, t.gradients, t.start)
    count = 1 if "weight_decay" in t.settings else len(once)  # the decay acts on a parameter that has moved
    step = _same(twice[:count], [2 * move for move in once[:count]])
    if not step:
        return None
    ratio = np.abs(twice[step - 1]).sum() / np.abs(once[step - 1]).sum()
    words = f"twice the learning rate makes step {step} {ratio:.3g} times as long"
    return finding("learning-rate-missing", "next_w", words)


def _downhill(t: Trial) -> Finding | None:
    origin = np.zeros_like(t.start) if t.like == "adamw" else t.start
    first = t.moves(t.settings, t.gradients[:1], origin)[0]
    share = float(np.mean(first * t.gradients[0] > 0))
    if not share:
        return None
    mistake = "momentum-sign" if "momentum" in t.like else "sign"
    return finding(mistake, "next_w", f"the first step goes uphill in {share:.0%} of the numbers")


def _linear(t: Trial) -> Finding | None:
    """The walk of a sum of gradients is the sum of the walks."""
    other = [gradient[::-1] * 0.5 for gradient in t.gradients]
    both = t.steps([a + b for a, b in zip(t.gradients, other, strict=True)])
    parts = [a + b for a, b in zip(t.steps(t.gradients), t.steps(other), strict=True)]
    step = _same(both, parts)
    return finding("forward-wrong", "next_w", f"step {step} is not linear in the gradients") if step else None


def _silence(t: Trial) -> Finding | None:
    """One gradient, then none: how far it carries in all, and how the steps fade."""
    gradient, momentum = np.array([[0.5]]), t.settings.get("momentum", 0.0)
    count = 8
    steps = [float(m[0, 0]) for m in t.steps([gradient, *[0 * gradient] * (count - 1)])]
    fades = [abs(b - momentum * a) < 1e-9 for a, b in pairwise(steps[1:])]
    ahead = steps[1] / steps[0] if steps[0] else 0.0
    early = abs(ahead - momentum) < 1e-9 if t.like != "sgd_nesterov_momentum" else ahead < momentum - 1e-9
    if not (all(fades) and early):
        words = f"after one gradient and then none, the steps are {', '.join(f'{s:.3g}' for s in steps[:4])}"
        return finding("state-not-kept", "next_w", f"{words}, {_words(t.gentle())}")
    far = -(sum(steps) + steps[-1] * momentum / (1 - momentum))
    due = t.settings["learning_rate"] * 0.5 / (1 - momentum)
    if not np.isclose(far, due, rtol=1e-6):
        words = f"one gradient 0.5 must carry the parameter {due:.4g} far in all, it carries it {far:.4g}"
        return finding("learning-rate-missing", "next_w", f"{words}, {_words(t.gentle())}")
    return None


def _unit(t: Trial) -> Finding | None:
    """Without epsilon the unit of the gradient does not matter."""
    plain = t.steps(t.gradients, epsilon=TINY)
    step = _same(plain, t.steps([10 * g for g in t.gradients], epsilon=TINY), 1e-5)
    words = f"with epsilon near 0, gradients ten times as large must lead the same way: step {step} differs"
    return finding("forward-wrong", "next_w", words) if step else None


def _large_epsilon(t: Trial) -> Finding | None:
    once = t.steps(t.gradients, epsilon=HUGE)
    twice = t.steps(t.gradients, epsilon=2 * HUGE)
    step = _same([2e8 * move for move in twice], [1e8 * move for move in once], 1e-4)
    words = f"where epsilon is huge, twice as much of it must halve the steps: step {step} is not halved"
    return finding("epsilon-inside-root", "next_w", words) if step else None


def _past_sign(t: Trial) -> Finding | None:
    """Only the size of past gradients is remembered."""
    turned = [-t.gradients[0], *t.gradients[1:]]
    step = _same(t.steps(t.gradients)[1:], t.steps(turned)[1:])
    words = f"the sign of the first gradient must not show later: it shows in step {step + 1}"
    return finding("forward-wrong", "next_w", words) if step else None


def _lengths(t: Trial) -> np.ndarray:
    """Return the lengths of steps under one constant gradient, without epsilon, in learning rates."""
    steps = t.steps([np.full((1, 1), 0.5)] * 5, epsilon=TINY)
    return -np.array([float(s[0, 0]) for s in steps]) / t.settings["learning_rate"]


def _constant(t: Trial) -> Finding | None:
    lengths = _lengths(t)
    if np.allclose(lengths, 1, rtol=1e-5):
        return None
    words = f"under a constant gradient every step is one learning rate long, they are {_listed(lengths)}"
    return finding("bias-correction-missing", "next_w", words)


def _slows(t: Trial) -> Finding | None:
    """1 / length^2 grows by the same amount in each step."""
    lengths = _lengths(t)
    grown = np.diff(np.concatenate([[0.0], lengths**-2.0]))
    if np.allclose(grown, 1, rtol=1e-5):
        return None
    words = f"under a constant gradient steps fade slowly and evenly, they are {_listed(lengths)}"
    return finding("state-not-kept", "next_w", words)


def _settles(t: Trial) -> Finding | None:
    """What 1 / length^2 lacks to 1 shrinks by the decay in each step."""
    lengths = _lengths(t)
    lack = np.concatenate([[1.0], 1 - lengths**-2.0])
    if np.allclose(lack[1:], t.settings["decay_rate"] * lack[:-1], rtol=1e-5):
        return None
    words = f"under a constant gradient steps settle at decay_rate's pace: {_listed(lengths)}"
    return finding("decay-reversed", "next_w", words)


def _listed(lengths: np.ndarray) -> str:
    return ", ".join(f"{x:.4g}" for x in lengths)


_STEADY = {"adagrad": _slows, "rmsprop": _settles, "adam": _constant, "adamw": _constant}


def _forgetful(t: Trial) -> Finding | None:
    """Without averages each step goes against the latest gradient, one learning rate far."""
    if "beta1" not in t.settings:
        return None
    gradients = [np.ones((1, 1)), np.full((1, 1), -0.1)]
    if t.steps(gradients, beta1=0.0)[1][0, 0] <= 0:
        words = "with beta1 = 0 the second step must go against the second gradient, and goes with it"
        return finding("decay-reversed", "next_w", words)
    last = float(t.steps(gradients, beta1=0.0, beta2=0.0, epsilon=TINY)[1][0, 0])
    if not np.isclose(last, t.settings["learning_rate"], rtol=1e-5):
        words = f"with both betas 0 every step is one learning rate long, the second is {last:.4g}"
        return finding("decay-reversed", "next_w", words)
    return None


def _shrinks(t: Trial) -> Finding | None:
    """Without a gradient a parameter shrinks by the same share wherever it is."""
    still = [np.zeros_like(t.start)]
    move = t.moves(t.settings, still, t.start)[0]
    share = -move / t.start
    due = t.settings["learning_rate"] * t.settings["weight_decay"]
    if np.allclose(share, due, rtol=1e-6):
        return None
    words = f"without a gradient a parameter shrinks by {due:.3g} of itself, here by {share.flat[0]:.3g}"
    return finding("regularisation-missing", "next_w", words)
