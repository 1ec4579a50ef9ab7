"""What a learner may write in place of one expression."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations, permutations

from .alternative import Alternative
from .arithmetic import operations
from .calls import calls

_COMPARE = {
    ast.Gt: (ast.GtE, ast.Lt, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.Eq: (ast.NotEq,),
}


def alternatives(
    node: ast.expr, groups: tuple[frozenset[str], ...], in_index: bool, defaults: dict[str, tuple[float, ...]]
) -> Iterator[Alternative]:
    """Yield what may stand by mistake for an expression.

    Parameters
    ----------
    node : ast.expr
    groups : tuple of frozenset of str
        Names that can be taken for one another.
    in_index : bool
        Whether it stands in an index or a range.
    defaults : dict
        Settings with the numbers that stand for them where they are ignored.
    """
    if isinstance(node, ast.BinOp):
        yield from operations(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield Alternative("sign", node.operand, ast.unparse(node.operand))
    elif isinstance(node, ast.Compare):
        yield from _comparisons(node)
    elif isinstance(node, ast.Call):
        yield from calls(node, in_index)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _letters(node.value)
    elif isinstance(node, ast.Constant):
        yield from _numbers(node, in_index)
    elif isinstance(node, ast.Name):
        if node.id in defaults:
            for number in defaults[node.id]:
                yield Alternative("ignored", ast.Constant(number), node.id)
        for group in groups:
            if node.id in group:
                for name in sorted(group - {node.id}):
                    yield Alternative("name", ast.Name(name, ast.Load()), node.id)
    elif isinstance(node, ast.Subscript):
        yield from indices(node)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield Alternative("transpose", node.value, ast.unparse(node.value))


def _comparisons(node: ast.Compare) -> Iterator[Alternative]:
    for other in _COMPARE.get(type(node.ops[0]), ()):
        yield Alternative("compare", ast.Compare(node.left, [other()], node.comparators), ast.unparse(node))
    zero = ast.Constant(0)
    if ast.unparse(node.comparators[0]) != "0":
        yield Alternative("compare", ast.Compare(node.left, node.ops, [zero]), ast.unparse(node))
    yield Alternative("compare", ast.Constant(1.0), ast.unparse(node))


def _numbers(node: ast.Constant, in_index: bool) -> Iterator[Alternative]:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        return
    steps = (-1, 1) if in_index else ()
    for step in steps:
        yield Alternative("constant", ast.Constant(node.value + step), str(node.value))
    if not in_index:
        for number in {2 * node.value, node.value / 2, -node.value, 0, 1, node.value - 1, node.value + 1}:
            if number != node.value:
                yield Alternative("constant", ast.Constant(number), str(node.value))


def indices(node: ast.Subscript) -> Iterator[Alternative]:
    """Take all where one is meant, and forget or misplace a new axis."""
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    new_axes = [k for k, item in enumerate(items) if isinstance(item, ast.Constant) and item.value is None]
    if new_axes and isinstance(node.ctx, ast.Load):
        yield Alternative("new axis", node.value, ast.unparse(node.value))
        for moved in permutations(items):
            yield Alternative("new axis", _indexed(node, list(moved)), ast.unparse(node.value))
    if len(items) > 1 and all(isinstance(item, ast.Name) for item in items):
        yield Alternative("index order", _indexed(node, items[::-1]), ast.unparse(node))
        for k, item in enumerate(items):
            yield Alternative("index", _indexed(node, [*items[:k], *items[k + 1 :]]), ast.unparse(item))
    for k, item in enumerate(items):
        if isinstance(item, ast.Name):
            others = [*items[:k], ast.Slice(), *items[k + 1 :]]
            yield Alternative("all", _indexed(node, others), item.id)


def _indexed(node: ast.Subscript, items: list[ast.expr]) -> ast.Subscript:
    return ast.Subscript(node.value, items[0] if len(items) == 1 else ast.Tuple(items, ast.Load()), node.ctx)


def _letters(text: str) -> Iterator[Alternative]:
    """Exchange two letters in one operand of an einsum, or sum its factors apart."""
    if "->" not in text:
        return
    operands = text.replace("->", ",").split(",")
    for letter in sorted(set(operands[0]) - set(operands[-1])):
        parts = [operands[0].replace(letter, "z"), *operands[1:]]
        yield Alternative("apart", ast.Constant(",".join(parts[:-1]) + "->" + parts[-1]), letter)
    for k, operand in enumerate(operands):
        for a, b in combinations(operand, 2):
            turned = operand.translate(str.maketrans(a + b, b + a))
            parts = [*operands[:k], turned, *operands[k + 1 :]]
            yield Alternative("letters", ast.Constant(",".join(parts[:-1]) + "->" + parts[-1]), a + b)
