"""Running commands."""

import contextlib
import io
import json
import subprocess
import sys
from typing import NamedTuple

from handgrad.cli.app import run as run_app

# A run of about a tenth of a second.
TINY = [
    *("--data", "shapes", "--num-training", "60", "--num-validation", "30", "--num-test", "20"),
    *("--num-filters", "2", "--hidden-dim", "8", "--batch-size", "20", "--epochs", "2", "--seed", "7"),
]


class Done(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def run(*args):
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run_app([str(arg) for arg in args])
    return Done(status, out.getvalue(), err.getvalue())


def refusal(*args, status=1):
    """Run a command that must fail with one line on the standard error and nothing on the other."""
    done = run(*args)
    assert done.status == status, done
    assert done.out == ""
    assert done.err.count("\n") == 1, done.err
    assert done.err.startswith("handgrad")
    return done.err.rstrip("\n")


def start(*args, **options):
    """Start a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "handgrad", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
