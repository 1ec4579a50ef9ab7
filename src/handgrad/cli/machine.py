"""The machine that computes: what it is, and what it is told to use."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from handgrad._version import __version__

ENVIRONMENT = (
    "HANDGRAD_BACKEND",
    "HANDGRAD_NUM_THREADS",
    "HANDGRAD_ISA",
    "HANDGRAD_WINOGRAD",
    "HANDGRAD_PRECISION",
    "HANDGRAD_DATA",
)
"""The environment variables that Handgrad reads."""


def choose(backend: str | None, threads: int | None) -> None:
    """Let a tier compute, and its native kernels on so many threads; None leaves the choice as it is.

    Raises
    ------
    ValueError, TypeError
        When there is no such tier, or the number is none of threads.
    """
    import handgrad

    if threads is not None:
        handgrad.set_num_threads(threads)
    if backend is not None:
        handgrad.use_backend(backend)


def facts() -> dict[str, Any]:
    """Return what a reader of timings and numbers wants to know of this machine."""
    import numpy as np

    import handgrad

    return {
        "handgrad": __version__,
        "backend": handgrad.get_backend(),
        "threads": handgrad.get_num_threads(),
        "instruction_set": instruction_set(),
        "cpu": cpu(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": blas(),
    }


def instruction_set() -> str:
    """Return the one of the native kernels; empty where there is no extension."""
    from handgrad.backend import extension

    return str(extension.isa()) if extension else ""


def usable_cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu() -> str:
    """Return the name of the processor, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def blas() -> str:
    """Return name and version of the library of NumPy's matrix products."""
    import numpy as np

    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()
