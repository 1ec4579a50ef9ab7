"""Running a course's notebook, unedited, and saying what came of it."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from handgrad._errors import nearest
from handgrad._files import atomic_write
from handgrad.courses import cells

COURSES = ("stanford", "stanford-2017", "ucla", "utah")  # importing the table would load the library
EXTENSION = "handgrad.courses"
EXTRA = "running a notebook needs nbclient and ipykernel: pip install 'handgrad[notebooks]'"


@dataclass
class Cell:
    """What came of one code cell.

    Attributes
    ----------
    number : int
        From 1, as the code cells stand in the notebook.
    title : str
        Its first line.
    status : str
        'ok', 'failed' or 'not run'.
    error : str
        Of a cell that failed: the exception, in one line.
    seconds : float
    left_out : list of (line, reason)
        Lines that only Colab or a build has a use for.
    above : list of str
        Printed errors above the bound that the cell itself states.
    notes : list of str
        What Handgrad did otherwise than the notebook's text says.
    """

    number: int
    title: str
    status: str = "not run"
    error: str = ""
    seconds: float = 0.0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What came of a notebook; ``ok`` when every cell ran without an error."""

    path: str
    course: str
    cells: list[Cell]
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every cell ran."""
        return all(cell.status == "ok" for cell in self.cells)

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the report as a table: cell, what, and its text."""
        rows = [(str(c.number), c.status, c.error or c.title) for c in self.cells if c.status != "ok"]
        rows += [(str(c.number), "above its bound", text) for c in self.cells for text in c.above]
        rows += [(str(c.number), f"left out: {why}", line) for c in self.cells for line, why in c.left_out]
        rows += [("", "note", text) for text in self.notes]
        return rows + [(str(c.number), "note", text) for c in self.cells for text in c.notes]

    def summary(self) -> str:
        """Return the counts in one line."""
        statuses = [cell.status for cell in self.cells]
        failed, not_run = statuses.count("failed"), statuses.count("not run")
        above = sum(len(cell.above) for cell in self.cells)
        text = f"{len(statuses) - not_run} cells run, {failed} failed"
        text += f", {not_run} not run" if not_run else ""
        return f"{text}, {above} printed errors above the notebook's own bounds"

    def as_dict(self) -> dict[str, Any]:
        """Return everything, fit for JSON."""
        return {"ok": self.ok, **asdict(self)}


Progress = Callable[[Cell, int], object]


def run_notebook(
    path: str | os.PathLike[str],
    course: str | None = None,
    output: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
    progress: Progress | None = None,
    override: bool = False,
) -> Report:
    """Execute a notebook with a course's names resolving to Handgrad.

    Parameters
    ----------
    path : str or path-like
        The notebook, of any format; it is not changed. Its folder is the current one of the run.
    course : str, optional
        Default: the course whose names the notebook imports.
    output : str or path-like, optional
        Where to write the notebook with its outputs.
    timeout : float, optional
        Seconds for one cell; a cell that takes longer is interrupted, and counts as failed.
    progress : callable, optional
        Called with a `Cell` and the number of cells, when the cell begins and again when it has ended.
    override : bool, default False
        Replace real packages of the course's names, which may lie beside the notebook. Without it they are
        used, and the report says so.

    Returns
    -------
    Report
        A cell that fails does not end the run.

    Raises
    ------
    FileNotFoundError, OSError
        When the notebook cannot be read, or the output not be written.
    ValueError
        When it is no notebook, or the course is unknown or cannot be told.
    ModuleNotFoundError
        When nbclient is not installed.
    """
    if course is not None and course not in COURSES:
        raise ValueError(f"there is no course {course!r}{nearest(course, COURSES)}")
    if timeout is not None and not timeout > 0:
        raise ValueError(f"timeout must be above 0 seconds, got {timeout}")
    path = Path(path)
    notebook = _read(path)
    course = _course_of(notebook, course)
    sources = [cell.source for cell in notebook.cells]
    run = _Run(notebook, timeout, progress)
    environment = {"HANDGRAD_COURSE": course, "HANDGRAD_COURSE_OVERRIDE": "1" if override else ""}
    if os.environ.get("PYTHONPATH"):  # the kernel's current folder is another one
        places = os.environ["PYTHONPATH"].split(os.pathsep)
        environment["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, places))
    try:
        run.execute(path.parent, environment)
    finally:
        for cell, source in zip(notebook.cells, sources, strict=True):
            cell.source = source
    run.look_at_outputs()
    if output is not None:
        atomic_write(output, _nbformat().writes(notebook) + "\n")
    return Report(str(path), course, [cell for cell in run.cells if cell is not None], run.notes)


def _read(path: Path) -> Any:
    try:
        import nbclient  # noqa: F401 - the sentence about the extra comes before any work
    except ModuleNotFoundError:
        raise ModuleNotFoundError(EXTRA) from None
    if not path.is_file():
        raise FileNotFoundError(f"notebook must name a file, got {str(path)!r}")
    try:
        return _nbformat().reads(path.read_text(encoding="utf-8"), as_version=4)
    except Exception as error:  # nbformat has errors of its own for each of its versions
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"notebook '{path}' must be a Jupyter notebook: {reason[:200]}") from None


