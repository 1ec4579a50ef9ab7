"""What may be written wrongly in sums, products, powers and their brackets."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .alternative import WHOLE, Alternative, name_of, turned


def operations(node: ast.BinOp) -> Iterator[Alternative]:
    """Yield what may stand for a sum, a product, a quotient or a power."""
    yield from _raised(node)
    yield from _taken_in(node)
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
            other_way = ast.BinOp(node.right, ast.Sub(), node.left)
            yield Alternative("turned", other_way, ast.unparse(node))
    elif isinstance(node.op, ast.Mult):
        yield Alternative("factor", node.left, right)
        yield Alternative("factor", node.right, left)
        yield Alternative("times", ast.BinOp(node.left, ast.Div(), node.right), right)
        yield Alternative("times", ast.BinOp(node.right, ast.Div(), node.left), left)
        yield Alternative("plus", ast.BinOp(node.left, ast.Add(), node.right), right)
        yield Alternative("twice", ast.BinOp(node, ast.Mult(), node.right), right)
        yield Alternative("twice", ast.BinOp(node.left, ast.Mult(), node), left)
    elif isinstance(node.op, ast.Div):
        yield Alternative("divisor", node.left, right)
        yield Alternative("times", ast.BinOp(node.left, ast.Mult(), node.right), right)
        yield Alternative("twice", ast.BinOp(node, ast.Div(), node.right), right)
    elif isinstance(node.op, ast.FloorDiv):
        yield Alternative("divisor", node.left, right)
        up = ast.UnaryOp(ast.USub(), ast.BinOp(ast.UnaryOp(ast.USub(), node.left), node.op, node.right))
        yield Alternative("rounded up", up, ast.unparse(node))
    elif isinstance(node.op, ast.Pow):
        yield Alternative("power", node.left, ast.unparse(node))
        for step in (-2, -1, -0.5, 0.5, 1, 2):
            power = ast.BinOp(node.left, ast.Pow(), _more(node.right, step))
            yield Alternative("power", power, ast.unparse(node))
        yield Alternative("power", ast.BinOp(node.left, ast.Mult(), node.right), ast.unparse(node))
        absolute = ast.Call(ast.Attribute(ast.Name("np", ast.Load()), "abs", ast.Load()), [node.left], [])
        yield Alternative("power", absolute, ast.unparse(node))
    elif isinstance(node.op, ast.MatMult):
        yield Alternative("transpose", ast.BinOp(turned(node.left), node.op, node.right), left)
        yield Alternative("transpose", ast.BinOp(node.left, node.op, turned(node.right)), right)
        yield Alternative("transpose", turned(node), left)
        yield Alternative("factors", ast.BinOp(node.left, ast.Mult(), node.right), right)


def _brackets(node: ast.BinOp) -> Iterator[Alternative]:
    """Let a factor or a divisor reach one term too many."""
    for inner, outer, mirrored in ((node.left, node.right, False), (node.right, node.left, True)):
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult | ast.Div | ast.FloorDiv):
            first, second = (outer, inner.left) if mirrored else (inner.left, outer)
            both = ast.BinOp(first, node.op, second)
            yield Alternative("brackets", ast.BinOp(both, inner.op, inner.right), ast.unparse(outer))
            if isinstance(inner.op, ast.Mult):
                rest = (outer, inner.right) if mirrored else (inner.right, outer)
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


def _more(exponent: ast.expr, step: float) -> ast.expr:
    """Return an exponent and a step together, as one number where they are numbers."""
    try:
        return ast.Constant(ast.literal_eval(exponent) + step)
    except ValueError:
        return ast.BinOp(exponent, ast.Add(), ast.Constant(step))


def _raised(node: ast.BinOp) -> Iterator[Alternative]:
    """Let a power reach one term too many, or one too few."""
    for inner, first, second in ((node.right, node.left, None), (node.left, None, node.right)):
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Pow):
            both = ast.BinOp(first or inner.left, node.op, second or inner.left)
            yield Alternative("brackets", ast.BinOp(both, ast.Pow(), inner.right), ast.unparse(inner))
    inner = node.left
    if isinstance(node.op, ast.Pow) and isinstance(inner, ast.BinOp):
        first, second = (ast.BinOp(part, ast.Pow(), node.right) for part in (inner.left, inner.right))
        yield Alternative("brackets", ast.BinOp(first, inner.op, inner.right), ast.unparse(node))
        yield Alternative("brackets", ast.BinOp(inner.left, inner.op, second), ast.unparse(node))


def _taken_in(node: ast.BinOp) -> Iterator[Alternative]:
    """Let a function take in what stands beside it."""
    for call, other, mirrored in ((node.left, node.right, False), (node.right, node.left, True)):
        if isinstance(call, ast.Call) and name_of(call) in WHOLE and len(call.args) == 1:
            inside = (other, call.args[0]) if mirrored else (call.args[0], other)
            taken = ast.Call(call.func, [ast.BinOp(inside[0], node.op, inside[1])], call.keywords)
            yield Alternative("inside", taken, name_of(call))
