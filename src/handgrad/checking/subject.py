"""The learner's functions as the doctor calls them, and what came out of one case."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import sandbox
from .cases import Args, Case
from .sandbox import Failure


class BadResult(Failure):
    """A result of the wrong kind: no tuple, too few gradients."""

    def __init__(self, message: str) -> None:
        super().__init__("result", message, "")

    def evidence(self) -> str:
        """Return what is wrong with the result."""
        return str(self).removeprefix("result: ")


@dataclass(eq=False)
class Run:
    """One case: the outputs by name, or the failure and the pass in which it came.

    Attributes
    ----------
    outputs : dict of ndarray
        ``out`` (or ``loss``), ``running_mean`` and ``running_var`` where they were written, ``dx``, ...
    changed : dict
        Inputs that a pass changed, by name, with the pass.
    """

    case: Case
    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    dout: np.ndarray | None = None
    cache: Any = None
    args: Args = field(default_factory=dict)
    failure: Failure | None = None
    stage: str = ""
    changed: dict[str, str] = field(default_factory=dict)


class Layer:
    """A forward and a backward function."""

    first = "out"

    def __init__(self, forward: Callable[..., Any], backward: Callable[..., Any] | None) -> None:
        self.forward_function, self.backward_function = forward, backward
        self.functions = [f for f in (forward, backward) if f is not None]
        self.too_slow: dict[Any, Failure] = {}
        self._accepted = positional_count(forward)
        self._names = parameter_names(forward)

    def _call(self, function: Any, *args: Any) -> Any:
        """Call a function; one that took too long once is not called again."""
        if function in self.too_slow:
            raise self.too_slow[function]
        try:
            return sandbox.call(function, *args)
        except Failure as failure:
            if failure.kind == "TimeLimit":
                self.too_slow[function] = failure
            raise

    def positional(self, args: Args) -> list[Any]:
        """Return the arguments that forward has parameters for."""
        if set(args) <= set(self._names):
            return [args[name] for name in self._names if name in args]  # courses differ in the order
        values = list(args.values())
        if len(values) > self._accepted:  # a learner's leaky relu may know its slope by itself
            values = values[: self._accepted]
        return values

    def forward(self, args: Args) -> tuple[np.ndarray, Any]:
        """Return out and the cache; Failure when there are none."""
        result = self._call(self.forward_function, *self.positional(args))
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise BadResult(f"forward must return (out, cache), got {_kind(result)}")
        return _array(result[0], "forward's out"), result[1]

    def backward(self, dout: np.ndarray, cache: Any, names: list[str]) -> dict[str, np.ndarray]:
        """Return the gradients by name."""
        result = self._call(self.backward_function, dout, cache)
        if not isinstance(result, tuple | list):
            result = (result,)
        if len(result) != len(names):
            wanted = ", ".join(names)
            raise BadResult(f"backward must return {len(names)} ({wanted}), got {len(result)} results")
        return {name: _array(value, name) for name, value in zip(names, result, strict=True)}

    def value(self, args: Args) -> np.ndarray:
        """Return forward's output alone, to be differentiated."""
        return self.forward(args)[0]

    def run(self, case: Case, dout: np.ndarray | None = None, *, seed: int = 0) -> Run:
        """Run both passes on a case; never raises for the learner's errors."""
        args = case.copy_args()
        run = Run(case, args=args, stage="forward")
        try:
            out, run.cache = self.forward(args)
            run.outputs["out"] = np.array(out)
            _note_changes(run, case.args, args, "forward")
            _add_running(run, case, args)
            if self.backward_function is None or not case.backward:
                return run
            run.stage = "backward"
            run.dout = draw_dout(out, seed) if dout is None else dout
            given = run.dout.copy(order="K")
            grads = self.backward(given, run.cache, ["d" + name for name in case.arrays])
            run.outputs.update({name: np.array(value) for name, value in grads.items()})
            _note_changes(run, case.args, args, "backward")
            if not np.array_equal(given, run.dout):
                run.changed["dout"] = "backward"
        except Failure as failure:
            run.failure = failure
        return run


class Loss(Layer):
    """A loss: one function that returns the loss and the gradient of its first array."""

    first = "loss"

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function, None)

    def forward(self, args: Args) -> tuple[np.ndarray, Any]:
        """Return the loss, and the gradient in place of a cache."""
        result = self._call(self.forward_function, *self.positional(args))
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise BadResult(f"a loss must return (loss, gradient), got {_kind(result)}")
        loss = _array(result[0], "the loss")
        if loss.size != 1:
            raise BadResult(f"the loss must be one number, got shape {loss.shape}")
        return loss.reshape(()), result[1]

    def run(self, case: Case, dout: np.ndarray | None = None, *, seed: int = 0) -> Run:
        """Run the loss on a case."""
        args = case.copy_args()
        run = Run(case, args=args, stage="forward", dout=np.array(1.0))
        try:
            loss, gradient = self.forward(args)
            run.outputs = {"loss": np.array(loss), "d" + case.arrays[0]: _array(gradient, "the gradient")}
            _note_changes(run, case.args, args, "the call")
        except Failure as failure:
            run.failure = failure
        return run


def draw_dout(out: np.ndarray, seed: int = 0) -> np.ndarray:
    """Draw an upstream gradient; no number is near zero, and both signs come."""
    drawn = np.random.default_rng(1000 + seed).standard_normal(np.shape(out))
    return drawn + 0.1 * np.sign(drawn)


def positional_count(function: Callable[..., Any]) -> int:
    """Return how many positional arguments a function takes; 99 when any number."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 99
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return 99
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def parameter_names(function: Callable[..., Any]) -> list[str]:
    """Return the names of a function's positional parameters, in their order."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _array(value: Any, what: str) -> np.ndarray:
    if value is None:
        raise BadResult(f"{what} is None")
    try:
        array = np.asanyarray(value)
    except ValueError:
        raise BadResult(f"{what} is no array but {_kind(value)}") from None
    if array.dtype.kind not in "fciub":
        raise BadResult(f"{what} must be an array of numbers, got {_kind(value)}")
    return array


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, tuple | list):
        return f"{len(value)} values"
    return type(value).__name__


def _note_changes(run: Run, before: Args, after: Args, stage: str) -> None:
    for name, value in before.items():
        if isinstance(value, np.ndarray):
            if not np.array_equal(value, after[name], equal_nan=True):
                run.changed.setdefault(name, stage)
        elif isinstance(value, dict):
            for key, item in value.items():
                same = np.array_equal(item, after[name].get(key)) if key in after[name] else False
                if not same and key not in ("running_mean", "running_var", "seed"):
                    run.changed.setdefault(f"{name}[{key!r}]", stage)


def _add_running(run: Run, case: Case, args: Args) -> None:
    param = case.args.get("bn_param")
    if param is None:
        return
    for key in ("running_mean", "running_var"):
        if key in args["bn_param"]:
            name = key if param.get("mode") == "train" else f"{key} at test time"
            run.outputs[name] = np.array(args["bn_param"][key])


def args_with(args: Args, name: str, value: Any) -> Args:
    """Return a deep copy of the arguments with one replaced."""
    changed = copy.deepcopy(args)
    changed[name] = value
    return changed
