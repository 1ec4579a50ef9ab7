"""The real images, in a run that has them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from data.conftest import PACKED, REAL

from handgrad import data


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    if REAL:
        return REAL
    folder = tmp_path_factory.mktemp("real")
    subprocess.run([sys.executable, PACKED, folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def real(place):
    return data.load_cifar10(place, download=False)


def test_sizes_and_labels(real):
    assert real.X_train.shape == (50000, 3, 32, 32)
    assert real.X_test.shape == (10000, 3, 32, 32)
    assert np.bincount(real.y_train).tolist() == [5000] * 10
    assert np.bincount(real.y_test).tolist() == [1000] * 10
    assert real.y_train[:5].tolist() == [6, 9, 9, 4, 1]  # frog, truck, truck, deer, automobile
    assert real.y_test[:4].tolist() == [3, 8, 8, 0]


def test_the_channels_stand_in_the_order_red_green_blue(real):
    # The known means of the training images are 125.3, 123.0 and 113.9; JPEG copies are within half a level.
    means = real.X_train.mean(axis=(0, 2, 3))
    np.testing.assert_allclose(means, [125.3, 123.0, 113.9], atol=0.5)


def test_the_courses_form(place):
    got = data.get_CIFAR10_data(path=place, download=False)
    assert {key: array.shape[0] for key, array in got.items()} == {
        "X_train": 49000, "y_train": 49000, "X_val": 1000, "y_val": 1000, "X_test": 1000, "y_test": 1000,
    }  # fmt: skip
    assert got["X_train"].dtype == np.float32
    assert abs(got["X_train"].mean(dtype=np.float64)) < 1e-5


def test_the_default_split(real):
    split = real.split()
    assert (len(split["X_train"]), len(split["X_val"]), len(split["X_test"])) == (49000, 1000, 10000)
    assert split["X_val"].base is not None
