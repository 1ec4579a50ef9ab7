"""The command line. Each command parses its arguments and calls the library.

Only what parsing needs is imported here; a command imports what it works with when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status.

    Parameters
    ----------
    args : sequence of str, optional
        Default: what stands after the program's name.
    """
    from handgrad.cli.app import run

    sys.exit(run(sys.argv[1:] if args is None else args))
