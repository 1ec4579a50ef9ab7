"""Mistakes of gradients that are sums of dout over some axes: a bias, beta."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from ..cases import Args
from .mutation import Mutation


def bias_mutations(
    output: str, letters: str, axis: int, mistake: str = "bias-wrong-axes", shaped: bool = False
) -> list[Mutation]:
    """Return wrong sums of dout whose right sum leaves `axis` over.

    Parameters
    ----------
    output : str
        Name of the gradient.
    letters : str
        Name of each axis of dout.
    axis : int
        The axis that the bias runs along.
    """
    rest = tuple(k for k in range(len(letters)) if k != axis)
    found = []
    for axes in _subsets(len(letters)):
        if axes == rest:
            continue
        words = f"dout is summed over {', '.join(letters[k] for k in axes) or 'nothing'}"
        found.append(Mutation(mistake, output, _summed(axes), words))
    for axes in _subsets(len(rest)):
        kept = tuple(rest[k] for k in axes)
        if kept and kept != rest:
            words = (
                f"dout is summed over {', '.join(letters[k] for k in kept)} and the last of the others stays"
            )
            found.append(Mutation(mistake, output, _one_of_others(kept, axis, -1), words))
            found.append(
                Mutation(mistake, output, _one_of_others(kept, axis, 0), words.replace("last", "first"))
            )
    found.append(
        Mutation(mistake, output, _one_of_others((), axis, -1), "only the last number of dout stays")
    )
    found.append(
        Mutation(mistake, output, _one_of_others((), axis, 0), "only the first number of dout stays")
    )
    found.append(Mutation(mistake, output, lambda a, d: np.zeros(d.shape[axis]), "it is zero"))
    found.append(Mutation(mistake, output, lambda a, d: np.ones(d.shape[axis]), "it is one everywhere"))
    found.append(
        Mutation(
            mistake,
            output,
            lambda a, d: np.full(d.shape[axis], d.sum()),
            "everything is summed into each number",
        )
    )
    return found


def _subsets(count: int) -> Iterator[tuple[int, ...]]:
    for size in range(count + 1):
        yield from combinations(range(count), size)


def _summed(axes: tuple[int, ...]) -> Any:
    return lambda args, dout: np.sum(dout, axis=axes)


def _one_of_others(axes: tuple[int, ...], axis: int, which: int) -> Any:
    one = slice(which, None if which else 1)

    def compute(args: Args, dout: np.ndarray) -> np.ndarray:
        cut: list[Any] = [slice(None) if k in (*axes, axis) else one for k in range(dout.ndim)]
        return np.sum(dout[tuple(cut)], axis=tuple(k for k in range(dout.ndim) if k != axis))

    return compute
