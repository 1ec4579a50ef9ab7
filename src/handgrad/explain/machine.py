"""How fast this machine computes and copies: two short probes, from which times are predicted."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import numpy as np

from handgrad import backend
from handgrad.backend.threads import get_num_threads

_COPIED = 1 << 24  # bytes that a thread copies: more than caches near a core hold
_PROBED = 0.1  # seconds


class Machine(NamedTuple):
    """What a prediction rests on.

    Attributes
    ----------
    gflops : float
        Multiply-adds in float32 on all threads, two FLOPs each, in thousands of millions a second.
    gigabytes : float
        Bytes read or written a second while all threads copy, in thousands of millions.
    threads : int
    backend : str
        The tier in use.
    """

    gflops: float
    gigabytes: float
    threads: int
    backend: str

    def seconds(self, flops: float, moved: float, itemsize: int = 4) -> float:
        """Return the time in which neither rate is exceeded; float64 computes at half the rate."""
        return max(flops * itemsize / (4e9 * self.gflops), moved / (1e9 * self.gigabytes))


def probe() -> Machine:
    """Measure the machine with the threads and the tier in use; the second call remembers the first."""
    return _probe(get_num_threads(), backend.get_backend())


@cache
def _probe(threads: int, tier: str) -> Machine:
    native = tier == "native" and backend.extension is not None
    gflops = backend.extension.fma_gflops(_PROBED) if native else _product_gflops()
    return Machine(gflops, _copy_rate(threads), threads, tier)


def _product_gflops(side: int = 512) -> float:
    """Return the rate of NumPy's matrix product, which is what the tiers without kernels have."""
    a = np.ones((side, side), np.float32)
    return 2e-9 * side**3 / _best(lambda: a @ a)


def _copy_rate(threads: int) -> float:
    parts = [(np.ones(_COPIED, np.uint8), np.ones(_COPIED, np.uint8)) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        seconds = _best(lambda: list(pool.map(lambda pair: np.copyto(*pair), parts)))
    return 2e-9 * threads * _COPIED / seconds


def _best(call: object) -> float:
    """Return the shortest of the times that a call takes in a tenth of a second."""
    best, until = float("inf"), time.perf_counter() + _PROBED
    while time.perf_counter() < until:
        start = time.perf_counter()
        call()  # type: ignore[operator]
        best = min(best, time.perf_counter() - start)
    return best
