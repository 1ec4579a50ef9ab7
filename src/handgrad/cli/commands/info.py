"""``handgrad info``."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from handgrad.cli import machine
from handgrad.cli.commands.data import where_cifar10
from handgrad.cli.output import Output


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the same as JSON.")] = False,
) -> None:
    """Tell versions, what computes and why, where data is, and what the environment sets."""
    found = _collect()
    output = Output(as_json)
    for title, values in (found | {"memory": _in_words(found["memory"])}).items():
        output.line(title)
        output.table(("", ""), [(f"  {name}", _shown(value)) for name, value in values.items()])
    output.result(found)


def _collect() -> dict[str, dict[str, Any]]:
    from handgrad import backend, memory_info
    from handgrad.data import cache_folder

    facts = machine.facts()
    cifar10 = where_cifar10()
    return {
        "handgrad": {
            "version": facts["handgrad"],
            "backend": facts["backend"],
            "because": backend.reason(),
            "threads": facts["threads"],
        },
        "extension": _extension(),
        "memory": memory_info(),
        "machine": {name: facts[name] for name in ("cpu", "cores", "system", "python", "numpy", "blas")},
        "data": {"cifar10": cifar10["path"] or "not on disk", "cache": str(cache_folder())},
        "environment": {name: os.environ.get(name, "") for name in machine.ENVIRONMENT},
    }


def _extension() -> dict[str, Any]:
    from handgrad import backend

    extension = backend.extension
    if extension is None:
        return {"built": False, "because": backend.missing}
    return {
        "built": True,
        "compiler": extension.build_info().get("compiler", ""),
        "instruction_set": extension.isa(),
        "because": extension.isa_reason(),
        "instruction_sets": extension.isas(),
        "winograd": extension.winograd(),
        "precision": extension.precision(),
        "cpu_features": extension.cpu_features(),
    }


def _in_words(memory: dict[str, int]) -> dict[str, str]:
    used, idle, limit = (f"{memory[name] / 2**20:,.0f} MB" for name in ("in_use", "idle", "limit"))
    requests = memory["reused"] + memory["fresh"]
    return {
        "in_use": used,
        "idle": f"{idle}, at most {limit}",
        "requests": f"{requests}, {memory['reused']} of them served from idle memory",
    }


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value) or "not set"
