"""What every contestant does: train the nets that it is asked for, in bursts, and report each step's time."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

# One training step; returns the loss.
Step = Callable[[], float]


def serve(versions: dict[str, str], make: Callable[[str, str], Step], variants: list[str]) -> None:
    """Answer requests, one JSON object a line, until the input ends.

    {"net": "B", "variant": "nchw", "seconds": 0.5}  ->  {"times": [ms, ...]}
    {"net": "B", "variant": "nchw", "steps": 3}      ->  {"losses": [...]}  from the first weights on

    A step whose loss holds the penalty has it as its attribute `penalty`, to be taken off.
    """
    answer, sys.stdout = sys.stdout, sys.stderr  # what a framework prints must not come between
    steps: dict[tuple[str, str], Step] = {}

    def say(**message: object) -> None:
        print(json.dumps(message), file=answer, flush=True)

    say(versions=versions, variants=variants)
    for line in sys.stdin:
        request = json.loads(line)
        key = request["net"], request["variant"]
        if "steps" in request:
            say(losses=_losses(make(*key), request["steps"]))
            continue
        if key not in steps:
            steps = {key: make(*key)}  # one at a time: several nets would need their memory together
            for _ in range(3):
                steps[key]()
        say(times=_burst(steps[key], request["seconds"]))


def _losses(step: Step, count: int) -> list[float]:
    penalty = getattr(step, "penalty", float)
    losses = []
    for _ in range(count):
        before = penalty()
        losses.append(float(step()) - before)
    return losses


def _burst(step: Step, seconds: float) -> list[float]:
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - start))
    return times
