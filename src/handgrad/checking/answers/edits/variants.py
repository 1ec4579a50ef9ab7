"""Functions that differ from a worked solution by one edit, or by the same edit at several places."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

import numpy as np

from .sites import Edit, Names, edits

Solution = Callable[..., Any]
_MOST_PLACES = 8


@dataclass(frozen=True, eq=False)
class Variant:
    """A worked solution with something edited: the edits, and how it is run."""

    edits: tuple[Edit, ...]
    code: CodeType
    name: str
    scope: dict[str, Any]

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Run it."""
        return self.function(*args, **named)

    @functools.cached_property
    def function(self) -> Solution:
        """The function itself."""
        own: dict[str, Any] = {}
        exec(self.code, self.scope, own)
        return own[self.name]


@dataclass(frozen=True, eq=False)
class Worked:
    """A worked solution: a plain function that returns its outputs by name.

    Attributes
    ----------
    solution : callable
    groups : tuple of frozenset of str
        Names in it that are easily taken for one another.
    twins : dict
        The name that stands for the other axis, such as ``{'H': 'W'}``.
    roles : tuple of tuple
        ``(kind, target, detail, mistake)``: which id an edit has, as patterns, the first that fits.
    defaults : dict
        Settings with the numbers that stand for each where it is ignored.
    """

    solution: Solution
    groups: tuple[frozenset[str], ...] = ()
    twins: dict[str, str] = field(default_factory=dict)
    roles: tuple[tuple[str, str, str, str], ...] = ()
    defaults: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @functools.cached_property
    def variants(self) -> list[Variant]:
        """All variants, single edits first."""
        return list(_variants(self))


def _variants(worked: Worked) -> Iterator[Variant]:
    source = textwrap.dedent(inspect.getsource(worked.solution))
    module = ast.parse(source)
    function = next(node for node in module.body if isinstance(node, ast.FunctionDef))
    function.decorator_list = []
    for node in ast.walk(function):  # annotations only cost time
        if isinstance(node, ast.arg):
            node.annotation = None
    function.returns = None
    singles = list(edits(function, Names(worked.groups, worked.defaults)))
    scope = worked.solution.__globals__ | {"np": np}
    seen: set[str] = {ast.unparse(function)}
    for chosen in [*((one,) for one in singles), *_families(singles, worked.twins)]:
        old = [one.put() for one in chosen] if _is_plain(chosen) else None
        if old is None:
            made = _assigned(function, chosen)
        else:
            made = _compiled(module, function)
            for one, value in zip(reversed(chosen), reversed(old), strict=True):
                one.restore(value)
        if made is not None and made[0] not in seen:
            seen.add(made[0])
            yield Variant(chosen, made[1], function.name, scope)
    yield from _exchanged(function, worked, seen, scope)


def _is_plain(chosen: tuple[Edit, ...]) -> bool:
    return all(one.kind != "assign" for one in chosen)


def _compiled(module: ast.Module, function: ast.FunctionDef) -> tuple[str, CodeType] | None:
    text = ast.unparse(function)
    try:
        return text, compile(text, "<variant>", "exec")
    except (SyntaxError, ValueError):
        return None


def _assigned(function: ast.FunctionDef, chosen: tuple[Edit, ...]) -> tuple[str, CodeType] | None:
    """Turn ``a += b`` into ``a = b`` in the statements of the edits."""
    lines = ast.unparse(function)
    for one in chosen:
        before = ast.unparse(one.statement)
        lines = lines.replace(before, before.replace("+=", "=").replace("-=", "="))
    return lines, compile(lines, "<variant>", "exec")


def _families(singles: list[Edit], twins: dict[str, str]) -> Iterator[tuple[Edit, ...]]:
    """Yield the same edit at all its places, at a place and its twin, and at all of both."""
    alike: dict[tuple[str, ...], list[Edit]] = {}
    folded: dict[tuple[str, ...], list[Edit]] = {}
    local: dict[tuple[Any, ...], list[Edit]] = {}
    for one in singles:
        key = (one.kind, one.before, one.after)
        canonical = tuple(_folded(text, twins) for text in key)
        alike.setdefault(key, []).append(one)
        folded.setdefault(canonical, []).append(one)
        local.setdefault((id(one.statement), *canonical), []).append(one)
    for family in (local, alike, folded):
        for members in family.values():
            if 1 < len(members) <= _MOST_PLACES:
                yield tuple(members)


def _folded(text: str, twins: dict[str, str]) -> str:
    return re.sub(r"\b\w+\b", lambda m: {b: a for a, b in twins.items()}.get(m[0], m[0]), text)


def _exchanged(
    function: ast.FunctionDef, worked: Worked, seen: set[str], scope: dict[str, Any]
) -> Iterator[Variant]:
    """Exchange two names in a whole statement, and in the whole function."""
    pairs = {frozenset((a, b)) for group in worked.groups for a in group for b in group if a < b}
    statements = [node for node in ast.walk(function) if isinstance(node, ast.Assign | ast.AugAssign)]
    for pair in sorted(pairs, key=sorted):
        for statement in [None, *statements]:
            text = _renamed(function, statement, *sorted(pair))
            if text in seen:
                continue
            seen.add(text)
            first, second = sorted(pair)
            where = "everywhere" if statement is None else ast.unparse(statement).split(" ")[0].split("[")[0]
            edit = Edit(
                "exchange", where, first, first, second, function.body[0], (function, "name", None), None
            )
            try:
                yield Variant((edit,), compile(text, "<variant>", "exec"), function.name, scope)
            except SyntaxError:
                continue


def _renamed(function: ast.FunctionDef, statement: ast.AST | None, first: str, second: str) -> str:
    other = {first: second, second: first}
    nodes = [n for n in ast.walk(statement or function) if isinstance(n, ast.Name) and n.id in other]
    if statement is None:  # what is read, not what is written: else nothing changes
        nodes = [n for n in nodes if isinstance(n.ctx, ast.Load)]
    for node in nodes:
        node.id = other[node.id]
    text = ast.unparse(function)
    for node in nodes:
        node.id = other[node.id]
    return text
