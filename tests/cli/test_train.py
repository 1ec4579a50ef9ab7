import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from cli.helpers import TINY, refusal, run
from PIL import Image

from handgrad.training import load_checkpoint


def losses(folder):
    return load_checkpoint(folder / "checkpoint").loss_history


def params(folder):
    return load_checkpoint(folder / "checkpoint").params


def test_a_run_leaves_a_folder_with_everything(trained):
    assert {path.name for path in trained.iterdir()} == {
        *("config.toml", "run.json", "log.jsonl", "checkpoint"),
        *("curves.png", "filters.png", "report.html"),
    }
    for name in ("curves.png", "filters.png"):
        with Image.open(trained / name) as picture:
            assert picture.width > 100
    events = [json.loads(line)["event"] for line in (trained / "log.jsonl").read_text().splitlines()]
    assert events.count("iteration") == 6
    assert events.count("accuracy") == 3


def test_piped_output_is_plain_lines_with_a_verdict_at_the_end(tmp_path):
    done = run("train", *TINY, "--out", "run", "--print-every", "3")
    assert done.status == 0
    assert done.err == ""
    assert "\x1b" not in done.out
    lines = done.out.splitlines()
    assert lines[0] == "Data:  shapes, 60 training, 30 validation, 20 test images 32x32"
    assert lines[1].startswith("Net:   ThreeLayerConvNet, 4,250 parameters in float32, seed 7")
    assert lines[3].startswith("(Iteration 1 / 6) loss: 2.30")
    assert re.fullmatch(r"\(Epoch 2 / 2\) train acc: 0\.\d{6}; val_acc: 0\.\d{6}", lines[-10])
    assert lines[-2].startswith("Validation accuracy 0.")
    assert lines[-1] == "Report: run/report.html"


def test_json_output_is_one_object_and_nothing_else(tmp_path):
    done = run("train", *TINY, "--out", "run", "--json")
    assert done.err == ""
    found = done.json
    assert found["run"] == "run"
    assert found["data"]["class_names"][0] == "circle"
    assert found["result"]["steps"] == 6
    assert 0 <= found["result"]["val_accuracy"] <= 1
    assert found["machine"]["backend"] == "numpy"
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert found == {"run": "run", **facts}


def test_the_config_of_a_run_repeats_it_bit_for_bit(tmp_path):
    arguments = [
        *("--data", "shapes", "--num-training", "60", "--num-validation", "30", "--num-test", "20"),
        *(
            "--num-filters",
            "2",
            "--hidden-dim",
            "8",
            "--batch-size",
            "20",
            "--epochs",
            "2",
            "--use-batchnorm",
        ),
        *("--augment", "flip,crop2", "--schedule", "warm_up(2)+cosine", "--ema", "0.9", "--reg", "0.1"),
        *("--update-rule", "sgd_momentum", "--optim", "momentum=0.95", "--lr", "0.01", "--dtype", "float64"),
        *("--preprocess", "mean", "--num-train-samples", "10", "--num-val-samples", "7"),
    ]
    assert run("train", *arguments, "--out", "first").status == 0
    assert run("train", "--config", "first/config.toml", "--out", "second").status == 0
    assert (tmp_path / "first/config.toml").read_text() == (tmp_path / "second/config.toml").read_text()
    first, second = tmp_path / "first", tmp_path / "second"
    assert losses(first) == losses(second)
    for name, w in params(first).items():
        assert w.dtype == np.float64
        np.testing.assert_array_equal(w, params(second)[name], strict=True)


def test_the_config_holds_the_seed_that_was_drawn_and_all_that_was_left_open(trained, tmp_path):
    run("train", *TINY[:-2], "--out", "run")
    config = tomllib.loads((tmp_path / "run/config.toml").read_text())
    assert isinstance(config["seed"], int)
    assert config["seed"] != tomllib.loads((trained / "config.toml").read_text())["seed"]
    assert config["learning_rate"] == 0.001
    rest = {"epsilon": 1e-8, "l2": 0.0, "clip_value": 0.0}
    assert config["optim_config"] == {"beta1": 0.9, "beta2": 0.999, **rest}
    assert config["weight_scale"] == 0.02
    assert config["backend"] == "numpy"
    assert config["num_test"] == 20


