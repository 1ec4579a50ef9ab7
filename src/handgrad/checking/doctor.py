"""The doctor's doors: check a pair of functions, a loss, a rule, or all that a file holds."""

from __future__ import annotations

import difflib
import functools
import os
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from . import discover
from .cases import Case, cases_of, known_layers
from .discover import Found
from .examine import examine
from .report import Report, finding
from .sandbox import Failure
from .subject import Layer, Loss, parameter_names, positional_count

Function = Callable[..., Any]


def check(
    forward: Function,
    backward: Function | None,
    like: str | None = None,
    *,
    inputs: Sequence[Any] | None = None,
    answers: bool = True,
    seed: int = 0,
    name: str | None = None,
    course: str | None = None,
) -> Report:
    """Examine a forward and a backward function.

    Parameters
    ----------
    forward : callable
        ``forward(*arguments) -> (out, cache)``.
    backward : callable or None
        ``backward(dout, cache) -> gradients``, one for each float array among the arguments, in order.
    like : str, optional
        The layer that they should be, such as ``'conv'``; by default what the name of forward says.
    inputs : sequence, optional
        Arguments of forward: float64 arrays get a gradient. Needed for a layer that is not known, which is
        then held to the derivative of its own forward.
    answers : bool, default True
        False holds a known layer to laws only, and uses no reference.
    seed : int, default 0
        Of the numbers that it is tried on.
    name : str, optional
        Title of the report.
    course : {'stanford', 'ucla', 'utah'}, optional
        Stanford's dropout takes the probability to keep, the others' the probability to drop (default).

    Returns
    -------
    report : handgrad.checking.report.Report

    Raises
    ------
    ValueError
        When `like` is no known layer, or neither it nor `inputs` is given.

    Examples
    --------
    >>> def relu_forward(x):
    ...     return np.maximum(x, 0), x
    >>> def relu_backward(dout, x):
    ...     return dout * (dout > 0)
    >>> report = check(relu_forward, relu_backward)
    >>> report.verdict, report.findings[0].mistake
    ('wrong', 'mask-of-dout')
    """
    title = name or ", ".join(_name(f) for f in (forward, backward) if f is not None)
    if inputs is not None and like is None:
        return examine(
            title,
            Layer(forward, backward),
            None,
            _given(inputs, parameter_names(forward)),
            answers=False,
            seed=seed,
        )
    layer = _layer(like, forward)
    cases = cases_of(layer, seed)
    if inputs is not None:
        cases = _given(inputs, list(cases[0].args))
    subject = Layer(_of_course(course, layer, forward), backward)
    return examine(title, subject, layer, cases, answers=answers, seed=seed)


def check_loss(
    function: Function,
    like: str | None = None,
    *,
    answers: bool = True,
    seed: int = 0,
    name: str | None = None,
) -> Report:
    """Examine a loss: ``function(scores, y) -> (loss, dscores)``, or the courses' ``(W, X, y, reg)``.

    Parameters
    ----------
    function : callable
    like : {'softmax_loss', 'svm_loss'}, optional
        By default what its name says.
    answers, seed, name
        As for `check`.
    """
    loss = like or discover.loss_of(_name(function))
    if loss not in ("softmax_loss", "svm_loss"):
        raise ValueError(f"like must be 'softmax_loss' or 'svm_loss', got {like!r}")
    linear = positional_count(function) == 4
    cases = cases_of("linear_loss" if linear else loss, seed)
    layer = f"linear_{loss}" if linear else loss
    return examine(name or _name(function), Loss(function), layer, cases, answers=answers, seed=seed)


def check_module(
    source: str | os.PathLike[str] | ModuleType,
    layer: str | None = None,
    *,
    answers: bool = True,
    seed: int = 0,
    course: str | None = None,
) -> list[Report]:
    """Examine every function of a file, folder or module that has one of the courses' names.

    Parameters
    ----------
    source : path or module
    layer : str, optional
        Examine this layer, loss or rule only.
    answers, seed, course
        As for `check`.

    Raises
    ------
    ValueError
        When the path leads to no Python file, or there is nothing to examine in it.
    """
    label = source.__name__ if isinstance(source, ModuleType) else os.fspath(source)
    try:
        modules = discover.load(source)
    except Failure as failure:
        return [Report(label, [finding("raises", "import", failure.evidence(), severity="broken")])]
    found = discover.find(modules, layer)
    if not found:
        what = f"function of the layer {layer!r}" if layer else "function with a name such as conv_forward"
        raise ValueError(f"there is no {what} in {label}")
    return [_check_found(one, answers, seed, course) for one in found]


def _check_found(found: Found, answers: bool, seed: int, course: str | None) -> Report:
    if found.kind == "loss":
        return check_loss(found.forward, found.like, answers=answers, seed=seed, name=found.name)  # type: ignore[arg-type]
    if found.kind == "rule":
        return check_rule(found.forward, found.like, answers=answers, name=found.name)  # type: ignore[arg-type]
    if found.forward is None:
        words = "there is no forward beside it, and a cache comes from forward only"
        return Report(found.name, [finding("raises", "forward", words, severity="broken")])
    return check(
        found.forward, found.backward, found.like, answers=answers, seed=seed, name=found.name, course=course
    )


def check_rule(
    rule: Function, like: str | None = None, *, answers: bool = True, name: str | None = None
) -> Report:
    """Examine an update rule ``rule(w, dw, config) -> (next_w, config)`` over several steps.

    Parameters
    ----------
    rule : callable
    like : str, optional
        ``'adam'``, ``'sgd_momentum'``, ...; by default what its name says.
    answers, name
        As for `check`.
    """
    from .rules import examine_rule

    known = like or _name(rule)
    if known not in discover.RULES:
        raise ValueError(f"like must be one of {', '.join(discover.RULES)}, got {known!r}")
    return examine_rule(name or _name(rule), rule, known, answers=answers)


def _of_course(course: str | None, layer: str, forward: Function) -> Function:
    if course not in (None, "stanford", "ucla", "utah"):
        raise ValueError(f"course must be 'stanford', 'ucla' or 'utah', got {course!r}")
    if course != "stanford" or layer != "dropout":
        return forward

    @functools.wraps(forward)
    def keeping(x: np.ndarray, dropout_param: dict[str, Any]) -> Any:
        return forward(x, {**dropout_param, "p": 1 - dropout_param["p"]})

    return keeping


def _layer(like: str | None, forward: Function) -> str:
    if like is None:
        split = discover.layer_of(_name(forward))
        if split is None:
            raise ValueError("like or inputs must be given: the name of forward is that of no known layer")
        return split[0]
    if like not in known_layers():
        close = difflib.get_close_matches(like, known_layers(), n=1)
        nearest = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known_layers())}"
        raise ValueError(f"like has no option {like!r}{nearest}")
    return like


def _given(inputs: Sequence[Any], names: list[str]) -> list[Case]:
    """Return the one case of given arguments, by the names of their parameters where there are enough."""
    if len(names) < len(inputs):
        names = [f"input{k}" for k in range(len(inputs))]
    return [Case({name: _in_double(value) for name, value in zip(names, inputs, strict=False)})]


def _in_double(value: Any) -> Any:
    is_float = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return value.astype(np.float64) if is_float else value


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
