"""The grammar, one method a rule.

::

    spec     = sequence [ "-" loss ]
    sequence = item { "-" item }
    item     = layer | "[" sequence "]" [ "x" number ] | "res" "(" sequence [ "|" sequence ] ")"
    layer    = name [ value ] [ "-" value ] [ "/" value ] [ "(" option { "," option } ")" ]
    option   = name "=" value
    value    = number [ "x" number ] | "yes" | "no"
    loss     = "softmax" | "svm"          with or without brackets

Upper and lower case are one, spaces are free. A dash with a number behind it belongs to the layer in front.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handgrad._errors import nearest
from handgrad.models.notation.errors import Place, expected, shown
from handgrad.models.notation.kinds import KINDS, LOSSES, NAMES, Setting
from handgrad.models.notation.nodes import LayerNode, Node, Repeat, Residual, Spec
from handgrad.models.notation.tokens import Token, tokens

MOST_LAYERS = 1000
_DEEPEST = 30  # brackets within brackets
_ITEM = "a layer, '[' or 'res('"
_SWITCHES = {"yes": True, "true": True, "no": False, "false": False}


def parse(text: str) -> Spec:
    """Read a network's text.

    Raises
    ------
    TypeError
        When it is no text.
    SpecError
        A ValueError that says in one sentence what must stand where, with a picture of the place.

    Examples
    --------
    >>> str(parse("[conv-relu-pool]x2 - affine - SVM"))
    '[conv3-32 - relu - pool2]x2 - affine - svm'
    >>> parse("conv - rely")
    Traceback (most recent call last):
    handgrad.models.notation.errors.SpecError: spec must have a layer, '[' or 'res(' at column 8, got 'rely'; did you mean 'relu'?
      conv - rely
             ^^^^
    """  # noqa: E501 - a doctest wants the sentence in one line
    if not isinstance(text, str):
        raise TypeError(f"spec must be a text such as 'conv - relu - affine', got {type(text).__name__}")
    return _Parser(text).spec()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _peek(self, steps: int) -> Token:
        return self._tokens[min(self._at + steps, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._next
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _take_sign(self, signs: str) -> bool:
        found = self._next.is_sign(signs)
        if found:
            self._take()
        return found

    def _demand(self, sign: str, rule: str) -> None:
        if not self._take_sign(sign):
            raise expected(rule, self._next.place)

    def spec(self) -> Spec:
        items: list[Node] = []
        loss = self._loss()
        while loss is None:
            items.append(self._item())
            goes_on = self._take_sign("-")
            loss = self._loss() if goes_on else ("softmax", self._next.place)
        if self._next.kind != "end":
            ended = self._next.place is not loss[1]
            raise expected("the end behind the loss" if ended else "'-' or the end", self._next.place)
        if not items:
            raise expected("a layer before the loss", loss[1])
        _check_length(tuple(items), loss[1])
        return Spec(tuple(items), *loss)

    def _loss(self) -> tuple[str, Place] | None:
        bracket = self._next.is_sign("[")
        token = self._peek(1) if bracket else self._next
        if token.text not in LOSSES:
            return None
        if bracket:
            self._take()
        self._take()
        if bracket and self._next.text == "or":
            raise expected("one loss, softmax or svm,", token.place, "a choice of them")
        if bracket:
            self._demand("]", "']'")
        return LOSSES[token.text], token.place

    def _sequence(self) -> tuple[Node, ...]:
        items = [self._item()]
        while self._take_sign("-"):
            items.append(self._item())
        return tuple(items)

    def _item(self) -> Node:
        token = self._next
        if token.text in LOSSES:
            raise expected(f"{token.text} at the end of all, not", token.place, "it there")
        if token.is_sign("["):
            return self._nested(self._repeat)
        if token.text == "res":
            return self._nested(self._residual)
        if token.kind == "number":
            came = f"'{token.place}': behind a dash, a number is for conv alone"
            raise expected(_ITEM, token.place, came)
        if token.kind != "name":
            raise expected(_ITEM, token.place)
        if token.text not in NAMES:
            raise expected(_ITEM, token.place, shown(token.place) + _near(token.text))
        return self._layer()

    def _nested(self, rule: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise expected(f"at most {_DEEPEST} brackets within brackets", self._next.place, "one more")
        node = rule()
        self._depth -= 1
        return node

    def _repeat(self) -> Repeat:
        place = self._take().place
        items = self._sequence()
        self._demand("]", "'-' or ']'")
        if not (self._next.text.startswith("x") or self._next.is_sign("*")):
            return Repeat(items)
        token = self._next if self._next.text.startswith("x") and self._next.text != "x" else self._after()
        times = float(token.text) if token.kind == "number" else -1.0
        if not (times.is_integer() and 0 <= times <= MOST_LAYERS):
            rule = f"a whole number of repetitions up to {MOST_LAYERS}, as in x2,"
            raise expected(rule, token.place)
        self._take()
        node = Repeat(items, int(times))
        _check_length((node,), Place(place.text, place.start, token.place.end))
        return node

    def _after(self) -> Token:
        self._take()
        return self._next

    def _residual(self) -> Residual:
        place = self._take().place
        self._demand("(", "'(' after res")
        main, shortcut = self._sequence(), None
        if self._take_sign("|"):
            shortcut = self._sequence()
        self._demand(")", "'-' or ')'" if shortcut else "'-', '|' or ')'")
        return Residual(main, shortcut, place)

    def _layer(self) -> LayerNode:
        first = self._take()
        kind = NAMES[first.text]
        given: dict[str, Any] = {}
        for setting in KINDS[kind].settings:
            if self._take_mark(setting.mark):
                given[setting.name] = self._value(kind, setting)
        self._check_rest(kind, given)
        if self._take_sign("("):
            self._options(kind, given)
        needed = KINDS[kind].needs
        if needed and needed not in given:
            raise expected(f"the {needed} of {kind}, as in {kind}0.125,", self._next.place)
        last = self._tokens[self._at - 1].place
        return _filled(kind, given, Place(last.text, first.place.start, last.end))

    def _take_mark(self, mark: str) -> bool:
        """Take what a number of the layer stands behind, if it is there; a dash alone begins a new item."""
        if mark == "":
            return self._next.kind == "number"
        if mark == "-":
            return self._peek(1).kind == "number" and self._take_sign("-")
        return mark == "/" and self._take_sign("/")

    def _check_rest(self, kind: str, given: dict[str, Any]) -> None:
        """Refuse a number or a stride behind a layer that has none."""
        token = self._next
        if token.kind == "number" or token.is_sign("/"):
            what = "number" if token.kind == "number" else "stride"
            more = " more" if given and what == "number" else ""
            raise expected(f"'-' or another sign, since {kind} takes no{more} {what},", token.place)

    def _options(self, kind: str, given: dict[str, Any]) -> None:
        known = {setting.name: setting for setting in KINDS[kind].settings}
        while True:
            token = self._next
            if token.text not in known:
                rule = (
                    f"an option of {kind} ({', '.join(known)})" if known else f"no option, {kind} has none,"
                )
                raise expected(rule, token.place)
            if token.text in given:
                raise expected(f"{token.text} once", token.place, "it again")
            self._take()
            self._demand("=", f"'=' after {token.text}")
            given[token.text] = self._value(kind, known[token.text])
            if not self._take_sign(","):
                break
        self._demand(")", "',' or ')'")

    def _value(self, kind: str, setting: Setting) -> Any:
        first = self._next.place
        rule = f"{setting.form.words} for the {setting.name} of {kind}"
        value = setting.form.read(self._raw(rule))
        last = self._tokens[self._at - 1].place
        if value is None:
            raise expected(rule, Place(first.text, first.start, last.end))
        return value

    def _raw(self, rule: str) -> Any:
        token = self._next
        if token.text in _SWITCHES:
            self._take()
            return _SWITCHES[token.text]
        if token.kind != "number":
            raise expected(rule, token.place)
        value = float(self._take().text)
        if self._next.text == "x" and self._peek(1).kind == "number":
            self._take()
            return value, float(self._take().text)
        return value


def _near(name: str) -> str:
    """Return the nearest name of all, or the list of one for each layer."""
    near = nearest(name, [*NAMES, *LOSSES, "res"])
    return near if near.startswith("; did") else nearest("", [*KINDS, "res"])


def _filled(kind: str, given: dict[str, Any], place: Place) -> LayerNode:
    """Return the layer with its defaults in the place of what was left out."""
    settings: dict[str, Any] = {}
    for setting in KINDS[kind].settings:
        settings[setting.name] = given.get(setting.name, setting.default_for(settings))
    return LayerNode(kind, settings, place)


def _check_length(items: tuple[Node, ...], place: Place) -> None:
    if _length(items) > MOST_LAYERS:
        raise expected(f"at most {MOST_LAYERS} layers", place, f"{_length(items):,}")


def _length(items: tuple[Node, ...]) -> int:
    """Return the number of layers, without writing repetitions out: there may be very many."""
    total = 0
    for item in items:
        if isinstance(item, Repeat):
            total += item.times * _length(item.items)
        elif isinstance(item, Residual):
            total += 1 + _length(item.main) + _length(item.shortcut or ())
        else:
            total += 1
    return total
