"""What a text says: layers, repetitions and residual blocks. The text of a node is its canonical form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from handgrad.models.notation.errors import Place
from handgrad.models.notation.kinds import KINDS, written

NOWHERE = Place("", 0, 0)


@dataclass(frozen=True)
class LayerNode:
    """One layer with all its settings; None stands for one that the place in the net decides."""

    kind: str
    settings: dict[str, Any]
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        text, options = self.kind, []
        before: dict[str, Any] = {}
        for setting in KINDS[self.kind].settings:
            value = self.settings[setting.name]
            is_default = value == setting.default_for(before)
            before[setting.name] = value
            if setting.mark == "(":
                options += [] if is_default else [f"{setting.name}={written(value)}"]
            elif value is not None and not (setting.mark == "/" and is_default):
                text += setting.mark + written(value)
        return text + (f"({', '.join(options)})" if options else "")


@dataclass(frozen=True)
class Repeat:
    """Layers in brackets, so many times one after the other."""

    items: tuple[Node, ...]
    times: int = 1

    def __str__(self) -> str:
        return f"[{_sequence(self.items)}]x{self.times}"


@dataclass(frozen=True)
class Residual:
    """Layers whose output is added to their input, or to what a shortcut makes of it."""

    main: tuple[Node, ...]
    shortcut: tuple[Node, ...] | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        more = "" if self.shortcut is None else f" | {_sequence(self.shortcut)}"
        return f"res({_sequence(self.main)}{more})"


Node = LayerNode | Repeat | Residual


@dataclass(frozen=True)
class Spec:
    """A whole network: its layers and its loss, 'softmax' or 'svm'."""

    items: tuple[Node, ...]
    loss: str = "softmax"
    place: Place = field(default=NOWHERE, compare=False, repr=False)  # of the loss, else of the end

    def __str__(self) -> str:
        return " - ".join(filter(None, (_sequence(self.items), self.loss)))


def _sequence(items: tuple[Node, ...]) -> str:
    return " - ".join(map(str, items))


def unrolled(items: tuple[Node, ...]) -> Iterator[LayerNode | Residual]:
    """Yield the layers and residual blocks in the order of computation, repetitions written out."""
    for item in items:
        if isinstance(item, Repeat):
            for _ in range(item.times):
                yield from unrolled(item.items)
        else:
            yield item
