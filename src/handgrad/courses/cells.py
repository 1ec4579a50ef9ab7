"""Reading a notebook's cells: its course, the lines to leave out, the bounds that it states."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# The first kind whose pattern is found in a line is the reason why the line is left out.
LEFT_OUT = {
    "Colab": re.compile(r"google\.colab|\bdrive\.mount\(|/content/|\bFOLDERNAME\b|colab-?xterm|^\s*%xterm"),
    "build": re.compile(r"^\s*[!%].*(setup\.py|build_ext|\bcython\b)|^\s*[!%]\s*(pip|conda)3?\s"),
    "data": re.compile(r"^\s*!.*get_(data|assignment|imagenet)\w*\.sh|^\s*!.*cifar-10-python\.tar"),
    "print-out": re.compile(r"^\s*!\s*jupyter[ -]nbconvert"),
}
_CD = re.compile(r"^\s*%?cd\s")
_KEPT = re.compile(r"^\s*(#|$)")

_SPEAKS_OF_ERRORS = re.compile(r"error|differ|loss", re.IGNORECASE)
_BOUND = re.compile(r"(?<![\w.])(\d*\.?\d*)e-(\d+)", re.IGNORECASE)
_EXACT = re.compile(r"less than|below|at most", re.IGNORECASE)
_ROUGH = re.compile(r"around|order|about|close", re.IGNORECASE)
_LITERAL = re.compile(r"""(['"])(.*?)\1""")
_PRINTED = re.compile(
    r"(?:error|difference|diff)\s*[:=]*\s*([-+]?\d+\.?\d*(?:e[-+]?\d+)?|nan|inf)\s*$", re.IGNORECASE
)


class Prepared(NamedTuple):
    """A cell's source as it is run, and the lines that were left out, each with its reason."""

    source: str
    left_out: list[tuple[str, str]]


def detect_course(text: str) -> str | None:
    """Return the course whose names the text imports.

    Examples
    --------
    >>> detect_course("from nndl.layers import *"), detect_course("import numpy as np")
    ('ucla', None)
    """
    for root, course in (("cs6353", "utah"), ("nndl", "ucla"), ("cs231n", "stanford")):
        if re.search(rf"^\s*(from|import)\s+{root}\b", text, re.MULTILINE):
            return year_of_stanford(text) if course == "stanford" else course
    return None


def year_of_stanford(text: str) -> str:
    """Return 'stanford-2017' where the text drops with p, or uses what later years do not have.

    Examples
    --------
    >>> year_of_stanford("for dropout in [0, 0.25, 0.5]:")
    'stanford-2017'
    >>> year_of_stanford("for dropout in [1, 0.75, 0.5]:")
    'stanford'
    """
    early = re.search(r"use_batchnorm\s*=|\bdropout\w*\s*(in|=)\s*\[\s*0\s*,", text)
    return "stanford-2017" if early else "stanford"


def prepare(source: str) -> Prepared:
    """Leave out the lines of a cell that only Colab, or a build, has a use for.

    Each becomes a ``pass`` with the same indentation, so that a block keeps a body.
    """
    lines = source.split("\n")
    reasons = [None if _KEPT.match(line) else _reason(line) for line in lines]
    # A change of folder beside such a line goes to where the build or the data would be.
    first = next((reason for reason in reasons if reason), None)
    prepared = Prepared("", [])
    for number, line in enumerate(lines):
        reason = reasons[number] or (first if _CD.match(line) else None)
        if reason:
            prepared.left_out.append((line.strip(), reason))
            lines[number] = line[: len(line) - len(line.lstrip())] + "pass"
    return prepared._replace(source="\n".join(lines))


def stated_bound(source: str) -> float | None:
    """Return the greatest bound on errors that a cell's comments or printed texts state.

    "Less than 1e-9" is taken at its word, "around 1e-9" as less than ten times that.

    Examples
    --------
    >>> stated_bound("# The error should be around e-10 or less")
    1e-09
    >>> stated_bound("h = 1e-6") is None
    True
    """
    bounds = []
    for text in _texts(source):
        if _SPEAKS_OF_ERRORS.search(text):
            slack = 1 if _EXACT.search(text) and not _ROUGH.search(text) else 10
            for mantissa, exponent in _BOUND.findall(text):
                bounds.append(slack * float(f"{mantissa or 1}e-{exponent}"))
    return max(bounds, default=None)


def printed_errors(output: str) -> Iterator[tuple[str, float]]:
    """Yield each printed line that ends with an error, and the error.

    Examples
    --------
    >>> list(printed_errors("dx error:  2.5e-09"))
    [('dx error:  2.5e-09', 2.5e-09)]
    """
    for line in output.splitlines():
        if match := _PRINTED.search(line):
            yield line.strip(), float(match[1])


def _reason(line: str) -> str | None:
    return next((kind for kind, pattern in LEFT_OUT.items() if pattern.search(line)), None)


def _texts(source: str) -> Iterator[str]:
    """Yield the blocks of comment lines of a cell, and the texts that it prints."""
    block: list[str] = []
    for line in [*source.splitlines(), ""]:
        _, sign, comment = line.partition("#")
        if sign:
            block.append(comment)
        elif block:
            yield " ".join(block)
            block = []
        if "print" in line:
            yield " ".join(text for _, text in _LITERAL.findall(line))