def _course_of(notebook: Any, course: str | None) -> str:
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    if course is None:
        course = cells.detect_course(text)
    if course is None:
        raise ValueError(f"the notebook imports no course's names; name one of {', '.join(COURSES)}")
    return cells.year_of_stanford(text) if course == "stanford" else course


class _Run:
    """One execution: the notebook's cells, with a hidden one before them that loads the extension."""

    def __init__(self, notebook: Any, timeout: float | None, progress: Progress | None) -> None:
        self.notebook, self.timeout, self.progress = notebook, timeout, progress
        self.notes: list[str] = []
        self.cells: list[Cell | None] = []
        for cell in notebook.cells:
            is_code = cell.cell_type == "code" and cell.source.strip()
            self.cells.append(self._prepare(cell) if is_code else None)
        self.total = sum(cell is not None for cell in self.cells)
        self._begun = 0.0

    def _prepare(self, cell: Any) -> Cell:
        number = sum(each is not None for each in self.cells) + 1
        title = next(line for line in cell.source.splitlines() if line.strip()).strip()
        prepared = cells.prepare(cell.source)
        cell.source = prepared.source
        cell.outputs = []
        return Cell(number, title[:100], left_out=prepared.left_out)

    def execute(self, folder: Path, environment: dict[str, str]) -> None:
        """Run all cells in a kernel of this Python, in the notebook's folder."""
        from nbclient import NotebookClient
        from nbclient.exceptions import DeadKernelError

        hidden = _nbformat().v4.new_code_cell(f"%load_ext {EXTENSION}")
        self.notebook.cells.insert(0, hidden)
        late = {"ename": "TimeoutError", "evalue": f"took longer than {self.timeout} s", "traceback": []}
        client = NotebookClient(
            self.notebook, timeout=self.timeout, kernel_name="python3", allow_errors=True,
            interrupt_on_timeout=True, error_on_timeout=late, coalesce_streams=True,
            resources={"metadata": {"path": str(folder) or "."}},
            on_cell_execute=self._begin, on_cell_executed=self._end,
        )  # fmt: skip
        client.log.disabled = True  # what it logs is in the report
        try:
            # The kernel's own stderr: what cells print reaches the notebook another way.
            client.execute(env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
        except Exception as error:
            # nbclient's own clean-up may fail over a kernel that is gone, and hide the reason.
            if not isinstance(error, DeadKernelError) and not isinstance(error.__context__, DeadKernelError):
                raise
            self._died()
        finally:
            self.notebook.cells.remove(hidden)
        self.notes = _notes(hidden)

    def _begin(self, cell: Any, cell_index: int) -> None:
        self._begun = time.perf_counter()
        self._show(self._at(cell_index))

    def _end(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        result = self._at(cell_index)
        content = (execute_reply or {}).get("content", {})
        if result is None:
            if content.get("status") == "error":
                raise RuntimeError(
                    f"the kernel cannot load {EXTENSION}: {content['ename']}: {content['evalue']}"
                )
            return
        result.seconds = time.perf_counter() - self._begun
        result.status = "failed" if content.get("status") == "error" else "ok"
        if result.status == "failed":
            lines = str(content.get("evalue", "")).strip().splitlines()
            result.error = f"{content.get('ename')}: {lines[0] if lines else ''}".rstrip(": ")
        self._show(result)

    def _at(self, index: int) -> Cell | None:
        return self.cells[index - 1] if index else None

    def _show(self, cell: Cell | None) -> None:
        if cell is not None and self.progress is not None:
            self.progress(cell, self.total)

    def _died(self) -> None:
        for cell in self.cells:
            if cell is not None and cell.status == "not run":
                cell.status, cell.error = "failed", "the kernel died"
                return

    def look_at_outputs(self) -> None:
        """Find the notes in the cells' outputs, and the errors above what the cells state."""
        for cell, result in zip(self.notebook.cells, self.cells, strict=True):
            if result is None:
                continue
            result.notes = _notes(cell)
            bound = cells.stated_bound(cell.source)
            for line, error in cells.printed_errors(_printed(cell, "stdout")):
                if bound is not None and not error <= bound:
                    result.above.append(f"{line} (its bound is {bound:g})")


def _nbformat() -> Any:
    return importlib.import_module("nbformat")  # its functions have no types


def _notes(cell: Any) -> list[str]:
    return re.findall(r"CourseNote: (.*)", _printed(cell, "stderr"))


def _printed(cell: Any, stream: str) -> str:
    return "".join(out.text for out in cell.outputs if out.output_type == "stream" and out.name == stream)
