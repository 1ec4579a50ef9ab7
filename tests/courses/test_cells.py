"""Lines that are left out of a notebook, and the bounds that its text states."""

from __future__ import annotations

import pytest

from handgrad.courses.cells import detect_course, prepare, printed_errors, stated_bound, year_of_stanford

COLAB = r"""# This mounts your Google Drive to the Colab VM.
from google.colab import drive
drive.mount('/content/drive')
FOLDERNAME = None
assert FOLDERNAME is not None, "[!] Enter the foldername."
import sys
sys.path.append('/content/drive/My Drive/{}'.format(FOLDERNAME))
%cd /content/drive/My\ Drive/$FOLDERNAME/cs231n/datasets/
!bash get_datasets.sh
x = 1"""


def test_colab_lines():
    prepared = prepare(COLAB)
    assert prepared.source.splitlines() == [
        "# This mounts your Google Drive to the Colab VM.",
        "pass", "pass", "pass", "pass", "import sys", "pass", "pass", "pass", "x = 1",
    ]  # fmt: skip
    assert [reason for _, reason in prepared.left_out] == ["Colab"] * 6 + ["data"]
    assert prepared.left_out[1] == ("drive.mount('/content/drive')", "Colab")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("!python setup.py build_ext --inplace", "build"),
        (r"!D:\Anaconda\python.exe setup.py build_ext --inplace", "build"),
        ("!pip install colab-xterm", "Colab"),
        ("!pip install cython", "build"),
        ("%pip install numpy", "build"),
        ("%load_ext colabxterm", "Colab"),
        ("%xterm", "Colab"),
        ("!jupyter nbconvert --to pdf Dropout.ipynb", "print-out"),
        ("!./get_assignment3_data.sh", "data"),
        ("!wget http://host/cifar-10-python.tar.gz", "data"),
    ],
)
def test_lines_that_are_left_out(line, reason):
    assert prepare(line) == ("pass", [(line, reason)])


@pytest.mark.parametrize(
    "line",
    [
        "%matplotlib inline",
        "%autoreload 2",
        "%cd data",
        "!ls",
        "# !pip install x",
        "w_drive.mount = 3",
        "",
        "%timeit f()",
    ],
)
def test_lines_that_stay(line):
    assert prepare(line) == (line, [])


def test_a_change_of_folder_for_a_build():
    prepared = prepare("%cd cs231n\n!python setup.py build_ext --inplace\n%cd ..")
    assert prepared.source == "pass\npass\npass"
    assert [reason for _, reason in prepared.left_out] == ["build"] * 3


def test_a_block_keeps_a_body():
    prepared = prepare("if colab:\n    drive.mount('/content/drive')\nelse:\n    pass")
    compile(prepared.source, "cell", "exec")
    assert prepared.source.splitlines()[1] == "    pass"


@pytest.mark.parametrize(
    ("text", "course"),
    [
        ("from nndl.layers import *\nfrom cs231n.solver import Solver", "ucla"),
        ("from cs6353.layers import *", "utah"),
        ("import cs231n.layers", "stanford"),
        (
            "from cs231n.classifiers.fc_net import *\nFullyConnectedNet([5], use_batchnorm=True)",
            "stanford-2017",
        ),
        ("print('nndl')", None),
    ],
)
def test_detect_course(text, course):
    assert detect_course(text) == course


def test_the_years_of_stanford():
    assert year_of_stanford("dropout_choices = [0, 0.75]") == "stanford-2017"
    assert year_of_stanford("dropout_choices = [1, 0.25]") == "stanford"
    assert year_of_stanford("FullyConnectedNet([5], normalization='batchnorm')") == "stanford"


@pytest.mark.parametrize(
    ("source", "bound"),
    [
        ("# The error should be around 1e-9.", 1e-8),
        ("# Compare your output with ours. The error should be around 5e-8", 5e-7),
        ("# errors should be less than 1e-8 for each", 1e-8),
        ("# Errors should be around e-7 or less", 1e-6),
        ("# relative errors between 1e-13 and 1e-8", 1e-7),
        ("# errors should be around e-6; Note that it's fine\n# if you have W2 error of e-5.", 1e-4),
        ("print('the difference should be less than 1e-9:')", 1e-9),
        ("print('dw error: ', 2e-5)", None),
        ("f(h=1e-5)  # a step", None),
        ("solver(learning_rate=1e-3)\n# weight_scale = 1e-2", None),
        ("# Errors should be small", None),
    ],
)
def test_stated_bound(source, bound):
    assert stated_bound(source) == (None if bound is None else pytest.approx(bound, rel=1e-12))


def test_printed_errors():
    output = """Testing conv_forward_naive
difference:  2.2121476417505994e-08
W1 relative error: 1.22e-08
W1 max relative error: 5.143490e-07
dx error: nan
error: inf
Speedup: 285.4x
(Iteration 1 / 40) loss: 2.3
error: 0.0"""
    found = dict(printed_errors(output))
    assert list(found) == [line for line in output.splitlines() if "error" in line or "difference" in line]
    assert found["difference:  2.2121476417505994e-08"] == 2.2121476417505994e-08
    assert found["dx error: nan"] != found["dx error: nan"]
    assert found["error: 0.0"] == 0
