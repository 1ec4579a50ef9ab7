"""Whole training steps of four nets on this machine, in each tier: a quick form of the benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

import handgrad
from handgrad import backend
from handgrad.explain.explanation import explain
from handgrad.explain.memory import images
from handgrad.models import ConvNet
from handgrad.training.optim import adam

# Those of benchmarks/nets.py: the courses' net, wider with small filters, with batch norm, and a deep one.
NETS: dict[str, tuple[str, int]] = {
    "A": ("conv7-32 - relu - pool2 - affine500 - relu - affine - softmax", 50),
    "B": ("conv3-64 - relu - pool2 - affine500 - relu - affine - softmax", 500),
    "C": ("conv3-70 - bn - relu - pool2 - affine500 - bn - relu - affine - softmax", 512),
    "D": (" - ".join(2 * f"conv3-{f} - bn - relu - " + "pool2" for f in (64, 128, 256)) + " - affine", 128),
}
_FEWEST = 2  # steps
_REST = 0.2  # seconds


class Timing(NamedTuple):
    """The time of a step of one net in one tier.

    Attributes
    ----------
    net : str
        Its letter in `NETS`.
    spec : str
    batch : int
    tier : str
    steps : int
        How many were timed.
    median, low, high : float
        Seconds: the median, and where a tenth and nine tenths of the steps lie.
    predicted : float
        Seconds in which the machine could compute and move what the net asks for, layer by layer.
    """

    net: str
    spec: str
    batch: int
    tier: str
    steps: int
    median: float
    low: float
    high: float
    predicted: float

    @property
    def images_per_second(self) -> float:
        """How many images a second are trained on."""
        return self.batch / self.median


def bench(nets: str = "ABCD", seconds: float = 100.0) -> Iterator[Timing]:
    """Time training steps (forward, loss, backward, L2, Adam) in float32.

    Parameters
    ----------
    nets : str, default 'ABCD'
        Letters of `NETS`.
    seconds : float, default 100
        About how long it shall take; each net and tier takes two steps at the least.

    Returns
    -------
    iterator of Timing
        For each net, the native tier where it is there, then NumPy's.

    Raises
    ------
    ValueError
        For a letter that is none of `NETS`.
    """
    for net in nets:
        if net not in NETS:
            raise ValueError(f"nets must be letters of {''.join(NETS)}, got {nets!r}")
    tiers = [tier for tier in ("native", "numpy") if tier in backend.TIERS]
    return (timing for net in nets for timing in _timings(net, tiers, seconds / len(nets)))


def _timings(net: str, tiers: Sequence[str], seconds: float) -> Iterator[Timing]:
    spec, batch = NETS[net]
    for tier in tiers:
        # One tier after the other: NumPy's threads go on spinning for a while, and would slow down the next.
        time.sleep(_REST)
        with handgrad.use_backend(tier):
            predicted = explain(spec, batch=batch).predicted_seconds
            times = _times(_step(spec, batch), seconds / len(tiers))
        low, median, high = (float(value) for value in np.percentile(times, [10, 50, 90]))
        yield Timing(net, spec, batch, tier, len(times), median, low, high, predicted)


def _times(step: Callable[[], None], seconds: float) -> list[float]:
    """Return the time of each step for so many seconds; two that make their memory go before."""
    for _ in range(_FEWEST):
        step()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < _FEWEST or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return times


def _step(spec: str, batch: int) -> Callable[[], None]:
    net = ConvNet(spec, reg=1e-4, seed=0)
    X, y = images(net, batch)
    configs = {name: {"learning_rate": 1e-7} for name in net.params}

    def step() -> None:
        with handgrad.factored_gradients():  # as the Solver does
            _, grads = net.loss(X, y)
        for name, grad in grads.items():
            net.params[name], configs[name] = adam(net.params[name], grad, configs[name])

    return step
