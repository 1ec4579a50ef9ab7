"""``handgrad bench``."""

from __future__ import annotations

from typing import Annotated

import typer

from handgrad.cli import machine
from handgrad.cli.options import Threads
from handgrad.cli.output import Output


def command(
    nets: Annotated[str, typer.Option(metavar="LETTERS", help="Which of the nets A, B, C and D.")] = "ABCD",
    seconds: Annotated[float, typer.Option(metavar="S", help="About how long it shall take.")] = 100.0,
    threads: Threads = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the same as JSON.")] = False,
) -> None:
    """Time training steps of four nets on this machine, in each tier. Let nothing else run meanwhile."""
    from handgrad.explain import probe
    from handgrad.explain.bench import NETS, bench

    machine.choose(None, threads)
    output = Output(as_json)
    running = bench(nets.upper(), seconds)
    for letter, (spec, batch) in NETS.items():
        if letter in nets.upper():
            output.line(f"{letter}  {spec}, batches of {batch}")
    output.line()
    timings = list(running)
    columns = ("net", "tier", "steps", "median ms", "10 % to 90 %", "images/s", "predicted ms")
    output.table(
        columns,
        [
            (
                t.net,
                t.tier,
                str(t.steps),
                f"{1e3 * t.median:.1f}",
                f"{1e3 * t.low:.1f} to {1e3 * t.high:.1f}",
                f"{t.images_per_second:.0f}",
                f"{1e3 * t.predicted:.1f}",
            )
            for t in timings
        ],
        numbers=5,
    )
    rates = probe()
    output.line()
    output.line(
        f"This machine: {rates.gflops:.0f} GFLOP/s of multiply-adds, {rates.gigabytes:.0f} GB/s of copying, "
        f"{rates.threads} threads. Predicted is the time in which it could do what the net asks for."
    )
    output.line("Beside other frameworks: make bench, in the sources.")
    output.result({"machine": rates._asdict(), "timings": [t._asdict() for t in timings]})
