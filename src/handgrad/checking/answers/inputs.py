"""The right function of a wrong input: what was fed to it in place of an argument or of dout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..cases import Args
from ..subject import Run
from .mutation import Mutation, close
from .truth import Outputs, truth

Change = Callable[[np.ndarray], np.ndarray]
Changes = Iterator[tuple[str, str, str, Callable[[np.ndarray, Args], np.ndarray]]]
_NAMES = {"N": "samples", "C": "channels", "H": "rows", "W": "columns"}


def wrong_inputs(layer: str, output: str, runs: list[Run]) -> Mutation | None:
    """Return the change of one argument that makes the right function give the learner's numbers.

    Parameters
    ----------
    layer, output : str
    runs : list of Run
        Those that gave the output.
    """
    backward = output.startswith("d")
    usable = [r for r in runs if output in r.outputs and (r.dout is not None or not backward)]
    if not usable or layer == "dropout":
        return None
    right = {id(r): truth(layer, r.case, r.dout).get(output) for r in usable}
    wrong = [r for r in usable if right[id(r)] is not None and not close(r.outputs[output], right[id(r)])]  # type: ignore[arg-type]
    if not wrong:
        return None
    first = min(wrong, key=lambda r: r.case.args[r.case.arrays[0]].size)
    ordered = [first, *(r for r in usable if r is not first)]
    for name, mistake, words, change in _changes(first, output, "relu" not in layer):
        if all(_gives(layer, output, run, name, words, change) for run in ordered):
            return Mutation(mistake, output, lambda a, d: None, words)
    return None


def _gives(
    layer: str, output: str, run: Run, name: str, words: str, change: Callable[..., np.ndarray]
) -> bool:
    predicted = _results(layer, run, name, words, change)
    return output in predicted and close(run.outputs[output], np.asarray(predicted[output]))


_KNOWN: WeakKeyDictionary[Run, dict[str, Outputs]] = WeakKeyDictionary()


def _results(layer: str, run: Run, name: str, words: str, change: Callable[..., np.ndarray]) -> Outputs:
    """Return all that the right function gives for a changed argument; computed once for all outputs."""
    known = _KNOWN.setdefault(run, {})
    if words not in known:
        try:
            with np.errstate(all="ignore"):
                known[words] = _changed(layer, run, name, change)
        except (ValueError, IndexError, TypeError):
            known[words] = {}
    return known[words]


def _changed(layer: str, run: Run, name: str, change: Callable[..., np.ndarray]) -> Outputs:
    if name == "dout":
        return truth(layer, run.case, change(np.asarray(run.dout), run.case.args))
    if name == _SURROUNDINGS:
        return _surrounded(layer, run, change)
    args: Args = run.case.args | {name: change(run.case.args[name], run.case.args)}
    return truth(layer, replace(run.case, args=args), run.dout)


def _surrounded(layer: str, run: Run, pad: Callable[..., np.ndarray]) -> Outputs:
    """Return the results for images that were padded before, by something else than zeros."""
    param = run.case.args["conv_param"]
    around = param["pad"]
    args: Args = run.case.args | {
        "x": pad(run.case.args["x"], around),
        "conv_param": param | {"pad": 0},
    }
    results = truth(layer, replace(run.case, args=args), run.dout)
    rows, columns = run.case.args["x"].shape[2:]
    inside = (slice(around, around + rows), slice(around, around + columns))
    return {k: v[:, :, *inside] if k == "dx" else v for k, v in results.items()}


_SURROUNDINGS = "the surroundings"
_FILLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("copies of the nearest pixel", {"mode": "edge"}),
    ("the image mirrored, without its last row", {"mode": "reflect"}),
    ("the image mirrored", {"mode": "symmetric"}),
    ("the other side of the image", {"mode": "wrap"}),
    ("ones", {"constant_values": 1.0}),
    ("minus ones", {"constant_values": -1.0}),
    ("the mean of all pixels", {}),
)


def _labels() -> Changes:
    told = "the numbers are right for other labels"
    yield (
        "y",
        "wrong-index",
        f"{told}: the class of the largest score",
        lambda y, a: a["x"].argmax(axis=1),
    )
    yield "y", "wrong-index", f"{told}: those in reversed order", lambda y, a: y[::-1].copy()
    yield "y", "wrong-index", f"{told}: always the first class", lambda y, a: np.zeros_like(y)


def _fill(image: np.ndarray, around: int, options: dict[str, Any]) -> np.ndarray:
    given = options or {"constant_values": image.mean()}
    return np.pad(image, ((0, 0), (0, 0), (around, around), (around, around)), **given)


def _around() -> Changes:
    for words, options in _FILLS:
        yield (
            _SURROUNDINGS,
            "wrong-padding",
            f"around the image stand {words}",
            lambda a, k, o=options: _fill(a, k, o),  # type: ignore[misc]
        )


def _changes(run: Run, output: str, orders: bool) -> Changes:
    arrays = {name: run.case.args[name] for name in run.case.arrays}
    if output.startswith("d") and run.dout is not None:
        arrays = {"dout": run.dout, **arrays}
    if "conv_param" in run.case.args:
        yield from _around()
    if {"x", "y"} <= set(run.case.args):
        yield from _labels()
    for name, array in arrays.items():
        told = f"the numbers are right for another {name}"
        for mistake, words, change in _of_array(array.ndim, orders):
            yield name, mistake, f"{told}: {words.format(name=name)}", lambda a, _, c=change: c(a)  # type: ignore[misc]
        if "G" in run.case.args and name != "dout":
            yield name, "channels-mixed", f"{told}: its first group is used for all", _first_group


def _first_group(array: np.ndarray, args: Args) -> np.ndarray:
    return np.concatenate([np.split(array, args["G"], 1)[0]] * args["G"], 1)


def _of_array(ndim: int, orders: bool) -> Iterator[tuple[str, str, Change]]:
    yield "step-differs", "{name} is not used, ones stand for it", np.ones_like
    yield "step-differs", "{name} is not used, zeros stand for it", np.zeros_like
    yield "sign", "the sign of {name}", np.negative
    yield "step-differs", "the absolute value of {name}", np.abs
    yield "step-differs", "the square of {name}", np.square
    yield "step-differs", "the root of {name}", lambda a: np.sqrt(np.abs(a))
    for number in (2.0, 0.5):
        yield "step-differs", f"{{name}} times {number:g}", lambda a, k=number: k * a  # type: ignore[misc]
    yield "dtype-lost", "{name} cut off to whole numbers", np.trunc
    yield "dtype-lost", "{name} rounded to whole numbers", np.rint
    for axis in range(ndim):
        yield from _along(axis, ndim)
    yield (
        "wrong-axes",
        "the mean of all of {name} stands for each number",
        lambda a: np.full(a.shape, a.mean()),
    )
    if orders:  # which are many, and a sandwich is slow
        yield from _orders(ndim)


def _only(array: np.ndarray, which: int, axis: int) -> np.ndarray:
    """Return an array that is zero but for its first or its last along an axis."""
    kept = np.zeros_like(array)
    place = tuple(which if k == axis else slice(None) for k in range(array.ndim))
    kept[place] = array[place]
    return kept


def _along(axis: int, ndim: int) -> Iterator[tuple[str, str, Change]]:
    words = _NAMES["NCHW"[axis]] if ndim == 4 else f"axis {axis}"
    for step in (1, -1):
        yield "wrong-window", f"{{name}} moved by one along {words}", lambda a, s=step: np.roll(a, s, axis)  # type: ignore[misc]
    yield "reshape-order", f"{{name}} reversed along {words}", lambda a: np.flip(a, axis)
    for which, name in ((0, "first"), (-1, "last")):
        yield (
            "channels-mixed" if ndim == 4 and axis == 1 else "step-differs",
            f"only the {name} of {{name}} along {words} is used, for all",
            lambda a, k=which: np.broadcast_to(np.take(a, [k], axis), a.shape).copy(),  # type: ignore[misc]
        )
        yield (
            "overwrite-overlap" if which else "part-unused",
            f"only the {name} of {{name}} along {words} counts, the others not at all",
            lambda a, k=which: _only(a, k, axis),  # type: ignore[misc]
        )
    for parts in (2, 3):
        yield (
            "channels-mixed",
            f"the first part of {{name}} along {words} is used for the others too",
            lambda a, p=parts: np.concatenate([np.split(a, p, axis)[0]] * p, axis),  # type: ignore[misc]
        )
    yield (
        "wrong-axes",
        f"the sum of {{name}} over {words} stands for each",
        lambda a: np.broadcast_to(a.sum(axis=axis, keepdims=True), a.shape).copy(),
    )
    yield (
        "wrong-axes",
        f"the mean of {{name}} over {words} stands for each",
        lambda a: np.broadcast_to(a.mean(axis=axis, keepdims=True), a.shape).copy(),
    )


def _orders(ndim: int) -> Iterator[tuple[str, str, Change]]:
    letters = "NCHW" if ndim == 4 else "NDHW"[:ndim]
    for order in permutations(range(ndim)):
        if order == tuple(range(ndim)):
            continue
        back = tuple(np.argsort(order))
        words = f"{{name}} read in the order {''.join(letters[k] for k in order)}"
        yield "reshape-order", words, lambda a, o=order: a.transpose(o).reshape(a.shape)  # type: ignore[misc]
        yield (
            "reshape-order",
            f"the numbers of {{name}} laid out in the order {''.join(letters[k] for k in order)}",
            lambda a, o=order, b=back: a.reshape([a.shape[k] for k in o]).transpose(b),  # type: ignore[misc]
        )
