"""The courses' import names, so that their notebooks run unedited. Off unless asked for.

>>> import handgrad.courses
>>> with handgrad.courses.enable("stanford"):
...     from cs231n.classifiers.cnn import ThreeLayerConvNet

In a notebook ``%load_ext handgrad.courses`` does the same for the course whose names it imports.
"""

from __future__ import annotations

from typing import Any

from handgrad.courses.hooks import Enabled, active, disable, enable
from handgrad.courses.notes import CourseNote

__all__ = ["CourseNote", "Enabled", "active", "disable", "enable"]


def load_ipython_extension(shell: Any) -> None:
    """Do what ``%load_ext handgrad.courses`` asks for."""
    from handgrad.courses import ipython

    ipython.load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Undo `load_ipython_extension`."""
    from handgrad.courses import ipython

    ipython.unload(shell)
