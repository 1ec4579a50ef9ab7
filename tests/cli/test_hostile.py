"""What cannot be done: one sentence on the standard error, a status that is not 0, nothing half-written."""

import contextlib
import errno
import io
import json
import os
import pickle
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli.helpers import TINY, refusal, run, start

from handgrad.cli.app import run as run_app
from handgrad.training import load_checkpoint

SMALL = ["--data", "shapes", "--num-training", "60", "--num-validation", "20"]


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "handgrad: there is no command 'trian'; did you mean 'train'"),
        (["zzz"], "handgrad: there is no command 'zzz'; known: bench, check, data, "),
        (["data", "shaps"], "handgrad data: there is no command 'shaps'; did you mean 'shapes'?"),
        (["train", "--zzz"], "handgrad train: there is no option '--zzz' (see"),
        (["train", "--epoch", "3"], "handgrad train: there is no option '--epoch'; did you mean '--epochs'?"),
        (
            ["train", "--epochs", "many"],
            "invalid value for --epochs: it must be a whole number, got 'many'",
        ),
        (["train", "--batch-size", "1.5"], "--batch-size: it must be a whole number, got '1.5'"),
        (["train", "--reg", "x"], "--reg: it must be a number, got 'x'"),
        (
            ["train", "--hidden-dims", "9,x"],
            "--hidden-dims: it must be whole numbers such as 200,100, got '9,x'",
        ),
        (
            ["train", "--optim", "momentum"],
            "--optim: it must be numbers by name such as momentum=0.95, got 'momentum'",
        ),
        (["train", "--seed"], "--seed"),
        (["predict", "run"], "IMAGE..."),
        (["predict", "run", "x.png", "--top", "0"], "--top': it must be a whole number of 1 or more"),
        (["data", "shapes", "--count", "2000"], "it must be a whole number from 1 to 1000, got '2000'"),
        (["show", "mistakes", "run", "--count", "x"], "it must be a whole number of 1 or more, got 'x'"),
        (["train", "extra"], "extra"),
    ],
)
def test_a_command_line_that_is_wrong_has_status_2_and_names_the_help(arguments, message):
    error = refusal(*arguments, status=2)
    assert message in error
    assert error.endswith("--help')")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "-1"], "num_epochs must be 1 or above, got -1"),
        (["--epochs", "0"], "num_epochs must be 1 or above, got 0"),
        (["--batch-size", "100"], "batch_size must be at most the number of training images (60), got 100"),
        (["--batch-size", "0"], "batch_size must be"),
        (["--num-training", "0"], "X_train must hold at least one image"),
        (["--num-training", "-5"], "num_training must not be negative, got -5"),
        (["--num-validation", "0"], "X_val must hold at least one image"),
        (["--update-rule", "adm"], "update_rule has no option 'adm'; did you mean 'adam'"),
        (["--model", "two-layers"], "model has no option 'two-layers'; did you mean 'two-layer'"),
        (["--schedule", "cosin"], "schedule has no option 'cosin'; did you mean 'cosine'"),
        (["--augment", "flop"], "augment has no option 'flop'; did you mean 'flip'"),
        (["--dtype", "float16"], "dtype has no option 'float16'; did you mean"),
        (["--preprocess", "means"], "preprocess has no option 'means'; did you mean 'mean'"),
        (["--backend", "numpyy"], "there is no backend 'numpyy'; did you mean 'numpy'"),
        (["--threads", "0"], "the number of threads must be at least 1, got 0"),
        (["--optim", "momentum=0.9"], "optim_config of adam has no option 'momentum'"),
        (["--optim", "learning_rate=1", "--lr", "1"], "learning_rate must be given once"),
        (["--lr", "nan"], "learning_rate must be a finite number, got nan"),
        (["--reg", "-1"], "reg must"),
        (["--ema", "2"], "ema must"),
        (["--seed", "-1"], "seed must not be negative, got -1"),
        (["--filter-size", "0"], "filter_size must be"),
        (["--dropout", "0.5"], "dropout is a setting of fully-connected, but model is three-layer"),
        (["--path", "x"], "path says where CIFAR-10 is, but data is 'shapes'"),
        (["--hidden-dim", "1000000000000"], "the memory is not enough"),
        (["--config", "missing.toml"], "config must name a TOML file, got 'missing.toml'"),
        (
            ["--resume", "nowhere"],
            "run must name the folder of a run of 'handgrad train', but 'nowhere' is no folder",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused_and_leave_nothing(tmp_path, arguments, message):
    out = [] if arguments[0] == "--resume" else ["--out", "runs/x"]
    small = [] if arguments[0] == "--resume" else SMALL
    assert message in refusal("train", *small, *arguments, *out)
    assert tree(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("num_epochs = ", "config 'bad.toml' must be a TOML file: "),
        ("epochs = 3", "config 'bad.toml' has no option 'epochs'; did you mean 'num_epochs'?"),
        ("num_epochs = 'three'", "config 'bad.toml': num_epochs must be a whole number, got 'three'"),
        ("num_epochs = true", "config 'bad.toml': num_epochs must be a whole number, got True"),
        ("reg = '0'", "config 'bad.toml': reg must be a number, got '0'"),
        ("use_batchnorm = 1", "config 'bad.toml': use_batchnorm must be true or false, got 1"),
        ("data = 3", "config 'bad.toml': data must be a text, got 3"),
        ("hidden_dims = [1, 'x']", "hidden_dims must be whole numbers such as 200,100, got [1, 'x']"),
        (
            "optim_config = {beta1 = 'x'}",
            "optim_config must be numbers by name such as momentum=0.95, got {'beta1': 'x'}",
        ),
        ("[training]\nnum_epochs = 3", "config 'bad.toml' has no option 'training'"),
        ("model = 'three'", "config 'bad.toml': model has no option 'three'"),
    ],
)
def test_a_config_file_that_is_wrong_is_refused(tmp_path, text, message):
    (tmp_path / "bad.toml").write_text(text)
    assert message in refusal("train", "--config", "bad.toml")
    assert tree(tmp_path) == ["bad.toml"]


