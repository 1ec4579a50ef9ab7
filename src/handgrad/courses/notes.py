"""What the adapters have to say to a notebook, each sentence once."""

from __future__ import annotations

import warnings


class CourseNote(UserWarning):
    """Something that the course's code would have done otherwise, or that was left out."""


_said: set[str] = set()


def note(sentence: str) -> None:
    """Warn with `sentence`, unless it has been said since a course was enabled."""
    if sentence not in _said:
        _said.add(sentence)
        # Of no line in particular: what calls is as often the import machinery as the notebook.
        warnings.warn_explicit(sentence, CourseNote, "handgrad.courses", 1)


def forget() -> None:
    """Let every sentence be said again."""
    _said.clear()
