"""A pure-Python install has nothing here to test; test_packaging.py tells it from a broken one."""

from importlib.util import find_spec
from pathlib import Path

collect_ignore = (
    [] if find_spec("handgrad._native") else [path.name for path in Path(__file__).parent.glob("test_*.py")]
)
