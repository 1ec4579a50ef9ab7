from __future__ import annotations

import io
import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from training.toys import Linear, solver

from handgrad.training.logging import JsonLines, ProgressBar, TensorBoard


def test_records() -> None:
    records: list[dict] = []
    ours = solver(num_epochs=2, logger=records.append, lr_decay=0.5)
    ours.train()
    events = [record["event"] for record in records]
    epoch = ["iteration"] * 6
    assert events == ["start", "iteration", "accuracy", *epoch[1:], "accuracy", *epoch, "accuracy"]
    assert [r["loss"] for r in records if r["event"] == "iteration"] == ours.loss_history
    assert [r["val_acc"] for r in records if r["event"] == "accuracy"] == ours.val_acc_history
    first, last = records[1], records[-1]
    assert {key: first[key] for key in ("iteration", "num_iterations", "epoch", "num_epochs")} == {
        "iteration": 1,
        "num_iterations": 12,
        "epoch": 0,
        "num_epochs": 2,
    }
    assert first["learning_rate"] == 0.05
    assert records[-2]["learning_rate"] == 0.025
    assert last["best_val_acc"] == ours.best_val_acc
    assert all(record["seconds"] >= 0 for record in records)
    json.dumps(records)


def test_several_loggers_and_their_end() -> None:
    class Closing(list):
        __call__ = list.append
        closed = 0

        def close(self) -> None:
            self.closed += 1

    first, second = Closing(), Closing()
    ours = solver(logger=[first, second])
    ours.train(2)
    assert first == second
    assert len(first) == 1 + 2 + 1
    assert (first.closed, second.closed) == (1, 1)

    class Failing(Linear):
        def loss(self, X, y=None):
            raise RuntimeError("no")

    third = Closing()
    with pytest.raises(RuntimeError, match="no"):
        solver(Failing(), logger=third).train()
    assert third.closed == 1


class TestJsonLines:
    def test_one_object_a_line(self, tmp_path: Path) -> None:
        records: list[dict] = []
        solver(num_epochs=1, logger=[records.append, JsonLines(tmp_path / "log.jsonl")]).train()
        lines = (tmp_path / "log.jsonl").read_text().splitlines()
        assert [json.loads(line) for line in lines] == records

    def test_each_line_is_there_before_the_next_iteration(self, tmp_path: Path) -> None:
        path, counts = tmp_path / "log.jsonl", []
        solver(
            logger=[JsonLines(path), lambda record: counts.append(len(path.read_text().splitlines()))]
        ).train(3)
        assert counts == [1, 2, 3, 4, 5]

    def test_the_log_of_a_killed_and_resumed_run_reads_as_that_of_one_run(self, tmp_path: Path) -> None:
        def seen(path: Path) -> list[tuple]:
            records = map(json.loads, path.read_text().splitlines())
            return [(r["event"], r["iteration"]) for r in records if r["event"] != "start"]

        solver(logger=JsonLines(tmp_path / "whole")).train()
        log = tmp_path / "log"
        killed = solver(logger=JsonLines(log), checkpoint_name=tmp_path / "run")
        for _ in range(9):  # the checkpoint is that of iteration 6
            killed.step()
        killed._broadcast.close()
        with log.open("a") as file:
            file.write('{"event": "iterat')
        solver(logger=JsonLines(log), checkpoint_name=tmp_path / "run", resume=True).train()
        assert seen(log) == seen(tmp_path / "whole")

    def test_a_fresh_run_empties_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "log.jsonl"
        path.write_bytes(b'not json\n{"iteration": 3}\n\xff\xfe\n[1]\n')
        solver(logger=JsonLines(path)).train(1)
        assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == [
            "start",
            "iteration",
            "accuracy",
        ]

    def test_train_in_parts_is_one_log(self, tmp_path: Path) -> None:
        ours = solver(logger=JsonLines(tmp_path / "log"))
        ours.train(2)
        ours.train(2)
        lines = list(map(json.loads, (tmp_path / "log").read_text().splitlines()))
        assert [r["iteration"] for r in lines if r["event"] == "iteration"] == [1, 2, 3, 4]

    def test_a_file_that_cannot_be_written(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="No such file or directory"):
            JsonLines(tmp_path / "none" / "log.jsonl")


