"""The import arrows of ARCHITECTURE.md, read from the source of the installed package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import handgrad

PACKAGE = Path(handgrad.__file__).parent
LEAVES = {"checking", "cli", "courses", "explain", "search", "viz"}
SHARED = {"_errors", "_files", "_numbers", "_random", "_tables", "_version"}
ALLOWED = {
    "layers": {"backend", "layers"},
    "backend": {"backend", "reference", "_native"},
    "models": {"backend", "layers", "models"},
    "training": {"backend", "data", "training"},
    "data": {"data"},
}
ROOMS = sorted(path.stem for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists())


def imported(room: str) -> set[str]:
    """Names of the rooms of handgrad that a room imports, anywhere in its files."""
    found: set[str] = set()
    for file in (PACKAGE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module == "handgrad":
                names = [f"handgrad.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            found |= {name.split(".")[1] for name in names if name.startswith("handgrad.")}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_nobody_imports_a_leaf(room):
    wrong = (imported(room) & LEAVES) - {room}
    assert room in LEAVES or not wrong, f"{room} imports {wrong}"


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_room_imports_only_what_the_arrows_allow(room):
    assert imported(room) - SHARED <= ALLOWED[room]


def test_reference_imports_numpy_and_nothing_else():
    for file in (PACKAGE / "reference").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= {"numpy"}, file
            if isinstance(node, ast.ImportFrom):
                assert node.level == 1 or node.module in ("__future__", "collections.abc", "typing"), file


def test_import_loads_numpy_and_the_extension_alone():
    program = """
import sys
import numpy.random
allowed = set(sys.modules)
import handgrad, handgrad.layers, handgrad.models, handgrad.training, handgrad.data
new = {name.partition(".")[0] for name in set(sys.modules) - allowed} - set(sys.stdlib_module_names)
print(sorted(new - {"handgrad", "numpy"}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
