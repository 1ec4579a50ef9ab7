"""From wrong numbers to the name of a mistake: catalogue, swapped results, factors, terms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from ..cases import Args
from ..geography import describe, letters_of
from . import catalogue
from .edits.explain import explain
from .inputs import wrong_inputs
from .mixed import masked, mixed_in
from .mutation import Sample, close, match
from .pattern import relate
from .terms import TERMS, Attribution, attribute, norm_terms, norm_terms_apart

_VAGUE = ("factor", "wrong-unknown")  # an edit of a worked solution says more
_CHANGING = "the factor changes from case to case"
_AFTER_EDITS = ("wrong-axes", "another-function")  # which an edit may say more precisely
_MEANS = ("avg_pool", "global_avg_pool")


@dataclass(frozen=True)
class Diagnosis:
    """A named mistake: its id, one line of evidence, how grave it is."""

    mistake: str
    evidence: str
    severity: str = "wrong"


def diagnose(layer: str, output: str, samples: list[Sample]) -> list[Diagnosis]:
    """Name what is wrong with one output; empty when nothing known explains it."""
    wrong = [s for s in samples if s.given is not None and not close(s.given, s.true)]
    if not wrong:
        return []
    mutation = match((m for m in catalogue.of(layer) if m.output == output), samples)
    if mutation is not None:
        words = f"{mutation.words}: " if mutation.words else ""
        if mutation.severity == "choice":
            return [Diagnosis(mutation.mistake, mutation.words, mutation.severity)]
        return [Diagnosis(mutation.mistake, words + _figures(output, wrong[0]), mutation.severity)]
    found = _factor(layer, output, samples) or _by_terms(layer, output, samples)
    if found and not _vague(found[0]):
        return found
    related = masked(samples) or relate(output, samples)
    if related is not None and related[0] not in _AFTER_EDITS:
        return [Diagnosis(related[0], f"{related[1]}: {_figures(output, wrong[0])}")]
    edit = explain(layer, output, samples)
    if edit is not None:
        return [Diagnosis(edit.mistake, f"{edit.words}: {_figures(output, wrong[0])}", edit.severity)]
    if related is None and not found:
        other = wrong_inputs(layer, output, [s.run for s in samples if getattr(s, "run", None) is not None])  # type: ignore[attr-defined]
        related = None if other is None else (other.mistake, other.words)
    if related is None and not found:
        related = mixed_in(layer, samples)
    if related is not None:
        return [Diagnosis(related[0], f"{related[1]}: {_figures(output, wrong[0])}")]
    return found


def _vague(found: Diagnosis) -> bool:
    """Return whether an edit of a worked solution would say more."""
    return found.mistake in _VAGUE or _CHANGING in found.evidence


def _figures(output: str, sample: Sample) -> str:
    """Return by how much and where a sample is wrong, in figures."""
    given, true = np.asarray(sample.given), sample.true
    if given.shape != true.shape:
        return f"{output} has shape {given.shape}, due is {true.shape}, on {sample.words}"
    error = np.abs(given - true)
    place = describe(
        ~(error <= 1e-6 * max(float(np.max(np.abs(true), initial=0.0)), 1e-3)), letters_of(output, true.ndim)
    )
    worst = float(np.max(error[np.isfinite(error)], initial=0.0))
    return f"off by up to {worst:.2g}, {place}, on {sample.words}"


def swapped(expected: dict[str, np.ndarray], given: dict[str, np.ndarray], names: list[str]) -> str:
    """Return the order in which right gradients came ("dw, dx, db"), or '' when it is not that."""
    if len(names) < 2 or any(name not in given for name in names):
        return ""
    for order in permutations(names):
        if list(order) != names and all(
            close(given[name], expected[source]) for name, source in zip(names, order, strict=True)
        ):
            return ", ".join(order)
    return ""


def _factor(layer: str, output: str, samples: list[Sample]) -> list[Diagnosis]:
    factors, used = [], []
    for sample in samples:
        if sample.given is None or sample.given.shape != sample.true.shape:
            return []
        norm = float(np.sum(sample.true * sample.true))
        if norm < 1e-16:
            continue
        factor = float(np.sum(sample.given * sample.true)) / norm
        if not close(sample.given, factor * sample.true) or not 1e-9 < abs(factor) < np.inf:
            return []
        factors.append(factor)
        used.append(sample)
    if not factors:
        return []
    if all(sample.true.size == 1 for sample in used) and np.ptp(factors) > 1e-5 * np.abs(factors).max():
        named = _by_count(layer, np.array(factors), used)  # any number is a factor of another
        return [named] if named is not None else []
    counted = _by_count(layer, np.array(factors), used) is not None
    if not counted and layer not in _MEANS and np.ptp(factors) > 1e-5 and np.isclose(factors, 1).any():
        return []  # right in some cases: what they have in common says more than the factor
    return [_name_factor(layer, output, np.array(factors), used)]


def _name_factor(layer: str, output: str, factors: np.ndarray, samples: list[Sample]) -> Diagnosis:
    first = f"{output} = {factors[0]:.4g} * the right one on {samples[0].words}"
    if np.allclose(factors, -1):
        return Diagnosis("gradient-sign" if layer.endswith("_loss") else "sign", first)
    named = _by_count(layer, factors, samples)
    if named is not None:
        return Diagnosis(named.mistake, f"{first}: {named.evidence}")
    mistake = "average-not-divided" if layer in _MEANS else "factor"
    if np.allclose(factors, factors[0]):
        return Diagnosis(mistake, first)
    others = ", ".join(f"{f:.4g}" for f in factors[:4])
    return Diagnosis(mistake, f"{first}; {_CHANGING}: {others}")


def _by_count(layer: str, factors: np.ndarray, samples: list[Sample]) -> Diagnosis | None:
    """Name factors that are a size of their case, or one over it."""
    counts = _counts([s.args for s in samples])
    for name, numbers in counts.items():
        for power, words in (
            (1, f"{name} is one factor too many"),
            (-1, f"1 / {name} is one factor too many"),
        ):
            if len(set(numbers)) > 1 and np.allclose(factors, np.array(numbers) ** float(power)):
                return Diagnosis(_count_mistake(layer, name, power), words)
    for (due, right), (used, other) in permutations(counts.items(), 2):
        if len(set(factors.round(9))) > 1 and np.allclose(factors, np.array(right) / np.array(other)):
            return Diagnosis(_count_mistake(layer, due, -1), f"{used} divides where {due} should")
    return None


def _count_mistake(layer: str, name: str, power: int) -> str:
    if layer.endswith("norm"):
        return "factor-n"
    if layer.endswith("_loss"):
        return "mean-missing" if power == 1 else "factor"
    if layer in _MEANS:
        return "average-not-divided"
    return "factor-n" if name.startswith("N") else "factor"


def _counts(all_args: list[Args]) -> dict[str, list[float]]:
    """Return numbers that formulas divide by, by name, for each sample."""
    counts: dict[str, list[float]] = {}
    for args in all_args:
        x = next(v for v in args.values() if isinstance(v, np.ndarray))
        x = args.get("X", x)
        here: dict[str, float] = {"N": x.shape[0]}
        if x.ndim > 1:
            here |= {
                "axis 1": x.shape[1],
                "N * axis 1": x.shape[0] * x.shape[1],
            }
        pixels = math.prod(x.shape[2:])
        here |= {"H W": pixels, "N H W": x.shape[0] * pixels, "C H W": x[0].size}
        if x.ndim == 4:
            here |= {"H": x.shape[2], "W": x.shape[3]}
        if "pool_param" in args:
            param = args["pool_param"]
            here["the window's size"] = param["pool_height"] * param["pool_width"]
            here |= {"the stride": param["stride"], "the square of the stride": param["stride"] ** 2}
            here |= {"pool_height": param["pool_height"], "pool_width": param["pool_width"]}
        if "G" in args:
            here["the size of a group"] = x[0].size / args["G"]
        for name, number in here.items():
            counts.setdefault(name, []).append(number)
    return {name: numbers for name, numbers in counts.items() if len(numbers) == len(all_args)}


def _by_terms(layer: str, output: str, samples: list[Sample]) -> list[Diagnosis]:
    terms = TERMS.get((layer, output))
    if terms is None:
        return []
    found = attribute(terms, output, samples)
    if found is not None:
        return _read_terms(layer, found)
    if layer.endswith("norm"):
        without = attribute(norm_terms(layer, gamma=False), output, samples)
        if without is not None:
            others = _read_terms(layer, without)
            missing = Diagnosis("gamma-missing", f"without gamma in its terms, {without.words}")
            return [missing, *others]
        apart = attribute(norm_terms_apart(layer), output, samples)
        if apart is not None:
            return _read_apart(apart)
    return []


def _read_apart(found: Attribution) -> list[Diagnosis]:
    """Name the terms that came without gamma."""
    half = len(found.names) // 2
    with_gamma, without = found.weights[:, :half], found.weights[:, half:]
    lacking = np.isclose(with_gamma, 0, atol=1e-5) & ~np.isclose(without, 0, atol=1e-5)
    if not lacking.any():
        return []
    return [Diagnosis("gamma-missing", found.words)]


_ZERO = {
    "mean": "mean-term-missing",
    "variance": "variance-term-missing",
    "right-class": "one-hot-missing",
    "penalty": "regularisation-missing",
}


def _read_terms(layer: str, found: Attribution) -> list[Diagnosis]:
    """Name each term whose weight is not that of the true gradient."""
    diagnoses = []
    for column, name in enumerate(found.names):
        weights = found.weights[:, column]
        if np.allclose(weights, 1.0, atol=1e-5):
            continue
        diagnoses.append(Diagnosis(_weight_mistake(layer, name, weights), found.words))
    return diagnoses


def _weight_mistake(layer: str, name: str, weights: np.ndarray) -> str:
    if np.allclose(weights, 0, atol=1e-5):
        return _ZERO.get(name, "wrong-unknown" if layer.endswith("_loss") else "term-doubled")
    if name == "penalty":
        return "regularisation-doubled"
    if np.allclose(weights, -1.0):
        return "gradient-sign" if layer.endswith("_loss") else "term-sign"
    if np.ptp(weights) > 1e-4 * np.abs(weights).max():  # it changes with the sizes of the case
        return "mean-missing" if layer.endswith("_loss") else "factor-n"
    return {"sigmoid": "derivative-wrong", "tanh": "derivative-wrong"}.get(layer, "term-doubled")
