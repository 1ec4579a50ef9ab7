"""From a text to its words: names, numbers and signs."""

from __future__ import annotations

import re
from typing import NamedTuple

from handgrad.models.notation.errors import Place, expected

_WORD = re.compile(
    r"(?P<name>[A-Za-z_]+)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<sign>[][()/,=|*-])"
)


class Token(NamedTuple):
    """A word: its kind ('name', 'number', 'sign' or 'end'), its text in small letters, and its place."""

    kind: str
    text: str
    place: Place

    def is_sign(self, signs: str) -> bool:
        """Return whether it is one of these signs."""
        return self.kind == "sign" and self.text in signs


def tokens(text: str) -> list[Token]:
    """Return the words of a text, and 'end' behind them.

    Raises
    ------
    SpecError
        At the first character that belongs to no word.

    Examples
    --------
    >>> [token.text for token in tokens("[conv3-64 - ReLU]x2")]
    ['[', 'conv', '3', '-', '64', '-', 'relu', ']', 'x', '2', '']
    """
    found, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _WORD.match(text, at)
        if match is None:
            raise expected("a layer, a number or one of [ ] ( ) - / , = |", Place(text, at, at + 1))
        kind = match.lastgroup or ""
        found.append(Token(kind, match[0].lower(), Place(text, at, match.end())))
        at = match.end()
    return [*found, Token("end", "", Place(text, len(text), len(text)))]
