"""Whole training steps of four nets, beside PyTorch, JAX and TensorFlow where they are installed.

Each contestant is a process of its own, so that no framework's threads disturb another's; they are visited
in turn.

python benchmarks/nets.py [--nets A B C D] [--rounds 8] [--threads 2] [--out results/2026-11-21-nets.md]
    [--python tensorflow=path/to/python]   for a framework that lives in another environment
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from protocol import machine, peak, table

sys.path.append(str(Path(__file__).parent / "contestants"))
from spec import NETS, gflop, notation

SCRIPTS = {
    "handgrad": "ournets.py",
    "pytorch": "torchnets.py",
    "jax": "jaxnets.py",
    "tensorflow": "tensorflownets.py",
}
# glibc keeps freed memory: the frameworks gain much by it, and users do not know it.
TUNED = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "68719476736", "MALLOC_TOP_PAD_": "268435456"}


class Contestant:
    """A process that trains on request."""

    def __init__(self, script: str, python: str, threads: int, tuned: bool) -> None:
        environment = {
            **os.environ,
            "BENCH_THREADS": str(threads),
            "OMP_NUM_THREADS": str(threads),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **(TUNED if tuned else {}),
        }
        path = Path(__file__).parent / "contestants" / script
        self._process = subprocess.Popen(
            [python, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        if threads < (os.cpu_count() or 1) and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self._process.pid, range(threads))
        hello = self._read()
        self.versions, self.variants = hello["versions"], hello["variants"]

    def ask(self, **request: object) -> dict:
        assert self._process.stdin is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._read()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> dict:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("it ended without an answer")
        return json.loads(line)


def start(threads: int, pythons: dict[str, str]) -> dict[str, Contestant]:
    """Return the contestants that start, the frameworks with the allocator as it is and tuned."""
    started: dict[str, Contestant] = {}
    for script in SCRIPTS:
        for tuned in (False,) if script == "handgrad" else (False, True):
            try:
                contestant = Contestant(SCRIPTS[script], pythons.get(script, sys.executable), threads, tuned)
            except RuntimeError:
                print(f"{script} is not installed", file=sys.stderr)
                break
            name = next(iter(contestant.versions))
            started[f"{name}, tuned allocator" if tuned else name] = contestant
    return started


def compete(
    net: str, contestants: dict[str, Contestant], rounds: int, seconds: float, skip: str
) -> dict[str, np.ndarray]:
    """Verify that all compute the same losses, then visit them in turn."""
    entries = [
        (name, contestant, variant)
        for name, contestant in contestants.items()
        for variant in contestant.variants
        if not skip or skip not in f"{name} {variant}"
    ]
    losses = {(n, v): c.ask(net=net, variant=v, steps=3)["losses"] for n, c, v in entries}
    right = next(values for (name, _), values in losses.items() if name != "Handgrad" or len(entries) == 1)
    for key, values in losses.items():
        if not np.allclose(values, right, rtol=2e-3):
            raise SystemExit(f"net {net}: {key} computes the losses {values}, others {right}")
    times: dict[str, list[float]] = {}
    for round_ in range(rounds + 1):
        for name, contestant, variant in entries:
            new = contestant.ask(net=net, variant=variant, seconds=seconds)["times"]
            if round_ > 0:  # the first is for warming up
                times.setdefault(f"{name} ({variant})", []).extend(new)
    return {name: np.array(values) for name, values in times.items()}


def verdict(times: dict[str, np.ndarray]) -> str:
    """Return our ratio to the fastest peer, as users run it and with the tuned allocator."""
    ours = min(np.median(values) for name, values in times.items() if name.startswith("Handgrad"))
    lines = []
    for label, among in (
        ("as users run them", lambda n: "tuned" not in n),
        ("with a tuned allocator", lambda n: "tuned" in n),
    ):
        peers = {n: np.median(t) for n, t in times.items() if not n.startswith("Handgrad") and among(n)}
        if peers:
            best = min(peers, key=peers.__getitem__)
            lines.append(f"Fastest peer {label}: {best}, {peers[best] / ours:.2f} times our time.")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=list(NETS))
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=0.4, help="length of a visit")
    parser.add_argument("--skip", default="", help="leave out whose name contains this, such as 'compiled'")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--python", nargs="*", default=[], metavar="FRAMEWORK=PATH")
    parser.add_argument("--out", help="file to write; default: the terminal")
    options = parser.parse_args()
    contestants = start(options.threads, dict(entry.split("=", 1) for entry in options.python))
    parts = []
    try:
        for net in options.nets:
            times = compete(net, contestants, options.rounds, options.seconds, options.skip)
            title = f"Net {net}: {notation(net)}; batch {NETS[net][0]}, {gflop(net):.1f} GFLOP"
            parts += [table(title, times), verdict(times)]
            print("\n".join(parts[-2:]), flush=True)
    finally:
        for contestant in contestants.values():
            contestant.stop()
    versions = {name: version for c in contestants.values() for name, version in c.versions.items()}
    versions.pop("Handgrad", None)
    versions.pop("NumPy", None)
    conditions = machine(**versions, threads=str(options.threads), **peak())
    print(conditions)
    if options.out:
        Path(options.out).write_text("\n".join([*parts, conditions]), encoding="utf-8")


if __name__ == "__main__":
    main()
