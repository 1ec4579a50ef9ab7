"""``handgrad notebook run``."""

from __future__ import annotations

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from handgrad.cli.app import run


@pytest.fixture
def notebook(here):
    def write(*sources):
        nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), here / "a.ipynb")
        return "a.ipynb"

    return write


def test_progress_and_table(notebook, here, capsys):
    path = notebook("from nndl.layers import *", "# error around 1e-9\nprint('error: ', 0.5)")
    assert run(["notebook", "run", path, "--course", "ucla", "--output", "b.ipynb", "--timeout", "60"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[1/2] from nndl.layers import *"
    assert lines[1].startswith("[1/2] ok, ")
    assert lines[2] == "[2/2] # error around 1e-9"
    assert lines[5:7] == ["cell  what", "2     above its bound  error:  0.5 (its bound is 1e-08)"]
    assert lines[7] == (
        "a.ipynb as ucla: 2 cells run, 0 failed, 1 printed errors above the notebook's own bounds"
    )
    assert nbformat.read(here / "b.ipynb", as_version=4).cells[1].outputs[0].text == "error:  0.5\n"


def test_a_cell_that_fails_is_an_exit_status_of_one(notebook, capsys):
    assert run(["notebook", "run", notebook("import nndl", "1 / 0"), "--json"]) == 1
    done = capsys.readouterr()
    report = json.loads(done.out)
    assert report["course"] == "ucla"
    assert [cell["status"] for cell in report["cells"]] == ["ok", "failed"]
    assert report["cells"][1]["error"] == "ZeroDivisionError: division by zero"
    assert done.err == "handgrad: not every cell of a.ipynb ran\n"


def test_misuse(notebook, capsys):
    assert run(["notebook", "run", "nowhere.ipynb"]) == 1
    assert capsys.readouterr().err == "handgrad: notebook must name a file, got 'nowhere.ipynb'\n"
    assert run(["notebook", "run", notebook("import nndl"), "--course", "utha"]) == 1
    assert capsys.readouterr().err == "handgrad: there is no course 'utha'; did you mean 'utah'?\n"
