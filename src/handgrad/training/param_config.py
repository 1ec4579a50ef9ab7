"""Settings of the update rule that parameters have of their own.

``param_config`` of the Solver goes from a name or a pattern such as ``"beta*"`` to what is different for the
parameters of that name: settings of the rule; ``lr_factor``, which multiplies their learning rate;
``freeze_after``, the number of epochs after which they stay as they are, 0 for from the start. Where several
patterns fit, later ones go before.

Examples
--------
>>> from handgrad.training.optim import sgd
>>> given = {"W*": {"weight_decay": 5e-4}, "W1": {"freeze_after": 0}, "b*": {"lr_factor": 64}}
>>> own = by_name(sgd, given, ["W1", "b1", "W2"])
>>> begin({"learning_rate": 0.25}, own, ["b1", "W2"])
{'b1': {'learning_rate': 16.0}, 'W2': {'learning_rate': 0.25, 'weight_decay': 0.0005}}
>>> frozen(own, epoch=0)
{'W1'}
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any

from handgrad._errors import check_known, nearest
from handgrad._numbers import finite_number, whole_number
from handgrad.training import optim
from handgrad.training.optim_config import DEFAULTS, Config, check_settings

ALSO = ("lr_factor", "freeze_after")

ByName = dict[str, Config]


def by_name(rule: optim.Rule, given: Any, names: Iterable[str]) -> ByName:
    """Return what each parameter has of its own, checked; parameters without are left out.

    Raises
    ------
    ValueError, TypeError
        For a pattern that fits no parameter, a setting that is unknown, and one that is out of range.
    """
    names = list(names)
    found: ByName = {}
    if given is None:
        return found
    if not isinstance(given, Mapping) or not all(isinstance(each, Mapping) for each in given.values()):
        raise TypeError(f"param_config must be a dict of dicts by pattern, got {given!r}")
    for pattern, settings in given.items():
        fitting = fnmatch.filter(names, str(pattern))
        if not fitting:
            raise ValueError(f"param_config[{pattern!r}] fits no parameter{nearest(pattern, names)}")
        settings = _checked(rule, f"param_config[{pattern!r}]", settings)
        found |= {name: found.get(name, {}) | settings for name in fitting}
    return found


def begin(optim_config: Config, own: ByName, names: Iterable[str]) -> ByName:
    """Return the rule's first `config` of each parameter."""
    return {name: _config(optim_config, own.get(name, {})) for name in names}


def frozen(own: ByName, epoch: int) -> set[str]:
    """Return the parameters that stay as they are in an epoch, counted from 0."""
    return {name for name, settings in own.items() if epoch >= settings.get("freeze_after", epoch + 1)}


def typical(own: ByName, names: Iterable[str]) -> str:
    """Return the first parameter without settings of its own, or the first of all: its rate is shown."""
    names = list(names)
    return next((name for name in names if name not in own), names[0])


def _config(common: Config, own: Config) -> Config:
    config = common | {key: value for key, value in own.items() if key not in ALSO}
    if "lr_factor" in own:
        if "learning_rate" not in config:
            raise ValueError("lr_factor needs optim_config['learning_rate'], which is not there")
        config["learning_rate"] *= own["lr_factor"]
    return config


def _checked(rule: optim.Rule, where: str, given: Mapping[str, Any]) -> Config:
    settings = dict(given)
    if "lr_factor" in settings:
        settings["lr_factor"] = finite_number(f"{where}['lr_factor']", settings["lr_factor"])
    if "freeze_after" in settings:
        settings["freeze_after"] = whole_number(f"{where}['freeze_after']", settings["freeze_after"])
    name = optim.own_name(rule)
    if name is not None:
        check_known(where, settings, (*DEFAULTS[name], *ALSO))
        check_settings(name, {key: value for key, value in settings.items() if key not in ALSO})
    return settings
