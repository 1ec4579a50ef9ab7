"""``handgrad data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from handgrad.cli import assembly
from handgrad.cli.options import whole
from handgrad.cli.output import Output

_Json = Annotated[bool, typer.Option("--json", help="Print the result alone, as JSON.")]


def status(as_json: _Json = False) -> None:
    """Tell which data is on disk, and where CIFAR-10 is looked for."""
    output = Output(as_json)
    found = where_cifar10()
    output.line(f"cifar10  {found['path'] or 'not on disk: ' + assembly.GET_CIFAR10}")
    output.line(f"         looked for in {', '.join(found['places'])}")
    output.line("shapes   always there: drawn from a seed; 'handgrad data shapes' shows some")
    output.result({"cifar10": found, "shapes": {"path": None}})


def where_cifar10() -> dict[str, Any]:
    """Return where CIFAR-10 was found (None: nowhere) and the places where it is looked for."""
    import os

    from handgrad.data import cache_folder, find_cifar10
    from handgrad.data.cifar10 import COURSE_FOLDERS

    named = os.environ.get("HANDGRAD_DATA")
    places = (
        [f"HANDGRAD_DATA={named}"]
        if named
        else ["HANDGRAD_DATA (not set)", *COURSE_FOLDERS, str(cache_folder())]
    )
    path = find_cifar10()
    return {"path": None if path is None else str(path), "places": places}


def download(
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to (default: the user's cache).")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Download CIFAR-10 (170 MB); goes on where an earlier download broke off."""
    from handgrad.data import download_cifar10

    path = download_cifar10(to)
    output = Output(as_json)
    output.line(f"CIFAR-10 is in {path}")
    if to is not None:
        output.line(f"Handgrad finds it there with HANDGRAD_DATA={to} or --path {to}")
    output.result({"path": str(path)})


def shapes(
    out: Annotated[Path, typer.Option(metavar="FILE", help="A .png file, which must be new.")] = Path(
        "shapes.png"
    ),
    count: Annotated[int, typer.Option(metavar="NUMBER", parser=whole(1, 1000), help="So many images.")] = 40,
    seed: Annotated[int, typer.Option(metavar="NUMBER", parser=whole(0), help="Of the drawing.")] = 0,
    as_json: _Json = False,
) -> None:
    """Write a contact sheet of the drawn shapes."""
    from handgrad import data, viz

    if out.exists():
        raise FileExistsError(f"out must name a new file, but '{out}' exists")
    if out.suffix != ".png":
        raise ValueError(f"out must end in .png, got '{out}'")
    drawn = data.load_shapes(num_training=count, num_validation=0, num_test=0, seed=seed)
    labels = [drawn.class_names[label] for label in drawn.y_train]
    viz.save(viz.image_grid(drawn.X_train, labels, columns=min(count, 10)), out)
    output = Output(as_json)
    output.line(f"{count} drawn shapes are in {out}")
    output.result({"path": str(out)})
