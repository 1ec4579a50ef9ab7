"""The import hook: a finder that knows a course's module names, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from handgrad._errors import nearest
from handgrad.courses import notes
from handgrad.courses.tables import COURSES, Course


class Finder:
    """Finds and makes the modules of `course` under the top-level names `roots` (PEP 451)."""

    def __init__(self, course: Course, roots: Sequence[str]) -> None:
        self.course, self.roots = course, tuple(roots)
        self._shelves = course.shelves()

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of a module of the course, None for names that are not the course's.

        Raises
        ------
        ModuleNotFoundError
            For a part of the course that Handgrad does not have.
        """
        if fullname.partition(".")[0] not in self.roots:
            return None
        if fullname not in self.course.modules:
            sentence = f"Handgrad has no {fullname!r} for the course {self.course.name!r}"
            raise ModuleNotFoundError(sentence + nearest(fullname, self.course.modules), name=fullname)
        is_package = any(module.startswith(f"{fullname}.") for module in self.course.modules)
        return ModuleSpec(fullname, self, origin="handgrad.courses", is_package=is_package)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of the module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module."""
        names = self.course.module(module.__name__, self._shelves)
        vars(module).update(names, __all__=list(names), __doc__=f"{module.__name__}, as Handgrad has it.")


class Enabled:
    """A course whose names resolve to Handgrad; also a context manager, which ends it.

    Attributes
    ----------
    course : str
    provided : list of str
        Top-level names that resolve to Handgrad.
    yielded : dict
        Top-level names of real packages that were left alone, with where they are.
    """

    def __init__(self, course: str, override: bool) -> None:
        if course not in COURSES:
            raise ValueError(f"there is no course {course!r}{nearest(course, COURSES)}")
        self.course, self.override = course, override
        self.yielded: dict[str, str] = {}
        self.provided: list[str] = []
        self.before: Enabled | None = None
        self._replaced: dict[str, ModuleType] = {}
        self.finder: Finder | None = None

    def __repr__(self) -> str:
        text = f"course {self.course!r}: {', '.join(self.provided) or 'nothing'} by Handgrad"
        return text + "".join(f"; {name} is your own, {place}" for name, place in self.yielded.items())

    def __enter__(self) -> Enabled:
        return self

    def __exit__(self, *exc: object) -> None:
        disable()
        if self.before is not None:
            _start(self.before)

    def start(self) -> None:
        """Put the finder in place, before all others."""
        notes.forget()
        real = {root: place for root in COURSES[self.course].roots if (place := _real_place(root))}
        self.yielded = {} if self.override else real
        self.provided = [root for root in COURSES[self.course].roots if root not in self.yielded]
        self._replaced = dict(_loaded(self.provided))
        for name in self._replaced:
            del sys.modules[name]
        self.finder = Finder(COURSES[self.course], self.provided)
        sys.meta_path.insert(0, self.finder)
        for root, place in self.yielded.items():
            notes.note(
                f"{root} is your own package, {place}, and stays; override=True (--override) replaces it"
            )

    def stop(self) -> None:
        """Take the finder away, and give back what was there."""
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
        for name, _ in _loaded(self.provided):
            del sys.modules[name]
        sys.modules.update(self._replaced)


_active: Enabled | None = None


def enable(course: str, override: bool = False) -> Enabled:
    """Make a course's import names resolve to Handgrad.

    Parameters
    ----------
    course : {'ucla', 'stanford', 'utah', 'stanford-2017'}
        ``'stanford-2017'`` is CS231n up to 2017, whose dropout p is the probability to drop.
    override : bool, default False
        Replace a real package of that name, too. Without it the package stays, so that a student's own
        layers go with our Solver, and what is returned says so.

    Returns
    -------
    Enabled
        Says what was provided and what was left alone; as a context manager it ends with the block.

    Raises
    ------
    ValueError
        When there is no such course.

    Notes
    -----
    One course at a time: a course that was enabled before gives way, until a ``with`` block ends.

    Examples
    --------
    >>> with enable("ucla"):
    ...     from nndl.layers import relu_forward
    >>> relu_forward([-1.0, 2.0])[0]
    array([0., 2.])
    """
    new = Enabled(course, override)
    new.before = _active
    _start(new)
    return new


def disable() -> None:
    """Let the course's names mean again what they meant before; what is imported keeps working."""
    global _active
    if _active is not None:
        _active.stop()
    _active = None


def active() -> Enabled | None:
    """Return the course that is enabled."""
    return _active


def _start(enabled: Enabled) -> None:
    global _active
    disable()
    enabled.start()
    _active = enabled


def _loaded(roots: Sequence[str]) -> Iterator[tuple[str, ModuleType]]:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in roots:
            yield name, module


def _real_place(root: str) -> str:
    """Return where a real package of that name is, '' when there is none.

    A folder without Python files, such as the one that the courses keep CIFAR-10 in, is no package.
    """
    if root in sys.modules:
        return str(getattr(sys.modules[root], "__file__", None) or root)
    others = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("handgrad.")]
    spec = next((spec for finder in others if (spec := finder.find_spec(root, None))), None)
    if spec is None:
        return ""
    folders = list(spec.submodule_search_locations or [])
    if spec.origin is None and not any(next(Path(f).rglob("*.py"), None) for f in folders):
        return ""
    return spec.origin or folders[0]
