"""A real package of a course's name is left alone unless it is overridden, and comes back afterwards."""

from __future__ import annotations

import importlib
import sys

import pytest

from handgrad import courses
from handgrad.courses import CourseNote


@pytest.fixture
def real(tmp_path, monkeypatch):
    """A student's own package nndl, first on the path."""
    (tmp_path / "nndl").mkdir()
    (tmp_path / "nndl" / "__init__.py").write_text("")
    (tmp_path / "nndl" / "layers.py").write_text("def relu_forward(x):\n    return 'mine', x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "nndl"]:
        del sys.modules[name]


def test_a_real_package_stays_and_is_reported(real):
    with pytest.warns(CourseNote, match="nndl is your own package"):
        enabled = courses.enable("ucla")
    assert importlib.import_module("nndl.layers").relu_forward(1) == ("mine", 1)
    assert enabled.provided == ["cs231n", "utils"]
    assert list(enabled.yielded) == ["nndl"]
    assert str(real) in enabled.yielded["nndl"]
    assert repr(enabled).startswith("course 'ucla': cs231n, utils by Handgrad; nndl is your own, ")
    from utils.solver import Solver  # the rest of the course is there beside it

    assert issubclass(Solver, importlib.import_module("handgrad.training").Solver)


def test_override_replaces_it_until_the_end(real):
    mine = importlib.import_module("nndl.layers")
    with courses.enable("ucla", override=True) as enabled:
        assert enabled.provided == ["cs231n", "nndl", "utils"]
        assert enabled.yielded == {}
        assert importlib.import_module("nndl.layers").relu_forward([-1.0])[0] == 0
    assert importlib.import_module("nndl.layers") is mine


def test_a_folder_of_data_is_no_package(tmp_path, monkeypatch):
    (tmp_path / "cs231n" / "datasets").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert courses.enable("stanford").provided == ["cs231n"]


def test_a_package_without_init_is_real_when_it_holds_python(tmp_path, monkeypatch):
    (tmp_path / "cs6353").mkdir()
    (tmp_path / "cs6353" / "layers.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.warns(CourseNote, match="cs6353 is your own package"):
        assert courses.enable("utah").provided == []


def test_a_block_gives_way_to_the_course_before():
    courses.enable("stanford")
    stanford = importlib.import_module("cs231n.optim")
    with courses.enable("ucla") as inner:
        assert courses.active() is inner
        assert importlib.import_module("cs231n.solver") is not None
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("cs231n.optim")
    assert courses.active().course == "stanford"
    assert importlib.import_module("cs231n.optim").adam is not None
    assert stanford.adam is not None  # what was imported keeps working


def test_the_hook_is_removed():
    before = list(sys.meta_path)
    courses.enable("utah")
    courses.enable("ucla")
    courses.disable()
    courses.disable()
    assert sys.meta_path == before
    assert courses.active() is None


def test_an_error_inside_the_block_ends_the_course():
    with pytest.raises(KeyError), courses.enable("utah"):
        raise KeyError
    assert courses.active() is None


def test_unknown_course():
    with pytest.raises(ValueError, match=r"there is no course 'standford'; did you mean 'stanford'\?"):
        courses.enable("standford")
    assert courses.active() is None
