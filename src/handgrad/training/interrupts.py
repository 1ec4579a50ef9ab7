"""Ctrl-C that waits for the end of an iteration."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]
_hold: Handler | None = None  # what takes an interrupt while one is held back


def interrupt(signum: int, frame: FrameType | None) -> None:
    """Do what Ctrl-C does: a handler for other signals.

    It works where Ctrl-C itself is ignored, as a script's background job ignores it.
    """
    (_hold or signal.default_int_handler)(signum, frame)


@contextmanager
def held() -> Iterator[Callable[[], None]]:
    """Hold back the first Ctrl-C; yield the function that raises its KeyboardInterrupt where it does no harm.

    A second Ctrl-C is raised at once. A program that has a handler of its own keeps it, and outside the
    main thread, where Python delivers no signals, nothing is held.
    """
    global _hold
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    came = False

    def hold(signum: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True

    def release() -> None:
        if came:
            raise KeyboardInterrupt

    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    _hold = hold
    if ours:
        signal.signal(signal.SIGINT, hold)
    try:
        yield release
    finally:
        _hold = None
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