def test_options_go_before_the_config_file(tmp_path):
    (tmp_path / "small.toml").write_text(
        'data = "shapes"\nnum_epochs = 1\nnum_training = 50\nnum_validation = 20'
    )
    done = run("train", "--config", "small.toml", "--num-training", "40", "--model", "two-layer", "--json")
    assert done.json["data"]["images"]["train"] == 40
    assert done.json["result"]["epochs"] == 1


def test_without_options_it_trains_on_shapes_and_says_how_to_get_cifar10(tmp_path):
    (tmp_path / "few.toml").write_text(
        "num_training = 50\nnum_validation = 20\nnum_epochs = 1\nnum_filters = 2"
    )
    done = run("train", "--config", "few.toml")
    assert "Data:  shapes" in done.out
    assert "CIFAR-10 is not on disk: 'handgrad data download' gets it (170 MB)" in done.out
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"shapes-\d{8}-\d{6}", folder.name)


def test_a_second_run_in_the_same_second_has_a_name_of_its_own(tmp_path, monkeypatch):
    from handgrad.cli import run_folder

    class Now(run_folder.datetime):
        @classmethod
        def now(cls):
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(run_folder, "datetime", Now)
    (tmp_path / "runs/shapes-20260102-030405").mkdir(parents=True)
    assert str(run_folder.name_new("shapes")) == "runs/shapes-20260102-030405-2"


FAST = [
    *("--spec", "conv3-4 - bn(momentum=0.6) - relu - pool4 - affine", "--label-smoothing", "0.2"),
    *("--update-rule", "sgd_nesterov_momentum", "--lr", "0.05", "--optim", "momentum=0.85,weight_decay=0.01"),
    *("--param-config", "beta*: lr_factor=16, weight_decay=0; W1: freeze_after=0; b1: freeze_after=1"),
    *("--lookahead", "2,0.23,3", "--augment", "alternating_flip,reflect_crop2"),
    *("--schedule", "triangle(0.23, start=0.2, final=0.07)", "--lr-decay", "1", "--seed", "3"),
    *("--clip-norm", "2", "--clip-value", "0.5", "--background", "--mixup", "0.4", "--recalibrate", "2"),
]


def test_a_recipe_of_many_tricks_is_repeated_from_its_config(tmp_path):
    small = ["--data", "shapes", "--num-training", "60", "--num-validation", "30", "--batch-size", "20"]
    done = run("train", *small, *FAST, "--epochs", "2", "--out", "first")
    assert done.status == 0, done.err
    assert run("train", "--config", "first/config.toml", "--out", "second").status == 0
    assert losses(tmp_path / "first") == losses(tmp_path / "second")
    config = tomllib.loads((tmp_path / "first/config.toml").read_text())
    assert config["param_config"]["beta*"] == {"lr_factor": 16, "weight_decay": 0}
    off = {"l2": 0.0, "clip_value": 0.0}
    assert config["optim_config"] == {"momentum": 0.85, "weight_decay": 0.01, **off}
    assert run("train", *small, *FAST, "--epochs", "1", "--out", "short").status == 0
    np.testing.assert_array_equal(params(tmp_path / "first")["W1"], params(tmp_path / "short")["W1"])


def test_pruned_images():
    small = ["--data", "shapes", "--num-training", "60", "--num-validation", "20", "--epochs", "4"]
    net = ["--spec", "conv3-4/2 - relu - globalpool - affine", "--batch-size", "20"]
    assert run("train", *small, *net, "--prune", "0.6", "--out", "run").status == 0
    assert tomllib.loads(Path("run/config.toml").read_text())["prune"] == 0.6
    assert run("train", *small, *net, "--seed", "0", "--prune", "1", "--out", "no").status != 0


