"""One slip of the pen: another expression in place of one."""

from __future__ import annotations

import ast
from dataclasses import dataclass

WHOLE = ("sqrt", "exp", "log", "sum", "mean", "max", "abs", "tanh")
"""Functions whose brackets may hold more or less than is meant."""


@dataclass(frozen=True)
class Alternative:
    """Another expression, of what kind the slip is, and the part that it is about."""

    kind: str
    new: ast.expr
    detail: str


def turned(node: ast.expr) -> ast.expr:
    """Return a matrix transposed."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(node, "T", ast.Load())


def name_of(call: ast.Call) -> str:
    """Return the name of the function that is called."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
