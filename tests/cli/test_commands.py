import json
import os
import shutil
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from cli.helpers import TINY, refusal, run
from PIL import Image

import handgrad
from handgrad.data import load_shapes


@pytest.fixture
def picture(tmp_path):
    drawn = load_shapes(num_training=10, num_validation=0, num_test=0)
    Image.fromarray(drawn.X_train[0].transpose(1, 2, 0)).resize((50, 40)).save(tmp_path / "picture.png")
    return "picture.png"


def test_evaluation_gives_the_accuracy_that_training_gave(trained):
    found = run("evaluate", trained, "--json").json
    facts = json.loads((trained / "run.json").read_text())
    assert found["accuracy"] == pytest.approx(facts["result"]["val_accuracy"], abs=1e-12)
    assert found["loss"] == pytest.approx(facts["result"]["val_loss"], rel=1e-12)
    assert found["split"] == "val"
    assert sum(row["images"] for row in found["classes"]) == found["images"] == 30


@pytest.mark.parametrize(("split", "images"), [("train", 60), ("test", 20)])
def test_other_parts_can_be_evaluated(trained, split, images):
    assert run("evaluate", trained, "--split", split, "--json").json["images"] == images


def test_evaluation_for_people_has_a_line_for_each_class(trained):
    lines = run("evaluate", trained).out.splitlines()
    assert lines[0] == "30 validation images of shapes"
    assert lines[1].startswith("accuracy 0.")
    assert lines[3].split() == ["class", "images", "accuracy"]
    assert [line.split()[0] for line in lines[4:]][:2] == ["circle", "square"]


def test_a_folder_of_runs_names_the_newest(trained, tmp_path):
    for name, age in (("old", 100), ("new", 0)):
        shutil.copytree(trained, tmp_path / "runs" / name)
        os.utime(tmp_path / "runs" / name / "config.toml", (1e9 - age, 1e9 - age))
    message = refusal("evaluate", "runs")
    assert message.endswith("'runs' holds no config.toml; the newest run in it is 'runs/new'")


def test_help_shows_no_type_behind_a_switch():
    for command in ("train", "evaluate", "show"):
        lines = [line for line in run(command, "--help").out.splitlines() if "--help" not in line]
        assert not [line for line in lines if "<bool>" in line]


def test_several_runs_vote_as_an_ensemble(trained):
    from handgrad.cli.run_folder import RunFolder, TrainedNet
    from handgrad.models import Ensemble

    assert run("train", *TINY[:-1], "8", "--preprocess", "mean", "--out", "other").status == 0
    found = run("evaluate", trained, "other", "--json").json
    X = load_shapes(60, 30, 20)
    nets = [TrainedNet(RunFolder(trained)), TrainedNet(RunFolder(trained.__class__("other")))]
    predicted = Ensemble(nets).loss(X.X_val).argmax(axis=1)
    assert found["accuracy"] == pytest.approx(np.mean(predicted == X.y_val))
    assert found["runs"] == [str(trained), "other"]


def test_evaluation_on_other_classes_is_refused(trained, pets):
    message = refusal("evaluate", trained, "--data", pets)
    assert "data must have the classes of the run (circle, square" in message
    assert message.endswith("got cat, dog")


def test_prediction_gives_classes_with_probabilities(trained, picture):
    found = run("predict", trained, picture, picture, "--top", "10", "--json").json
    assert [each["image"] for each in found["images"]] == [picture, picture]
    probabilities = [each["probability"] for each in found["images"][0]["classes"]]
    assert sum(probabilities) == pytest.approx(1)
    assert probabilities == sorted(probabilities, reverse=True)
    line = run("predict", trained, picture, "--top", "1").out
    best = found["images"][0]["classes"][0]
    assert line == f"picture.png  {best['class']} {best['probability']:.1%}\n"


def test_an_image_that_is_none_is_refused_before_anything_is_printed(trained, picture, tmp_path):
    (tmp_path / "note.png").write_text("not a picture")
    message = refusal("predict", trained, picture, "note.png")
    assert "note.png must be an image that can be read: not an image format" in message
    assert "path must name an image file, got 'missing.png'" in refusal("predict", trained, "missing.png")


