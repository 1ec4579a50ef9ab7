"""The wording of errors that several rooms share."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable


def nearest(name: object, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'momentum'?"`` for a near miss, else the list of what is known.

    Examples
    --------
    >>> nearest("momentom", ["eps", "momentum"])
    "; did you mean 'momentum'?"
    >>> nearest("zzz", ["eps", "momentum"])
    '; known: eps, momentum'
    """
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"


def check_known(where: str, given: Iterable[str], known: Collection[str]) -> None:
    """Refuse the first of `given` that is not among `known`.

    Raises
    ------
    ValueError
        Naming `where`, the unknown name and the nearest known one.
    """
    for name in given:
        if name not in known:
            raise ValueError(f"{where} has no option {name!r}{nearest(name, known)}")
