"""A learner's functions inside a whole network: the first layer that parts from ours is named."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad import layers
from handgrad.layers.overrides import use_layer

from . import sandbox
from .geography import describe, letters_of
from .models import in_float64
from .report import Report, finding
from .sandbox import Failure

Entry = tuple[str, int]
Trace = dict[Entry, dict[str, np.ndarray]]
TOLERANCE = 1e-6
_SEVERAL = ("dx", "dw", "db")


def check_in_network(model: Any, X: np.ndarray, y: np.ndarray, **functions: Callable[..., Any]) -> Report:
    """Swap functions into a model of ours and name the first layer call whose numbers part.

    Parameters
    ----------
    model : object
        A model of `handgrad.models`; a copy of it computes, in float64.
    X, y : ndarray
        A batch.
    **functions : callable
        As for `handgrad.use_layer`: ``conv_backward=mine``.

    Returns
    -------
    report : handgrad.checking.report.Report

    Examples
    --------
    >>> import numpy as np
    >>> from handgrad.models import TwoLayerNet
    >>> net = TwoLayerNet(input_dim=4, hidden_dim=5, num_classes=3, weight_scale=0.5, seed=0)
    >>> X, y = np.random.default_rng(0).standard_normal((6, 4)), np.array([0, 1, 2, 0, 1, 2])
    >>> def relu_backward(dout, cache):
    ...     return dout
    >>> report = check_in_network(net, X, y, relu_backward=relu_backward)
    >>> report.verdict, report.findings[0].where
    ('wrong', 'relu_backward, call 1 of 1: dx')
    """
    report = Report(f"{type(model).__name__} with {', '.join(functions)}")
    model = _unsettled(in_float64(model))
    ours = _trace(model, X, y, {})
    try:
        theirs = sandbox.call(_trace, model, X, y, functions, limit=60.0)
    except Failure as failure:
        report.findings.append(finding("raises", "network", failure.evidence(), severity="broken"))
        return report
    counts = {name: sum(entry[0] == name for entry in ours) for name, _ in ours}
    for entry, outputs in ours.items():
        words = _parting(outputs, theirs.get(entry))
        if words:
            output, place = words
            where = f"{entry[0]}, call {entry[1]} of {counts[entry[0]]}: {output}"
            hint = (
                ""
                if entry[0] in functions
                else f"{entry[0]} itself is ours: what it is given is already wrong."
            )
            report.findings.append(finding("wrong-unknown", where, place, hint))
            break
    return report


def _unsettled(model: Any) -> Any:
    """Return a copy whose constant parameters (biases, gammas) are moved, lest they hide a mistake."""
    own, rng = copy.deepcopy(model), np.random.default_rng(29)
    for name, value in own.params.items():
        if value.size and np.ptp(value) == 0:
            own.params[name] = value + (0.1 * rng.standard_normal(value.shape)).astype(value.dtype)
    return own


def _trace(model: Any, X: np.ndarray, y: np.ndarray, functions: dict[str, Any]) -> Trace:
    """Run the model's loss and note what every layer function returned, in order."""
    trace: Trace = {}
    watched = {
        name: _watching(name, functions.get(name, getattr(layers, name)), trace) for name in layers.__all__
    }
    own = copy.deepcopy(model)
    with use_layer(**watched):
        own.loss(X.copy(), y.copy())
    return trace


def _watching(name: str, function: Callable[..., Any], trace: Trace) -> Callable[..., Any]:
    @functools.wraps(function)
    def watch(*args: Any, **options: Any) -> Any:
        result = function(*args, **options)
        number = 1 + sum(entry[0] == name for entry in trace)
        trace[name, number] = _outputs(name, result)
        return result

    return watch


def _outputs(name: str, result: Any) -> dict[str, np.ndarray]:
    if name.endswith("_forward"):
        return {"out": np.array(result[0])}
    if name.endswith("_loss"):
        return {"loss": np.array(result[0]), "dx": np.array(result[1])}
    results = result if isinstance(result, tuple | list) else (result,)
    names = _SEVERAL if len(results) <= len(_SEVERAL) else tuple(f"result {k}" for k in range(len(results)))
    return {n: np.array(v) for n, v in zip(names, results, strict=False) if v is not None}


def _parting(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray] | None) -> tuple[str, str] | None:
    if theirs is None:
        return None  # a replaced sandwich need not call its pieces
    largest = max((float(np.max(np.abs(value), initial=0.0)) for value in ours.values()), default=0.0)
    for name, true in ours.items():
        given = theirs.get(name)
        if given is None:
            continue
        if given.shape != true.shape:
            return name, f"shape {given.shape}, ours has {true.shape}"
        scale = max(float(np.max(np.abs(true), initial=0.0)), 1e-6 * largest, 1e-12)
        error = np.abs(given - true)
        if not np.all(error <= TOLERANCE * scale):
            place = describe(~(error <= TOLERANCE * scale), letters_of(name, true.ndim))
            return name, f"off by up to {np.nanmax(error):.2g} where ours reaches {scale:.2g}; wrong: {place}"
    return None
