"""What an installation holds."""

from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import handgrad
from handgrad._version import __version__


def test_the_extension_is_missing_only_where_it_was_left_out():
    # A wheel that was built with HANDGRAD_NATIVE=off is marked as pure Python.
    marks = [found.read_text("WHEEL") or "" for found in distributions(name="handgrad")]
    pure = any("Root-Is-Purelib: true" in mark for mark in marks)
    assert (find_spec("handgrad._native") is None) == pure


def test_the_version_has_one_home():
    assert {found.version for found in distributions(name="handgrad")} <= {__version__}


def test_type_hints_are_announced():
    assert Path(handgrad.__file__).with_name("py.typed").exists()
