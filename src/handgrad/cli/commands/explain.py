"""``handgrad explain``."""

from __future__ import annotations

from typing import Annotated

import typer

from handgrad.cli import machine
from handgrad.cli.output import Output


def command(
    spec: Annotated[
        str,
        typer.Argument(
            metavar="SPEC", help="A network's text, such as '[conv3-64 - relu - pool2]x3 - affine'."
        ),
    ],
    batch: Annotated[int, typer.Option(metavar="NUMBER", help="Images in a step.")] = 128,
    input_dim: Annotated[
        str, typer.Option("--input", metavar="CxHxW", help="Channels, height and width of an image.")
    ] = "3x32x32",
    classes: Annotated[int, typer.Option(metavar="NUMBER", help="Classes.")] = 10,
    dtype: Annotated[str, typer.Option(help="float32 or float64")] = "float32",
    measure: Annotated[
        bool, typer.Option("--measure", help="Run some steps and measure each layer.")
    ] = False,
    backend: Annotated[str | None, typer.Option(help="Which tier computes (default: the fastest).")] = None,
    threads: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Threads of native kernels (default: one a core).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the same as JSON.")] = False,
) -> None:
    """Tell what a network costs to train: shapes, parameters, FLOPs, memory and time, layer by layer."""
    from handgrad.explain import explain

    machine.choose(backend, threads)
    found = explain(spec, _shape(input_dim), batch, classes, dtype, measure=measure)
    output = Output(as_json)
    output.line(found.title())
    output.line()
    output.table(found.columns(), found.cells(), numbers=len(found.columns()) - 2)
    output.line()
    for line in found.summary():
        output.line(line)
    output.result(found.to_dict())


def _shape(text: str) -> tuple[int, int, int]:
    sides = text.lower().replace(",", "x").split("x")
    if len(sides) != 3 or not all(side.strip().isdecimal() for side in sides):
        raise typer.BadParameter(
            f"it must be three whole numbers such as 3x32x32, got {text!r}", param_hint="--input"
        )
    return int(sides[0]), int(sides[1]), int(sides[2])
