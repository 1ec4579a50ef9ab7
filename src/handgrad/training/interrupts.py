"""Ctrl-C that waits for the end of an iteration."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held() -> Iterator[Callable[[], None]]:
    """Hold back the first Ctrl-C; yield the function that raises its KeyboardInterrupt where it does no harm.

    A second Ctrl-C is raised at once. A program that has a handler of its own keeps it, and outside the
    main thread, where Python delivers no signals, nothing is held.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
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

    signal.signal(signal.SIGINT, hold)
    try:
        yield release
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
