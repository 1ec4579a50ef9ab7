from __future__ import annotations

import os
from pathlib import Path

import pytest
from data import fake_cifar

import handgrad
from handgrad import courses


@pytest.fixture(autouse=True)
def _no_course_left():
    yield
    courses.disable()


@pytest.fixture(scope="session")
def cifar10(tmp_path_factory):
    """The current folder of a notebook, with 100 training images in the official format."""
    folder = tmp_path_factory.mktemp("notebooks")
    fake_cifar.write_batches(folder / "cifar-10-batches-py", count=20)
    return folder


@pytest.fixture
def here(cifar10, tmp_path, monkeypatch):
    """An empty current folder, with CIFAR-10 where HANDGRAD_DATA says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDGRAD_DATA", os.fspath(cifar10))
    # A kernel is another process: it must meet the Handgrad that these tests meet.
    monkeypatch.setenv("PYTHONPATH", os.fspath(Path(handgrad.__file__).parents[1]))
    return tmp_path
