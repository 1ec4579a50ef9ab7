from __future__ import annotations

import os
from pathlib import Path

import pytest
from data.fake_cifar import write_batches

from handgrad.data import cache_folder

# The real images: where HANDGRAD_DATA says, or packed in a folder that some checkouts have beside them.
REAL = os.environ.get("HANDGRAD_DATA")
PACKED = Path(__file__).parents[3] / "shared/data/unpack_cifar10.py"

# Without them everything is still tested, on files of the same format that the tests write.
collect_ignore = [] if REAL or PACKED.exists() else ["test_cifar10_real.py"]


@pytest.fixture(autouse=True)
def _away_from_home(tmp_path_factory, monkeypatch):
    """An empty folder to run in, an empty cache, and no setting of the machine's."""
    monkeypatch.delenv("HANDGRAD_DATA", raising=False)
    home = tmp_path_factory.mktemp("home")
    for variable in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "USERPROFILE"):
        monkeypatch.setenv(variable, str(home))
    (home / "work").mkdir()
    monkeypatch.chdir(home / "work")
    assert home in cache_folder().parents


@pytest.fixture
def fake(tmp_path):
    """A folder that holds a cifar-10-batches-py of 20 images a batch."""
    write_batches(tmp_path / "cifar-10-batches-py")
    return tmp_path
