"""``handgrad lr-find``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli.helpers import refusal, run
from PIL import Image

SMALL = ["--data", "shapes", "--num-training", "200", "--num-validation", "20", "--spec", "pool4 - affine"]


def test_a_suggestion_and_a_picture(real_pictures):
    done = run("lr-find", *SMALL, "--update-rule", "sgd_momentum", "--seed", "1", "--highest", "100")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "pool4 - affine - softmax on shapes, sgd_momentum, 50 images a step"
    assert re.fullmatch(
        r"Suggestion: --lr [\d.e-]+ \(a tenth of the rate where the loss was least\)", lines[1]
    )
    assert lines[2] == "Picture: lr-find.png"
    with Image.open("lr-find.png") as picture:
        assert picture.width > 600
    assert [path.name for path in Path().iterdir() if path.name != "cache"] == ["lr-find.png"]


def test_json_holds_the_curve_and_what_repeats_it():
    first, again = (run("lr-find", *SMALL, "--steps", "20", "--seed", "3", "--json").json for _ in range(2))
    assert first == again
    assert len(first["rates"]) == len(first["losses"]) <= 20
    assert first["rates"][0] == 1e-6
    assert first["seed"] == 3


def test_no_suggestion_is_said():
    """With another seed the batches may differ so that the loss seems to fall."""
    tiny = ["--lowest", "1e-9", "--highest", "1e-8", "--steps", "5", "--seed", "0"]
    out = run("lr-find", *SMALL, *tiny).out
    assert "No suggestion: the loss fell at no rate" in out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--lowest", "0"], 2, "it must be a number above 0, got '0'"),
        (["--lowest", "fast"], 2, "it must be a number above 0, got 'fast'"),
        (["--steps", "1"], 2, "it must be a whole number of 2 or more, got '1'"),
        (["--lowest", "1", "--highest", "0.1"], 1, "highest must be above lowest (1), got 0.1"),
        (["--out", "x.jpg"], 1, "out must end in .png, .svg or .pdf, got 'x.jpg'"),
    ],
)
def test_what_is_refused(arguments, status, message):
    assert message in refusal("lr-find", *SMALL, *arguments, status=status)
