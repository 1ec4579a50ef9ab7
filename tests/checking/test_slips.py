"""Slips told by what they are made of: brackets, lines, what is mixed in, what stands around an image."""

from __future__ import annotations

import ast
import inspect
import textwrap

import numpy as np
import pytest

from handgrad import reference
from handgrad.checking import check, check_loss, check_rule
from handgrad.checking.answers.edits.alternatives import alternatives
from handgrad.checking.answers.edits.lines import bodies, shifts


def texts(code, kind):
    node = ast.parse(code, mode="eval").body
    return {ast.unparse(a.new) for a in alternatives(node, (), False, {}) if a.kind == kind}


@pytest.mark.parametrize(
    ("code", "kind", "others"),
    [
        ("1 - a ** 2", "brackets", {"(1 - a) ** 2"}),
        ("(a + b) ** 2", "brackets", {"a ** 2 + b", "a + b ** 2"}),
        ("np.sqrt(v + e)", "inside", {"np.sqrt(v) + e", "v + np.sqrt(e)", "np.sqrt(v) + np.sqrt(e)"}),
        ("np.sqrt(v) + e", "inside", {"np.sqrt(v + e)"}),
        ("np.log(np.sum(p, axis=1))", "nested", {"np.sum(np.log(p), axis=1)"}),
        ("a[i, j]", "index", {"a[i]", "a[j]"}),
        ("a - b", "turned", {"b - a"}),
        ("a // s", "rounded up", {"-(-a // s)"}),
    ],
)
def test_brackets_indices_and_roundings(code, kind, others):
    assert others <= texts(code, kind)


def test_powers_are_told_as_numbers():
    assert {"v ** -1", "v ** -5", "v", "np.abs(v)"} <= texts("v ** -3", "power")


def rule(t, v, g):
    "from here on"
    t = t + 1
    v = v + g
    w = v / t
    return {"w": w}


def test_lines_left_out_or_too_late():
    function = ast.parse(textwrap.dedent(inspect.getsource(rule))).body[0]
    found = [
        (edit.kind, edit.target, edit.after)
        for body, start in bodies(function)
        for edit, _ in shifts(function, body, start)
    ]
    # t is not needed for v, and w is known by no line before its own
    assert found == [("line", "t", ""), ("late", "t", "w"), ("line", "v", ""), ("late", "v", "w")]


def first_of(dx):
    """Add up all samples in the first of them."""
    moved = np.zeros_like(dx)
    moved[0] = dx.sum(axis=0)
    return moved


def affine(spoil):
    """Return an affine pair with its gradients changed."""

    def backward(dout, cache):
        return spoil(*reference.affine_backward_naive(dout, cache[0]), cache[1], dout)

    def forward(x, w, b):
        out, cache = reference.affine_forward_naive(x, w, b)
        return out, (cache, b)

    return forward, backward


@pytest.mark.parametrize(
    ("spoil", "mistake", "words"),
    [
        (lambda dx, dw, db, b, dout: (dx, dw, db * b), "input-mixed-in", "b is multiplied in"),
        (lambda dx, dw, db, b, dout: (dx, dw, db + b), "input-mixed-in", "b is added"),
        (lambda dx, dw, db, b, dout: (dx, dw + 0.25, db), "input-mixed-in", "every number is 0.25 too large"),
        (
            lambda dx, dw, db, b, dout: (dx, dw, db * (b > 0)),
            "input-mixed-in",
            "zero where b is not above zero",
        ),
        (lambda dx, dw, db, b, dout: (dx, np.tanh(dw), db), "another-function", "tanh is taken of it"),
        (lambda dx, dw, db, b, dout: (first_of(dx), dw, db), "wrong-index", "gathered in the first of them"),
        (lambda dx, dw, db, b, dout: (dx, dw, dout.mean(axis=0)), "factor-n", "1 / N is one factor too many"),
    ],
)
def test_what_is_mixed_in(spoil, mistake, words):
    found = check(*affine(spoil), like="affine").findings[0]
    assert (found.mistake, words in found.evidence) == (mistake, True), found


def test_what_stands_around_the_image():
    def forward(x, w, b, conv_param):
        p = conv_param["pad"]
        padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), mode="wrap")
        return reference.conv_forward_naive(padded, w, b, conv_param | {"pad": 0})[0], None

    found = check(forward, None, like="conv").findings[0]
    assert found.mistake == "wrong-padding"
    assert "the other side of the image" in found.evidence


def test_labels_that_are_predictions():
    def softmax_loss(x, y):
        loss, _ = reference.softmax_loss_naive(x, y)
        return loss, reference.softmax_loss_naive(x, x.argmax(axis=1))[1]

    found = check_loss(softmax_loss, like="softmax_loss").findings[0]
    assert found.mistake == "wrong-index"
    assert "the class of the largest score" in found.evidence


def test_a_loss_of_weights_that_nothing_explains_is_told():
    def softmax_loss_vectorized(W, X, y, reg):
        loss, dscores = reference.softmax_loss_naive(X @ W, y)
        return loss + reg * np.sum(np.abs(W)) + np.sin(loss), X.T @ dscores + 2 * reg * W

    found = check_loss(softmax_loss_vectorized, like="softmax_loss").findings[0]
    assert found.mistake == "forward-wrong"


def test_another_rule():
    def sgd_momentum(w, dw, config):
        v = config["momentum"] * config.get("v", 0.0) - config["learning_rate"] * dw
        return w + config["momentum"] * v - config["learning_rate"] * dw, config | {"v": v}

    found = check_rule(sgd_momentum).findings[0]
    assert found.mistake == "another-function"
    assert "sgd_nesterov_momentum comes out" in found.evidence


def test_the_divisor_that_came_and_the_one_that_was_due():
    def backward(dout, cache):
        (x, param), stride = cache, cache[1]["stride"]
        right = reference.avg_pool_backward_naive(dout, reference.avg_pool_forward_naive(x, param)[1])
        return right * param["pool_height"] * param["pool_width"] / stride**2

    def forward(x, pool_param):
        return reference.avg_pool_forward_naive(x, pool_param)[0], (x, pool_param)

    found = check(forward, backward, like="avg_pool").findings[0]
    assert "the square of the stride divides where the window's size should" in found.evidence


def test_a_rule_that_begins_with_nan_is_told_by_its_later_steps():
    def adam(w, dw, config):
        t, m, v = config.get("t", 0), config.get("m", 0.0), config.get("v", 0.0)
        b1, b2 = config["beta1"], config["beta2"]
        m, v = b1 * m + (1 - b1) * dw, b2 * v + (1 - b2) * dw**2
        with np.errstate(all="ignore"):
            step = m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + config["epsilon"])
        return w - config["learning_rate"] * step, config | {"t": t + 1, "m": m, "v": v}

    found = check_rule(adam).findings[0]
    assert found.mistake == "t-not-advanced"
    assert "the first step has t = 0" in found.evidence
