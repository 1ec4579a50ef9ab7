"""Recycled memory through the binding: what is handed out again, what lies idle, what a fork leaves whole."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from handgrad import _native
from handgrad.backend.native_ops.arrays import SMALL, c_order, empty

MB = 1 << 20


@pytest.fixture(autouse=True)
def _empty_pool():
    limit = _native.memory_info()["limit"]
    gc.collect()
    _native.empty_memory()
    yield
    _native.set_memory_limit(limit)


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 0, 5), (2, 3, 4, 5)])
def test_arrays_are_ordinary(shape, dtype):
    array = _native.empty(shape, dtype)
    assert array.shape == shape
    assert array.dtype == dtype
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert address(array) % 64 == 0
    array[...] = 1
    np.testing.assert_array_equal(array, np.ones(shape, dtype))


def test_large_arrays_begin_on_a_huge_page():
    assert address(_native.empty((3 * MB,), "uint8")) % (2 * MB) == 0


def test_a_block_is_handed_out_again():
    before = _native.memory_info()
    array = _native.empty((5, MB), "float32")
    where = address(array)
    view = array[2:4]
    del array
    assert _native.memory_info()["idle"] == 0  # a view keeps it
    del view
    held = _native.memory_info()
    assert held["idle"] >= 20 * MB
    assert held["in_use"] == before["in_use"]
    again = _native.empty((5, MB - 100), "float32")  # of the same size class
    assert address(again) == where
    assert _native.memory_info()["reused"] == before["reused"] + 1


def test_idle_memory_stays_below_the_limit_and_goes_on_request():
    _native.set_memory_limit(8 * MB)
    arrays = [_native.empty((3 * MB,), "uint8") for _ in range(4)]
    newest = address(arrays[-1])
    while arrays:
        arrays.pop(0)
    info = _native.memory_info()
    assert info["limit"] == 8 * MB
    assert info["idle"] == 8 * MB  # two blocks of 4 MB
    assert address(_native.empty((3 * MB,), "uint8")) == newest  # the oldest went first
    _native.empty_memory()
    assert _native.memory_info()["idle"] == 0


def test_what_cannot_be_had_is_a_memory_error():
    with pytest.raises(MemoryError):
        _native.empty((1 << 62, 1 << 20), "float64")


@pytest.mark.parametrize(
    ("shape", "dtype", "error"),
    [
        ((2,), "int32", ValueError),
        ((-1,), "float32", TypeError),
        ((2.0,), "float32", TypeError),
        ((2,), np.float32, TypeError),
        (3, "float32", TypeError),
    ],
)
def test_refusals(shape, dtype, error):
    with pytest.raises(error):
        _native.empty(shape, dtype)


@pytest.mark.parametrize("wrong", [-1, 1.5, "1"])
def test_a_limit_is_a_whole_number(wrong):
    with pytest.raises(TypeError, match="incompatible function arguments"):
        _native.set_memory_limit(wrong)


def test_threads_share_the_pool():
    def work(number: int) -> None:
        for round_ in range(200):
            array = _native.empty((100_000 + 1000 * (round_ % 7),), "float32")
            array[:] = number
            assert (array[::5000] == number).all()

    before = _native.memory_info()["in_use"]
    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert _native.memory_info()["in_use"] == before


if hasattr(os, "fork"):

    def test_a_fork_leaves_the_pool_whole():
        code = """
import os, threading
import numpy  # now: no fork may fall into an import
from handgrad import _native
stop = False
def churn():
    while not stop:
        _native.empty((1 << 20,), "uint8")
worker = threading.Thread(target=churn, daemon=True)
worker.start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        _native.empty((1 << 20,), "uint8")[:] = 1
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop = True
worker.join()
print("whole")
"""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60
        )
        assert done.stdout == "whole\n", done.stderr


def test_the_tier_s_arrays():
    assert address(empty((SMALL,), np.dtype(np.float64))) % (64) == 0
    small = empty((3,), np.dtype(np.float32))
    assert small.flags.owndata  # NumPy's own
    straight = np.ones((3, 4), np.float32)
    assert c_order(straight) is straight
    turned = np.asfortranarray(np.arange(1 << 18, dtype=np.float64).reshape(512, 512))
    np.testing.assert_array_equal(c_order(turned), turned)
    assert c_order(turned).flags.c_contiguous
