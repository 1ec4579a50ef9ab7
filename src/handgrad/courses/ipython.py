"""What a notebook's kernel needs: the course's names, magics that work, and NumPy's old names.

Loaded by ``%load_ext handgrad.courses``. The course is that of HANDGRAD_COURSE or, without it, the one whose
names the notebook imports first; ``%course ucla`` chooses one by hand.
"""

from __future__ import annotations

import ast
import importlib
import os
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np

from handgrad.courses import hooks
from handgrad.courses.notes import note
from handgrad.courses.standins import Standins
from handgrad.courses.tables import COURSES

OLD_NAMES = ("bool", "complex", "float", "int", "object", "str")
AUTORELOAD = "IPython.extensions.autoreload"
FIRST_IMPORT = {"nndl": "ucla", "utils": "ucla", "cs231n": "stanford", "cs6353": "utah"}


class OldNames(ast.NodeTransformer):
    """Reads ``np.int`` and its like, which NumPy no longer has, as the built-in types that they were.

    Only the notebook's own cells are read so: NumPy is left as it is for everybody else.
    """

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Replace one name."""
        self.generic_visit(node)
        owner = node.value
        old = node.attr in OLD_NAMES and node.attr not in vars(np)
        if old and isinstance(owner, ast.Name) and owner.id in ("np", "numpy"):
            note(f"np.{node.attr} is no name of NumPy any more; {node.attr} is meant")
            return ast.copy_location(ast.Name(node.attr, node.ctx), node)
        return node


class FirstImport:
    """Enables the course whose names are imported first; UCLA's where ``nndl`` follows ``cs231n``."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find a course's module by enabling the course."""
        course, running = FIRST_IMPORT.get(fullname), hooks.active()
        if course is None or (running and fullname in COURSES[running.course].roots):
            return None
        finder = hooks.enable(course).finder
        return None if finder is None else finder.find_spec(fullname, path, target)


def load(shell: Any) -> None:
    """Enable a course in an IPython shell, and mend what old notebooks expect of it."""
    course = os.environ.get("HANDGRAD_COURSE")
    if course:
        print(hooks.enable(course, override=bool(os.environ.get("HANDGRAD_COURSE_OVERRIDE"))))
    else:
        sys.meta_path.insert(0, FirstImport())
    sys.meta_path.append(Standins())
    shell.ast_transformers.append(OldNames())
    shell.register_magic_function(lambda line: print(hooks.enable(line.strip())), "line", "course")
    _mend_autoreload()


def unload(shell: Any) -> None:
    """Undo `load`."""
    hooks.disable()
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, FirstImport | Standins)]
    shell.ast_transformers[:] = [t for t in shell.ast_transformers if not isinstance(t, OldNames)]


def _mend_autoreload() -> None:
    """Put a stand-in in the place of IPython's autoreload where that does not import on this Python."""
    try:
        importlib.import_module(AUTORELOAD)
    except Exception as error:
        note(f"IPython's autoreload does not work here ({error}); %autoreload does nothing")
        stand_in = ModuleType(AUTORELOAD)
        vars(stand_in)["load_ipython_extension"] = _load_no_autoreload
        sys.modules[AUTORELOAD] = stand_in


def _load_no_autoreload(shell: Any) -> None:
    for magic in ("autoreload", "aimport"):
        shell.register_magic_function(lambda line: None, "line", magic)
