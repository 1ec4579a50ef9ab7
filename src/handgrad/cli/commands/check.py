"""``handgrad check``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from handgrad.cli import errors

FOUND = 1


def command(
    path: Annotated[
        Path | None,
        typer.Argument(help="A Python file or folder with functions such as conv_forward, conv_backward."),
    ] = None,
    layer: Annotated[
        str | None, typer.Option("--layer", metavar="NAME", help="Check this layer, loss or rule only.")
    ] = None,
    no_answers: Annotated[
        bool, typer.Option("--no-answers", help="Hold to laws only; use no reference and name no answer.")
    ] = False,
    course: Annotated[
        str | None,
        typer.Option("--course", help="stanford: dropout's p is the probability to keep, not to drop."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reports as JSON.")] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="DIR", help="Write an answer-free checker that needs NumPy only."),
    ] = None,
) -> None:
    """Say what is wrong with the layers in a file: exit status 0 all right, 1 findings, 2 misuse."""
    from handgrad.checking import check_module, export_checker, show

    if (path is None) == (export is None):
        raise errors.Stopped("give a path to check, or --export DIR", errors.MISUSED)
    try:
        if export is not None:
            print(export_checker(export))
            return
        reports = check_module(path, layer, answers=not no_answers, course=course)
    except ValueError as error:
        raise errors.Stopped(str(error), errors.MISUSED) from None
    if as_json:
        print(json.dumps([report.to_dict() for report in reports], indent=2, allow_nan=False))
    else:
        show(reports)
    if any(report.verdict != "right" for report in reports):
        raise typer.Exit(FOUND)
