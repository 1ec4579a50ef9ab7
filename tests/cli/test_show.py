"""``handgrad show``: a picture of each kind, and what cannot be drawn."""

import pytest
from cli.helpers import refusal, run
from PIL import Image


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
