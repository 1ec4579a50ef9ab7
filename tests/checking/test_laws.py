"""The answer-free mode: laws catch what is wrong without a reference, and the export holds no answer."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from checking.wrong import SAMPLES, batchnorm_backward_of_terms, conv_backward_cropped, course

from handgrad.checking import check, check_loss, check_rule, export_checker
from handgrad.checking.export import FILES


def by_laws(forward, backward, like=None):
    return check(forward, backward, like, answers=False)


def conv(forward=course.conv_forward_naive, backward=course.conv_backward_naive):
    return by_laws(forward, backward, "conv")


def of_filter(change):
    return lambda x, w, b, p: (course.conv_forward_naive(x, change(w), b, p)[0], (x, w, b, p))


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (of_filter(lambda w: w[:, :, ::-1, ::-1]), "a filter that is 1 at"),
        (of_filter(lambda w: w[:, ::-1]), "a filter that is 1 at"),
        (lambda x, w, b, p: course.conv_forward_naive(x, w, 0 * b, p), "out must be the bias"),
        (lambda x, w, b, p: course.conv_forward_naive(x, w, 2 * b, p), "out must be the bias"),
        (lambda x, w, b, p: course.conv_forward_naive(np.abs(x), w, b, p), "copy channel"),
    ],
)
def test_convolution_is_held_to_its_laws(forward, words):
    report = conv(forward)
    assert report.verdict == "wrong"
    assert words in report.findings[0].evidence


def test_backward_is_held_to_its_own_forward():
    report = conv(backward=conv_backward_cropped(0, 0))
    assert report.findings[0].where == "dx"
    assert "by complex step of your own forward" in report.findings[0].evidence
    assert "<dout, J v>" in report.findings[0].evidence


@pytest.mark.parametrize(
    ("weights", "mistake"), [((1, 0, 1), "mean-term-missing"), ((1, 1, 0), "variance-term-missing")]
)
def test_batch_norm_gradients_sum_to_zero_and_are_orthogonal(weights, mistake):
    report = by_laws(course.batchnorm_forward, batchnorm_backward_of_terms(*weights))
    assert report.findings[0].mistake == mistake


def test_softmax_rows_sum_to_zero():
    def softmax_loss(x, y):
        loss, dx = course.softmax_loss(x, y)
        return loss, dx + np.eye(x.shape[1])[y] / len(x)

    report = check_loss(softmax_loss, answers=False)
    assert report.findings[0].mistake == "sum-not-zero"
    assert "must sum to 0" in report.findings[0].evidence


def test_pooling_conserves_gradient_mass():
    def backward(dout, cache):
        return course.max_pool_backward_naive(np.abs(dout), cache)

    report = by_laws(course.max_pool_forward_naive, backward, "max_pool")
    assert "gradient mass is not conserved" in report.findings[0].evidence


def test_a_function_that_changes_too_little_or_nothing():
    report = by_laws(lambda x: (np.zeros_like(x), x), lambda dout, x: np.zeros_like(x), "relu")
    assert report.findings[0].mistake == "forward-wrong"


def drop(
    p_of=lambda p: p, scale=lambda p: 1 / (1 - p), test=lambda x, p: x, back=lambda dout, mask, p: dout * mask
):
    def dropout_forward(x, dropout_param):
        p, rng = dropout_param["p"], np.random.default_rng(dropout_param.get("seed"))
        if dropout_param["mode"] == "test":
            return test(x, p).copy(), (dropout_param, np.ones(x.shape))
        mask = (rng.random(x.shape) >= p_of(p)) * scale(p)
        return x * mask, (dropout_param, mask)

    def dropout_backward(dout, cache):
        return back(dout, cache[1], cache[0]["p"])

    return dropout_forward, dropout_backward


def other_mask(dout, p):
    return np.random.default_rng(1).random(dout.shape) > p


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        ({"scale": lambda p: 1.0}, "scale-missing"),
        ({"scale": lambda p: (1 - p) ** -2.0}, "scaled-twice"),
        ({"p_of": lambda p: 1 - p, "scale": lambda p: 1 / p}, "keep-drop-swapped"),
        ({"test": lambda x, p: x * (1 - p)}, "scaled-twice"),
        ({"test": lambda x, p: x * (np.random.default_rng(0).random(x.shape) > p)}, "drops-at-test"),
        ({"back": lambda dout, mask, p: dout.copy()}, "mask-not-used-in-backward"),
        ({"back": lambda dout, mask, p: dout * (mask > 0)}, "scale-missing"),
        ({"back": lambda dout, mask, p: dout * mask.max() * other_mask(dout, p)}, "mask-redrawn"),
        ({"back": lambda dout, mask, p: dout * (mask == 0)}, "mask-inverted"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("answers", [True, False])
def test_dropout_is_judged_by_laws_alone(options, mistake, answers):
    assert check(*drop(**options), answers=answers).findings[0].mistake == mistake


def test_dropout_is_right_in_each_course():
    assert check(*drop()).verdict == "right"
    keeping = drop(p_of=lambda p: 1 - p, scale=lambda p: 1 / p)
    assert check(*keeping, course="stanford").verdict == "right"


def test_course_must_be_known():
    with pytest.raises(ValueError, match="course must be 'stanford', 'ucla' or 'utah', got 'mit'"):
        check(*drop(), course="mit")


@pytest.mark.parametrize(
    ("rule", "like", "mistake"),
    [
        (lambda w, dw, c: (w + c["learning_rate"] * dw, c), "sgd", "sign"),
        (lambda w, dw, c: (w - dw, c), "sgd", "learning-rate-missing"),
        (lambda w, dw, c: (w - c["learning_rate"] * dw, c), "sgd_momentum", "state-not-kept"),
    ],
)
def test_rules_are_held_to_laws(rule, like, mistake):
    assert check_rule(rule, like, answers=False).findings[0].mistake == mistake


# the export


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "doctor"
    export_checker(folder)
    return folder


def run(exported, *words):
    """Run the exported checker where handgrad cannot be imported: NumPy is all that it finds."""
    program = (
        "import sys; sys.modules['handgrad'] = None; sys.argv = sys.argv[1:]\n"
        "sys.path.insert(0, sys.argv[0])\n"
        "import runpy; sys.argv[0] += '/check.py'; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-c", program, str(exported), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=exported.parent)


def test_the_export_runs_alone(exported):
    done = run(exported, SAMPLES / "course_layers.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "21 functions checked: all right" in done.stdout


def test_the_export_finds_mistakes(exported, tmp_path):
    wrong = (SAMPLES / "course_layers.py").read_text().replace("np.maximum(0, x), x", "np.maximum(0, x), -x")
    (tmp_path / "mine.py").write_text(wrong)
    done = run(exported, tmp_path / "mine.py", "--layer", "relu", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["findings"][0]["where"] == "dx"


def test_the_export_says_what_it_cannot_read(exported):
    done = run(exported, "nothing.py")
    assert done.returncode == 2
    assert done.stderr == "check.py: path must lead to a Python file or a folder, got 'nothing.py'\n"


def test_the_export_holds_no_answer(exported):
    files = sorted(exported.rglob("*.py"))
    assert len(files) > len(FILES)
    for file in files:
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                assert "backward" not in node.name or _only_calls(node), f"{file.name}: {node.name}"
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith(("handgrad", "answers")), file.name
                assert "answers" not in {alias.name for alias in node.names}, file.name
            if isinstance(node, ast.Import):
                top = {alias.name.partition(".")[0] for alias in node.names}
                assert top <= {"numpy", *sys.stdlib_module_names}, file.name
    assert not list(exported.rglob("answers"))


def _only_calls(function):
    """Whether a function named for backward only calls the learner's: it holds no @ and no einsum."""
    kinds = {type(node) for node in ast.walk(function)}
    names = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    return ast.MatMult not in kinds and not {"einsum", "dot", "tensordot"} & names


def test_the_export_is_all_that_it_imports(exported):
    package = exported / "doctor_without_answers"
    there = {file.relative_to(package).with_suffix("").as_posix() for file in package.rglob("*.py")}
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = file.parent
                for _ in range(node.level - 1):
                    base = base.parent
                inside = base.relative_to(package).as_posix()
                names = [node.module] if node.module else [alias.name for alias in node.names]
                for name in names:
                    path = (Path(inside) / name.replace(".", "/")).as_posix()
                    assert {path, f"{path}/__init__"} & there, f"{file.name} imports {name}"


def test_an_export_goes_to_an_empty_folder(exported, tmp_path):
    export_checker(exported)  # again, over an earlier one
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(ValueError, match="must be empty or an earlier export"):
        export_checker(tmp_path)