def test_a_config_file_of_bytes_is_refused(tmp_path):
    (tmp_path / "bad.toml").write_bytes(b"\xff\x00\xfe")
    assert "config 'bad.toml' must be a TOML file: " in refusal("train", "--config", "bad.toml")


def test_data_that_is_not_there_is_refused(tmp_path):
    message = refusal("train", "--data", "shaps")
    assert (
        "data must be cifar10, shapes, auto or a folder of images, got 'shaps'; did you mean 'shapes'"
        in message
    )
    assert "CIFAR-10 is not on disk: 'handgrad data download'" in refusal("train", "--data", "cifar10")
    assert "path must name the folder cifar-10-batches-py" in refusal("train", "--path", "nowhere")
    (tmp_path / "one/cat").mkdir(parents=True)
    assert "one must hold at least two class folders, got cat" in refusal("train", "--data", "one")
    assert tree(tmp_path) == ["one", "one/cat"]


class Payload:
    def __reduce__(self):
        return os.system, ("touch harmed",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"garbage", "must be a whole pickle of CIFAR-10"),
        (b"", "must be a whole pickle of CIFAR-10"),
        (pickle.dumps({"data": 1}), "data_batch_1 must hold 'labels'"),
        (pickle.dumps(Payload()), "a data file must name nothing but NumPy arrays"),
    ],
    ids=["garbage", "empty", "incomplete", "payload"],
)
def test_damaged_and_dangerous_pickles_are_refused(tmp_path, content, message):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in ("test_batch", *(f"data_batch_{k}" for k in range(1, 6))):
        (folder / name).write_bytes(content)
    before = tree(tmp_path)
    assert message in refusal("train", "--data", "cifar10", "--path", str(folder))
    assert tree(tmp_path) == before


