"""Where an array is wrong: sample, channel, row, column, stride phase, border."""

from __future__ import annotations

import numpy as np

_NAMES = {
    "N": "sample",
    "C": "channel",
    "F": "filter",
    "H": "row",
    "W": "column",
    "D": "feature",
    "M": "output",
    "K": "class",
    "P": "filter row",
    "Q": "filter column",
}


def letters_of(output: str, ndim: int) -> str:
    """Return a letter for each axis of an output, such as NCHW for dx of images."""
    if output == "dw" and ndim == 4:
        return "FCPQ"
    if output == "dw" and ndim == 2:
        return "DM"
    if output == "dW":
        return "DK"
    if ndim == 4:
        return "NCHW"
    if ndim == 1:
        return "C"
    return ("ND" + "HW" * ndim)[:ndim] if ndim else ""


def describe(wrong: np.ndarray, letters: str) -> str:
    """Say in words where a mask of wrong numbers is True.

    Parameters
    ----------
    wrong : ndarray of bool
    letters : str
        A letter for each axis.

    Examples
    --------
    >>> wrong = np.zeros((2, 3, 4, 4), bool)
    >>> wrong[:, :, -1] = True
    >>> describe(wrong, "NCHW")
    '24 of 96 numbers: only row 3 (the last); only on the border'
    """
    share = f"{int(wrong.sum())} of {wrong.size} numbers"
    if wrong.ndim == 0 or not wrong.any():
        return share
    if wrong.all():
        return f"{share}: everywhere"
    words = [text for axis, letter in enumerate(letters) if (text := _along(wrong, axis, letter))]
    border = _border(wrong, letters)
    if border:
        words.append(border)
    return f"{share}: {'; '.join(words[:3])}" if words else f"{share}, without a pattern along any axis"


def _along(wrong: np.ndarray, axis: int, letter: str) -> str:
    rest = tuple(k for k in range(wrong.ndim) if k != axis)
    hit = wrong.any(axis=rest)
    size, bad = hit.size, np.flatnonzero(hit)
    name = _NAMES.get(letter, "index")
    if size < 2 or bad.size in (0, size):
        return ""
    if bad.size == 1:
        return f"only {name} {bad[0]}{_end(int(bad[0]), size)}"
    if bad.size == size - 1:
        good = int(np.flatnonzero(~hit)[0])
        return f"all but {name} {good}{_end(good, size)}"
    for period in (2, 3):
        phases = set(bad % period)
        if size >= 2 * period and len(phases) == 1 and bad.size == len(range(int(bad[0]), size, period)):
            return f"every {'second' if period == 2 else 'third'} {name} from {bad[0]}"
    if bad.size == bad[-1] - bad[0] + 1:
        return f"{name}s {bad[0]} to {bad[-1]}"
    return f"{name}s {', '.join(map(str, bad))}"


def _end(index: int, size: int) -> str:
    return " (the first)" if index == 0 else " (the last)" if index == size - 1 else ""


def _border(wrong: np.ndarray, letters: str) -> str:
    if not letters.endswith("HW") or min(wrong.shape[-2:]) < 3:
        return ""
    flat = np.asarray(wrong.any(axis=tuple(range(wrong.ndim - 2))))
    inner = flat[1:-1, 1:-1]
    if not inner.any():
        return "only on the border"
    rim = flat.copy()
    rim[1:-1, 1:-1] = False
    return "only inside, not on the border" if not rim.any() else ""
