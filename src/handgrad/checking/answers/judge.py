"""Comparing what a learner's function gave with the truth, and naming what differs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..subject import Run
from . import diagnose as naming
from .diagnose import Diagnosis
from .mutation import Sample, close
from .truth import truth


@dataclass(frozen=True, eq=False)
class RunSample(Sample):
    """A sample that knows its run."""

    run: Run | None = None


Samples = dict[str, list[RunSample]]


def samples(layer: str, runs: list[Run]) -> Samples:
    """Return what was given and what is true, by output, over all runs."""
    if layer.startswith("linear_"):
        runs = _with_penalty(layer, runs)
    found: Samples = {}
    for run in runs:
        true = truth(layer, run.case, run.dout)
        if "large" in run.case.properties and not _finite(run):
            continue  # told as such; what overflows on its way is no further mistake
        for output, value in true.items():
            given = run.outputs.get(output)
            if given is None and (run.failure is not None or output.startswith("d")):
                continue
            if given is None:
                given = np.asarray(
                    run.case.args["bn_param"].get(output.partition(" ")[0], np.zeros(value.shape))
                )
            found.setdefault(output, []).append(
                RunSample(run.case.args, run.dout, given, np.asarray(value), run.case.words, run)
            )
    return found


def _finite(run: Run) -> bool:
    return all(np.isfinite(value).all() for value in run.outputs.values())


def wrong(samples: list[RunSample]) -> bool:
    """Return whether any sample is wrong."""
    return any(not close(s.given, s.true) for s in samples if s.given is not None)


def parted(samples: list[RunSample]) -> tuple[list[RunSample], list[RunSample]]:
    """Return the wrong samples of the right shape (all wrong ones when there is none), and the right ones."""
    bad = [s for s in samples if not close(s.given, s.true)]  # type: ignore[arg-type]
    return bad, [s for s in samples if s not in bad]


def only_nan(samples: list[RunSample]) -> bool:
    """Return whether all that is wrong is NaN or infinite."""
    bad, _ = parted(samples)
    return all(not np.isfinite(np.asarray(s.given)).all() for s in bad)


def only_at_kinks(layer: str, samples: list[RunSample]) -> bool:
    """Return whether an activation is wrong only where x is 0, with a slope between those beside it."""
    if layer not in ("relu", "leaky_relu", "elu"):
        return False
    bad, _ = parted(samples)
    for s in bad:
        given = np.asarray(s.given)
        if given.shape != s.true.shape or s.args["x"].shape != s.true.shape:
            return False
        kink = s.args["x"] == 0
        if not close(np.where(kink, 0, given), np.where(kink, 0, s.true)):
            return False
        slopes = given[kink] / s.dout[kink]
        least = min(0.0, float(s.args.get("alpha", 0.0)))
        if (slopes < least - 1e-9).any() or (slopes > 1 + 1e-9).any():
            return False
    return bool(bad)


def order(samples: Samples, names: list[str]) -> str:
    """Return the order in which right gradients came where it is another than due, or ''."""
    count = min((len(samples[n]) for n in names), default=0)
    orders = set()
    for k in range(count):
        expected = {n: samples[n][k].true for n in names}
        given = {n: np.asarray(samples[n][k].given) for n in names}
        orders.add(naming.swapped(expected, given, names))
    return orders.pop() if len(orders) == 1 else ""


def name(layer: str, output: str, samples: list[RunSample]) -> list[Diagnosis]:
    """Name what is wrong with an output; a wrong shape is named even when nothing else is known."""
    known = naming.diagnose(layer, output, list(samples))
    smooth = [s for s in samples if s.run is None or s.run.case.smooth]
    if not known and len(smooth) < len(samples):  # at ties another choice than ours hides the mistake
        known = naming.diagnose(layer, output, list(smooth))
    if known:
        return known
    for sample in samples:
        given = np.asarray(sample.given)
        if given.shape != sample.true.shape:
            return [_shape(output, given, sample)]
    return []


def _shape(output: str, given: np.ndarray, sample: RunSample) -> Diagnosis:
    words = f"{output} has shape {given.shape}, due is {sample.true.shape}, on {sample.words}"
    if given.size == sample.true.size and close(given.reshape(sample.true.shape), sample.true):
        return Diagnosis("shape-wrong", f"{words}; the numbers are right")
    if given.ndim == sample.true.ndim > 1:
        for a in range(given.ndim):
            for b in range(a):
                if close(np.swapaxes(given, a, b), sample.true):
                    return Diagnosis("shape-transposed", f"{words}; axes {b} and {a} are exchanged")
        swap = sample.true.swapaxes(-1, -2).shape
        if output == "out" and given.ndim == 4 and given.shape == swap:
            return Diagnosis("swapped-height-width", words)
    return Diagnosis("shape-wrong", words)


def _with_penalty(layer: str, runs: list[Run]) -> list[Run]:
    """Let courses differ in the penalty, reg or reg / 2 times the sum of squares: take the learner's."""
    choices = []
    for penalty in (1.0, 0.5):
        told = [
            replace(run, case=replace(run.case, args=run.case.args | {"penalty": penalty})) for run in runs
        ]
        right = [0, 0]
        for run in told:
            true = truth(layer, run.case, run.dout)
            for k, name in enumerate(("loss", "dW")):
                right[k] += name in run.outputs and close(run.outputs[name], true[name])
        choices.append((right, told))
    return max(choices, key=lambda choice: choice[0])[1]
