"""Image readers that old notebooks import from packages that are gone or not installed."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from handgrad.courses.image_utils import imread, imresize
from handgrad.courses.notes import note

# SciPy took its image functions out in 1.3, before any version for the Pythons of today.
MODULES: dict[str, dict[str, Any]] = {
    "imageio": {"imread": imread},
    "imageio.v2": {"imread": imread},
    "scipy": {},
    "scipy.misc": {"imread": imread, "imresize": imresize},
}


class Standins:
    """A finder for the end of ``sys.meta_path``: asked only when no real package was found."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of a stand-in."""
        if fullname not in MODULES:
            return None
        is_package = any(name.startswith(f"{fullname}.") for name in MODULES)
        return ModuleSpec(fullname, self, origin="handgrad.courses", is_package=is_package)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of the module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module."""
        if MODULES[module.__name__]:
            note(f"{module.__name__} is not installed; Handgrad reads the notebook's images with Pillow")
        vars(module).update(MODULES[module.__name__])
