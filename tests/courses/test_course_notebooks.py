"""The courses' notebooks, executed from the first cell to the last on a data set made small."""

from __future__ import annotations

import re

import nbformat
import pytest
from courses.rendering import FAMILIES, TOPICS, render

from handgrad.courses.notebook import run_notebook
from handgrad.courses.tables import COURSES

# Names that stand on a shelf but in no module of the course.
NOT_OF = {
    "ucla": lambda shelves: set(shelves["image_utils"]),
    "stanford": lambda shelves: set(shelves["layer_tests"]),
    "utah": lambda shelves: set(shelves["layer_tests"]) | set(shelves["image_utils"]),
}


def test_there_are_six_topics():
    assert TOPICS == ["batch_norm", "cnn", "cnn_layers", "dropout", "fc_nets", "optimisation"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("topic", TOPICS)
def test_every_cell_runs(topic, family, cifar10, here):
    (here / "cifar-10-batches-py").symlink_to(cifar10 / "cifar-10-batches-py")
    nbformat.write(render(topic, family), here / "course.ipynb")
    report = run_notebook("course.ipynb", family, timeout=300)
    assert report.ok, report.rows()
    assert not [text for cell in report.cells for text in cell.above]
    assert report.notes == []


@pytest.mark.parametrize("family", FAMILIES)
def test_every_name_of_a_course_is_used_in_its_notebooks(family):
    cells = [cell for topic in TOPICS for cell in render(topic, family).cells if cell.cell_type == "code"]
    text = "\n".join(cell.source for cell in cells)
    course = COURSES[family]
    imported = set(re.findall(r"^\s*(?:from|import) (\S+)", text, re.MULTILINE))
    packages = {"utils", "cs231n", "cs6353", "cs6353.classifiers"}
    assert set(course.modules) - imported - packages <= {"cs231n.classifiers"} - imported
    shelves = course.shelves()
    unused = {name for shelf in shelves.values() for name in shelf if not re.search(rf"\b{name}\b", text)}
    assert unused - {"imread", "imresize"} <= NOT_OF[family](shelves)
