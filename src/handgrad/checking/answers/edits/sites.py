"""The places of a function that can be edited, and the edits of each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .alternative import Alternative
from .alternatives import alternatives, indices

START = "from here on"


@dataclass(frozen=True)
class Names:
    """What is known of the names in a function: which are alike, and which are settings with a default."""

    groups: tuple[frozenset[str], ...] = ()
    defaults: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Edit:
    """One edit: where, what kind of slip, and what it is about.

    Attributes
    ----------
    kind : str
        ``'sign'``, ``'factor'``, ``'axis'``, ``'name'``, ``'assign'``, ...
    target : str
        The variable that the statement writes.
    detail : str
        The part that was lost or is wrong.
    after : str
        What is written instead.
    """

    kind: str
    target: str
    detail: str
    before: str
    after: str
    statement: ast.stmt
    place: tuple[ast.AST, str, int | None]
    new: Any

    def __post_init__(self) -> None:
        """Give the new expression a place in the source, which compiling asks for."""
        if isinstance(self.new, ast.AST):
            ast.fix_missing_locations(self.new)

    def put(self) -> Any:
        """Write the new expression, and return the old one."""
        parent, field, index = self.place
        if index is None:
            old = getattr(parent, field)
            setattr(parent, field, self.new)
            return old
        values = getattr(parent, field)
        old, values[index] = values[index], self.new
        return old

    def restore(self, old: Any) -> None:
        """Write the old expression again."""
        parent, field, index = self.place
        if index is None:
            setattr(parent, field, old)
        else:
            getattr(parent, field)[index] = old


def edits(function: ast.FunctionDef, names: Names) -> Iterator[Edit]:
    """Yield every edit of a function behind its mark ``"from here on"`` (all of it without one)."""
    started = not any(is_mark(node) for node in function.body)
    for statement in function.body:
        if started and not isinstance(statement, ast.Return):
            yield from _in_statement(statement, names)
        started = started or is_mark(statement)


def is_mark(node: ast.stmt) -> bool:
    """Return whether a statement is the mark behind which edits begin."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value == START


def _in_statement(statement: ast.stmt, names: Names) -> Iterator[Edit]:
    if isinstance(statement, ast.For):
        yield from _in_expression(statement, (statement, "iter", None), names, True, "a loop")
        for inner in statement.body:
            yield from _in_statement(inner, names)
    elif isinstance(statement, ast.If):
        yield from _in_expression(statement, (statement, "test", None), names, False, "a condition")
        for inner in [*statement.body, *statement.orelse]:
            yield from _in_statement(inner, names)
    elif isinstance(statement, ast.AugAssign):
        yield from _augmented(statement)
        target = target_of(statement.target)
        yield from _in_expression(statement, (statement, "value", None), names, False, target)
        yield from _in_expression(statement, (statement, "target", None), names, False, target)
    elif isinstance(statement, ast.Assign):
        target = target_of(statement.targets[0])
        yield from _cut_off(statement, target)
        yield from _in_expression(statement, (statement, "value", None), names, False, target)
        if isinstance(statement.targets[0], ast.Subscript):
            yield from _in_expression(statement, (statement, "targets", 0), names, False, target)


def _cut_off(statement: ast.Assign, target: str) -> Iterator[Edit]:
    """Let an array of whole numbers hold what is assigned."""
    if isinstance(statement.value, ast.Tuple | ast.Constant):
        return
    whole = ast.parse("np.trunc(x)", mode="eval").body
    whole.args[0] = statement.value  # type: ignore[attr-defined]
    after = ast.unparse(whole)
    yield Edit("cut off", target, target, "", after, statement, (statement, "value", None), whole)


def target_of(node: ast.expr) -> str:
    """Return the name of the variable that is written to."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return ast.unparse(node)


def _augmented(statement: ast.AugAssign) -> Iterator[Edit]:
    target = target_of(statement.target)
    other = ast.Sub() if isinstance(statement.op, ast.Add) else ast.Add()
    place = (statement, "op", None)
    yield Edit("sign", target, target, "", "-=", statement, place, other)
    yield Edit("assign", target, target, "", "=", statement, place, None)


def _in_expression(
    statement: ast.stmt,
    place: tuple[ast.AST, str, int | None],
    names: Names,
    in_index: bool,
    target: str,
) -> Iterator[Edit]:
    parent, field, index = place
    node = getattr(parent, field) if index is None else getattr(parent, field)[index]
    if not isinstance(node, ast.expr):
        return
    before = ast.unparse(node)
    for other in _others(node, names, in_index):
        after = ast.unparse(other.new)
        if after != before:
            yield Edit(other.kind, target, other.detail, before, after, statement, place, other.new)
    if field in ("lower", "upper") and isinstance(parent, ast.Slice):
        for kind, new in _bounds(node):
            after = ast.unparse(new) if new is not None else ""
            yield Edit(kind, target, before, before, after, statement, place, new)
    for child_place, index_inside in _children(node, in_index):
        yield from _in_expression(statement, child_place, names, index_inside, target)


def _others(node: ast.expr, names: Names, in_index: bool) -> Iterator[Alternative]:
    """Yield what may stand for an expression; of what is written to, only other indices."""
    if not isinstance(getattr(node, "ctx", None), ast.Store):
        yield from alternatives(node, names.groups, in_index, names.defaults)
    elif isinstance(node, ast.Subscript):
        yield from indices(node)


def _bounds(node: ast.expr) -> Iterator[tuple[str, ast.expr | None]]:
    yield "bound", None
    yield "bound", ast.BinOp(node, ast.Add(), ast.Constant(1))
    yield "bound", ast.BinOp(node, ast.Sub(), ast.Constant(1))


def _children(node: ast.expr, in_index: bool) -> Iterator[tuple[tuple[ast.AST, str, int | None], bool]]:
    if isinstance(node, ast.Subscript):
        yield (node, "value", None), in_index
        yield from _in_slices(node)
        return
    skip = {"func", "op", "ops", "ctx", "keywords"}
    for name, value in ast.iter_fields(node):
        if name in skip:
            if name == "func" and isinstance(value, ast.Attribute) and not _is_numpy(value.value):
                yield (value, "value", None), in_index
            continue
        if isinstance(value, ast.expr):
            yield (node, name, None), in_index
        elif isinstance(value, list):
            for k, item in enumerate(value):
                if isinstance(item, ast.expr):
                    yield (node, name, k), in_index or _is_range(node)


def _in_slices(node: ast.Subscript) -> Iterator[tuple[tuple[ast.AST, str, int | None], bool]]:
    holders: list[tuple[ast.AST, str, int | None]] = [(node, "slice", None)]
    if isinstance(node.slice, ast.Tuple):
        holders = [(node.slice, "elts", k) for k in range(len(node.slice.elts))]
    for parent, name, index in holders:
        item = getattr(parent, name) if index is None else getattr(parent, name)[index]
        if isinstance(item, ast.Slice):
            yield (item, "lower", None), True
            yield (item, "upper", None), True
            yield (item, "step", None), True
        else:
            yield (parent, name, index), True


def _is_numpy(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "np"


def _is_range(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"
