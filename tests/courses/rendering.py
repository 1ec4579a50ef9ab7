"""The courses' notebooks: one file a topic, whose tagged cells belong to one course each."""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbformat

FOLDER = Path(__file__).parents[2] / "notebooks" / "courses"
TOPICS = sorted(file.stem for file in FOLDER.glob("*.py"))
FAMILIES = ("ucla", "stanford", "utah")


def render(topic: str, family: str) -> nbformat.NotebookNode:
    """Return a topic's notebook as the family's students have it: without the cells of the other families."""
    notebook = jupytext.read(FOLDER / f"{topic}.py", fmt="py:percent")
    notebook.cells = [cell for cell in notebook.cells if family in _owners(cell)]
    return notebook


def _owners(cell: nbformat.NotebookNode) -> set[str]:
    return set(FAMILIES).intersection(cell.metadata.get("tags", [])) or set(FAMILIES)
