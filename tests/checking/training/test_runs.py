"""The doctor on run folders, from Python and from the command line."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from checking.training.toys import Net, shapes
from cli.helpers import TINY, refusal, run

import handgrad
from handgrad.checking import examine_run
from handgrad.models import TwoLayerNet
from handgrad.training import Solver

SMALL = [
    *TINY,
    "--num-training",
    "300",
    "--num-validation",
    "100",
    "--num-filters",
    "4",
    "--hidden-dim",
    "20",
]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    threads = handgrad.get_num_threads()
    monkeypatch.chdir(tmp_path)
    with handgrad.use_backend("numpy"):
        yield
    handgrad.set_num_threads(threads)


def trained(*options):
    return run("train", *SMALL, "--preprocess", "standardize", *options, "--out", "run")


def test_sound_run():
    trained()
    done = run("doctor", "run", "--json")
    assert done.json["findings"] == []
    assert (done.status, done.json["verdict"], done.json["name"]) == (0, "right", "run run")
    names = [point["name"] for point in done.json["checks"]]
    assert {"losses of the run", "first loss", "trained: dead relus"} <= set(names)


def test_raw_images():
    trained("--preprocess", "none")
    done = run("doctor", "run")
    assert done.status == 1
    assert "X_train: the inputs are not centred  [not-centred]" in done.out
    assert "Checklist:" in done.out
    assert "\033" not in done.out


def test_other_data_can_be_given():
    trained()
    assert run("doctor", "run", "--data", "shapes").status == 0
    assert "data must be cifar10, shapes or a folder of images, got 'nowhere'" in refusal(
        "doctor", "run", "--data", "nowhere"
    )


def test_run_that_blew_up_and_has_no_checkpoint_yet_is_examined():
    assert trained("--update-rule", "sgd", "--lr", "1e6").status == 1
    shutil.rmtree("run/checkpoint")
    report = examine_run("run")
    assert report.findings[0].mistake == "update-ratio-too-large"
    assert {check.name for check in report.checks} >= {"first loss", "overfit"}


@pytest.mark.parametrize(
    ("losses", "mistake"),
    [
        ([2.3, 2.0, 900.0], "update-ratio-too-large"),
        ([2.3, float("nan")], "update-ratio-too-large"),
        ([2.3] * 60, "loss-does-not-fall"),
        (list(np.linspace(2.3, 1.0, 60)), None),
        ([2.3] * 10, None),
    ],
)
def test_losses_in_the_log(losses, mistake, tmp_path):
    (tmp_path / "config.toml").write_text('data = "nowhere"\n')
    lines = [
        json.dumps({"event": "iteration", "iteration": i, "loss": loss}) for i, loss in enumerate(losses)
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + '\n{"event": "iter')
    found = [finding.mistake for finding in examine_run(tmp_path).findings]
    assert found == ([] if mistake is None else [mistake])


def test_checkpoint_of_a_solver_with_our_model(tmp_path):
    model = TwoLayerNet(hidden_dim=20, seed=0)
    Solver(
        model, shapes(), "adam", num_epochs=2, verbose=False, seed=0, checkpoint_name=tmp_path / "c"
    ).train()
    report = examine_run(tmp_path / "c", shapes())
    assert report.findings == []
    assert "trained: finite numbers" in {check.name for check in report.checks}
    assert [c.verdict for c in examine_run(tmp_path / "c").checks if c.name == "model"] == ["not examined"]


def test_checkpoint_of_a_model_of_ones_own(tmp_path):
    solver = Solver(Net(), shapes(), "adam", num_epochs=1, verbose=False, checkpoint_name=tmp_path / "c")
    solver.train()
    assert "give it as it was before training" in str(examine_run(tmp_path / "c", shapes()))
    given = Net()
    assert examine_run(tmp_path / "c", shapes(), model=given).findings == []
    np.testing.assert_array_equal(given.params["W1"], Net().params["W1"])


def test_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"run_folder must be a training run, but '.*' holds neither"):
        examine_run(tmp_path)
    assert "is no folder" in refusal("doctor", "nowhere")


def test_config_that_is_no_toml_is_refused(tmp_path):
    (tmp_path / "config.toml").write_text("data = ")
    with pytest.raises(ValueError, match=r"config.toml' must be a TOML file"):
        examine_run(tmp_path)
