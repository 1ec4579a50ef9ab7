"""Finding the edit of a worked solution that gives a learner's numbers."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ...cases import Args
from .. import sandwich
from ..mutation import Mutation, Sample, close
from ..worked import BY_LAYER
from .naming import UNNAMED, mistake_of, words_of
from .variants import Solution, Variant, Worked


def explain(layer: str, output: str, samples: list[Sample]) -> Mutation | None:
    """Return the edit that gives the learner's numbers on every sample, as a mutation; None without one.

    Parameters
    ----------
    layer, output : str
    samples : list of Sample
    """
    usable = [s for s in samples if s.given is not None]
    wrong = [s for s in usable if not close(s.given, s.true)]  # type: ignore[arg-type]
    if not wrong:
        return None
    first = min(wrong, key=lambda s: s.true.size)  # the cheapest goes first: most edits fail on it
    ordered = [first, *(s for s in usable if s is not first)]
    styles = _styles(layer, output, several=False)
    for style in styles:
        found = _first(style, ordered)
        if found is not None:
            others = (_first(other, ordered) for other in styles)
            return _told_twice(found, next((o for o in others if o is not None), None))
    repeated = (_first(style, ordered) for style in _styles(layer, output, several=True))
    return next((one for one in repeated if one is not None), None)


def _first(group: Iterable[Mutation], samples: list[Sample]) -> Mutation | None:
    return next((m for m in group if all(_gives(m, sample) for sample in samples)), None)


def _told_twice(found: Mutation, other: Mutation | None) -> Mutation:
    """Add how the same slip looks in another style: which of them the learner writes is not known."""
    if other is None or other.words == found.words:
        return found
    return replace(found, words=f"{found.words} (in another style: {other.words})")


def _gives(mutation: Mutation, sample: Sample) -> bool:
    try:
        with np.errstate(all="ignore"):
            predicted = np.asarray(mutation.compute(sample.args, sample.dout))
    except Exception:  # an edit may fail in any way
        return False
    return predicted.dtype != object and close(sample.given, predicted)  # type: ignore[arg-type]


def mutations(layer: str, output: str) -> Iterator[Mutation]:
    """Yield the edits of a layer's worked solutions that can change an output."""
    for several in (False, True):  # one slip at one place, in whatever style, before one slip at several
        for style in _styles(layer, output, several):
            yield from style


def _styles(layer: str, output: str, several: bool) -> Iterator[Iterable[Mutation]]:
    """Yield the edits of one worked solution after the other: those at one place, or those at several."""
    if layer in sandwich.PIECES and several:
        yield sandwich.edited(layer, output, _first_solutions)
    name = output.partition(" ")[0]
    for worked in BY_LAYER.get(layer, ()):
        if name in _outputs(worked.solution):
            yield _of(worked, name, several)


def _first_solutions(piece: str, output: str) -> Iterator[Mutation]:
    """Yield the edits of one worked solution only: in a sandwich each costs the pieces around it."""
    for worked in BY_LAYER.get(piece, ()):
        if output in _outputs(worked.solution):
            for several in (False, True):
                yield from _of(worked, output, several)
            return


@functools.cache
def _of(worked: Worked, output: str, several: bool) -> tuple[Mutation, ...]:
    parameters = tuple(inspect.signature(worked.solution).parameters)
    return tuple(
        Mutation(_mistake(worked, v, output), output, _compute(v, output, parameters), words_of(v))
        for v in worked.variants
        if v.several == several
    )


def _mistake(worked: Worked, variant: Variant, output: str) -> str:
    """Return the id of a variant; an output of backward is not blamed for being no right forward."""
    mistake = mistake_of(worked, variant)
    return UNNAMED if mistake == "forward-wrong" and output.startswith("d") else mistake


def _compute(variant: Variant, output: str, parameters: tuple[str, ...]) -> Any:
    def compute(args: Args, dout: np.ndarray) -> np.ndarray:
        named = {name: dout if name == "dout" else args[name] for name in parameters}
        return np.asarray(variant(**named)[output])

    return compute


@functools.cache
def _outputs(solution: Solution) -> frozenset[str]:
    """Return the names of what a solution returns."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(solution)))
    returned = next(node for node in ast.walk(tree) if isinstance(node, ast.Return))
    keys = returned.value.keys if isinstance(returned.value, ast.Dict) else []
    names = {str(key.value) for key in keys if isinstance(key, ast.Constant)}
    extra = {"dgamma", "dbeta"} if "dx" in names else {"running_mean", "running_var"}
    return frozenset(names | extra if None in keys else names)
