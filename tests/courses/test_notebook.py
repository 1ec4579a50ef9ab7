"""Running notebooks: what the report says of cells that fail, hang, or print too large an error."""

from __future__ import annotations

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from handgrad.courses.notebook import run_notebook

MAGICS = "%matplotlib inline\n%load_ext autoreload\n%autoreload 2"
UCLA = "from nndl.layers import *\nimport numpy as np"


@pytest.fixture
def write(here):
    def write(*sources, name="course.ipynb"):
        nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), here / name)
        return here / name

    return write


def test_a_notebook_of_every_kind_of_cell(write, here):
    Image.fromarray(np.full((4, 4, 3), 7, np.uint8)).save(here / "kitten.png")
    sources = [
        "from google.colab import drive\ndrive.mount('/content/drive')\n" + UCLA,
        MAGICS + "\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])",
        "print(np.zeros(2, np.int).dtype.kind, np.float(3), np.bool(1), isinstance(2, np.object))",
        "undefined_name",
        "# the error should be around 1e-9\nprint('dx error: ', 2e-9)\nprint('dw error: ', 2e-5)",
        "out, cache = relu_forward([-1.0, 2.0])\nprint(out)",
        "from scipy.misc import imread, imresize\nprint(imresize(imread('kitten.png'), (2, 3)).shape)",
        "raise ValueError('first\\nsecond')",
    ]
    path = write(*sources)
    before = path.read_bytes()
    seen = []

    def progress(cell, total):
        seen.append((cell.number, cell.status, total))

    report = run_notebook(path, "ucla", here / "out.ipynb", progress=progress)
    assert [cell.status for cell in report.cells] == ["ok", "ok", "ok", "failed", "ok", "ok", "ok", "failed"]
    assert report.cells[3].error == "NameError: name 'undefined_name' is not defined"
    assert report.cells[7].error == "ValueError: first"
    assert not report.ok
    assert report.summary() == "8 cells run, 2 failed, 1 printed errors above the notebook's own bounds"
    assert report.cells[4].above == ["dw error:  2e-05 (its bound is 1e-08)"]
    assert [line for line, _ in report.cells[0].left_out] == [
        "from google.colab import drive", "drive.mount('/content/drive')",
    ]  # fmt: skip
    assert report.cells[2].notes == [
        f"np.{name} is no name of NumPy any more; {name} is meant" for name in ("int", "float", "object")
    ]
    assert report.cells[6].notes == [
        "scipy.misc is not installed; Handgrad reads the notebook's images with Pillow"
    ]
    assert seen[:2] == [(1, "not run", 8), (1, "ok", 8)]
    assert len(seen) == 16
    assert path.read_bytes() == before
    done = nbformat.read(here / "out.ipynb", as_version=4)
    assert [cell.source for cell in done.cells] == sources
    assert done.cells[5].outputs[0].text == "[0. 2.]\n"
    assert done.cells[2].outputs[0].text == "i 3.0 True True\n"
    assert any("image/png" in out.get("data", {}) for out in done.cells[1].outputs)
    rows = report.rows()
    assert ("4", "failed", "NameError: name 'undefined_name' is not defined") in rows
    assert ("5", "above its bound", "dw error:  2e-05 (its bound is 1e-08)") in rows
    assert ("1", "left out: Colab", "drive.mount('/content/drive')") in rows
    assert report.as_dict()["cells"][3]["status"] == "failed"


def test_a_cell_that_takes_too_long_fails_and_the_next_one_runs(write):
    report = run_notebook(write(UCLA, "import time\ntime.sleep(60)", "print(1)"), timeout=1)
    assert [cell.status for cell in report.cells] == ["ok", "failed", "ok"]
    assert report.cells[1].error == "TimeoutError: took longer than 1 s"
    assert report.course == "ucla"


def test_a_kernel_that_dies(write):
    report = run_notebook(write(UCLA, "import os\nos._exit(1)", "print(1)"))
    assert [cell.status for cell in report.cells] == ["ok", "failed", "not run"]
    assert report.cells[1].error == "the kernel died"
    assert report.summary().startswith("2 cells run, 1 failed, 1 not run")


def test_a_real_package_beside_the_notebook(write, here):
    (here / "nndl").mkdir()
    (here / "nndl" / "layers.py").write_text("def relu_forward(x):\n    return 'mine', x\n")
    path = write("from nndl.layers import relu_forward\nprint(relu_forward([-1.0])[0])")
    report = run_notebook(path, "ucla", here / "own.ipynb")
    assert "nndl is your own package" in report.notes[0]
    assert ("", "note", report.notes[0]) in report.rows()
    run_notebook(path, "ucla", here / "ours.ipynb", override=True)
    printed = [
        nbformat.read(here / f, as_version=4).cells[0].outputs[0].text for f in ("own.ipynb", "ours.ipynb")
    ]
    assert printed == ["mine\n", "[0.]\n"]


def test_the_first_import_decides_where_no_course_is_named(write, here):
    """As a student does it: one line, and no command."""
    report = run_notebook(
        write(
            "%unload_ext handgrad.courses\n%env HANDGRAD_COURSE=",
            "%load_ext handgrad.courses",
            "from cs231n.data_utils import load_CIFAR10\nfrom nndl.optim import adam",
            "import numpy as np\nprint(sorted(adam(np.ones(1), np.ones(1))[1]))",
            "%course utah",
            "from cs6353.layers import *\nprint(conv_forward_naive.__name__)",
        ),
        "stanford",
        here / "out.ipynb",
    )
    assert report.ok, report.rows()
    done = nbformat.read(here / "out.ipynb", as_version=4)
    assert done.cells[3].outputs[0].text == "['a', 'beta1', 'beta2', 'epsilon', 'learning_rate', 't', 'v']\n"
    assert done.cells[4].outputs[0].text == "course 'utah': cs6353 by Handgrad\n"


def test_stanford_before_2018_is_told_by_its_text(write, here):
    cell = """from cs231n.layers import *
for dropout in [0, 0.25]:
    out, _ = dropout_forward(np.ones(10000), {"mode": "train", "p": 0.25})
print((out == 0).mean() < 0.5)"""
    report = run_notebook(write(cell), "stanford", here / "out.ipynb")
    assert report.course == "stanford-2017"
    assert nbformat.read(here / "out.ipynb", as_version=4).cells[0].outputs[0].text == "True\n"


def test_notebooks_of_an_older_format(here):
    old = nbformat.v4.downgrade(new_notebook(cells=[new_markdown_cell("# x"), new_code_cell(UCLA)]))
    nbformat.write(old, here / "old.ipynb", version=3)
    assert run_notebook(here / "old.ipynb").ok


def test_refusals(write, here):
    with pytest.raises(FileNotFoundError, match=r"notebook must name a file, got 'nowhere\.ipynb'"):
        run_notebook("nowhere.ipynb", "ucla")
    (here / "bad.ipynb").write_text("{")
    with pytest.raises(ValueError, match=r"notebook 'bad\.ipynb' must be a Jupyter notebook: "):
        run_notebook("bad.ipynb", "ucla")
    path = write("import numpy")
    with pytest.raises(ValueError, match="the notebook imports no course's names; name one of stanford, "):
        run_notebook(path)
    with pytest.raises(ValueError, match=r"there is no course 'uclaa'; did you mean 'ucla'\?"):
        run_notebook(path, "uclaa")
    with pytest.raises(ValueError, match="timeout must be above 0 seconds, got 0"):
        run_notebook(path, "ucla", timeout=0)
