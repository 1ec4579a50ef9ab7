"""The command `handgrad check`: what it prints, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from checking.wrong import SAMPLES

COURSE = SAMPLES / "course_layers.py"


def command(*words):
    done = subprocess.run(
        [sys.executable, "-m", "handgrad", "check", *map(str, words)], capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def wrong(tmp_path):
    text = (
        COURSE.read_text()
        .replace("dx[cache <= 0] = 0", "dx[cache > 0] = 0")
        .replace("np.random.seed", "print")
    )
    (tmp_path / "mylayers.py").write_text(text + "\nprint('a print of the learner')\n")
    return tmp_path / "mylayers.py"


def test_command_all_right_within_ten_seconds():
    begin = time.monotonic()
    status, out, err = command(COURSE)
    assert (status, err) == (0, "")
    assert out.endswith("21 functions checked: all right\n")
    assert time.monotonic() - begin < 10


def test_command_with_findings(wrong):
    status, out, err = command(wrong, "--layer", "relu")
    assert (status, err) == (1, "")
    assert "dx: the mask is inverted: the gradient passes where it should stop  [mask-inverted]" in out
    assert "a print of the learner" not in out
    assert "\033[" not in out  # piped, so plain


def test_command_for_machines(wrong):
    status, out, _ = command(wrong, "--json", "--no-answers")
    reports = {report["name"]: report for report in json.loads(out)}
    assert status == 1
    assert reports["relu_forward, relu_backward"]["verdict"] == "wrong"
    assert reports["adam"]["verdict"] == "right"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "handgrad: give a path to check, or --export DIR\n"),
        (("nothing.py",), "handgrad: path must lead to a Python file or a folder, got 'nothing.py'\n"),
        ((COURSE, "--layer", "convv"), f"handgrad: there is no function of the layer 'convv' in {COURSE}\n"),
    ],
)
def test_misuse(words, told):
    assert command(*words) == (2, "", told)


def test_command_export(tmp_path):
    status, out, _ = command("--export", tmp_path / "out")
    assert status == 0
    assert (tmp_path / "out" / "check.py").exists()
    assert out.strip() == str(tmp_path / "out" / "check.py")