def test_small_images_at_first():
    small = ["--data", "shapes", "--num-training", "40", "--num-validation", "20", "--epochs", "2"]
    net = ["--spec", "conv3-4/2 - relu - globalpool - affine"]
    assert run("train", *small, *net, "--image-side", "0=16,1=32", "--out", "run").status == 0
    assert tomllib.loads(Path("run/config.toml").read_text())["image_side"] == {"0": 16, "1": 32}
    assert run("train", "--config", "run/config.toml", "--out", "again").status == 0
    assert losses(Path("run")) == losses(Path("again"))
    assert "image_side must have epochs before the '=', as in 0=20,5=32, got 'first'" in refusal(
        "train", *small, *net, "--image-side", "first=16"
    )


def test_wrong_settings_of_parameters_are_told_in_one_sentence():
    small = ["--data", "shapes", "--num-training", "20", "--num-validation", "20"]
    assert refusal("train", *small, "--param-config", "beta*: lr_factor=2") == (
        "handgrad: param_config['beta*'] fits no parameter; known: W1, W2, W3, b1, b2, b3"
    )
    assert "numbers by parameter such as" in refusal("train", "--param-config", "W1 frozen", status=2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "two-layer", "--hidden-dim", "9"],
        [
            "--model",
            "fully-connected",
            "--hidden-dims",
            "9,5",
            "--dropout",
            "0.5",
            "--normalization",
            "layernorm",
        ],
        [
            "--filter-size",
            "5",
            "--num-filters",
            "3",
            "--use-batchnorm",
            "--ema",
            "0.9",
            "--preprocess",
            "none",
        ],
        ["--spec", "conv3-4 - bn - relu - pool4 - res(affine8 - relu) - affine", "--reg", "0.1"],
        ["--spec", "conv2-24 - relu - pool4 - affine", "--whiten", "--label-smoothing", "0.1"],
        ["--spec", "pool - affine9 - dropout - affine - SVM", "--init", "glorot"],
        ["--spec", "pool2x1 - affine", "--weight-scale", "0.001"],
    ],
    ids=[
        *("two-layer", "fully-connected", "three-layer"),
        *("conv-net", "whitened", "pooled and flat", "pooled to a strip"),
    ],
)
def test_every_model_trains_and_is_reported(arguments):
    small = ["--data", "shapes", "--num-training", "40", "--num-validation", "20", "--epochs", "1"]
    done = run("train", *small, *arguments, "--out", "run", "--json")
    assert done.status == 0, done.err
    assert run("evaluate", "run", "--json").json["accuracy"] == pytest.approx(
        done.json["result"]["val_accuracy"]
    )


def test_a_spec_alone_chooses_its_model_and_is_the_title(tmp_path):
    small = ["--data", "shapes", "--num-training", "40", "--num-validation", "20", "--epochs", "1"]
    done = run("train", *small, "--spec", "[conv-4 - relu - pool4]x2 - AFFINE", "--out", "run", "--seed", "1")
    title = "[conv3-4 - relu - pool4]x2 - affine - softmax"
    assert f"Net:   {title}, 430 parameters in float32, seed 1" in done.out
    assert f"<title>{title} on shapes</title>" in (tmp_path / "run/report.html").read_text(encoding="utf-8")
    config = tomllib.loads((tmp_path / "run/config.toml").read_text())
    assert config["model"] == "conv-net"
    assert config["init"] == "he"
    assert "weight_scale" not in config
    assert run("train", "--config", "run/config.toml", "--out", "again").status == 0
    assert losses(tmp_path / "run") == losses(tmp_path / "again")
    assert run("doctor", "run").status == 0


