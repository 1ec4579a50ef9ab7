"""Tables as plain lines."""

from __future__ import annotations

from collections.abc import Sequence


def plain(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> list[str]:
    r"""Return the lines of a table; its last `numbers` columns stand on the right. No heads, no line of them.

    Examples
    --------
    >>> print("\n".join(plain(("layer", "size"), [("conv", "1"), ("affine", "23")], numbers=1)))
    layer   size
    conv       1
    affine    23
    """
    lines = [columns, *rows] if any(columns) else list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = len(widths) - numbers
    return [
        "  ".join(
            text.ljust(width) if number < texts else text.rjust(width)
            for number, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
