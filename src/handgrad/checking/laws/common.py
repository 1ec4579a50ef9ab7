"""What laws share: calling a forward on changed arguments, and telling a broken law."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..cases import Args
from ..sandbox import Failure
from ..subject import Run

EXACT = 1e-6


def good_runs(state: Any) -> Iterator[Run]:
    """Yield the runs whose forward came through with finite numbers."""
    first = state.subject.first
    for run in state.runs:
        if first in run.outputs and np.isfinite(run.outputs[first]).all():
            yield run


def value(state: Any, run: Run, **changed: Any) -> np.ndarray | None:
    """Return forward's output on a run's arguments with some replaced; None where it fails."""
    args: Args = run.case.copy_args()
    args.update({k: np.array(v) if isinstance(v, np.ndarray) else v for k, v in changed.items()})
    try:
        return np.array(state.subject.value(args), dtype=float)
    except Failure:
        return None


def near(a: np.ndarray, b: np.ndarray, tolerance: float = EXACT) -> bool:
    """Return whether two arrays agree to a share of their scale; False for unlike shapes."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    scale = max(float(np.max(np.abs(b), initial=0.0)), 1.0)
    return bool(np.all(np.abs(a - b) <= tolerance * scale))


def off(a: np.ndarray, b: np.ndarray) -> str:
    """Return a figure for how far two arrays are apart."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return f"shape {a.shape}, due is {b.shape}"
    return f"off by up to {float(np.max(np.abs(a - b), initial=0.0)):.2g}"
