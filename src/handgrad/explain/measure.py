"""The time of each step of a network in training, measured."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from typing import Any

import numpy as np

from handgrad.explain.memory import images
from handgrad.models import ConvNet
from handgrad.models.steps import Chain, Residual, Step

_REPEATS = 5
Clock = dict[str, float]


def measured(net: ConvNet, batch: int, repeats: int = _REPEATS) -> tuple[dict[str, float], float]:
    """Return the seconds of each step by its name, and of the whole of ``net.loss(X, y)``: medians.

    The first run, in which memory is made, does not count.
    """
    X, y = images(net, batch)
    runs: list[Clock] = []
    whole: list[float] = []
    steps = net.steps
    try:
        for _ in range(repeats + 1):
            clock: Clock = defaultdict(float)
            net.steps = _timed(steps, clock)
            start = time.perf_counter()
            net.loss(X, y)
            whole.append(time.perf_counter() - start)
            runs.append(clock)
    finally:
        net.steps = steps
    seconds = {name: statistics.median(clock[name] for clock in runs[1:]) for name in runs[0]}
    return seconds, statistics.median(whole[1:])


def _timed(chain: Chain, clock: Clock) -> Chain:
    return Chain([_Timed(step, clock) for step in chain.steps])  # type: ignore[misc]


class _Timed:
    """A step that adds its time to a clock; a residual block what it takes beside its layers."""

    def __init__(self, step: Step, clock: Clock) -> None:
        self.name, self.parameters, self._clock = step.name, step.parameters, clock
        self._step = step
        if isinstance(step, Residual):
            ways = _timed(step.main, clock), _timed(step.shortcut, clock)
            self._step = Residual(step.name, step.text, *ways, step.inputs, step.outputs)

    def forward(self, *args: Any) -> tuple[np.ndarray, Any]:
        return self._run(self._step.forward, args)

    def backward(self, *args: Any) -> Any:
        return self._run(self._step.backward, args)

    def _run(self, function: Any, args: tuple[Any, ...]) -> Any:
        others, start = sum(self._clock.values()), time.perf_counter()
        result = function(*args)
        inner = sum(self._clock.values()) - others
        self._clock[self.name] += time.perf_counter() - start - inner
        return result
