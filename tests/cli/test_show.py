"""``handgrad show``: a picture of each kind, and what cannot be drawn."""

import re
import shutil

import numpy as np
import pytest
from cli.helpers import refusal, run
from PIL import Image

import handgrad.viz
from handgrad.data import load_shapes


def test_filters_of_any_layer(trained, tmp_path, real_pictures):
    found = run("show", "filters", trained, "--json").json
    assert found == {"path": "filters.png", "layer": "conv1", "shape": [2, 3, 3, 3]}
    line = run("show", "filters", trained, "--layer", "affine2", "--theme", "dark", "--out", "deep.png").out
    assert line == "affine2: weights of 8 units: deep.png\n"
    dark, light = (Image.open(tmp_path / name).convert("RGB") for name in ("deep.png", "filters.png"))
    assert sum(dark.getpixel((0, 0))) < 100 < 700 < sum(light.getpixel((0, 0)))


def test_the_layer_that_was_meant_is_named(trained):
    assert "has no layer 'conv2'; did you mean 'conv1'" in refusal(
        "show", "filters", trained, "--layer", "conv2"
    )
    assert "layer must be one with weights (conv1, affine2, affine3), got 'relu1'" in refusal(
        "show", "filters", trained, "--layer", "relu1"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "x.jpg"], "out must end in .png, .svg or .pdf, got 'x.jpg'"),
        (["--out", "nowhere/x.png"], "out must lie in a folder that is there, got 'nowhere/x.png'"),
        (["--theme", "drak"], "there is no theme 'drak'; did you mean 'dark'"),
    ],
)
def test_where_nothing_can_be_drawn_nothing_is_computed(arguments, message):
    assert message in refusal("show", "filters", "no-run", *arguments)


def test_a_run_that_is_none_is_refused():
    assert "run must name the folder of a run" in refusal("show", "filters", "no-run")


