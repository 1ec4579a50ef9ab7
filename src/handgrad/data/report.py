"""How a download tells where it is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from handgrad.data.archive import RemoteFile


class Report(Protocol):
    """What a transfer tells."""

    def at(self, received: int) -> None:
        """So many bytes are there."""

    def line(self, text: str) -> None:
        """Something else happened."""


class _Silent:
    def at(self, received: int) -> None:
        pass

    def line(self, text: str) -> None:
        pass


class _Lines:
    def __init__(self, total: int) -> None:
        self.total, self.tenth = total, 0

    def at(self, received: int) -> None:
        tenth = 10 * received // self.total
        if tenth > self.tenth:
            self.line(f"  {10 * tenth} %")
        self.tenth = tenth

    def line(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def reporter(progress: bool, file: RemoteFile) -> Iterator[Report]:
    """Yield what `file` is reported with: on standard error, or nowhere without `progress`."""
    if not progress:
        yield _Silent()
    elif sys.stderr.isatty():
        with _bar(file) as bar:
            yield bar
    else:
        yield _Lines(file.size)


@contextmanager
def _bar(file: RemoteFile) -> Iterator[Report]:
    from rich import progress
    from rich.console import Console

    columns = (
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(file.name, total=file.size)

        class Bar:
            def at(self, received: int) -> None:
                bar.update(task, completed=received)

            def line(self, text: str) -> None:
                bar.console.print(text, highlight=False, markup=False)

        yield Bar()
