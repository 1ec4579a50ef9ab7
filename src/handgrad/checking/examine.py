"""The examination of one layer or loss: run it, compare, name what is wrong, rank it.

With answers the judge is the reference and the catalogue names mistakes. Without, forward is held to
laws, and backward to the derivative of the learner's own forward. A wrong forward with a backward that
belongs to it is blamed once, for its forward.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np

from . import contract, laws
from .cases import Case
from .complex_step import poisoned_numpy
from .examination import Examination, property_of
from .geography import describe, letters_of
from .own_derivative import own_derivative, partings
from .report import Report
from .sandbox import Failure, random_state_kept
from .subject import BadResult, Layer, Loss, Run
from .sweep import further_cases

_CURVES = ("relu", "leaky_relu", "prelu", "elu", "gelu", "sigmoid", "tanh")
TOLERANCE = 1e-6
CHOICE = "choice"  # of a slope where there is no one derivative: told as a note


def examine(
    name: str, subject: Layer, layer: str | None, cases: list[Case], *, answers: bool = True, seed: int = 0
) -> Report:
    """Return the report on a subject, tried on `cases` as the layer `layer` (None: of no known kind)."""
    with random_state_kept(), poisoned_numpy(subject.functions):
        state = _examined(subject, layer, cases, answers, seed)
        further = further_cases(layer, seed) if layer is not None and not state.findings else []
        if further:
            wider = _examined(subject, layer, [*cases, *further], answers, seed)
            state = wider if wider.findings else state
    return Report(name, sorted(state.findings, key=state.importance), state.notes)


def _examined(subject: Layer, layer: str | None, cases: list[Case], answers: bool, seed: int) -> Examination:
    """Return what one set of cases shows."""
    state = Examination(subject, layer, cases, answers and layer is not None, seed)
    state.runs = [subject.run(case, seed=seed + k) for k, case in enumerate(cases)]
    if not _failures(state):
        return state
    _not_finite(state)
    if layer == "dropout":
        laws.check(state)
    elif state.answers:
        _with_answers(state)
        laws.check_stability(state)
    else:
        laws.check(state)
        own_derivative(state)
    _manners(state)
    return state


def _failures(state: Examination) -> bool:
    """Report runs that failed; return whether there is one left to judge."""
    failed = [run for run in state.runs if run.failure is not None]
    if not failed:
        return True
    good = [run for run in state.runs if run.failure is None]
    refused = [run for run in failed if run.failure.refused]  # type: ignore[union-attr]
    blamed = [run for run in failed if run not in refused]
    if good and refused:
        words = refused[0].failure.evidence()  # type: ignore[union-attr]
        state.notes.append(
            f"it refuses {len(refused)} of {len(state.runs)} cases, such as {refused[0].case.words}: {words}"
        )
    if not good:
        blamed = blamed or refused
    if blamed:
        first = blamed[0]
        failure: Failure = first.failure  # type: ignore[assignment]
        mistake, only = ("shape-wrong" if isinstance(failure, BadResult) else "raises"), ""
        if good:
            mistake, only = _where_it_fails(blamed, good, mistake)
        severity = "wrong" if any("out" in r.outputs or "loss" in r.outputs for r in state.runs) else "broken"
        words = f"{failure.evidence()}, on {first.case.words}"
        state.add(mistake, f"{first.stage} pass", f"{words}{only}", severity=severity)
    return any(run.outputs for run in state.runs)


def _where_it_fails(bad: list[Run], good: list[Run], mistake: str) -> tuple[str, str]:
    """Return the mistake that the cases that fail point at (else `mistake`), and a clause that says it."""
    named, words = property_of(bad, good)
    return named or mistake, f"; {words}" if words else ""


def _not_finite(state: Examination) -> None:
    bad = [(run, k) for run in state.runs for k, v in run.outputs.items() if not np.isfinite(v).all()]
    if not bad:
        return
    run, output = bad[0]
    count = int((~np.isfinite(run.outputs[output])).sum())
    words = f"{count} of {run.outputs[output].size} numbers, on {run.case.words}"
    if contract.uninitialised(state.subject, run.case, run):
        state.add("uninitialised-memory", output, f"{words}: they are what np.empty left there")
    else:
        state.add("not-a-number", output, words)


def _with_answers(state: Examination) -> None:
    answers = importlib.import_module(".answers", __package__)
    samples = answers.judge.samples(state.layer, state.runs)
    first = state.subject.first
    _judge_outputs(state, answers, samples, [k for k in samples if k == first or k.startswith("running")])
    forward_wrong = any(f.where.startswith((first, "running")) for f in state.findings if first in f.where)
    gradients = [k for k in samples if k.startswith("d")]
    wrong = [k for k in gradients if answers.judge.wrong(samples[k])]
    if forward_wrong and _belongs_to_forward(state, wrong):
        return
    _gradients(state, answers, samples, gradients)
    if not state.findings:
        _second_batch(state, answers)


def _second_batch(state: Examination, answers: Any) -> None:
    """Try other numbers in the shapes of the first case: what was remembered of it shows now."""
    case = state.cases[0]
    args = case.copy_args()
    for name in case.arrays:
        args[name] = np.random.default_rng(state.seed + 31).permuted(args[name])
    run = state.subject.run(replace(case, args=args), seed=state.seed + 31)
    if run.failure is not None:
        return
    for output, of_output in answers.judge.samples(state.layer, [run]).items():
        if answers.judge.wrong(of_output):
            words = f"the first batch comes out right, another one of the same shape not, on {case.words}"
            state.add("second-call-differs", output, words)


def _judge_outputs(state: Examination, answers: Any, samples: Any, outputs: list[str]) -> None:
    for output in outputs:
        if not answers.judge.wrong(samples[output]):
            continue
        _name(state, answers, output, samples[output])


def _name(state: Examination, answers: Any, output: str, samples: Any) -> None:
    """Name what is wrong with one output, as precisely as can be."""
    if any(f.mistake == "uninitialised-memory" for f in state.findings) and answers.judge.only_nan(samples):
        return
    if output == "dx" and answers.judge.only_at_kinks(state.layer, samples):
        state.notes.append(
            "exactly at the kink it takes another slope than 0 or alpha, which is a matter of taste"
        )
        return
    verdicts = answers.judge.name(state.layer, output, samples)
    if [verdict.mistake for verdict in verdicts] == ["shape-wrong"]:
        bad, good = answers.judge.parted(samples)
        mistake, only = _where_it_fails([s.run for s in bad], [s.run for s in good], "shape-wrong")
        verdicts = [replace(verdicts[0], mistake=mistake, evidence=verdicts[0].evidence + only)]
    state.notes += [v.evidence for v in verdicts if v.severity == CHOICE]
    if verdicts and all(v.severity == CHOICE for v in verdicts):
        return
    verdicts = [v for v in verdicts if v.severity != CHOICE]
    verdicts = [_with_place(verdict, samples, answers) for verdict in verdicts]
    state.named.update(verdict.mistake for verdict in verdicts)
    for verdict in verdicts:
        state.add(verdict.mistake, output, verdict.evidence, severity=verdict.severity)
    if verdicts:
        return
    if output.startswith("d") and any(f.where.startswith(state.subject.first) for f in state.findings):
        state.notes.append(f"{output} is not the derivative of this forward either: mend forward first")
        return
    if any(f.mistake == "not-a-number" for f in state.findings) and answers.judge.only_nan(samples):
        return
    bad, good = answers.judge.parted(samples)
    mistake, only = _where_it_fails([s.run for s in bad], [s.run for s in good], _unnamed(state, output))
    state.add(mistake, output, _error_words(output, bad[0].given, bad[0].true, bad[0].words) + only)


def _with_place(verdict: Any, samples: Any, answers: Any) -> Any:
    """Add in which cases it is wrong, to a mistake that its name does not place."""
    if verdict.mistake not in ("part-missing", "step-differs"):
        return verdict
    bad, good = answers.judge.parted(samples)
    _, only = _where_it_fails([s.run for s in bad], [s.run for s in good], "")
    return replace(verdict, evidence=verdict.evidence + only)


def _unnamed(state: Examination, output: str) -> str:
    if output == state.subject.first:
        return "forward-wrong"
    if output.endswith("at test time"):
        return "running-at-test"
    return "derivative-wrong" if output == "dx" and state.layer in _CURVES else "wrong-unknown"


def _error_words(output: str, given: np.ndarray, true: np.ndarray, words: str) -> str:
    scale = max(float(np.max(np.abs(true), initial=0.0)), 1e-12)
    error = np.abs(given - true)
    mask = ~(error <= TOLERANCE * scale)
    place = describe(mask, letters_of(output, true.ndim))
    worst = float(np.nanmax(np.where(np.isfinite(error), error, 0.0), initial=0.0))
    return (
        f"off by up to {worst:.2g} where the largest right number is {scale:.2g}; wrong: {place}; on {words}"
    )


def _belongs_to_forward(state: Examination, wrong: list[str]) -> bool:
    """Return whether backward is the derivative of the learner's own, wrong forward; say so."""
    if state.subject.backward_function is None and not isinstance(state.subject, Loss):
        return True
    if not wrong:
        state.notes.append("backward is right for the right forward")
        return True
    run = next((r for r in state.runs if r.failure is None and r.case.smooth and r.case.backward), None)
    if run is None:
        return True
    if not partings(state, run, trials=3):
        state.notes.append("backward is the derivative of this forward: mend forward, and look again")
        return True
    return False


def _gradients(state: Examination, answers: Any, samples: Any, gradients: list[str]) -> None:
    order = answers.judge.order(samples, gradients)
    if order:
        names = ", ".join(gradients)
        words = f"where {names} should come, {order} come, on {samples[gradients[0]][0].words}"
        state.add("swapped-outputs", names, words)
        return
    _judge_outputs(state, answers, samples, gradients)


def _manners(state: Examination) -> None:
    run = next((r for r in state.runs if r.failure is None), None)
    if run is None:
        return
    if any(f.mistake in ("uninitialised-memory", "not-a-number") for f in state.findings):
        return
    found, notes = contract.probe(state.subject, run.case, run, draws=state.layer == "dropout")
    for one in found:
        state.add(one.mistake, one.where, one.evidence, one.hint, one.severity)
    state.notes += notes
