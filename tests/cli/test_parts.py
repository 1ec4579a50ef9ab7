import contextlib
import io
import os
import pty
import re
import subprocess
import sys
import tomllib

import pytest
from cli.helpers import TINY

from handgrad.cli import config_file, results, settings
from handgrad.cli.output import Output
from handgrad.cli.verdict import verdict


@pytest.mark.parametrize(
    ("train_acc", "val_acc", "words"),
    [
        (
            [0.1, 0.5, 0.9],
            [0.1, 0.6, 0.6],
            "0.600, best at epoch 1. Training accuracy came to 0.900: it overfits",
        ),
        (
            [0.1, 0.5, 0.6],
            [0.1, 0.5, 0.58],
            "best at epoch 2. Training accuracy is 0.600, and both were still rising",
        ),
        ([0.1, 0.5, 0.52], [0.1, 0.5, 0.502], "best at epoch 2. Training accuracy is 0.520: it underfits"),
        ([0.1, 0.5, 0.5], [0.1, 0.5, 0.45], "best at epoch 1. Training accuracy is 0.500: it underfits"),
        (
            [0.1, 0.95, 0.96],
            [0.1, 0.94, 0.942],
            "best at epoch 2. Training accuracy is 0.960: there is little left",
        ),
        (
            [0.1, 0.1, 0.12],
            [0.1, 0.11, 0.12],
            "hardly better than guessing 1 of 10: try another learning rate",
        ),
        ([0.3], [0.3], "best at epoch 0. Training accuracy is 0.300: it underfits"),
    ],
)
def test_the_verdict(train_acc, val_acc, words):
    assert words in verdict(train_acc, val_acc, range(len(val_acc)), num_classes=10)


def test_the_result_of_a_run_comes_from_its_best_check():
    def check(epoch, train, val):
        return {
            "event": "accuracy",
            "iteration": 3 * epoch,
            "epoch": epoch,
            "train_acc": train,
            "val_acc": val,
        }

    log = [{"event": "start"}, check(1, 0.5, 0.4), check(2, 0.6, 0.5), check(3, 0.7, 0.5)]
    found = results.summarize([{"seconds": 2.0, **record} for record in log], val_loss=1.5, num_classes=10)
    assert found["val_accuracy"] == 0.5
    assert found["train_accuracy"] == 0.6
    assert (found["best_epoch"], found["epochs"], found["steps"]) == (2, 3, 9)
    assert (found["val_loss"], found["seconds"]) == (1.5, 2.0)


def test_a_class_without_images_has_no_accuracy():
    import numpy as np

    rows = results.per_class(np.array([0, 0, 1]), np.array([0, 1, 1]), ["a", "b", "c"])
    assert [row["accuracy"] for row in rows] == [0.5, 1.0, None]
    assert [row["images"] for row in rows] == [2, 1, 0]


def test_toml_gives_back_every_setting_as_it_was():
    given = {
        "data": 'a "quoted" \\ folder\twith ünïcode',
        "model": "fully-connected",
        "hidden_dims": [3, 2],
        "learning_rate": 0.1 + 0.2,
        "reg": 1e-30,
        "optim_config": {"beta1": 1e-7, "beta2": 0.5},
        "normalization": "layernorm",
        "tensorboard": True,
        "seed": 2**62,
    }
    chosen = settings.make(given)
    read = tomllib.loads(config_file.dumps(chosen))
    settings.check(read, "config")
    assert settings.make(read) == chosen
    assert {name: read[name] for name in given} == given


def test_toml_leaves_out_what_the_model_has_not():
    text = config_file.dumps(settings.make({"model": "two-layer"}))
    assert "hidden_dim = 100" in text
    assert "num_filters" not in text
    assert "dropout" not in text


def test_every_setting_has_help_and_an_option_of_its_own():
    from handgrad.cli.options import _parameters

    options = [name for each in _parameters() for name in each.annotation.__metadata__[0].param_decls or ()]
    options += [each.annotation.__metadata__[0].default for each in _parameters()]
    assert (
        len(set(options))
        == len(options)
        == len(settings.ABOUT) + sum(bool(a.also) for a in settings.ABOUT.values())
    )
    assert all(about.help for about in settings.ABOUT.values())


def test_a_table_in_a_pipe_is_aligned_text():
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        Output(as_json=False).table(("class", "images"), [("cat", "7"), ("dog", "1,000")], numbers=1)
    assert out.getvalue() == "class  images\ncat         7\ndog     1,000\n"


def test_json_is_the_only_output_where_it_is_asked_for():
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        output = Output(as_json=True)
        output.line("words")
        output.table(("a",), [("b",)])
        output.result({"ä": 1})
    assert out.getvalue() == '{\n  "ä": 1\n}\n'


def on_terminal(*args):
    """Run a command with a terminal on both outputs; return what it wrote there."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "handgrad", *args]
    child = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # Linux's way to tell the end
        while chunk := os.read(ours, 4096):
            written += chunk
    os.close(ours)
    assert child.wait(timeout=30) == 0, written
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode()).replace("\r\n", "\n")


def test_a_terminal_gets_a_bar_and_a_table():
    text = on_terminal("train", *TINY, "--out", "run")
    assert "epoch 2/2" in text
    assert re.search(r"loss \d\.\d{4}", text)
    assert re.search(r"train \d+\.\d% val \d+\.\d%", text)
    assert "━" in text
    assert "(Iteration" not in text
    assert re.search(r"validation accuracy +\d+\.\d%", text)
