"""What may be written wrongly in a call: another function, other axes, another order, its brackets."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations, permutations

from .alternative import WHOLE, Alternative, name_of, turned

_OTHER_CALLS = {
    "sum": ("mean", "max"),
    "mean": ("sum", "max"),
    "max": ("min", "sum", "mean"),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "argmax": ("argmin",),
    "var": ("std",),
    "exp": ("expm1",),
    "sqrt": ("square",),
}
_DROPPED_CALLS = ("sqrt", "log", "exp", "maximum", "abs", "flip", "pad", "tanh")
_MOST_AXES = 4


def _replaced(call: ast.Call, name: str) -> ast.Call:
    function = call.func
    if isinstance(function, ast.Attribute):
        function = ast.Attribute(function.value, name, ast.Load())
    return ast.Call(function, call.args, call.keywords)


def _method_of(call: ast.Call) -> ast.expr:
    """Return what a call works on: the array before the dot, or the first argument."""
    function = call.func
    of_numpy = isinstance(function, ast.Attribute) and ast.unparse(function.value) == "np"
    if isinstance(function, ast.Attribute) and not of_numpy:
        return function.value
    return call.args[0]


def calls(node: ast.Call, in_index: bool) -> Iterator[Alternative]:
    """Yield what may stand for a call."""
    name = name_of(node)
    for other in _OTHER_CALLS.get(name, ()):
        yield Alternative("call", _replaced(node, other), name)
    if not in_index:
        yield from _brackets(node, name)
    if name in _DROPPED_CALLS or (name in ("sum", "mean", "max") and node.keywords):
        yield Alternative("dropped call", _method_of(node), name)
    if name == "range":
        last = node.args[-1]
        shorter = ast.BinOp(last, ast.Sub(), ast.Constant(1))
        yield Alternative("constant", ast.Call(node.func, [*node.args[:-1], shorter], []), "range")
        if len(node.args) == 1:
            yield Alternative("constant", ast.Call(node.func, [ast.Constant(1), last], []), "range")
    if name == "where" and len(node.args) == 3:
        condition, first, second = node.args
        yield Alternative("exchange", ast.Call(node.func, [condition, second, first], []), "where")
        yield Alternative("branch", first, ast.unparse(second))
        yield Alternative("branch", second, ast.unparse(first))
    if name == "reshape":
        order = ast.keyword("order", ast.Constant("F"))
        yield Alternative("order", ast.Call(node.func, node.args, [*node.keywords, order]), "reshape")
        if len(node.args) == 2 and isinstance(node.args[1], ast.UnaryOp | ast.Constant):
            yield Alternative("order", turned(ast.Call(node.func, node.args[::-1], [])), "reshape")
            yield Alternative("order", ast.Call(node.func, node.args[::-1], []), "reshape")
        if 2 < len(node.args) < 5:
            for others in permutations(node.args):
                yield Alternative("order", ast.Call(node.func, list(others), []), "reshape")
    if name == "transpose" and len(node.args) > 2:
        for moved in _orders(node.args):
            yield Alternative("order", ast.Call(node.func, moved, []), "transpose")
        yield Alternative("order", _method_of(node), "transpose")
        inner = _method_of(node)
        if isinstance(inner, ast.Call) and name_of(inner) == "reshape" and len(inner.args) == len(node.args):
            direct = [inner.args[ast.literal_eval(k)] for k in node.args]
            yield Alternative("order", ast.Call(inner.func, direct, []), "reshape")
    yield from _axes(node)


def _brackets(node: ast.Call, name: str) -> Iterator[Alternative]:
    """Close the brackets of a function too early, or put one function inside another the other way round."""
    if name not in WHOLE:
        return
    for k, inner in enumerate(node.args[:1]):
        others = node.args[:k], node.args[k + 1 :]
        if isinstance(inner, ast.BinOp):
            first, second = (
                ast.Call(node.func, [*others[0], part, *others[1]], node.keywords)
                for part in (inner.left, inner.right)
            )
            for left, right in ((first, inner.right), (inner.left, second), (first, second)):
                yield Alternative("inside", ast.BinOp(left, inner.op, right), name)
        elif isinstance(inner, ast.Call) and name_of(inner) in WHOLE and len(inner.args) == 1:
            new = ast.Call(node.func, [inner.args[0]], node.keywords)
            yield Alternative("nested", ast.Call(inner.func, [new], inner.keywords), name)


def _orders(items: list[ast.expr]) -> Iterator[list[ast.expr]]:
    """Yield other orders: all of a few, else those with two exchanged."""
    if len(items) < 5:
        yield from (list(moved) for moved in permutations(items))
        return
    for a, b in combinations(range(len(items)), 2):
        moved = list(items)
        moved[a], moved[b] = moved[b], moved[a]
        yield moved


def _axes(node: ast.Call) -> Iterator[Alternative]:
    for k, keyword in enumerate(node.keywords):
        rest = [*node.keywords[:k], *node.keywords[k + 1 :]]
        if keyword.arg == "axis":
            yield Alternative("axis", ast.Call(node.func, node.args, rest), "all")
            used = ast.unparse(keyword.value)
            for axes in _subsets(_MOST_AXES + ("4" in used)):
                value = ast.parse(str(axes[0] if len(axes) == 1 else axes), mode="eval").body
                if ast.unparse(value) != used:
                    other = ast.keyword("axis", value)
                    yield Alternative("axis", ast.Call(node.func, node.args, [*rest, other]), str(axes))
        elif keyword.arg in ("keepdims", "ddof"):
            kind = "ddof" if keyword.arg == "ddof" else "axis"
            flipped = ast.Constant(not ast.literal_eval(keyword.value))
            other = ast.keyword(keyword.arg, flipped)
            yield Alternative(kind, ast.Call(node.func, node.args, [*rest, other]), keyword.arg)


def _subsets(count: int) -> Iterator[tuple[int, ...]]:
    for size in range(1, count + 1):
        yield from combinations(range(count), size)
