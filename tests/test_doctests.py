"""Every example in a docstring of the installed package runs and prints what it says."""

import doctest
import importlib
import pkgutil

import pytest

import handgrad

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(handgrad.__path__, "handgrad.")
    if not module.name.endswith("__main__")  # running it is what importing it does
)


@pytest.fixture(autouse=True)
def _settings_restored():
    threads, backend = handgrad.get_num_threads(), handgrad.get_backend()
    yield
    handgrad.set_num_threads(threads)
    handgrad.use_backend(backend)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert examples.failed == 0  # what went wrong is in the captured output


def test_the_walk_finds_the_package():
    assert {"handgrad._errors", "handgrad.layers", "handgrad.layers.conv"} <= set(MODULES)
