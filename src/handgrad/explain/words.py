"""Numbers for people."""

from __future__ import annotations


def big(number: float) -> str:
    """Return a large number with a letter for thousands of millions and the like.

    Examples
    --------
    >>> big(950), big(1_230_000), big(45.6e9), big(7.89e12)
    ('950', '1.23 M', '45.6 G', '7.89 T')
    """
    for letter, unit in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= unit:
            return f"{number / unit:.3g} {letter}"
    return f"{number:.0f}"


def size(count: float) -> str:
    """Return a number of bytes.

    Examples
    --------
    >>> size(0), size(2048), size(5_000_000)
    ('0 B', '2.05 kB', '5 MB')
    """
    text = big(count)
    return text + ("B" if text[-1].isalpha() else " B")


def span(seconds: float) -> str:
    """Return a time.

    Examples
    --------
    >>> span(1.5e-6), span(0.0123), span(4.56), span(600)
    ('1.5 us', '12.3 ms', '4.56 s', '10 min')
    """
    if seconds >= 120:
        return f"{seconds / 60:.3g} min"
    for unit, name in ((1, "s"), (1e-3, "ms")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds * 1e6:.3g} us"
