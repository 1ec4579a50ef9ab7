"""``handgrad explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from handgrad.cli import machine, run_folder
from handgrad.cli.options import Threads, whole
from handgrad.cli.output import Output


def command(
    spec: Annotated[
        str,
        typer.Argument(
            metavar="SPEC",
            help="A network's text, such as '[conv3-64 - relu - pool2]x3 - affine', or the folder of a run.",
        ),
    ],
    batch: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER", parser=whole(), help="Images in a step (default: 128, or as in the run)."
        ),
    ] = None,
    input_dim: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="CxHxW", help="Channels, height and width of an image (default: 3x32x32)."
        ),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(metavar="NUMBER", parser=whole(), help="Classes (default: 10).")
    ] = None,
    dtype: Annotated[str | None, typer.Option(metavar="NAME", help="float32 (default) or float64.")] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Run some steps and measure each layer.")
    ] = False,
    backend: Annotated[str | None, typer.Option(help="Which tier computes (default: the fastest).")] = None,
    threads: Threads = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the same as JSON.")] = False,
) -> None:
    """Tell what a network costs to train: shapes, parameters, FLOPs, memory and time, layer by layer."""
    from handgrad.explain import explain

    machine.choose(backend, threads)
    what = _Network(spec, (3, 32, 32), 10, 128, "float32")
    if (Path(spec) / "config.toml").is_file():
        what = _of_run(Path(spec))
    shape = what.input_dim if input_dim is None else _shape(input_dim)
    found = explain(
        what.spec, shape, batch or what.batch, classes or what.classes, dtype or what.dtype, measure=measure
    )
    output = Output(as_json)
    output.line(found.title())
    output.line()
    output.table(found.columns(), found.cells(), numbers=len(found.columns()) - 2)
    output.line()
    for line in found.summary():
        output.line(line)
    output.result(found.to_dict())


class _Network(NamedTuple):
    spec: str
    input_dim: tuple[int, int, int]
    classes: int
    batch: int
    dtype: str


def _of_run(path: Path) -> _Network:
    folder = run_folder.existing(path)
    chosen, net = folder.settings(), run_folder.TrainedNet(folder).with_layers()
    return _Network(str(net), net.input_dim, net.num_classes, chosen.batch_size or 128, chosen.dtype)


def _shape(text: str) -> tuple[int, int, int]:
    sides = text.lower().replace(",", "x").split("x")
    if len(sides) != 3 or not all(side.strip().isdecimal() for side in sides):
        raise typer.BadParameter(
            f"it must be three whole numbers such as 3x32x32, got {text!r}", param_hint="--input"
        )
    return int(sides[0]), int(sides[1]), int(sides[2])