def test_a_wrong_spec_is_told_in_one_sentence():
    assert refusal("train", "--spec", "conv - rely") == (
        "handgrad: spec must have a layer, '[' or 'res(' at column 8, got 'rely'; did you mean 'relu'?"
    )
    assert refusal("train", "--data", "shapes", "--spec", "conv - pool40 - affine").startswith(
        "handgrad: spec cannot have pool40 at column 8: the window (40, 40) must fit into the"
    )
    assert "spec is a setting of conv-net, but model is two-layer" in refusal(
        "train", "--model", "two-layer", "--spec", "affine"
    )


def test_a_wrong_spec_is_shown_on_a_terminal(monkeypatch):
    import io
    import sys

    from handgrad.cli import errors
    from handgrad.models.notation import SpecError, parse

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    with pytest.raises(SpecError) as caught:
        parse("conv - rely")
    monkeypatch.setattr(sys, "stderr", Terminal())
    errors.report(caught.value, debug=False)
    assert sys.stderr.getvalue().split("\n")[1:] == ["  conv - rely", "         ^^^^", ""]


def test_a_folder_of_images_can_be_trained_on(pets):
    done = run("train", "--data", pets, "--image-size", "8", "--epochs", "1", "--batch-size", "4", "--json")
    assert done.status == 0, done.err
    assert done.json["data"]["class_names"] == ["cat", "dog"]
    assert done.json["data"]["input_dim"] == [3, 8, 8]


def test_a_run_can_go_on_longer_as_if_it_had_never_ended(tmp_path):
    short, whole = [*TINY, "--out", "short"], [*TINY, "--out", "whole", "--epochs", "4"]
    assert run("train", *short).status == 0
    assert run("train", *whole).status == 0
    done = run("train", "--resume", "short", "--epochs", "4")
    assert done.status == 0
    assert "Going on after 6 of 12 steps" in done.out
    assert losses(tmp_path / "short") == losses(tmp_path / "whole")
    assert tomllib.loads((tmp_path / "short/config.toml").read_text())["num_epochs"] == 4


def test_a_finished_run_that_is_resumed_writes_its_report_again(tmp_path):
    run("train", *TINY, "--out", "run")
    (tmp_path / "run/report.html").unlink()
    before = losses(tmp_path / "run")
    assert run("train", "--resume", "run").status == 0
    assert (tmp_path / "run/report.html").exists()
    assert losses(tmp_path / "run") == before


def test_what_a_resumed_run_depends_on_cannot_change(trained):
    assert "--reg cannot change in a run that goes on" in refusal("train", "--resume", trained, "--reg", "1")
    assert "leave --config and --out away" in refusal("train", "--resume", trained, "--out", "other")


def test_an_empty_folder_that_is_there_is_used(tmp_path):
    (tmp_path / "empty").mkdir()
    assert run("train", *TINY, "--out", "empty").status == 0


def test_tensorboard_without_its_package_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    assert "pip install 'handgrad[tensorboard]'" in refusal("train", *TINY, "--tensorboard", "--out", "a/run")
    assert not (tmp_path / "a").exists()


def test_the_report_is_one_file_that_loads_nothing(trained):
    page = (trained / "report.html").read_text(encoding="utf-8")
    assert "ThreeLayerConvNet on shapes" in page
    assert not re.search(r"""(src|href|srcset)=["'](?!data:image/png;base64,)""", page)
    assert not re.search(r"url\(|@import|<script|<link", page)
    for text in ("Confusion matrix on 30 validation images", "num_filters", "scipy-openblas", "crescent"):
        assert text in page or text == "scipy-openblas"
    assert str(trained.parent.parent) not in page.replace(str(trained), "")


def test_names_from_outside_are_escaped_in_the_report(tmp_path, pets):
    (tmp_path / "pets/cat").rename(tmp_path / "pets/<b>cat&")
    assert run(
        "train", "--data", pets, "--image-size", "8", "--epochs", "1", "--batch-size", "4", "--out", "run"
    )
    page = (tmp_path / "run/report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;cat&amp;" in page
    assert "<b>cat&" not in page
