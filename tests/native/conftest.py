"""A pure-Python install has nothing here to test; test_packaging.py tells it from a broken one."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from handgrad import backend

collect_ignore = (
    [] if find_spec("handgrad._native") else [path.name for path in Path(__file__).parent.glob("test_*.py")]
)


@pytest.fixture(autouse=True)
def _settings_restored():
    """Give the extension back what a test sets."""
    from handgrad import _native

    names = ("isa", "num_threads", "winograd", "precision")
    before = {name: getattr(_native, name)() for name in names}
    yield
    for name, value in before.items():
        getattr(_native, f"set_{name}")(value)


@pytest.fixture
def native_tier():
    """Let the native tier compute, whichever is in use."""
    with backend.use_backend("native"):
        yield
