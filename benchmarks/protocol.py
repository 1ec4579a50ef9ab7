"""How everything here is timed, and on what."""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import handgrad
import handgrad.backend
from handgrad.cli.machine import cpu, usable_cores


def interleave(
    contestants: dict[str, Callable[[], object]], rounds: int, *, again: bool = False
) -> dict[str, np.ndarray]:
    """Return each contestant's times in milliseconds, one a round, after a round of warming up.

    With `again` each runs once more before it is timed, and so finds in the caches what it leaves there
    itself, not what the one before it left.
    """
    for run in contestants.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            if again:
                run()
            start = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: np.array(values) for name, values in times.items()}


def table(title: str, times: dict[str, np.ndarray]) -> str:
    """Return a Markdown table: median, spread, and the ratio to the fastest."""
    best = min(np.median(values) for values in times.values())
    lines = [f"### {title}", "", "| | median ms | 10 % to 90 % | times the fastest |", "|---|---:|---:|---:|"]
    for name, values in sorted(times.items(), key=lambda item: np.median(item[1])):
        low, median, high = np.percentile(values, [10, 50, 90])
        lines.append(f"| {name} | {median:.3g} | {low:.3g} to {high:.3g} | {median / best:.1f} |")
    return "\n".join([*lines, ""])


def machine(**versions: str) -> str:
    """Return the conditions: processor, threads, versions, commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    ).stdout.strip()
    rows = {
        "processor": cpu(),
        "CPUs": str(usable_cores()),
        "system": platform.platform(terse=True),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "Handgrad": f"{handgrad.__version__} ({commit})",
        **versions,
    }
    return "\n".join(f"- {name}: {value}" for name, value in rows.items()) + "\n"


def peak() -> dict[str, str]:
    """Return what this machine reaches at best: multiply-adds of all threads, and copying."""
    if handgrad.backend.extension is None:
        return {}
    a, b = (np.ones(1 << 26, np.float32) for _ in range(2))
    copies = interleave({"copy": lambda: np.copyto(a, b)}, 5)["copy"]
    return {
        "multiply-adds": f"{handgrad.backend.extension.fma_gflops(0.5):.0f} GFLOP/s in float32",
        "copy, one thread": f"{2e-6 * a.nbytes / np.median(copies):.1f} GB/s read and written",
    }
