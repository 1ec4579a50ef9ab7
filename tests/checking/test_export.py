"""The export holds no answer: its functions are fed a layer's arrays, and its source is searched."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
import subprocess
import sys

import numpy as np
import pytest

from handgrad.checking import export_checker
from handgrad.checking.answers.mutation import close
from handgrad.checking.answers.truth import truth
from handgrad.checking.answers.worked import BY_LAYER
from handgrad.checking.cases import cases_of
from handgrad.checking.words import TITLES

LAYERS = (
    "affine",
    "conv",
    "max_pool",
    "avg_pool",
    "batchnorm",
    "layernorm",
    "sigmoid",
    "tanh",
    "gelu",
    "softmax_loss",
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "doctor"
    export_checker(folder)
    return folder


@pytest.fixture(scope="module")
def functions(exported):
    """Return every plain function of the export, also those inside tables of laws."""
    sys.path.insert(0, str(exported))
    try:
        found = []
        for file in sorted(exported.rglob("*.py")):
            if file.stem == "check":
                continue
            parts = file.relative_to(exported).with_suffix("").parts
            module = importlib.import_module(".".join(p for p in parts if p != "__init__"))
            found += [
                v
                for v in _values(vars(module))
                if inspect.isfunction(v) and v.__module__.startswith("doctor_")
            ]
        return list({id(f): f for f in found}.values())
    finally:
        sys.path.remove(str(exported))


def _values(item, depth=0):
    """Yield what is in a table, three levels down."""
    if depth > 4:
        return
    inside = item.values() if isinstance(item, dict) else item if isinstance(item, tuple | list) else ()
    for value in inside:
        yield value
        if isinstance(value, dict | tuple | list):
            yield from _values(value, depth + 1)


def arrays_and_gradients(layer):
    """Return what a backward could be given, and what a right one returns."""
    case = cases_of(layer)[0]
    out = truth(layer, case, None).get("out")
    dout = None if out is None else np.random.default_rng(3).standard_normal(out.shape)
    results = truth(layer, case, dout)
    given = [value for value in case.args.values() if isinstance(value, np.ndarray | dict)]
    extra = [dout, out] if out is not None else []
    gradients = {name: value for name, value in results.items() if name.startswith("d")}
    return [*extra, *given], gradients


@pytest.mark.parametrize("layer", LAYERS)
def test_no_function_returns_a_gradient(layer, functions):
    given, gradients = arrays_and_gradients(layer)
    assert len(functions) > 100
    tried = 0
    for function in functions:
        count = sum(p.default is p.empty for p in inspect.signature(function).parameters.values())
        if not 1 <= count <= 4:
            continue
        for chosen in itertools.islice(itertools.permutations(given, count), 120):
            tried += 1
            for value in results_of(function, chosen):
                for name, gradient in gradients.items():
                    assert not close(value, gradient), f"{function.__name__} gives {name} of {layer}"
    assert tried > 300


def results_of(function, arguments):
    """Return the arrays that a call gives; none when it fails."""
    try:
        with np.errstate(all="ignore"):
            result = function(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments))
    except Exception:
        return []
    results = result if isinstance(result, tuple | list) else list(_values(result)) or [result]
    return [
        v
        for v in results
        if isinstance(v, np.ndarray | float) and np.asarray(v).dtype.kind == "f" and np.ndim(v)
    ]


def test_the_search_can_find_one(functions):
    given, gradients = arrays_and_gradients("sigmoid")

    def hidden(dout, x):
        s = 1 / (1 + np.exp(-x))
        return {"dx": dout * s * (1 - s)}

    found = [v for chosen in itertools.permutations(given, 2) for v in results_of(hidden, chosen)]
    assert any(close(value, gradients["dx"]) for value in found)


def sources(folder):
    return {file: file.read_text() for file in folder.rglob("*.py")}


def test_no_line_of_a_worked_solution_is_in_it(exported):
    """No statement of a backward, as text without spaces, stands anywhere in the export."""
    text = re.sub(r"\s", "", "".join(sources(exported).values()))
    for solutions in BY_LAYER.values():
        for worked in solutions:
            tree = ast.parse(inspect.getsource(worked.solution))
            for node in ast.walk(tree):
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("d"):
                    value = re.sub(r"\s", "", ast.unparse(node.value))
                    assert len(value) < 12 or value.startswith("np.zeros") or value not in text, value


@pytest.mark.parametrize("pattern", [r"1 - s\b", r"1 - t\^2", r"\(1 - s\)", r"predicted minus", r"s' ="])
def test_no_formula_of_a_derivative_in_words(exported, pattern):
    for file, text in sources(exported).items():
        assert not re.search(pattern, text), file.name


def test_words_are_those_of_laws_only(exported):
    words = (exported / "doctor_without_answers" / "words.py").read_text()
    told = [mistake for mistake in TITLES if f'"{mistake}"' in words]
    assert "mean-term-missing" in told  # told by a law
    assert {"kernel-flipped", "gamma-without-xhat", "pad-not-cropped"}.isdisjoint(told)
    assert len(told) < 0.8 * len(TITLES)


def test_every_word_that_is_told_is_there(exported):
    program = (
        "import sys; sys.modules['handgrad'] = None; sys.path.insert(0, sys.argv[1])\n"
        "from doctor_without_answers.words import HINTS, TITLES\n"
        "from doctor_without_answers.examination import _PROPERTIES\n"
        "assert all(m in TITLES and m in HINTS for _, m, _ in _PROPERTIES if m)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(exported)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
