"""What reaches beyond the first calls and beyond a layer's formula: further calls, wrong inputs, memory."""

from __future__ import annotations

import numpy as np
import pytest
from checking.wrong import course

from handgrad.checking import check, check_rule
from handgrad.checking.cases import known_layers
from handgrad.checking.sweep import further_cases


def first(forward, backward, like, answers=True):
    return check(forward, backward, like, answers=answers).findings[0]


def pool_shortcut(x, pool_param):
    """Pool by reshaping wherever the window tiles the image, whatever the stride is."""
    h, w = pool_param["pool_height"], pool_param["pool_width"]
    n, c, height, width = x.shape
    if h == w and height % h == 0 and width % w == 0:
        out = x.reshape(n, c, height // h, h, width // w, w).max(axis=(3, 5))
        return out, (x, pool_param)
    return course.max_pool_forward_naive(x, pool_param)


@pytest.mark.parametrize("answers", [True, False])
def test_a_shortcut_that_the_first_calls_do_not_enter(answers):
    found = first(pool_shortcut, course.max_pool_backward_naive, "max_pool", answers)
    if answers:
        assert found.mistake == "stride-missing"
        assert "a square window that tiles the image" in found.evidence


def test_zeros_in_x():
    def backward(dout, cache):
        dx, dw, db = course.conv_backward_naive(dout, cache)
        return dx * (cache[0] != 0), dw, db

    for answers in (True, False):
        assert "zeros in x" in first(course.conv_forward_naive, backward, "conv", answers).evidence


@pytest.mark.parametrize("layer", known_layers())
def test_further_cases_are_as_good_as_the_first(layer):
    if layer == "linear_loss":
        return
    for case in further_cases(layer):
        assert all(np.isfinite(case.args[name]).all() for name in case.arrays)
        assert all(case.args[name].size for name in case.arrays)


@pytest.mark.parametrize(
    ("change", "mistake", "words"),
    [
        (lambda x, dout: (x, dout[::-1]), "reshape-order", "dout reversed along axis 0"),
        (lambda x, dout: (x, np.trunc(dout)), "dtype-lost", "dout cut off to whole numbers"),
        (lambda x, dout: (x, dout**2), "step-differs", "the square of dout"),
        (
            lambda x, dout: (x, 0 * dout + dout.mean(axis=1, keepdims=True)),
            "wrong-axes",
            "it is the same for all outputs",
        ),
    ],
)
def test_the_right_function_of_a_wrong_input(change, mistake, words):
    def backward(dout, cache):
        x, w, b = cache
        changed, wrong = change(x, dout)
        return (
            course.affine_backward(dout, cache)[0],
            course.affine_backward(wrong, (changed, w, b))[1],
            dout.sum(0),
        )

    found = first(course.affine_forward, backward, "affine")
    assert found.mistake == mistake
    assert words in found.evidence


@pytest.mark.parametrize("answers", [True, False])
def test_two_parameters_share_a_default(answers):
    shared = {"learning_rate": 0.01, "momentum": 0.9}

    def sgd_momentum(w, dw, config=None):
        config = shared if config is None else config
        config["velocity"] = config["momentum"] * config.get("velocity", 0.0) - config["learning_rate"] * dw
        return w + config["velocity"], config

    found = check_rule(sgd_momentum, answers=answers).findings[0]
    assert found.mistake == "second-call-differs"
    assert "a second parameter" in found.evidence


def test_a_velocity_that_is_the_new_parameter():
    def sgd_momentum(w, dw, config):
        config = dict(config)
        v = config["momentum"] * config.get("velocity", np.zeros_like(w)) - config["learning_rate"] * dw
        config["velocity"] = v
        v += w
        return v, config

    found = check_rule(sgd_momentum).findings[0]
    assert found.mistake == "state-aliased"
    assert "config['velocity'] and next_w" in found.evidence


def test_two_statistics_in_one_array():
    def forward(x, gamma, beta, bn_param):
        if "running_mean" not in bn_param:
            bn_param["running_mean"] = bn_param["running_var"] = np.zeros(x.shape[1])
        out, cache = course.batchnorm_forward(x, gamma, beta, (own := dict(bn_param)))
        for key in ("running_mean", "running_var"):
            bn_param[key][...] = own[key]
        return out, cache

    assert first(forward, course.batchnorm_backward, "batchnorm").mistake == "one-array"


@pytest.mark.parametrize("answers", [True, False])
def test_ties_may_be_shared(answers):
    def backward(dout, cache):
        x, pool_param = cache
        h, w, s = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
        dx = np.zeros_like(x)
        for i, j in np.ndindex(dout.shape[2:]):
            here = np.s_[:, :, i * s : i * s + h, j * s : j * s + w]
            mask = x[here] == x[here].max(axis=(2, 3), keepdims=True)
            dx[here] += mask / mask.sum(axis=(2, 3), keepdims=True) * dout[:, :, i, j, None, None]
        return dx

    def forward(x, pool_param):
        return course.max_pool_forward_naive(x, pool_param)[0], (x, pool_param)

    report = check(forward, backward, "max_pool", answers=answers)
    assert report.verdict == "right"
    assert any("share the gradient" in note for note in report.notes)


def test_a_mistake_beside_another_choice_at_ties():
    def backward(dout, cache):
        x, pool_param = cache
        h, w, s = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
        dx = np.zeros_like(x)
        for i, j in np.ndindex(dout.shape[2:]):
            here = np.s_[:, :, i * s : i * s + h, j : j + w]
            mask = x[here] == x[here].max(axis=(2, 3), keepdims=True)
            dx[here] += mask / mask.sum(axis=(2, 3), keepdims=True) * dout[:, :, i, j, None, None]
        return dx

    def forward(x, pool_param):
        return course.max_pool_forward_naive(x, pool_param)[0], (x, pool_param)

    assert first(forward, backward, "max_pool").mistake == "stride-missing"