def test_a_folder_with_files_is_never_written_into(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.tex").write_text("years of work")
    message = refusal("train", *SMALL, "--out", "full")
    assert "out must name a new or empty folder, but 'full' holds files: name another" in message
    assert "is a file" in refusal("train", *SMALL, "--out", "full/thesis.tex")
    assert tree(tmp_path) == ["full", "full/thesis.tex"]


def test_a_run_is_not_overwritten_and_the_error_says_how_to_go_on(trained):
    before = tree(trained)
    assert f"or go on with --resume {trained}" in refusal("train", *SMALL, "--out", trained)
    assert tree(trained) == before


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    assert "run folder 'file/run' cannot be written: Not a directory" in refusal(
        "train", *SMALL, "--out", "file/run"
    )
    mkdir = Path.mkdir

    def read_only(path, *args, **options):
        if path.name in ("run", "deep"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        mkdir(path, *args, **options)

    monkeypatch.setattr(Path, "mkdir", read_only)
    message = refusal("train", *SMALL, "--out", "deep/run")
    assert "run folder 'deep/run' cannot be written: Read-only file system" in message
    assert tree(tmp_path) == ["file"]


def test_another_run_that_takes_the_same_folder_keeps_it(tmp_path, monkeypatch):
    from handgrad.cli import run_folder

    def taken_meanwhile(path):
        (path / "checkpoint").mkdir(parents=True)
        (path / "config.toml").write_text("of the other run")

    monkeypatch.setattr(run_folder, "check_new", taken_meanwhile)
    with (
        pytest.raises(OSError, match="run folder 'run' cannot be written: File exists"),
        run_folder.begun(Path("run")),
    ):
        raise AssertionError("it began")
    assert tree(tmp_path) == ["run", "run/checkpoint", "run/config.toml"]


def full_disk(*args, **options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_is_full_at_the_start_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("handgrad.cli.config_file.atomic_write", full_disk)
    assert "No space left on device" in refusal("train", *SMALL, "--out", "deep/run")
    assert tree(tmp_path) == []


@pytest.mark.parametrize(
    "where",
    ["handgrad.training.checkpoint.atomic_write", "handgrad.viz.save", "handgrad.cli.report.atomic_write"],
)
def test_a_run_that_met_a_full_disk_can_go_on(tmp_path, trained, monkeypatch, where):
    import handgrad.cli.report  # noqa: F401 - to be patched

    calls = []

    def full_at_the_second(*args, **options):
        calls.append(args)
        if len(calls) > (1 if "checkpoint" in where else 0):
            full_disk()
        return original(*args, **options)

    module, _, name = where.rpartition(".")
    original = getattr(sys.modules[module], name)
    with monkeypatch.context() as patch:
        patch.setattr(where, full_at_the_second)
        done = run("train", *TINY, "--out", "run")
    assert done.status == 1
    assert "No space left on device" in done.err
    assert done.err.endswith("go on with 'handgrad train --resume run'\n")
    assert done.err.count("\n") == 1
    assert not (tmp_path / "run/report.html").exists()
    assert run("train", "--resume", "run").status == 0
    assert (
        load_checkpoint("run/checkpoint").loss_history == load_checkpoint(trained / "checkpoint").loss_history
    )
    assert (tmp_path / "run/report.html").exists()


@pytest.fixture
def copied(trained, tmp_path):
    import shutil

    return Path(shutil.copytree(trained, tmp_path / "run").relative_to(tmp_path))


@pytest.mark.parametrize("command", [["evaluate"], ["predict"], ["train", "--resume"]], ids=lambda c: c[0])
@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("checkpoint/arrays-6-*", lambda path: os.truncate(path, 1000), "is damaged"),
        ("checkpoint/arrays-6-*", os.unlink, "is damaged"),
        ("checkpoint/state.json", lambda path: path.write_text("{"), "is damaged"),
        (
            "checkpoint/state.json",
            lambda path: path.write_text('{"a": 1}'),
            "is not the state of a handgrad checkpoint",
        ),
        (
            "config.toml",
            lambda path: path.write_text("num_epochs = 'x'"),
            "num_epochs must be a whole number",
        ),
        ("config.toml", os.unlink, "holds no config.toml"),
    ],
)
def test_a_damaged_run_is_refused_by_every_command(copied, command, file, damage, message):
    (path,) = copied.glob(file)
    damage(path)
    from PIL import Image

    Image.new("RGB", (8, 8)).save("x.png")
    more = ["x.png"] if command == ["predict"] else []
    assert message in refusal(*command, copied, *more)


@pytest.mark.parametrize("content", ["", "[]", '{"data": {}}'])
def test_a_run_without_its_facts_is_refused(copied, content):
    (copied / "run.json").write_text(content)
    assert "run 'run' is damaged: its run.json is missing or not as it was written" in refusal(
        "evaluate", copied
    )


def test_a_run_that_has_not_got_to_a_checkpoint_is_refused(copied):
    import shutil

    shutil.rmtree(copied / "checkpoint")
    assert "there is no checkpoint at 'run/checkpoint'" in refusal("evaluate", copied)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    assert "but '.' holds no config.toml" in refusal("evaluate", ".")
    assert "but 'x' is no folder" in refusal("predict", "x", "y.png")


def test_a_loss_that_is_no_number_is_one_sentence_with_advice(tmp_path):
    done = run("train", *TINY, "--lr", "1e10", "--update-rule", "sgd", "--out", "run")
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert "lower learning_rate" in done.err


def test_an_unknown_part_is_refused(trained):
    assert "split has no option 'tset'; did you mean 'test'" in refusal(
        "evaluate", trained, "--split", "tset"
    )


def test_a_defect_of_ours_is_owned_up_to_and_debug_shows_it(monkeypatch):
    def broken(*args):
        raise RuntimeError("no idea")

    monkeypatch.setattr("handgrad.cli.commands.info._collect", broken)
    message = refusal("info")
    assert message == "handgrad: RuntimeError: no idea, which is a defect of Handgrad; --debug shows where"
    done = run("info", "--debug")
    assert done.status == 1
    assert "Traceback" in done.err
    assert "in broken" in done.err


def test_debug_shows_where_a_refusal_came_from():
    done = run("--debug", "train", *SMALL, "--epochs", "-1")
    assert "Traceback" in done.err
    assert done.err.endswith("handgrad: num_epochs must be 1 or above, got -1\n")


def wait_for(path, count):
    """Wait until the file has that many lines."""
    for _ in range(6000):
        if path.exists() and path.read_text().count("\n") >= count:
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} did not get {count} lines")


