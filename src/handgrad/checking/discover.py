"""Finding layer functions by the courses' names in a file, a folder, or a module."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import itertools
import os
import pkgutil
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from . import sandbox
from .cases import known_layers
from .sandbox import Failure

_ALIASES = {
    "maxpool": "max_pool",
    "avgpool": "avg_pool",
    "averagepool": "avg_pool",
    "average_pool": "avg_pool",
    "groupnorm": "spatial_groupnorm",
    "group_norm": "spatial_groupnorm",
    "batch_norm": "batchnorm",
    "layer_norm": "layernorm",
    "spatial_batch_norm": "spatial_batchnorm",
    "leakyrelu": "leaky_relu",
    "fc": "affine",
    "linear": "affine",
    "affine_batchnorm_relu": "affine_bn_relu",
    "conv_batchnorm": "conv_bn",
    "conv_batchnorm_relu": "conv_bn_relu",
    "conv_batchnorm_relu_pool": "conv_bn_relu_pool",
}
RULES = ("sgd", "sgd_momentum", "sgd_nesterov_momentum", "adagrad", "adadelta", "rmsprop", "adam", "adamw")
_LOSSES = ("softmax_loss", "svm_loss")
_PLAIN = ("", "_naive", "_vectorized", "_loop", "_fast")
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Found:
    """A pair of functions, a loss or a rule, with the name of what it should be."""

    name: str
    like: str
    kind: str
    forward: Callable[..., Any] | None
    backward: Callable[..., Any] | None = None


def layer_of(name: str) -> tuple[str, str, str] | None:
    """Split a function's name into layer, pass and suffix, or None.

    Examples
    --------
    >>> layer_of("conv_forward_naive"), layer_of("batchnorm_backward_alt"), layer_of("helper")
    (('conv', 'forward', '_naive'), ('batchnorm', 'backward', '_alt'), None)
    """
    hit = re.fullmatch(r"([a-z_]+?)_(forward|backward)(_\w+)?", name.lower())
    if hit is None:
        return None
    layer = _ALIASES.get(hit[1], hit[1])
    return (layer, hit[2], hit[3] or "") if layer in known_layers() else None


def loss_of(name: str) -> str | None:
    """Return the loss that a function's name speaks of, or None."""
    return next((loss for loss in _LOSSES if re.fullmatch(rf"{loss}(_\w+)?", name.lower())), None)


def load(source: str | os.PathLike[str] | ModuleType) -> list[ModuleType]:
    """Import a file, or all modules of a folder.

    Raises
    ------
    ValueError
        When the path leads nowhere, or to no Python file.
    Failure
        When importing it raises.
    """
    if isinstance(source, ModuleType):
        return [source]
    path = Path(source).resolve()
    if path.is_dir():
        return _load_folder(path)
    if not path.is_file():
        raise ValueError(f"path must lead to a Python file or a folder, got {os.fspath(source)!r}")
    if path.suffix != ".py":
        raise ValueError(f"path must lead to a Python file (.py) or a folder, got {os.fspath(source)!r}")
    if (path.parent / "__init__.py").exists():
        return [_import(path.parent.parent, f"{path.parent.name}.{path.stem}")]
    return [_load_file(path)]


def _load_file(path: Path) -> ModuleType:
    name = f"_handgrad_checked_{next(_NUMBERS)}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"path must lead to a Python file (.py), got {path.name!r}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _with_path(path.parent, lambda: spec.loader.exec_module(module))  # type: ignore[union-attr]
    return module


def _load_folder(path: Path) -> list[ModuleType]:
    if not (path / "__init__.py").exists():
        return [
            _load_file(file)
            for file in sorted(path.glob("*.py"))
            if not file.name.startswith(("test_", "setup"))
        ]
    package = _import(path.parent, path.name)
    names = [info.name for info in pkgutil.iter_modules(package.__path__, package.__name__ + ".")]
    modules = [package]
    for name in names:
        try:
            modules.append(_import(path.parent, name))
        except Failure as failure:
            if "ImportError" not in failure.kind and "ModuleNotFound" not in failure.kind:
                raise  # what cannot be imported here (an extension that is not built) is left out
    return modules


def _import(root: Path, name: str) -> ModuleType:
    old = sys.modules.get(name)
    if old is not None and not str(getattr(old, "__file__", "")).startswith(str(root)):
        raise ValueError(f"the package {name!r} has the name of another that is loaded; rename its folder")
    return _with_path(root, lambda: importlib.import_module(name))


def _with_path(folder: Path, action: Callable[[], Any]) -> Any:
    sys.path.insert(0, str(folder))
    wrote, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # no __pycache__ beside a learner's file
    try:
        return sandbox.call(action, limit=20.0)
    finally:
        sys.dont_write_bytecode = wrote
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def find(modules: list[ModuleType], layer: str | None = None) -> list[Found]:
    """Return what can be checked in modules, in the order of their lines; each function once."""
    functions: dict[str, Callable[..., Any]] = {}
    for module in modules:
        for name, value in vars(module).items():
            if inspect.isfunction(value) and _is_own(value, modules):
                functions.setdefault(name, value)
    found = [*_pairs(functions), *_singles(functions)]
    if layer is not None:
        wanted = _ALIASES.get(layer, layer)
        found = [one for one in found if wanted in (one.like, one.name)]
    return found


def _is_own(function: Any, modules: list[ModuleType]) -> bool:
    files = {os.path.realpath(str(getattr(m, "__file__", ""))) for m in modules}
    plain = inspect.unwrap(function)
    return os.path.realpath(plain.__code__.co_filename) in files


def _pairs(functions: dict[str, Callable[..., Any]]) -> list[Found]:
    forwards: dict[str, dict[str, str]] = {}
    backwards: dict[str, dict[str, str]] = {}
    for name in functions:
        split = layer_of(name)
        if split is not None:
            (forwards if split[1] == "forward" else backwards).setdefault(split[0], {})[split[2]] = name
    found = []
    for layer, by_suffix in forwards.items():
        others, used = backwards.get(layer, {}), set()
        for suffix, name in by_suffix.items():
            partner = _partner(suffix, others)
            if partner is None:
                found.append(Found(name, layer, "layer", functions[name]))
                continue
            used.add(partner)
            both = functions[name], functions[others[partner]]
            found.append(Found(f"{name}, {others[partner]}", layer, "layer", *both))
        for suffix in [s for s in others if s not in used]:
            forward = by_suffix.get(_partner(suffix, by_suffix) or "", next(iter(by_suffix.values())))
            found.append(Found(others[suffix], layer, "layer", functions[forward], functions[others[suffix]]))
    for layer, by_suffix in backwards.items():
        if layer not in forwards:
            found += [Found(name, layer, "layer", None, functions[name]) for name in by_suffix.values()]
    return found


def _partner(suffix: str, others: dict[str, str]) -> str | None:
    return next((s for s in (suffix, *_PLAIN) if s in others), None)


def _singles(functions: dict[str, Callable[..., Any]]) -> list[Found]:
    found = []
    for name, function in functions.items():
        loss = loss_of(name)
        if loss is not None:
            found.append(Found(name, loss, "loss", function))
        elif name in RULES:
            found.append(Found(name, name, "rule", function))
    return found
