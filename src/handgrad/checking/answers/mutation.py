"""Known mistakes as functions that make the same wrong numbers, and how they are matched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..cases import Args

Compute = Callable[..., Any]


@dataclass(frozen=True)
class Mutation:
    """One known mistake in one output.

    Attributes
    ----------
    mistake : str
        Its id.
    output : str
        The output that it spoils: ``out``, ``dx``, ...
    compute : callable
        ``compute(args, dout)`` gives the wrong numbers.
    words : str
        What exactly is done, beside the title of the mistake.
    severity : str
    """

    mistake: str
    output: str
    compute: Compute
    words: str = ""
    severity: str = "wrong"


@dataclass(frozen=True, eq=False)
class Sample:
    """One case of an output: what the learner gave, what is true, and what it was computed from."""

    args: Args
    dout: Any
    given: np.ndarray | None
    true: np.ndarray
    words: str = ""


def close(a: np.ndarray, b: np.ndarray, tolerance: float = 1e-6) -> bool:
    """Return whether two arrays agree in shape, and in value to `tolerance` of their scale.

    The tolerance forgives a small number that is added inside a logarithm, and is far below any mistake.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    finite = np.isfinite(b)
    if not np.array_equal(np.isfinite(a), finite):
        return False
    scale = max(float(np.max(np.abs(b[finite]), initial=0.0)), 1e-3)
    return bool(np.max(np.abs(a[finite] - b[finite]), initial=0.0) <= tolerance * scale)


def match(mutations: Iterable[Mutation], samples: list[Sample]) -> Mutation | None:
    """Return the first mutation that gives the learner's numbers on every sample, or None."""
    for mutation in mutations:
        if _explains(mutation, samples):
            return mutation
    return None


def _explains(mutation: Mutation, samples: list[Sample]) -> bool:
    explained = 0
    for sample in samples:
        if sample.given is None:
            continue  # the learner's code failed here; how it fails depends on its style
        try:
            with np.errstate(all="ignore"):
                predicted = mutation.compute(sample.args, sample.dout)
        except (ValueError, IndexError, TypeError):
            return False
        if not close(sample.given, predicted):
            return False
        explained += not close(predicted, sample.true)
    return explained > 0
