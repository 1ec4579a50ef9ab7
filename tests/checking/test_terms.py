"""Term attribution: which path of the gradient is missing, doubled, of the wrong sign or scaled."""

from __future__ import annotations

import numpy as np
import pytest
from checking.wrong import batchnorm_backward_of_terms, course

from handgrad.checking import check, check_loss
from handgrad.checking.answers.mutation import Sample
from handgrad.checking.answers.terms import attribute


def first(report):
    return report.findings[0]


@pytest.mark.parametrize(
    ("weights", "mistake", "words"),
    [
        (
            (1, 0, 1),
            "mean-term-missing",
            "1.00 * (direct term) + 0.00 * (mean term) + 1.00 * (variance term)",
        ),
        ((1, 1, 0), "variance-term-missing", "+ 0.00 * (variance term)"),
        ((1, 2, 1), "term-doubled", "+ 2.00 * (mean term)"),
        ((1, 1, 0.5), "term-doubled", "+ 0.50 * (variance term)"),
        ((1, -1, 1), "term-sign", "- 1.00 * (mean term)"),
        ((1, 1, -1), "term-sign", "- 1.00 * (variance term)"),
        ((2, 2, 2), "factor", "dx = 2 * the right one"),
        ((-1, -1, -1), "sign", "dx = -1 * the right one"),
    ],
)
def test_weights_of_batch_norm_terms(weights, mistake, words):
    report = check(course.batchnorm_forward, batchnorm_backward_of_terms(*weights))
    assert report.verdict == "wrong"
    assert first(report).mistake == mistake
    assert words in first(report).evidence
    assert first(report).where == "dx"


def test_the_right_weights_are_right():
    assert check(course.batchnorm_forward, batchnorm_backward_of_terms()).verdict == "right"


def test_residual_is_rounding():
    report = check(course.batchnorm_forward, batchnorm_backward_of_terms(mean=0))
    residual = float(first(report).evidence.partition("residual ")[2].partition(",")[0])
    assert residual < 1e-14


def test_both_terms_missing_are_both_named():
    report = check(course.batchnorm_forward, batchnorm_backward_of_terms(mean=0, variance=0))
    assert [f.mistake for f in report.findings] == ["mean-term-missing", "variance-term-missing"]


def test_an_extra_n_is_a_factor_n():
    def batchnorm_backward(dout, cache):
        dx, dgamma, dbeta = course.batchnorm_backward(dout, cache)
        return dx / len(dout), dgamma, dbeta

    found = first(check(course.batchnorm_forward, batchnorm_backward))
    assert found.mistake == "factor-n"
    assert "1 / N is one factor too many" in found.evidence


def test_gamma_missing_in_one_term():
    def batchnorm_backward(dout, cache):
        _x, xhat, _mu, var, gamma, eps = cache
        g = dout * gamma
        dx = g - g.mean(axis=0) - xhat * (dout * xhat).mean(axis=0)
        return dx / np.sqrt(var + eps), (dout * xhat).sum(axis=0), dout.sum(axis=0)

    assert first(check(course.batchnorm_forward, batchnorm_backward)).mistake == "gamma-missing"


@pytest.mark.parametrize(("weights", "mistake"), [((1, 0), "one-hot-missing"), ((1, -1), "gradient-sign")])
def test_terms_of_softmax(weights, mistake):
    def softmax_loss(x, y):
        loss, _ = course.softmax_loss(x, y)
        p = np.exp(x - x.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return loss, (weights[0] * p - weights[1] * np.eye(x.shape[1])[y]) / len(x)

    assert first(check_loss(softmax_loss)).mistake == mistake


@pytest.mark.parametrize(("weight", "mistake"), [(0, "regularisation-missing"), (1, "regularisation-doubled"),
                                                 (4, "regularisation-doubled")])  # fmt: skip
@pytest.mark.parametrize("of_loss", [1.0, 0.5])
def test_penalty_of_a_linear_classifier(weight, mistake, of_loss):
    def softmax_loss(W, X, y, reg):
        loss, dscores = course.softmax_loss(X @ W, y)
        return loss + of_loss * reg * np.sum(W * W), X.T @ dscores + weight * of_loss * reg * W

    assert first(check_loss(softmax_loss)).mistake == mistake


@pytest.mark.parametrize("of_loss", [1.0, 0.5])
def test_courses_may_differ_in_the_penalty(of_loss):
    def softmax_loss(W, X, y, reg):
        loss, dscores = course.softmax_loss(X @ W, y)
        return loss + of_loss * reg * np.sum(W * W), X.T @ dscores + 2 * of_loss * reg * W

    assert check_loss(softmax_loss).verdict == "right"


def test_a_gradient_outside_the_terms_is_not_attributed():
    rng = np.random.default_rng(0)
    a, b, rest = rng.standard_normal((3, 4, 5))

    def terms(args, dout):
        return {"a": a, "b": b}

    inside, outside = (Sample({}, None, given, a + b) for given in (3 * a - b, 3 * a - b + rest))
    np.testing.assert_allclose(attribute(terms, "dx", [inside]).weights, [[3, -1]], rtol=1e-12)
    assert attribute(terms, "dx", [outside]) is None
