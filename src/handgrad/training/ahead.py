"""The next batch, prepared on a second thread while the model computes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Calls ``make(t)``, and while the result is used calls ``make(t + 1)`` on a thread.

    The thread lives as long as that one call: none is left waiting, and none has to be stopped. What a call
    raises is raised where its result is asked for.

    Parameters
    ----------
    make : function
        Its result depends on t alone; it is never called twice at the same time.

    Examples
    --------
    >>> squares = Ahead(lambda t: t * t)
    >>> [squares.get(t, last=3) for t in range(4)]
    [0, 1, 4, 9]
    """

    def __init__(self, make: Callable[[int], T]) -> None:
        self._make = make
        self._next: _Call[T] | None = None

    def get(self, t: int, last: int) -> T:
        """Return ``make(t)``; begin with ``make(t + 1)`` unless t is the `last` that will be asked for."""
        call, self._next = self._next, None
        ready = call.result() if call is not None and call.t == t else None
        if call is not None and call.t != t:
            call.thread.join()  # for another run of steps: its result, or error, is of no use
        result = self._make(t) if ready is None else ready[0]
        if t < last:
            self._next = _Call(self._make, t + 1)
        return result


class _Call(Generic[T]):
    def __init__(self, make: Callable[[int], T], t: int) -> None:
        self.t = t
        self._make = make
        self._result: list[T] = []
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name=f"handgrad batch {t}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._result.append(self._make(self.t))
        except BaseException as error:  # raised again in the thread that asks
            self._error = error

    def result(self) -> list[T]:
        self.thread.join()
        if self._error is not None:
            raise self._error
        return self._result
