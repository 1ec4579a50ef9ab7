"""What a learner may write in place of one expression."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations

_OPPOSITE_CALL = {
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "maximum": "minimum",
    "argmax": "argmin",
    "var": "std",
    "exp": "expm1",
}
_DROPPED_CALLS = ("sqrt", "log", "exp", "maximum", "abs", "flip", "pad", "tanh")
_COMPARE = {
    ast.Gt: (ast.GtE, ast.Lt, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.Eq: (ast.NotEq,),
}
_MOST_AXES = 4


@dataclass(frozen=True)
class Alternative:
    """Another expression, of what kind the slip is, and the part that it is about."""

    kind: str
    new: ast.expr
    detail: str


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
        yield from _operations(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield Alternative("sign", node.operand, ast.unparse(node.operand))
    elif isinstance(node, ast.Compare):
        yield from _comparisons(node)
    elif isinstance(node, ast.Call):
        yield from _calls(node, in_index)
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
        yield from _indices(node)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield Alternative("transpose", node.value, ast.unparse(node.value))


def _operations(node: ast.BinOp) -> Iterator[Alternative]:
    left, right = ast.unparse(node.left), ast.unparse(node.right)
    if isinstance(node.op, ast.Mult | ast.Div):
        yield from _opened(node)
    if isinstance(node.op, ast.Add | ast.Sub):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield Alternative("sign", ast.BinOp(node.left, other, node.right), right)
        yield Alternative("term", node.left, right)
        kept = node.right if isinstance(node.op, ast.Add) else ast.UnaryOp(ast.USub(), node.right)
        yield Alternative("term", kept, left)
        yield from _brackets(node)
        if isinstance(node.op, ast.Add):
            yield Alternative("sign", ast.BinOp(node.right, ast.Sub(), node.left), left)
            yield Alternative("times", ast.BinOp(node.left, ast.Mult(), node.right), right)
        else:
            yield Alternative("sign", node.right, left)
    elif isinstance(node.op, ast.Mult):
        yield Alternative("factor", node.left, right)
        yield Alternative("factor", node.right, left)
        yield Alternative("times", ast.BinOp(node.left, ast.Div(), node.right), right)
        yield Alternative("plus", ast.BinOp(node.left, ast.Add(), node.right), right)
        yield Alternative("twice", ast.BinOp(node, ast.Mult(), node.right), right)
        yield Alternative("twice", ast.BinOp(node.left, ast.Mult(), node), left)
    elif isinstance(node.op, ast.Div):
        yield Alternative("divisor", node.left, right)
        yield Alternative("times", ast.BinOp(node.left, ast.Mult(), node.right), right)
        yield Alternative("twice", ast.BinOp(node, ast.Div(), node.right), right)
    elif isinstance(node.op, ast.FloorDiv):
        yield Alternative("divisor", node.left, right)
    elif isinstance(node.op, ast.Pow):
        yield Alternative("power", node.left, ast.unparse(node))
        for step in (-1, 1, -0.5, 0.5):
            power = ast.BinOp(node.right, ast.Add(), ast.Constant(step))
            yield Alternative("power", ast.BinOp(node.left, ast.Pow(), power), ast.unparse(node))
        yield Alternative("power", ast.BinOp(node.left, ast.Mult(), node.right), ast.unparse(node))
    elif isinstance(node.op, ast.MatMult):
        yield Alternative("transpose", ast.BinOp(_turned(node.left), node.op, node.right), left)
        yield Alternative("transpose", ast.BinOp(node.left, node.op, _turned(node.right)), right)
        yield Alternative("transpose", _turned(node), left)
        yield Alternative("factors", ast.BinOp(node.left, ast.Mult(), node.right), right)


def _brackets(node: ast.BinOp) -> Iterator[Alternative]:
    """Let a factor or a divisor reach one term too many."""
    for inner, outer, turned in ((node.left, node.right, False), (node.right, node.left, True)):
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult | ast.Div):
            first, second = (outer, inner.left) if turned else (inner.left, outer)
            both = ast.BinOp(first, node.op, second)
            yield Alternative("brackets", ast.BinOp(both, inner.op, inner.right), ast.unparse(outer))
            if isinstance(inner.op, ast.Mult):
                rest = (outer, inner.right) if turned else (inner.right, outer)
                both = ast.BinOp(rest[0], node.op, rest[1])
                yield Alternative("brackets", ast.BinOp(inner.left, ast.Mult(), both), ast.unparse(outer))


def _opened(node: ast.BinOp) -> Iterator[Alternative]:
    """Let a factor or a divisor reach the last or the first term of a sum only."""
    inner = node.left
    if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add | ast.Sub):
        last = ast.BinOp(inner.right, node.op, node.right)
        yield Alternative("brackets", ast.BinOp(inner.left, inner.op, last), ast.unparse(inner.left))
        first = ast.BinOp(inner.left, node.op, node.right)
        yield Alternative("brackets", ast.BinOp(first, inner.op, inner.right), ast.unparse(inner.right))
    inner = node.right
    if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add | ast.Sub):
        first = ast.BinOp(node.left, node.op, inner.left)
        yield Alternative("brackets", ast.BinOp(first, inner.op, inner.right), ast.unparse(inner.right))
    if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult) and isinstance(node.op, ast.Div):
        first = ast.BinOp(node.left, ast.Div(), inner.left)
        yield Alternative("brackets", ast.BinOp(first, ast.Mult(), inner.right), ast.unparse(inner.right))


def _turned(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(node, "T", ast.Load())


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


def _indices(node: ast.Subscript) -> Iterator[Alternative]:
    """Take all where one is meant, and forget or misplace a new axis."""
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    new_axes = [k for k, item in enumerate(items) if isinstance(item, ast.Constant) and item.value is None]
    if new_axes and isinstance(node.ctx, ast.Load):
        yield Alternative("new axis", node.value, ast.unparse(node.value))
        for moved in permutations(items):
            yield Alternative("new axis", _indexed(node, list(moved)), ast.unparse(node.value))
    for k, item in enumerate(items):
        if isinstance(item, ast.Name):
            others = [*items[:k], ast.Slice(), *items[k + 1 :]]
            yield Alternative("all", _indexed(node, others), item.id)


def _indexed(node: ast.Subscript, items: list[ast.expr]) -> ast.Subscript:
    return ast.Subscript(node.value, ast.Tuple(items, ast.Load()), node.ctx)


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


def _name_of(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


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


def _calls(node: ast.Call, in_index: bool) -> Iterator[Alternative]:
    name = _name_of(node)
    if name in _OPPOSITE_CALL:
        yield Alternative("call", _replaced(node, _OPPOSITE_CALL[name]), name)
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
            yield Alternative("order", _turned(ast.Call(node.func, node.args[::-1], [])), "reshape")
            yield Alternative("order", ast.Call(node.func, node.args[::-1], []), "reshape")
        if 2 < len(node.args) < 5:
            for others in permutations(node.args):
                yield Alternative("order", ast.Call(node.func, list(others), []), "reshape")
    if name == "transpose" and len(node.args) > 2:
        for moved in _orders(node.args):
            yield Alternative("order", ast.Call(node.func, moved, []), "transpose")
        yield Alternative("order", _method_of(node), "transpose")
        inner = _method_of(node)
        if isinstance(inner, ast.Call) and _name_of(inner) == "reshape" and len(inner.args) == len(node.args):
            direct = [inner.args[ast.literal_eval(k)] for k in node.args]
            yield Alternative("order", ast.Call(inner.func, direct, []), "reshape")
    yield from _axes(node)


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
            for axes in _subsets():
                value = ast.parse(str(axes[0] if len(axes) == 1 else axes), mode="eval").body
                if ast.unparse(value) != used:
                    other = ast.keyword("axis", value)
                    yield Alternative("axis", ast.Call(node.func, node.args, [*rest, other]), str(axes))
        elif keyword.arg in ("keepdims", "ddof"):
            kind = "ddof" if keyword.arg == "ddof" else "axis"
            flipped = ast.Constant(not ast.literal_eval(keyword.value))
            other = ast.keyword(keyword.arg, flipped)
            yield Alternative(kind, ast.Call(node.func, node.args, [*rest, other]), keyword.arg)


def _subsets() -> Iterator[tuple[int, ...]]:
    for size in range(1, _MOST_AXES + 1):
        yield from combinations(range(_MOST_AXES), size)