class TestProgressBar:
    def bar(self, terminal: bool) -> tuple[ProgressBar, io.StringIO]:
        text = io.StringIO()
        return ProgressBar(Console(file=text, force_terminal=terminal, width=120)), text

    def test_on_a_terminal(self) -> None:
        bar, text = self.bar(terminal=True)
        ours = solver(num_epochs=2, logger=bar)
        ours.train()
        shown = text.getvalue()
        assert "epoch 2/2" in shown
        assert "12/12" in shown
        assert f"loss {ours.loss_history[-1]:.4f}" in shown
        assert f"train {ours.train_acc_history[-1]:.1%} val {ours.val_acc_history[-1]:.1%}" in shown
        assert "0:00:00" in shown
        assert bar._bar is None  # the terminal is given back

    def test_printed_lines_stay_in_their_file(self, capsys) -> None:
        """Where the output is piped and the bar is on a terminal, the lines go into the pipe."""
        bar, text = self.bar(terminal=True)
        solver(num_epochs=1, logger=bar, verbose=True).train()
        assert "(Epoch 1 / 1) train acc:" in capsys.readouterr().out
        assert "(Epoch 1 / 1)" not in text.getvalue()

    def test_elsewhere_it_writes_nothing(self) -> None:
        bar, text = self.bar(terminal=False)
        solver(logger=bar).train()
        assert text.getvalue() == ""

    def test_it_ends_with_an_error(self) -> None:
        bar, _ = self.bar(terminal=True)

        def fail(record: dict) -> None:
            if record["iteration"] == 2:
                raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            solver(logger=[bar, fail]).train()
        assert bar._bar is None

    def test_as_a_setting(self, capsys) -> None:
        solver(progress=True).train()
        assert capsys.readouterr() == ("", "")  # no terminal here


class TestTensorBoard:
    def test_numbers(self, monkeypatch: Any) -> None:
        """With a stand-in for tensorboardX, which is an extra."""
        written: list = []

        class SummaryWriter:
            def __init__(self, folder: str) -> None:
                written.append(folder)

            def add_scalar(self, *scalar: Any) -> None:
                written.append(scalar)

            def close(self) -> None:
                written.append("closed")

        monkeypatch.setitem(sys.modules, "tensorboardX", types.SimpleNamespace(SummaryWriter=SummaryWriter))
        ours = solver(logger=TensorBoard("runs"))
        ours.train(1)
        assert written == [
            "runs",
            ("loss", ours.loss_history[0], 1),
            ("learning_rate", 0.05, 1),
            ("train_acc", ours.train_acc_history[0], 1),
            ("val_acc", ours.val_acc_history[0], 1),
            "closed",
        ]

    def test_without_it(self, monkeypatch: Any) -> None:
        monkeypatch.setitem(sys.modules, "tensorboardX", None)
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'handgrad\[tensorboard\]'"):
            TensorBoard("runs")

    def test_a_rule_without_a_learning_rate(self, monkeypatch: Any) -> None:
        written: list = []
        writer = types.SimpleNamespace(add_scalar=lambda *s: written.append(s[0]), close=lambda: None)
        module = types.SimpleNamespace(SummaryWriter=lambda folder: writer)
        monkeypatch.setitem(sys.modules, "tensorboardX", module)
        rule = lambda w, dw, config: (w - 0.1 * dw, config)  # noqa: E731
        solver(update_rule=rule, optim_config=None, logger=TensorBoard("runs")).train(1)
        assert written == ["loss", "train_acc", "val_acc"]


def test_importing_training_loads_none_of_the_tools() -> None:
    import subprocess

    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; import handgrad.training\n"
        "print(sorted({'rich', 'safetensors', 'tensorboardX', 'torch', 'PIL'} & set(sys.modules)))"
    )
    import handgrad

    path = str(Path(handgrad.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
