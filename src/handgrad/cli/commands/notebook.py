"""``handgrad notebook run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.errors import Stopped
from handgrad.cli.output import Output

if TYPE_CHECKING:
    from handgrad.courses.notebook import Cell


def run(
    notebook: Annotated[Path, typer.Argument(metavar="FILE.ipynb", help="The notebook; it is not changed.")],
    course: Annotated[
        str | None,
        typer.Option(help="ucla, stanford, stanford-2017 or utah (default: as the notebook's imports say)."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="OUT.ipynb", help="Write the notebook with its outputs there.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(metavar="S", help="Seconds for one cell.")] = None,
    override: Annotated[
        bool,
        typer.Option("--override", help="Replace packages of the course's names beside the notebook."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result alone, as JSON.")] = False,
) -> None:
    """Execute a course's notebook, unedited, and tell what came of each cell."""
    from handgrad.courses.notebook import run_notebook

    out = Output(as_json)

    def progress(cell: Cell, total: int) -> None:
        if cell.status == "not run":
            out.line(f"[{cell.number}/{total}] {cell.title}")
        else:
            out.line(f"[{cell.number}/{total}] {cell.status}, {cell.seconds:.1f} s")

    report = run_notebook(notebook, course, output, timeout, progress, override)
    out.line()
    if report.rows():
        out.table(("cell", "what", ""), report.rows())
    out.line(f"{report.path} as {report.course}: {report.summary()}")
    out.result(report.as_dict())
    if not report.ok:
        raise Stopped(f"not every cell of {report.path} ran")
