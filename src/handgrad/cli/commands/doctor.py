"""``handgrad doctor``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

FOUND = 1


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run of 'handgrad train'.")],
    data: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="DATA", help="shapes, cifar10 or a folder of images (default: the run's)."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Chooses the images that are looked at.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Say what is wrong with a training run: exit status 0 nothing, 1 findings or failure, 2 misuse."""
    from handgrad.checking import examine_run

    report = examine_run(run, data, seed=seed)
    if as_json:
        print(json.dumps(report.to_dict(), indent=2, allow_nan=False))
    else:
        print(report.text(colour=sys.stdout.isatty()))
    if report.findings:
        raise typer.Exit(FOUND)
