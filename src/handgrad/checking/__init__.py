"""Checking gradients: the gradient doctor, and the derivatives that judge.

``check(forward, backward, like="conv")`` says in words what is wrong with a layer;
``handgrad check FILE`` does so for every layer of a file.
"""

from __future__ import annotations

import importlib
from typing import Any

from handgrad.checking.numerical import numerical_gradient, relative_error

__all__ = [
    "Finding",
    "Report",
    "check",
    "check_in_network",
    "check_loss",
    "check_model",
    "check_module",
    "check_rule",
    "examine_model",
    "examine_run",
    "export_checker",
    "numerical_gradient",
    "relative_error",
    "show",
]

_HOMES = {
    "Finding": "report",
    "Report": "report",
    "show": "report",
    "check": "doctor",
    "check_loss": "doctor",
    "check_module": "doctor",
    "check_rule": "doctor",
    "check_model": "models",
    "check_in_network": "network",
    "examine_model": "training",
    "examine_run": "training",
    "export_checker": "export",
}


def __getattr__(name: str) -> Any:
    """Load a part of the doctor when it is first asked for."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"handgrad.checking.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'handgrad.checking' has no attribute {name!r}")
