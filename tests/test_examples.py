"""The examples run: one epoch of a few images, with everything that a record holds, and on after a stop."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from data.fake_cifar import write_batches

EXAMPLES = Path(__file__).parents[1] / "examples"
HANDGRAD = ["cifar10_three_layer", "cifar10_vgg", "cifar10_fast"]
EACH = [
    "cifar10_three_layer",
    *[pytest.param(name, marks=pytest.mark.slow) for name in (*HANDGRAD[1:], "cifar10_fast_pytorch")],
]


def run(name: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    few = ["--data", str(folder), "--images", "40", "--epochs", "1", "--out", str(folder / "run")]
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *few, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=300)


@pytest.mark.parametrize("name", EACH)
def test_an_example_writes_its_record(tmp_path, name):
    write_batches(tmp_path / "cifar-10-batches-py")
    done = run(name, tmp_path, "--test")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "run/record.json").read_text())
    assert {key for key in record if "accuracy" in key} >= {
        f"{part} accuracy{views}"
        for part in (("validation", "test") if name in HANDGRAD else ("val", "test"))
        for views in ("", ", mirrored and moved")
    }
    assert record["seconds"] > 0


def test_an_example_keeps_the_precision_of_the_environment(tmp_path, monkeypatch):
    write_batches(tmp_path / "cifar-10-batches-py")
    monkeypatch.setenv("HANDGRAD_PRECISION", "high")
    done = run("cifar10_three_layer", tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "run/record.json").read_text())
    assert record["precision"] == ("high" if find_spec("handgrad._native") else "highest")


@pytest.mark.slow
def test_an_example_goes_on_and_repeats_to_the_last_bit(tmp_path):
    write_batches(tmp_path / "cifar-10-batches-py")
    whole = run("cifar10_three_layer", tmp_path, "--out", "whole", "--epochs", "2")
    assert whole.returncode == 0, whole.stderr
    again = run("cifar10_three_layer", tmp_path, "--out", "again", "--epochs", "2")
    assert again.returncode == 0, again.stderr
    resumed = run("cifar10_three_layer", tmp_path, "--out", "again", "--epochs", "2", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    records = [json.loads((tmp_path / name / "record.json").read_text()) for name in ("whole", "again")]
    assert records[1]["seconds"] is None  # of a run in parts
    for name in records[0].keys() - {"seconds", "processor seconds"}:
        assert records[0][name] == records[1][name]


def test_a_record_is_of_its_example_and_whole():
    for path in (EXAMPLES / "records").glob("*/record.json"):
        record = json.loads(path.read_text())
        assert (EXAMPLES / f"{path.parent.name.partition('-')[0]}.py").exists()
        assert record["seconds"] is not None, f"{path} is of a run in parts"
