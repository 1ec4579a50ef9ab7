import sys

import pytest
from cli.helpers import refusal, run

SPEC = "[conv-8 - relu - pool2]x2 - res(conv-8 - bn) - affine"


def test_a_table_and_what_follows_from_it():
    done = run("explain", SPEC, "--batch", "4", "--input", "1x28x28", "--classes", "7")
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[0] == "[conv3-8 - relu - pool2]x2 - res(conv3-8 - bn) - affine - softmax"
    assert lines[1] == "batches of 4 images of 1x28x28 in float32"
    assert lines[3].split()[:3] == ["layers", "output", "parameters"]
    assert lines[4].split()[:7] == ["conv3-8", "-", "relu", "-", "pool2", "8x14x14", "80"]
    assert "measured" not in done.out
    assert lines[-1].startswith("Predictions: ")


def test_measured_and_as_json():
    done = run(
        "explain", SPEC, "--batch", "4", "--measure", "--json", "--dtype", "float64", "--backend", "numpy"
    )
    assert done.json["dtype"] == "float64"
    assert done.json["machine"]["backend"] == "numpy"
    assert done.json["step_seconds"] > 0
    assert [row["name"] for row in done.json["rows"]][-2:] == ["res1", "affine4"]


def test_on_a_terminal_numbers_stay_whole(monkeypatch):
    import io

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    from handgrad.cli.output import Output

    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stdout", Terminal())
    Output(False).table(("layers", "FLOPs"), [("conv - relu - " * 10, "123,456,789 G")], numbers=1)
    assert "123,456,789 G" in sys.stdout.getvalue()


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["conv - rely"], 1, "column 8, got 'rely'; did you mean 'relu'?"),
        (["affine", "--batch", "0"], 2, "--batch': it must be a whole number of 1 or more, got '0'"),
        (["affine", "--input", "3x32"], 2, "it must be three whole numbers such as 3x32x32, got '3x32'"),
        (["affine", "--dtype", "int8"], 1, "dtype must be float32 or float64, got int8"),
        (["affine", "--backend", "nump"], 1, "there is no backend 'nump'; did you mean 'numpy'?"),
        ([], 2, "SPEC"),
    ],
)
def test_refusals(arguments, status, text):
    assert text in refusal("explain", *arguments, status=status)


def test_the_network_of_a_run_can_be_explained(trained):
    found = run("explain", trained, "--json").json
    assert found["batch"] == 20
    assert [row["name"] for row in found["rows"]] == ["conv1-relu1-pool1", "affine2-relu2", "affine3"]
    assert run("explain", trained, "--batch", "3", "--json").json["batch"] == 3
