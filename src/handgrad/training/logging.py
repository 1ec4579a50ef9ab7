"""Loggers: functions that the Solver calls with one dictionary for each event of a run.

The events, told apart by ``record["event"]``:

- ``"start"``, when ``train`` begins: iteration (done so far), num_iterations, epoch, num_epochs.
- ``"iteration"``, after each one: iteration (from 1), num_iterations, epoch, num_epochs, loss,
  learning_rate (that of the step, schedule included), seconds (since ``train`` began).
- ``"accuracy"``, after each check: iteration, epoch, num_epochs, train_acc, val_acc, best_val_acc, seconds.

Any function of one dictionary is a logger. Where it has a method ``close()``, that is called whenever
``train`` ends, also by an error; a ``"start"`` may follow.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from handgrad._files import atomic_write

Record = dict[str, Any]
Logger = Callable[[Record], object]


class CourseLines:
    """Print the lines of the courses' Solver.

    Parameters
    ----------
    print_every : int
        Iterations from one loss line to the next.

    Examples
    --------
    >>> log = CourseLines(print_every=10)
    >>> log({"event": "iteration", "iteration": 1, "num_iterations": 980, "loss": 2.305011})
    (Iteration 1 / 980) loss: 2.305011
    """

    def __init__(self, print_every: int = 10) -> None:
        self.print_every = print_every

    def __call__(self, record: Record) -> None:
        """Print what the record calls for."""
        if record["event"] == "iteration" and (record["iteration"] - 1) % self.print_every == 0:
            print("(Iteration {iteration} / {num_iterations}) loss: {loss:f}".format(**record))
        if record["event"] == "accuracy":
            line = "(Epoch {epoch} / {num_epochs}) train acc: {train_acc:f}; val_acc: {val_acc:f}"
            print(line.format(**record))


class JsonLines:
    """Append each record to a file, one JSON object a line, out of our hands before the next iteration.

    A run that is resumed from a checkpoint repeats the iterations after it; their old lines, and a last
    line that a crash has cut, are removed, so that the file reads as if there had been one run. Likewise a
    run that starts afresh empties the file.

    Parameters
    ----------
    path : str or Path
        Its folder must exist.

    Raises
    ------
    OSError
        When the file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file: IO[str] | None = None
        self._open().close()
        self._file = None

    def __call__(self, record: Record) -> None:
        """Write the record."""
        if record["event"] == "start":
            self.close()
            self._drop_after(record["iteration"])
        file = self._open()
        file.write(json.dumps(record) + "\n")
        file.flush()

    def close(self) -> None:
        """Close the file; a further record opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> IO[str]:
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8")
        return self._file

    def _drop_after(self, iteration: int) -> None:
        old = self.path.read_text(encoding="utf-8", errors="replace") if self.path.exists() else ""
        kept = []
        for line in old.splitlines():
            with suppress(ValueError, KeyError, TypeError):
                if iteration > 0 and json.loads(line)["iteration"] <= iteration:
                    kept.append(line + "\n")
        if (text := "".join(kept)) != old:
            atomic_write(self.path, text)


class ProgressBar:
    """A bar with loss, accuracy and the time left, on a terminal; elsewhere it does nothing.

    Parameters
    ----------
    console : rich.console.Console, optional
        Default: the standard error, so that results on the standard output stay clean.
    """

    def __init__(self, console: Any = None) -> None:
        from rich.console import Console

        self._console = Console(stderr=True) if console is None else console
        self._bar: Any = None
        self._task: Any = None

    def __call__(self, record: Record) -> None:
        """Move the bar."""
        if record["event"] == "start" and self._console.is_terminal:
            self._start(record)
        if self._bar is None:
            return
        if record["event"] == "iteration":
            epoch = f"epoch {min(record['epoch'] + 1, record['num_epochs'])}/{record['num_epochs']}"
            loss = f"loss {record['loss']:.4f}"
            self._bar.update(self._task, completed=record["iteration"], description=epoch, loss=loss)
        if record["event"] == "accuracy":
            accuracy = f"train {record['train_acc']:.1%} val {record['val_acc']:.1%}"
            self._bar.update(self._task, accuracy=accuracy)

    def close(self) -> None:
        """Leave the bar as it is and give the terminal back."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _start(self, record: Record) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.close()
        texts = (TextColumn("{task.fields[loss]}"), TextColumn("{task.fields[accuracy]}"))
        head = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Progress(
            *head,
            *texts,
            TimeRemainingColumn(),
            console=self._console,
            redirect_stdout=sys.stdout.isatty(),  # else printed lines would leave their file for the terminal
        )
        self._bar.start()
        self._task = self._bar.add_task(
            f"epoch {record['epoch'] + 1}/{record['num_epochs']}",
            total=record["num_iterations"],
            completed=record["iteration"],
            loss="",
            accuracy="",
        )


class TensorBoard:
    """Write loss, learning rate and accuracies for TensorBoard, with tensorboardX.

    Parameters
    ----------
    folder : str or Path

    Raises
    ------
    ModuleNotFoundError
        When tensorboardX is not installed, with the command that installs it.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                "the TensorBoard logger needs tensorboardX: pip install 'handgrad[tensorboard]'"
            ) from None
        self._make = SummaryWriter
        self._folder = str(folder)
        self._writer: Any = None

    def __call__(self, record: Record) -> None:
        """Write the record's numbers."""
        if self._writer is None:
            self._writer = self._make(self._folder)
        for name in ("loss", "learning_rate", "train_acc", "val_acc"):
            if record.get(name) is not None:
                self._writer.add_scalar(name, record[name], record["iteration"])

    def close(self) -> None:
        """Close the event file; a further record opens another one."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class Broadcast:
    """Several loggers as one, which adds the time to each record.

    Parameters
    ----------
    *loggers : function, several of them, or None
    """

    def __init__(self, *loggers: Logger | Iterable[Logger] | None) -> None:
        self.loggers = [each for logger in loggers for each in as_loggers(logger)]
        self._began = time.perf_counter()

    def __call__(self, record: Record) -> None:
        """Pass the record on, with the seconds since the last ``"start"``."""
        if record["event"] == "start":
            self._began = time.perf_counter()
        record = record | {"seconds": round(time.perf_counter() - self._began, 3)}
        for log in self.loggers:
            log(record)

    def close(self) -> None:
        """Close the loggers that can be."""
        for logger in self.loggers:
            end = getattr(logger, "close", None)
            if callable(end):
                end()


def as_loggers(logger: Logger | Iterable[Logger] | None) -> list[Logger]:
    """Return the loggers in `logger`: none, one, or several."""
    if logger is None:
        return []
    loggers = [logger] if callable(logger) else list(logger) if isinstance(logger, Iterable) else [logger]
    if not all(map(callable, loggers)):
        raise TypeError(f"logger must be a function of one record, or several, got {logger!r}")
    return loggers
