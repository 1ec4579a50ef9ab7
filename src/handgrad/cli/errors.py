"""From an error to one sentence on the standard error and an exit status."""

from __future__ import annotations

import os
import re
import sys
import traceback
from typing import Any

from handgrad._errors import nearest

FAILED, MISUSED, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141  # the last two as shells count signals

# What the library raises, with a sentence, for what users get wrong, and what a machine cannot do.
_EXPECTED = (ValueError, TypeError, OSError, ModuleNotFoundError, MemoryError)


class Stopped(Exception):
    """An end that is no failure of the program, with its sentence and exit status."""

    def __init__(self, sentence: str, status: int = FAILED) -> None:
        super().__init__(sentence)
        self.status = status


def report(error: BaseException, debug: bool) -> int:
    """Tell of the error on the standard error; return the exit status."""
    if debug and not isinstance(error, Stopped):
        traceback.print_exception(error)
    status = _status(error)
    _settle_output()
    if not isinstance(error, BrokenPipeError):
        print(f"handgrad: {sentence(error)}", file=sys.stderr)
        if sys.stderr.isatty() and (picture := getattr(error, "picture", "")):
            print(picture, file=sys.stderr)
    return status


def report_misuse(error: Any) -> int:
    """Tell of a command line that cannot be understood; return the exit status."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "handgrad"
    text = _one_line(_misuse(error))
    if text:  # none where help was printed in its place
        print(f"{command}: {text} (see '{command} --help')", file=sys.stderr)
    return MISUSED


def sentence(error: BaseException) -> str:
    """Return what to tell of an error, in one line."""
    return _one_line(_text(error))


def _text(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if hasattr(error, "sentence"):  # an error whose text goes on with a picture of the place
        return str(error.sentence)
    if isinstance(error, MemoryError):
        return f"the memory is not enough: {error}" if str(error) else "the memory is not enough"
    if isinstance(error, OSError) and error.strerror and type(error).__str__ is OSError.__str__:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, (Stopped, *_EXPECTED)):
        return str(error)
    return f"{type(error).__name__}: {error}, which is a defect of Handgrad; --debug shows where"


def _status(error: BaseException) -> int:
    if isinstance(error, Stopped):
        return error.status
    if isinstance(error, BrokenPipeError):
        return PIPE_CLOSED
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED


def _misuse(error: Any) -> str:
    """Put what typer says, differently in each version, into our form."""
    text: str = error.format_message().rstrip(".")
    if type(error).__name__ == "NoSuchOption":
        near = error.possibilities
        return f"there is no option {error.option_name!r}" + (
            nearest(error.option_name, near) if near else ""
        )
    if unknown := re.match("No such command '(.*?)'", text):
        known = error.ctx.command.list_commands(error.ctx)
        return f"there is no command {unknown[1]!r}{nearest(unknown[1], known)}"
    return text[:1].lower() + text[1:]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _settle_output() -> None:
    """Write what is left; where that cannot be, drop it, lest it be tried in vain once more at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
