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

from .lines import bodies, replaced, shifts, written_to
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

    @property
    def several(self) -> bool:
        """Whether it is edited at more than one place."""
        return len(self.edits) > 1 or self.edits[0].target == "everywhere"

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
    function = next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    function.decorator_list, function.returns = [], None
    for node in ast.walk(function):  # annotations only cost time
        if isinstance(node, ast.arg):
            node.annotation = None
    singles = list(edits(function, Names(worked.groups, worked.defaults)))
    scope = worked.solution.__globals__ | {"np": np}
    seen: set[str] = set()
    for chosen in [*((one,) for one in singles), *_families(singles, worked.twins)]:
        made = _edited(function, chosen, seen)
        if made is not None:
            yield Variant(chosen, made, function.name, scope)
    for body, start in list(bodies(function)):
        for edit, other in shifts(function, body, start):
            with replaced(body, other):
                code = _compiled(function)
            if code is not None:
                yield Variant((edit,), code, function.name, scope)
    yield from _exchanged(function, worked, seen, scope)


def _edited(function: ast.FunctionDef, chosen: tuple[Edit, ...], seen: set[str]) -> CodeType | None:
    """Return a function with edits made; None when it does not compile or was made before."""
    if any(one.kind == "assign" for one in chosen):
        return _assigned(function, chosen)
    old = [one.put() for one in chosen]
    try:
        return _new_code(function, {id(one.statement): one.statement for one in chosen}, seen)
    finally:
        for one, value in zip(reversed(chosen), reversed(old), strict=True):
            one.restore(value)


def _new_code(function: ast.FunctionDef, changed: dict[int, ast.stmt], seen: set[str]) -> CodeType | None:
    """Compile a function; what was changed tells whether it is new, as text (the whole of it is slow)."""
    key = "".join(f"{place} {_line(statement)}" for place, statement in sorted(changed.items()))
    if key in seen:
        return None
    seen.add(key)
    return _compiled(function)


def _compiled(function: ast.FunctionDef) -> CodeType | None:
    """Return the code of a function, None when it has an error."""
    try:
        return compile(ast.Module([function], []), "<variant>", "exec")
    except (SyntaxError, ValueError, TypeError):
        return None


def _line(statement: ast.stmt) -> str:
    """Return a statement as text, without the statements inside it."""
    if isinstance(statement, ast.For):
        return ast.unparse(statement.iter)
    if isinstance(statement, ast.If):
        return ast.unparse(statement.test)
    return ast.unparse(statement)


def _assigned(function: ast.FunctionDef, chosen: tuple[Edit, ...]) -> CodeType:
    """Turn ``a += b`` into ``a = b`` in the statements of the edits."""
    lines = ast.unparse(function)
    for one in chosen:
        before = ast.unparse(one.statement)
        lines = lines.replace(before, before.replace("+=", "=").replace("-=", "="))
    return compile(lines, "<variant>", "exec")


def _families(singles: list[Edit], twins: dict[str, str]) -> Iterator[tuple[Edit, ...]]:
    """Yield the same edit at all its places, at a place and its twin, and at all of both."""
    alike: dict[tuple[str, ...], list[Edit]] = {}
    folded: dict[tuple[str, ...], list[Edit]] = {}
    local: dict[tuple[Any, ...], list[Edit]] = {}
    axes: dict[tuple[str, ...], list[Edit]] = {}
    for one in singles:
        if one.kind == "axis":
            axes.setdefault((one.detail,), []).append(one)
        key = (one.kind, one.before, one.after)
        canonical = tuple(_folded(text, twins) for text in key)
        alike.setdefault(key, []).append(one)
        folded.setdefault(canonical, []).append(one)
        local.setdefault((id(one.statement), *canonical), []).append(one)
    for family in (local, alike, folded, axes):
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
        first, second = sorted(pair)
        for statement in [None, *statements]:
            code = _renamed(function, statement, first, second, seen)
            if code is not None:
                where = "everywhere" if statement is None else written_to(statement)
                place = (function, "name", None)
                edit = Edit("exchange", where, first, first, second, function.body[0], place, None)
                yield Variant((edit,), code, function.name, scope)


def _renamed(
    function: ast.FunctionDef, statement: ast.stmt | None, first: str, second: str, seen: set[str]
) -> CodeType | None:
    other = {first: second, second: first}
    nodes = [n for n in ast.walk(statement or function) if isinstance(n, ast.Name) and n.id in other]
    if statement is None:  # what is read, not what is written: else nothing changes
        nodes = [n for n in nodes if isinstance(n.ctx, ast.Load)]
    if not nodes:
        return None
    for node in nodes:
        node.id = other[node.id]
    part: ast.stmt = function if statement is None else statement
    code = _new_code(function, {id(part): part}, seen)
    for node in nodes:
        node.id = other[node.id]
    return code
