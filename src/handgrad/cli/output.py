"""What commands print: tables on a terminal, plain lines in a pipe, one JSON object for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from handgrad._tables import plain


class Output:
    """The standard output of one command.

    Parameters
    ----------
    as_json : bool
        Print nothing but the result, as JSON.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def line(self, text: str = "") -> None:
        """Print a line for people."""
        if not self.as_json:
            print(text, flush=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> None:
        """Print a table for people; its last `numbers` columns are numbers, and stand on the right."""
        if self.as_json:
            return
        if sys.stdout.isatty():
            _rich_table(columns, rows, numbers)
        else:
            print("\n".join(plain(columns, rows, numbers)))

    def result(self, values: dict[str, Any]) -> None:
        """Print the result for machines."""
        if self.as_json:
            print(json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False))


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: int) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_header=any(columns), box=None, pad_edge=False)
    for i, column in enumerate(columns):
        is_number = i >= len(columns) - numbers
        table.add_column(column, justify="right" if is_number else "left", overflow="fold", no_wrap=is_number)
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)
