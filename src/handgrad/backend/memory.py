"""The memory that the native kernels keep for their next results."""

from __future__ import annotations

from handgrad._numbers import whole_number
from handgrad.backend import extension

_NOTHING = {"in_use": 0, "idle": 0, "limit": 0, "reused": 0, "fresh": 0}


def memory_info() -> dict[str, int]:
    """Tell what recycled memory there is; all zeros where there is no extension.

    Returns
    -------
    dict
        Bytes ``'in_use'`` by arrays, bytes ``'idle'`` that wait for the next, the ``'limit'`` of the idle,
        and how many requests idle memory served (``'reused'``) and how many the system (``'fresh'``).

    Examples
    --------
    >>> import handgrad
    >>> sorted(handgrad.memory_info())
    ['fresh', 'idle', 'in_use', 'limit', 'reused']
    """
    return extension.memory_info() if extension else dict(_NOTHING)


def empty_memory() -> None:
    """Return all idle memory to the system.

    Examples
    --------
    >>> import handgrad
    >>> handgrad.empty_memory()
    >>> handgrad.memory_info()["idle"]
    0
    """
    if extension:
        extension.empty_memory()


def set_memory_limit(megabytes: int) -> None:
    """Keep at most so many megabytes (of 2**20 bytes) idle; without a call a quarter of the machine's memory.

    Raises
    ------
    TypeError, ValueError
        When `megabytes` is not a whole number of at least 0.
    """
    limit = whole_number("the memory limit in megabytes", megabytes) << 20
    if extension:
        extension.set_memory_limit(min(limit, 1 << 60))
