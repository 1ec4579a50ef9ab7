"""config.toml: the settings of a run, written so that reading them gives the same run again."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handgrad._files import atomic_write
from handgrad._version import __version__
from handgrad.cli import settings
from handgrad.cli.settings import ABOUT, Settings


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the settings that a TOML file gives.

    Raises
    ------
    FileNotFoundError, OSError
        When it cannot be read.
    ValueError
        When it is no TOML file, or has settings that cannot be.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"config must name a TOML file, got {str(path)!r}")
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"config '{path}' must be a TOML file: {error}") from None
    settings.check(given, f"config '{path}'")
    return given


def write(path: Path, chosen: Settings) -> None:
    """Write the settings that are not None and that the model has, group by group."""
    atomic_write(path, dumps(chosen))


def dumps(chosen: Settings) -> str:
    """Return the settings as TOML.

    Examples
    --------
    >>> print(dumps(Settings(num_training=500, optim_config={"beta1": 0.8})))  # doctest: +ELLIPSIS
    # A run of Handgrad ...; 'handgrad train --config FILE' with this file repeats it.
    <BLANKLINE>
    # Data
    data = "auto"
    num_training = 500
    ...
    optim_config = { beta1 = 0.8 }
    ...
    """
    lines = [f"# A run of Handgrad {__version__}; 'handgrad train --config FILE' with this file repeats it."]
    group = ""
    for name, value in chosen.of_model().items():
        if value is None or value == {}:
            continue
        if ABOUT[name].group != group:
            group = ABOUT[name].group
            lines += ["", f"# {group}"]
        lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, float):
        return repr(value)  # the shortest text that gives the same bits again
    return json.dumps(
        value, ensure_ascii=False
    )  # TOML writes texts, whole numbers, booleans, lists as JSON does