def test_data_tells_what_is_on_disk_and_where_it_was_looked_for(tmp_path, monkeypatch):
    found = run("data", "status", "--json").json["cifar10"]
    assert found["path"] is None
    assert str(tmp_path / "cache" / "handgrad") in found["places"]
    assert run("data").out == run("data", "status").out
    assert "not on disk: 'handgrad data download' gets it" in run("data").out
    folder = tmp_path / "cs231n/datasets/cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in ("test_batch", *(f"data_batch_{k}" for k in range(1, 6))):
        (folder / name).touch()
    assert run("data", "status", "--json").json["cifar10"]["path"] == "cs231n/datasets/cifar-10-batches-py"


def test_a_data_folder_that_the_environment_names_wrongly_is_an_error(monkeypatch):
    monkeypatch.setenv("HANDGRAD_DATA", "nowhere")
    assert "HANDGRAD_DATA must name the folder cifar-10-batches-py" in refusal("data")
    assert "HANDGRAD_DATA must name the folder" in refusal("train")


def test_download_calls_the_library(tmp_path, monkeypatch):
    import handgrad.data

    called = []
    monkeypatch.setattr(handgrad.data, "download_cifar10", lambda to: called.append(to) or "there")
    assert run("data", "download", "--json").json == {"path": "there"}
    assert "CIFAR-10 is in there" in run("data", "download", "--to", "x").out
    assert [str(to) for to in called] == ["None", "x"]


def test_shapes_can_be_looked_at(tmp_path, real_pictures):
    assert run("data", "shapes", "--out", "sheet.png", "--count", "20").status == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 500
    assert "out must name a new file, but 'sheet.png' exists" in refusal(
        "data", "shapes", "--out", "sheet.png"
    )
    assert "out must end in .png" in refusal("data", "shapes", "--out", "sheet.txt")


def test_info_tells_what_computes_and_why(monkeypatch):
    monkeypatch.setenv("HANDGRAD_NUM_THREADS", "3")
    found = run("info", "--json").json
    assert found["handgrad"]["version"]
    assert found["handgrad"]["backend"] == handgrad.get_backend()
    assert found["handgrad"]["because"]
    assert found["machine"]["numpy"] == np.__version__
    assert found["environment"]["HANDGRAD_NUM_THREADS"] == "3"
    text = run("info").out
    assert "HANDGRAD_NUM_THREADS  3" in text
    assert "HANDGRAD_ISA          not set" in text
    memory = handgrad.memory_info()
    assert found["memory"]["limit"] == memory["limit"]
    assert f"MB, at most {memory['limit'] / 2**20:,.0f} MB" in text


def test_info_without_the_extension_tells_the_reason(monkeypatch):
    monkeypatch.setattr(handgrad.backend, "extension", None)
    monkeypatch.setattr(handgrad.backend, "missing", "No module named 'handgrad._native'")
    assert run("info", "--json").json["extension"] == {
        "built": False,
        "because": "No module named 'handgrad._native'",
    }


def test_the_version_is_the_packages():
    from handgrad._version import __version__

    assert run("--version").out == f"handgrad {__version__}\n"


def test_help_loads_nothing_heavy():
    program = """
import sys
from handgrad.cli.app import run
run(["train", "--help"])
print(sorted({"matplotlib", "PIL", "pooch", "safetensors"} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert "--num-filters" in done.stdout


def test_backend_and_threads_are_used_and_written_down(tmp_path):
    assert run("train", *TINY, "--threads", "1", "--backend", "numpy", "--out", "run").status == 0
    config = tomllib.loads((tmp_path / "run/config.toml").read_text())
    assert (config["threads"], config["backend"]) == (1, "numpy")


def test_the_snapshots_of_a_run_vote(trained):
    small = ["--data", "shapes", "--num-training", "60", "--num-validation", "30", "--spec", "pool4 - affine"]
    tricks = ["--num-snapshots", "3", "--schedule", "cosine_cycles(3)", "--epochs", "3", "--batch-size", "20"]
    assert run("train", *small, *tricks, "--out", "run").status == 0
    found = run("evaluate", "run", "--snapshots", "--json").json
    assert (found["nets"], found["images"]) == (3, 30)
    assert found["loss"] != run("evaluate", "run", "--json").json["loss"]
    assert "has no snapshots: train with --num-snapshots" in refusal("evaluate", trained, "--snapshots")
