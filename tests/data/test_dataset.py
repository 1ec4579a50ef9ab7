from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from handgrad.data import Dataset, float_arrays


def dataset(train: int, val: int, test: int) -> Dataset:
    parts = [
        (np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1), start + np.arange(n))
        for n, start in ((train, 0), (val, 1000), (test, 2000))
    ]
    arrays = [array for part in parts for array in part]
    return Dataset("toy", *arrays, ("a", "b"), "nowhere")


def lengths(split) -> list[int]:
    return [len(split[key]) for key in ("X_train", "X_val", "X_test")]


def test_validation_out_of_the_training_part():
    toy = dataset(100, 0, 30)
    assert lengths(toy.split()) == [98, 2, 30]
    assert lengths(toy.split(num_validation=10)) == [90, 10, 30]
    assert lengths(toy.split(50)) == [50, 2, 30]
    assert lengths(toy.split(99)) == [99, 1, 30]
    assert lengths(toy.split(100)) == [100, 0, 30]
    split = toy.split(60, 15, 5)
    assert lengths(split) == [60, 15, 5]
    assert split["y_val"].tolist() == list(range(60, 75))


def test_validation_of_its_own():
    toy = dataset(100, 20, 30)
    assert lengths(toy.split()) == [100, 20, 30]
    split = toy.split(10, 5, 0)
    assert lengths(split) == [10, 5, 0]
    assert split["y_val"].tolist() == list(range(1000, 1005))
    for key, array in toy.split().items():
        assert np.shares_memory(array, getattr(toy, key))


@pytest.mark.parametrize(
    ("val", "numbers", "text"),
    [
        (0, (101,), r"num_training \+ num_validation must be at most the number of training images \(100\)"),
        (0, (None, 101), r"training images \(100\), got 0 \+ 101"),
        (0, (60, 41), r"training images \(100\), got 60 \+ 41"),
        (20, (101,), r"num_training must be at most the number of training images \(100\), got 101"),
        (20, (1, 21), r"num_validation must be at most the number of validation images \(20\), got 21"),
        (20, (1, 1, 31), r"num_test must be at most the number of test images \(30\), got 31"),
        (20, (-1,), "num_training must not be negative, got -1"),
    ],
)  # fmt: skip
def test_more_than_there_are(val, numbers, text):
    with pytest.raises(ValueError, match=text):
        dataset(100, val, 30).split(*numbers)


def test_it_cannot_be_changed_by_mistake():
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset(1, 1, 1).name = "other"


def test_floats_do_not_touch_the_bytes():
    split = dataset(100, 20, 30).split()
    before = {key: array.copy() for key, array in split.items()}
    floats = float_arrays(split)
    assert floats["X_train"].mean() == 0
    assert floats["X_val"][0, 0, 0, 0] == -49.5
    for key, array in split.items():
        np.testing.assert_array_equal(array, before[key])
        assert not np.shares_memory(array, floats[key])


def test_importing_loads_numpy_and_nothing_else():
    code = """
import sys, numpy.random
before = set(sys.modules)
import handgrad.data
new = {name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
print(sorted(new - {"numpy"}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['handgrad']\n"
