"""What is wrong with a text, and where."""

from __future__ import annotations

from typing import NamedTuple

_LONGEST = 30  # of a word that is repeated in a sentence
_WIDTH = 76  # of the stretch of a long text that is shown


class Place(NamedTuple):
    """A stretch of a text: from the character `start` to before `end`."""

    text: str
    start: int
    end: int

    @property
    def column(self) -> int:
        """The column of its first character, counted from 1."""
        return self.start + 1

    def __str__(self) -> str:
        return self.text[self.start : self.end]

    def picture(self) -> str:
        """Return the text around the place in one line, and a line with carets under it.

        Examples
        --------
        >>> print(Place("conv - rely - pool", 7, 11).picture())
          conv - rely - pool
                 ^^^^
        """
        first = max(0, min(self.start - _WIDTH // 2, len(self.text) - _WIDTH))
        shown = "".join(c if c.isprintable() else " " for c in self.text[first : first + _WIDTH])
        carets = "^" * max(1, min(self.end, first + _WIDTH) - self.start)
        return f"  {shown}\n  {' ' * (self.start - first)}{carets}"


class SpecError(ValueError):
    """A text that is no network.

    Attributes
    ----------
    sentence : str
        What is wrong, in one line.
    place : Place
        Where.
    picture : str
        The text around the place, and carets under it. The error's own text is the sentence and the picture.
    """

    def __init__(self, sentence: str, place: Place) -> None:
        super().__init__(sentence, place)
        self.sentence = " ".join(sentence.split())
        self.place = place
        self.picture = place.picture()

    def __str__(self) -> str:
        return f"{self.sentence}\n{self.picture}"


def expected(rule: str, place: Place, got: str = "") -> SpecError:
    """Return the error for a text that must have `rule` at a place."""
    return SpecError(f"spec must have {rule} at column {place.column}, got {got or shown(place)}", place)


def shown(place: Place) -> str:
    """Return the text of a place in quotes, or 'the end'."""
    text = str(place)
    if not text:
        return "the end"
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "...")
