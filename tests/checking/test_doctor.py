"""The doctor's doors: finding functions, unknown layers, rules, reports, and the command."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from checking.wrong import SAMPLES, batchnorm_backward_of_terms, course

from handgrad.checking import check, check_loss, check_module, check_rule
from handgrad.checking.discover import RULES, find, layer_of, load, loss_of
from handgrad.checking.report import Report, finding
from handgrad.training import optim

COURSE = SAMPLES / "course_layers.py"


# finding functions


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("conv_forward_naive", ("conv", "forward", "_naive")),
        ("conv_forward", ("conv", "forward", "")),
        ("batchnorm_backward_alt", ("batchnorm", "backward", "_alt")),
        ("spatial_batchnorm_forward", ("spatial_batchnorm", "forward", "")),
        ("max_pool_backward_fast", ("max_pool", "backward", "_fast")),
        ("conv_bn_relu_pool_forward", ("conv_bn_relu_pool", "forward", "")),
        ("conv_batchnorm_relu_forward", ("conv_bn_relu", "forward", "")),
        ("maxpool_forward", ("max_pool", "forward", "")),
        ("helper", None),
        ("my_layer_forward", None),
    ],
)
def test_names_of_the_courses(name, found):
    assert layer_of(name) == found


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("softmax_loss", "softmax_loss"),
        ("svm_loss_vectorized", "svm_loss"),
        ("softmax", None),
        ("my_svm_loss", None),
    ],
)
def test_names_of_losses(name, loss):
    assert loss_of(name) == loss


def test_pairs_of_a_course_file():
    found = {one.name: one for one in find(load(COURSE))}
    assert found["batchnorm_backward_alt"].forward.__name__ == "batchnorm_forward"
    assert found["max_pool_forward_reshape, max_pool_backward_naive"].like == "max_pool"
    assert found["adam"].kind == "rule"
    assert found["softmax_loss_vectorized"].kind == "loss"


def test_one_layer_alone():
    assert [report.name for report in check_module(COURSE, "conv")] == [
        "conv_forward_naive, conv_backward_naive"
    ]
    assert [report.name for report in check_module(COURSE, "adam")] == ["adam"]


def package(tmp_path):
    folder = tmp_path / "coursework"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "helpers.py").write_text("import numpy as np\ndef positive(x):\n    return np.maximum(x, 0)\n")
    (folder / "layers.py").write_text(
        "from .helpers import positive\n"
        "def relu_forward(x):\n    return positive(x), x\n"
        "def relu_backward(dout, x):\n    return dout * (x > 0)\n"
    )
    (folder / "nets.py").write_text("from .layers import *\n")
    (folder / "fast.py").write_text("from .not_built import thing\ndef conv_forward_fast(x):\n    pass\n")
    return folder


def test_a_package_with_relative_imports(tmp_path):
    folder = package(tmp_path)
    assert [str(r) for r in check_module(folder)] == ["relu_forward, relu_backward: right"]
    assert not list(folder.rglob("__pycache__"))
    for name in [name for name in sys.modules if name.startswith("coursework")]:
        del sys.modules[name]


def test_a_backward_alone_and_a_forward_alone(tmp_path):
    (tmp_path / "half.py").write_text(
        "import numpy as np\ndef relu_forward(x):\n    return np.maximum(x, 0), x\n"
        "def tanh_backward(dout, out):\n    return dout * (1 - out**2)\n"
    )
    forward, backward = check_module(tmp_path / "half.py")
    assert forward.verdict == "right"
    assert backward.verdict == "broken"
    assert "there is no forward beside it" in backward.findings[0].evidence


def test_a_file_that_cannot_be_imported(tmp_path):
    (tmp_path / "broken.py").write_text("import numpy as np\nx = np.zeros(2) @ np.zeros(3)\n")
    (report,) = check_module(tmp_path / "broken.py")
    assert report.verdict == "broken"
    assert "broken.py:2: x = np.zeros(2) @ np.zeros(3)" in report.findings[0].evidence


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("none.py", None, "path must lead to a Python file or a folder, got"),
        ("notes.txt", "x", r"path must lead to a Python file \(.py\) or a folder, got"),
        ("empty.py", "x = 1", "there is no function with a name such as conv_forward in"),
    ],
)
def test_paths_that_hold_nothing(tmp_path, name, text, words):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=words):
        check_module(tmp_path / name)


# unknown layers


def swish_forward(x, beta):
    s = 1 / (1 + np.exp(-beta * x))
    return x * s, (x, beta, s)


def swish_backward(dout, cache):
    x, beta, s = cache
    return dout * (s + beta * x * s * (1 - s)), np.sum(dout * x * x * s * (1 - s), axis=0)


INPUTS = [np.random.default_rng(0).standard_normal((4, 3)), np.array([0.5, 1.0, 2.0])]


def test_a_layer_that_handgrad_does_not_know():
    assert check(swish_forward, swish_backward, inputs=INPUTS).verdict == "right"


@pytest.mark.parametrize(
    ("spoil", "mistake"),
    [
        (lambda dx, db: (2 * dx, db), "factor"),
        (lambda dx, db: (-dx, db), "sign"),
        (lambda dx, db: (dx.T, db), "shape-transposed"),
        (lambda dx, db: (dx, db[:1]), "shape-wrong"),
        (lambda dx, db: (dx + (np.arange(4) == 2)[:, None], db), "wrong-unknown"),
        (lambda dx, db: (db, dx), "swapped-outputs"),
    ],
)
def test_an_unknown_layer_is_held_to_its_own_forward(spoil, mistake):
    def backward(dout, cache):
        return spoil(*swish_backward(dout, cache))

    assert check(swish_forward, backward, inputs=INPUTS).findings[0].mistake == mistake


def test_like_or_inputs_are_needed():
    with pytest.raises(ValueError, match="like or inputs must be given"):
        check(swish_forward, swish_backward)
    with pytest.raises(ValueError, match="like has no option 'convv'; did you mean 'conv'"):
        check(swish_forward, swish_backward, "convv")
    with pytest.raises(ValueError, match="like must be 'softmax_loss' or 'svm_loss', got 'hinge'"):
        check_loss(course.svm_loss, "hinge")
    with pytest.raises(ValueError, match="like must be one of sgd, "):
        check_rule(course.sgd, "lion")


# rules and losses


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("name", RULES)
def test_our_rules_are_right(name, answers):
    assert check_rule(optim.RULES[name], name, answers=answers).verdict == "right"


def adam(correct=True, root=True, advance=1):
    def rule(w, dw, config):
        c = dict(config)
        t = c["t"] = c.get("t", 0) + advance
        m = c["m"] = c["beta1"] * c.get("m", 0) + (1 - c["beta1"]) * dw
        v = c["v"] = c["beta2"] * c.get("v", 0) + (1 - c["beta2"]) * dw**2
        if correct:
            m, v = m / (1 - c["beta1"] ** t), v / (1 - c["beta2"] ** t)
        bottom = np.sqrt(v) + c["epsilon"] if root else np.sqrt(v + c["epsilon"])
        return w - c["learning_rate"] * m / bottom, c

    return rule


@pytest.mark.parametrize(
    ("rule", "mistake"),
    [
        (adam(correct=False), "bias-correction-missing"),
        (adam(root=False), "epsilon-inside-root"),
        (adam(advance=0), "t-not-advanced"),
        (lambda w, dw, c: adam()(w, dw, {k: c[k] for k in c if k not in "mvt"}), "state-not-kept"),
    ],
)
def test_wrong_adams(rule, mistake):
    assert check_rule(rule, "adam").findings[0].mistake == mistake


def test_large_scores():
    def softmax_loss(x, y):
        power = np.exp(x)
        p = power / power.sum(axis=1, keepdims=True)
        return -np.log(p[np.arange(len(x)), y]).mean(), (p - np.eye(x.shape[1])[y]) / len(x)

    for answers in (True, False):
        report = check_loss(softmax_loss, answers=answers)
        assert [f.mistake for f in report.findings] == ["log-of-zero"]


# reports


def test_a_report_in_words():
    report = check(course.batchnorm_forward, batchnorm_backward_of_terms(mean=0))
    lines = str(report).splitlines()
    assert lines[0] == "batchnorm_forward, batchnorm_backward: wrong"
    assert lines[1] == "  1. dx: the term through the mean is missing  [mean-term-missing]"
    assert lines[2].startswith(
        "     dx = 1.00 * (direct term) + 0.00 * (mean term) + 1.00 * (variance term), residual "
    )
    assert "on x (5, 4)" in lines[2]
    assert lines[3].startswith("     hint: ")


def test_a_report_as_data():
    data = check(course.batchnorm_forward, batchnorm_backward_of_terms(mean=0)).to_dict()
    assert data["verdict"] == "wrong"
    assert set(data["findings"][0]) == {"mistake", "title", "where", "evidence", "hint", "severity"}
    json.dumps(data)


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        ((), "right"),
        (("doubtful",), "doubtful"),
        (("doubtful", "wrong"), "wrong"),
        (("wrong", "broken"), "broken"),
    ],
)
def test_the_gravest_finding_decides(severities, verdict):
    assert Report("f", [finding("factor", "dx", "", severity=s) for s in severities]).verdict == verdict
