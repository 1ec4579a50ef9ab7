"""Whole lines that are forgotten, or come too late."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager

from .sites import Edit, is_mark, target_of

_Simple = ast.Assign | ast.AugAssign


def bodies(function: ast.FunctionDef) -> Iterator[tuple[list[ast.stmt], int]]:
    """Yield the lists of statements of a function, and where in each its edits begin."""
    marks = [k + 1 for k, node in enumerate(function.body) if is_mark(node)]
    start = marks[0] if marks else 0
    yield function.body, start
    for statement in function.body[start:]:
        yield from _inner(statement)


def _inner(statement: ast.stmt) -> Iterator[tuple[list[ast.stmt], int]]:
    for name in ("body", "orelse"):
        inner = getattr(statement, name, [])
        if inner:
            yield inner, 0
        for deeper in inner:
            yield from _inner(deeper)


def shifts(
    function: ast.FunctionDef, body: list[ast.stmt], start: int
) -> Iterator[tuple[Edit, list[ast.stmt]]]:
    """Yield each line left out, and each moved behind a later one that has to do with what it writes.

    A line is left out where its variable is known without it. With each comes the whole body as it is then.
    """
    for k in range(start, len(body)):
        statement = body[k]
        if not isinstance(statement, _Simple) or isinstance(statement.value, ast.Dict):
            continue
        others = [*body[:k], *body[k + 1 :]]
        target = written_to(statement)
        if target in _written_before(function, statement):
            yield (
                _edit("line", target, "", statement),
                others or [ast.Pass(lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)],
            )
        for place in range(k + 1, len(body)):
            behind = body[place]
            if isinstance(behind, ast.Return):
                break
            if target in {node.id for node in ast.walk(behind) if isinstance(node, ast.Name)}:
                after = written_to(behind) if isinstance(behind, _Simple) else "a loop"
                yield _edit("late", target, after, statement), [*others[:place], statement, *others[place:]]


def _written_before(function: ast.FunctionDef, statement: ast.stmt) -> set[str]:
    nodes = (n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    arguments = {argument.arg for argument in function.args.args}
    return arguments | {node.id for node in nodes if node.lineno < statement.lineno}


def written_to(statement: ast.Assign | ast.AugAssign) -> str:
    """Return the name of the variable that a line writes."""
    return target_of(statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0])


def _edit(kind: str, target: str, after: str, statement: ast.stmt) -> Edit:
    return Edit(kind, target, target, "", after, statement, (statement, "", None), None)


@contextmanager
def replaced(body: list[ast.stmt], other: list[ast.stmt]) -> Iterator[None]:
    """Let other statements stand in a body for as long as the context lasts."""
    old = list(body)
    body[:] = other
    try:
        yield
    finally:
        body[:] = old