LONG = [
    *TINY,
    "--num-training",
    "1200",
    "--batch-size",
    "2",
    "--num-train-samples",
    "10",
    "--checkpoint-every",
    "10",
]


def start_with(on_ctrl_c, *arguments):
    """Start a command that inherits what is done on SIGINT, whatever these tests themselves inherited."""
    before = signal.signal(signal.SIGINT, on_ctrl_c)
    try:
        return start(*arguments)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_run_that_is_stopped_goes_on_as_if_nothing_had_happened(tmp_path, number):
    child = start_with(signal.SIG_DFL, "train", *LONG, "--out", "run")
    wait_for(tmp_path / "run/log.jsonl", 15)
    child.send_signal(number)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert err.startswith("handgrad: stopped at step ")
    assert err.endswith(" of 1,200; go on with 'handgrad train --resume run'\n")
    stopped_at = load_checkpoint("run/checkpoint").iteration
    assert f"step {stopped_at:,} of" in err
    assert run("train", "--resume", "run").status == 0
    assert run("train", *LONG, "--out", "whole").status == 0
    first, second = load_checkpoint("run/checkpoint"), load_checkpoint("whole/checkpoint")
    assert first.loss_history == second.loss_history
    for name, w in first.params.items():
        np.testing.assert_array_equal(w, second.params[name], strict=True)
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [r["iteration"] for r in log if r["event"] == "iteration"] == list(range(1, 1201))


def test_a_background_job_that_ignores_ctrl_c_still_ends_on_sigterm(tmp_path):
    """A script's job in the background ignores SIGINT from birth; SIGTERM was lost on the way through it."""
    child = start_with(signal.SIG_IGN, "train", *LONG, "--out", "run")
    wait_for(tmp_path / "run/log.jsonl", 15)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert load_checkpoint("run/checkpoint").iteration in range(14, 1200)
    assert "go on with" in err


def end_without_reading(child):
    child.stdout.close()
    with child.stderr:
        err = child.stderr.read()
    return child.wait(timeout=30), err


def test_an_output_that_nobody_reads_any_more_ends_the_run_with_one_sentence(tmp_path):
    child = start("train", *LONG, "--print-every", "1", "--out", "run")
    child.stdout.readline()
    status, err = end_without_reading(child)
    assert status == 141
    assert err == "handgrad: Broken pipe; go on with 'handgrad train --resume run'\n"
    assert run("train", "--resume", "run").status == 0


def test_a_reader_of_a_short_output_may_leave_quietly():
    assert end_without_reading(start("info")) == (141, "")


def test_an_output_on_a_full_disk_is_an_error(monkeypatch):
    class Full(io.StringIO):
        def flush(self):
            full_disk()

        def fileno(self):
            return os.open(os.devnull, os.O_WRONLY)

    monkeypatch.setattr(sys, "stdout", Full())
    with contextlib.redirect_stderr(io.StringIO()) as err:
        assert run_app(["info"]) == 1
    assert err.getvalue() == "handgrad: No space left on device\n"


def test_ctrl_c_before_training_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("handgrad.cli.assembly.as_run", interrupted)
    done = run("train", *TINY, "--out", "deep/run")
    assert (done.status, done.err) == (130, "handgrad: interrupted\n")
    assert tree(tmp_path) == []


def test_no_command_at_all_is_answered_with_help():
    done = run()
    assert done.status == 2
    assert "Usage: handgrad" in done.out + done.err
    assert done.err == "" or done.err.strip().startswith("Usage")
