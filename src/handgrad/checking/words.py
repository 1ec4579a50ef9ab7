"""The vocabulary of mistakes: an id, what it means in words, and a hint that teaches without code."""

from __future__ import annotations

from . import words_any, words_layers, words_training

_WORDS = words_layers.WORDS | words_training.WORDS | words_any.WORDS
TITLES = {mistake: title for mistake, (title, _) in _WORDS.items()}
HINTS = {mistake: hint for mistake, (_, hint) in _WORDS.items()}
