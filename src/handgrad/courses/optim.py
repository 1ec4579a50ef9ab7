"""Update rules under the state keys that a course gives them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.courses.notes import note
from handgrad.training import optim
from handgrad.training.optim_config import OF_ALL

UCLA_KEYS = {"adam": {"v": "m", "a": "v"}, "rmsprop": {"a": "cache"}}
"""UCLA's names: v is the first moment of Adam, a the second; the others' are ours."""


def rules(names: tuple[str, ...], keys: Mapping[str, Mapping[str, str]]) -> dict[str, optim.Rule]:
    """Return the rules of these names, each with the course's own keys for our state."""
    return {name: _adapted(optim.RULES[name], keys.get(name, {})) for name in names}


def _adapted(rule: optim.Rule, ours: Mapping[str, str]) -> optim.Rule:
    beyond_courses = {"weight_decay", *OF_ALL}
    known = rule(np.zeros(1), np.zeros(1), None)[1].keys() - beyond_courses
    theirs = {our: their for their, our in ours.items()}

    @functools.wraps(rule)
    def call(w: Any, dw: Any, config: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        config = {} if config is None else config
        state = {ours.get(key, key): value for key, value in config.items()}
        for key in state.keys() - known:
            note(f"{rule.__name__} has no setting {key!r}, and ignores it")
        w = np.asarray(w)
        w = w if w.dtype.kind == "f" else w.astype(np.float64)
        next_w, state = rule(w, dw, {key: state[key] for key in state.keys() & known})
        # Written back into what was given, where notebooks look for it.
        config.update({theirs.get(key, key): value for key, value in state.items() if key in known})
        return next_w, config

    return call