@pytest.mark.parametrize("kind", ["saliency", "gradcam"])
def test_what_a_net_looks_at(trained, kind, real_pictures, tmp_path):
    done = run("show", kind, trained)
    assert done.status == 0, done
    with Image.open(tmp_path / f"{kind}.png") as image:
        assert image.width > 900
    found = run(
        "show", kind, trained, "7", f"{kind}.png", "--class", "heart", "--out", "two.svg", "--json"
    ).json
    assert [each["image"] for each in found["images"]] == ["7", f"{kind}.png"]
    assert {each["followed"] for each in found["images"]} == {"heart"}
    assert {each["class"] for each in found["images"]} <= set(load_shapes(1, 0, 0).class_names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["30"], "image must be from 0 to 29, got 30"),
        (["no.png"], "path must name an image file, got 'no.png'"),
        (["--class", "hart"], "there is no class 'hart'; did you mean 'heart'"),
        (["--split", "vall"], "split has no option 'vall'; did you mean 'val'"),
        (["--layer", "relu3"], "the network has no layer 'relu3'; did you mean 'relu"),
        (["--layer", "affine3"], "layer must give images (conv1, relu1, pool1), but affine3 gives (10,)"),
        (["a.png", "--out", "a.png"], "out must not be one of the images, got 'a.png'"),
    ],
)
def test_images_and_layers_that_cannot_be_looked_at_are_refused(trained, arguments, message, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert message in refusal("show", "gradcam", trained, *arguments)


def test_data_that_is_gone_is_missed_only_where_it_is_needed(pets, tmp_path):
    tiny = ("--num-filters", "2", "--hidden-dim", "4", "--epochs", "1", "--batch-size", "10", "--seed", "0")
    assert run("train", "--data", pets, "--image-size", "8", *tiny, "--out", "run").status == 0
    (tmp_path / "pets").rename(tmp_path / "away")
    assert "data must be cifar10, shapes, auto or a folder of images" in refusal("show", "saliency", "run")
    assert run("show", "saliency", "run", "away/cat/0.png").status == 0


def test_activations_of_an_image(trained, real_pictures, tmp_path):
    found = run("show", "activations", trained, "3", "--json").json
    assert [each["image"] for each in found["images"]] == ["3"]
    options = ("--layer", "relu1", "--layer", "affine3", "--channels", "1", "--out", "some.png")
    assert run("show", "activations", trained, *options).out == "Activations: some.png\n"
    with Image.open(tmp_path / "activations.png") as whole, Image.open(tmp_path / "some.png") as some:
        assert some.height < whole.height
    assert "has no layer 'relu3'; did you mean" in refusal("show", "activations", trained, "--layer", "relu3")


def test_curves_of_one_run_and_of_several(trained, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(handgrad.viz, "curves", lambda *given: drawn.append(given))
    monkeypatch.setattr(handgrad.viz, "compare_curves", lambda *given: drawn.append(given))
    assert run("show", "curves", trained).out == "Curves of run: curves.png\n"
    assert drawn[-1][0][0]["event"] == "start"
    for folder in ("other", "again/run"):
        shutil.copytree(trained, tmp_path / folder)
    assert run("show", "curves", trained, "other", "--stacked").out == "Curves of run, other: curves.png\n"
    assert list(drawn[-1][0]) == ["run", "other"]
    assert drawn[-1][1:] == (True, "light")
    assert run("show", "curves", trained, "again/run").status == 0
    assert list(drawn[-1][0]) == [str(trained), "again/run"]  # their names are equal


def test_a_log_that_is_damaged_is_named(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    with (tmp_path / "run/log.jsonl").open("a") as log:
        log.write("{")
    assert "run 'run' is damaged: its log.jsonl is missing or not" in refusal("show", "curves", "run")


def test_the_confusion_matrix_is_that_of_the_evaluation(trained):
    found = run("show", "confusion", trained, "--split", "test", "--json").json
    counts = np.array(found["counts"])
    assert counts.sum() == 20
    evaluated = run("evaluate", trained, "--split", "test", "--json").json
    assert counts.trace() / 20 == pytest.approx(evaluated["accuracy"])
    assert (
        run("show", "confusion", trained).out == "Confusion matrix of 30 validation images: confusion.png\n"
    )


def test_mistakes_come_with_numbers_that_the_other_pictures_take(trained):
    found = run("show", "mistakes", trained, "--count", "3", "--json").json["mistakes"]
    assert len(found) == 3
    probabilities = [each["probability"] for each in found]
    assert probabilities == sorted(probabilities, reverse=True)
    assert all(each["class"] != each["predicted"] for each in found)
    seen = run("show", "saliency", trained, *(each["image"] for each in found), "--json").json["images"]
    assert [each["class"] for each in seen] == [each["predicted"] for each in found]
    line = run("show", "mistakes", trained, "--count", "3").out
    assert re.fullmatch(r"The 3 most confident of \d+ mistakes on 30 validation images: mistakes.png\n", line)


def test_convolution_by_hand_needs_no_run(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(handgrad.viz, "convolution", lambda *given: drawn.append(given))
    assert run("show", "convolution").status == 0
    assert drawn[-1] == (None, None, "light")
    pixels = np.zeros((60, 120, 3), np.uint8)
    pixels[:, 30:90] = 255  # the middle
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    assert run("show", "convolution", "wide.png").status == 0
    X, labels, _ = drawn[-1]
    assert X.shape == (1, 3, 200, 200)
    assert (X[..., 5:-5] > 250).all()
    assert labels == ["wide.png"]
    assert "path must name an image file, got 'no.png'" in refusal("show", "convolution", "no.png")
    message = refusal("show", "convolution", "wide.png", "--out", "wide.png")
    assert "out must not be one of the images, got 'wide.png'" in message


def test_a_run_that_was_killed_before_its_first_checkpoint_can_go_on(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    for file in (tmp_path / "run/checkpoint").iterdir():
        file.unlink()
    message = refusal("show", "saliency", "run")
    assert message.endswith("run 'run' has no trained net yet: go on with 'handgrad train --resume run'")
    assert run("show", "curves", "run").status == 0


def test_a_part_of_the_data_without_images_is_named(pets):
    tiny = ("--num-filters", "2", "--hidden-dim", "4", "--epochs", "1", "--batch-size", "10", "--seed", "0")
    assert run("train", "--data", pets, "--image-size", "8", *tiny, "--out", "run").status == 0
    for command in (("show", "confusion"), ("evaluate",)):
        message = refusal(*command, "run", "--split", "test")
        assert message.endswith("data must hold images in the part that --split names, got none")
