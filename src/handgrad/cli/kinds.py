"""The kinds of values that settings have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """A kind of value: in words, how help shows it, what a value must fulfil, how a text is read."""

    words: str
    shown: str
    fits: Callable[[Any], bool]
    read: Callable[[str], Any]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_whole(value)


def _read_number(text: str) -> float:
    return int(text) if text.strip().isdecimal() else float(text)


def _read_numbers(text: str) -> dict[str, float]:
    pairs = [part.partition("=") for part in text.split(",")]
    return {name.strip(): _read_number(number) for name, _, number in pairs}


def _read_table(text: str) -> dict[str, dict[str, float]]:
    rows = [part.partition(":") for part in text.split(";")]
    return {name.strip(): _read_numbers(numbers) for name, _, numbers in rows}


def _is_numbers(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_number, value.values()))


TEXT = Kind("a text", "TEXT", lambda value: isinstance(value, str), str)
WHOLE = Kind("a whole number", "NUMBER", _is_whole, int)
NUMBER = Kind("a number", "NUMBER", _is_number, float)
SWITCH = Kind("true or false", "", lambda value: isinstance(value, bool), bool)
SIZES = Kind(
    "whole numbers such as 200,100",
    "NUMBERS",
    lambda value: isinstance(value, list) and all(map(_is_whole, value)),
    lambda text: [int(part) for part in text.split(",")],
)
NUMBERS = Kind(
    "numbers by name such as momentum=0.95",
    "NAME=NUMBER",
    _is_numbers,
    _read_numbers,
)
TABLE = Kind(
    "numbers by parameter such as 'beta*: lr_factor=64, weight_decay=0; W1: freeze_after=0'",
    "PATTERN:NAME=NUMBER",
    lambda value: isinstance(value, dict) and all(map(_is_numbers, value.values())),
    _read_table,
)
