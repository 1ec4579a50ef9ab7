"""The number of threads of the native kernels.

NumPy's own matrix products follow their BLAS library's setting (OPENBLAS_NUM_THREADS and the like), which
is read before NumPy is imported.
"""

from __future__ import annotations

from handgrad._numbers import whole_number
from handgrad.backend import extension


def get_num_threads() -> int:
    """Return how many threads the native kernels use; 1 where there is no extension."""
    return int(extension.num_threads()) if extension else 1


def set_num_threads(count: int) -> None:
    """Let the native kernels use `count` threads.

    Without a call it is HANDGRAD_NUM_THREADS, else the number of processors that this process may use.
    Where there is no extension there is nothing to set.

    Raises
    ------
    TypeError, ValueError
        When `count` is not a whole number of at least 1.

    Examples
    --------
    >>> import handgrad
    >>> handgrad.set_num_threads(1)
    """
    number = whole_number("the number of threads", count, least=1)
    if extension:
        extension.set_num_threads(number)
