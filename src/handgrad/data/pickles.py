"""The pickles of CIFAR-10, read without running what a pickle can run.

A pickle is a program: it names functions and calls them. The official files name three, with which NumPy
puts an array together. Here those three names, and one that Python 3 uses for bytes, stand for classes of
this file that take notes and do nothing; every other name is refused. Not even NumPy is called with what the
file says.
"""

from __future__ import annotations

import pickle
import pickletools
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

# The official files have 31 MB. A file of any size could ask for any amount of memory.
_LARGEST = 64 * 2**20


class UnsafePickleError(ValueError):
    """A pickle names something that data has no use for."""


def load_arrays(path: Path) -> Any:
    """Read a pickle of uint8 arrays, lists, numbers and strings, as a rule in one dict.

    Parameters
    ----------
    path : pathlib.Path
        Written by Python 2 or 3, up to 64 MB.

    Returns
    -------
    object
        The value. Strings that Python 2 wrote are bytes; arrays are `numpy.ndarray`.

    Raises
    ------
    UnsafePickleError
        When the file names a function or class other than NumPy's array reconstruction. Nothing has run.
    ValueError
        When the file is truncated, damaged, too large, or holds an array of another dtype.
    OSError
        When it cannot be read.
    """
    size = path.stat().st_size
    if size > _LARGEST:
        raise ValueError(f"{path} must be at most {_LARGEST:,} bytes to be a batch of CIFAR-10, got {size:,}")
    with open(path, "rb") as file:
        try:
            _check_memo(file, size)
            return _finish(_ArrayUnpickler(file, encoding="bytes").load())
        except UnsafePickleError as error:
            raise UnsafePickleError(f"{path}: {error}") from None
        except Exception as error:  # a damaged pickle can fail in any of its opcodes, in any way
            reason = str(error) or type(error).__name__
            raise ValueError(
                f"{path} must be a whole pickle of CIFAR-10, got {size:,} bytes: {reason}"
            ) from None


class _Note:
    """Takes down how it was called, and its state: with `__setstate__` there is nothing else to set."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Array(_Note):
    """Stands for numpy.core.multiarray._reconstruct(numpy.ndarray, (0,), b'b') and what it returns."""

    def value(self) -> np.ndarray:
        """Make the array from the state that NumPy wrote: version, shape, dtype, Fortran order, bytes."""
        _, shape, dtype, fortran, content = self.state
        if not isinstance(dtype, _Dtype) or dtype.arguments[0] not in (b"u1", "u1", b"|u1", "|u1"):
            raise ValueError("an array must be of dtype uint8")
        if isinstance(content, _Bytes):
            content = content.value()
        return np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran else "C").copy()


class _Dtype(_Note):
    """Stands for numpy.dtype."""


class _Ndarray(_Note):
    """Stands for numpy.ndarray, which the files name as an argument and never call."""


class _Bytes(_Note):
    """Stands for _codecs.encode(text, 'latin1'): bytes as Python 3 writes them for Python 2."""

    def value(self) -> bytes:
        text, encoding = self.arguments
        if encoding not in ("latin1", b"latin1"):
            raise ValueError(f"bytes must be encoded as latin1, got {encoding!r}")
        return str(text).encode("latin1")


_KNOWN: dict[tuple[str, str], type[_Note]] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Ndarray,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _Bytes,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type[_Note]:
        if (module, name) not in _KNOWN:
            raise UnsafePickleError(f"a data file must name nothing but NumPy arrays, got {module}.{name}")
        return _KNOWN[module, name]


def _check_memo(file: BinaryIO, size: int) -> None:
    """Refuse numbered values beyond what the file has room for: pickle would make a table of that length."""
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name.endswith("PUT") and (argument or 0) >= size:
            raise ValueError(f"value number {argument} is out of range")
    file.seek(0)


def _finish(value: Any) -> Any:
    """Put arrays and bytes in the place of the notes, at the top and in a dict there."""
    if isinstance(value, dict):
        return {_plain(key): _plain(content) for key, content in value.items()}
    return _plain(value)


def _plain(value: Any) -> Any:
    return value.value() if isinstance(value, (_Array, _Bytes)) else value
