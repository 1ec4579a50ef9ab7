"""Running a learner's code: in silence, with a time limit, and without letting an error through."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import random
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

CALL_LIMIT = 4.0  # seconds; the probes are tiny, so a slow loop needs milliseconds
_REFUSALS = (AssertionError, NotImplementedError)


class Failure(Exception):
    """What went wrong in a learner's function.

    Attributes
    ----------
    kind : str
        Name of the exception, or 'TimeLimit'.
    line : str
        ``file:number: code``, the last line of the learner's own files.
    refused : bool
        Whether the function itself refused the input with an assert or a raise in so many words.
    """

    def __init__(self, kind: str, message: str, line: str, refused: bool = False) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind, self.line, self.refused = kind, line, refused

    def evidence(self) -> str:
        """Return one line: the error and the place."""
        return f"{self} at {self.line}" if self.line else str(self)


class _TimeLimit(BaseException):
    pass  # no Exception, so that a learner's `except Exception` lets it through


def call(function: Callable[..., Any], *args: Any, limit: float = CALL_LIMIT, **options: Any) -> Any:
    """Call a learner's function.

    Raises
    ------
    Failure
        When it raises anything, calls exit, or takes longer than `limit` seconds.
    """
    try:
        with _quiet(), _limited(limit):
            return function(*args, **options)
    except KeyboardInterrupt:
        raise
    except _TimeLimit:
        raise Failure("TimeLimit", f"no answer within {limit:g} s", _line_of(sys.exc_info()[2])) from None
    except BaseException as error:
        trace = error.__traceback__
        raise Failure(
            type(error).__name__, _first_line(error), _line_of(trace), _is_refusal(error, trace)
        ) from None


@contextlib.contextmanager
def random_state_kept() -> Iterator[None]:
    """Put the global generators back as they were."""
    state, plain = np.random.get_state(), random.getstate()  # noqa: NPY002 - kept for the learner
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
        random.setstate(plain)


_QUIET = threading.local()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    if getattr(_QUIET, "depth", 0):
        yield
        return
    _QUIET.depth = 1
    stdin = sys.stdin
    try:
        sys.stdin = io.StringIO()
        sink = _Sink()
        with (
            contextlib.redirect_stdout(sink),
            contextlib.redirect_stderr(sink),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # an imaginary part would be lost
            yield
    finally:
        sys.stdin = stdin
        _QUIET.depth = 0


class _Sink(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)

    def writable(self) -> bool:
        return True


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        with _by_signal(seconds):
            yield
    else:
        with _by_thread(seconds):
            yield


@contextlib.contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: Any) -> None:
        raise _TimeLimit

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)  # again and again: a bare except may swallow one
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    done, target = threading.Event(), ctypes.c_ulong(threading.get_ident())

    def watch() -> None:
        if not done.wait(seconds):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(target, ctypes.py_object(_TimeLimit))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:160] if text else ""


def _own_frames(trace: Any) -> list[traceback.FrameSummary]:
    here = os.path.dirname(os.path.abspath(__file__))
    return [
        frame
        for frame in traceback.extract_tb(trace)
        if not frame.filename.startswith((here, os.path.dirname(np.__file__), "<"))
    ]


def _line_of(trace: Any) -> str:
    frames = _own_frames(trace)
    if not frames:
        return ""
    last = frames[-1]
    return f"{os.path.basename(last.filename)}:{last.lineno}: {last.line or ''}".rstrip(": ")


def _is_refusal(error: BaseException, trace: Any) -> bool:
    if isinstance(error, _REFUSALS):
        return True
    frames = _own_frames(trace)
    raised_by_name = bool(frames) and (frames[-1].line or "").startswith("raise ")
    return isinstance(error, ValueError) and raised_by_name


def clock() -> float:
    """Return seconds, to measure with."""
    return time.monotonic()
