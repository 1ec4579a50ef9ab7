"""Edits in words: which mistake an edit is, and what was done."""

from __future__ import annotations

import ast
from fnmatch import fnmatchcase

from .alternative import name_of
from .sites import Edit
from .variants import Variant, Worked

UNNAMED = "step-differs"
_OUTPUTS = ("out", "loss", "next_w")


def mistake_of(worked: Worked, variant: Variant) -> str:
    """Return the id of a variant's mistake: that of the first role that fits its first edit."""
    edit = variant.edits[0]
    if edit.detail == "keepdims":
        return "shape-wrong"
    if edit.kind == "cut off":
        return "dtype-lost"
    for kinds, targets, details, mistake in worked.roles:
        if (
            _fits(kinds, edit.kind)
            and _fits(targets, edit.target)
            and (_fits(details, edit.detail) or _fits(details, f"{edit.detail}>{edit.after}"))
        ):
            return mistake
    return UNNAMED


def _fits(patterns: str, text: str) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns.split("|"))


def words_of(variant: Variant) -> str:
    """Say what was edited, without showing the line as it should be."""
    edit = variant.edits[0]
    words = _words(edit)
    others = [one for one in variant.edits[1:] if _words(one) != words]
    if len(variant.edits) == 1:
        return words
    if not others:
        return f"{words}, at every place"
    return f"{words}; for the other axis alike"


def _short(text: str) -> str:
    return text if len(text) <= 50 else "one part"


def _words(edit: Edit) -> str:
    target, detail, after = edit.target, _short(edit.detail), _short(edit.after)
    where = f"in {target}" if target != "everywhere" else "everywhere"
    return {
        "sign": f"{detail} comes with the wrong sign {where}",
        "factor": f"the factor {detail} is missing {where}",
        "factors": f"the product with {detail} is taken number by number {where}",
        "divisor": f"{target} is not divided by {detail}",
        "times": f"{detail} is combined by the wrong operation {where}: {after}",
        "plus": f"{detail} is added, not multiplied, {where}",
        "twice": f"{detail} comes twice {where}",
        "term": f"the term {detail} is missing {where}",
        "power": f"the power is another one {where}: {after}",
        "axis": f"{where} it is taken over {_axes(edit)}",
        "ddof": f"the variance is divided by N - 1 {where}",
        "constant": f"a number is another one {where}: {after} stands for {detail}",
        "bound": f"a window begins or ends elsewhere {where}: at {after or 'the edge of the array'}",
        "name": f"{after} stands for {detail} {where}",
        "exchange": f"{edit.before} and {edit.after} are exchanged {where}"
        if detail != "where"
        else f"the two branches are exchanged {where}",
        "branch": f"both branches are {after} {where}",
        "letters": f"the axes {detail[0]} and {detail[-1]} of a factor are exchanged {where}",
        "transpose": f"{detail} is transposed wrongly {where}",
        "order": f"the axes come in another order in a {detail} {where}",
        "assign": f"each contribution to {target} replaces the one before",
        "call": f"{_called(edit)} stands for {detail} {where}",
        "dropped call": f"{detail} is missing {where}",
        "brackets": f"the brackets {where} are set another way, at {detail}",
        "new axis": f"{detail} runs along another axis {where}",
        "all": f"all of an axis is taken where {detail} chooses {where}",
        "ignored": f"{detail} is not used {where}: it is always {after}",
        "cut off": f"{target} is cut off to whole numbers",
        "turned": f"the difference {detail} is taken the other way round {where}",
        "rounded up": f"{detail} is rounded up {where}",
        "inside": f"the brackets of {detail} hold another part {where}: {after}",
        "nested": f"{detail} is taken too early or too late {where}: {after}",
        "index order": f"the indices come in another order {where}: {after}",
        "index": f"the index {detail} is missing {where}: {after}",
        "line": f"a step of {target} is left out",
        "late": f"{target} is computed too late, after {after}",
        "apart": f"the sum over {detail} is taken of each factor apart, not of their product, {where}",
        "compare": f"the comparison is another one {where}: {after}",
    }.get(edit.kind, f"{after} {where}")


def _called(edit: Edit) -> str:
    return name_of(edit.new) if isinstance(edit.new, ast.Call) else "another function"


def _axes(edit: Edit) -> str:
    if edit.detail == "all":
        return "all axes"
    return "axes kept or dropped wrongly" if edit.detail == "keepdims" else f"axis {edit.detail.strip('(),')}"
