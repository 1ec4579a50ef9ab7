"""Layers as course code calls them: its arguments, its caches, its meaning of p."""

# ruff: noqa: NPY002 - courses draw from the global generator

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pytest
from tolerances import assert_close

from handgrad import courses, get_backend, layers, use_backend
from handgrad.courses import CourseNote

FAMILIES = ("ucla", "stanford", "utah")
CONV = {"stride": 1, "pad": 1}
POOL = {"pool_height": 2, "pool_width": 2, "stride": 2}


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def shelf(module, course="stanford"):
    with courses.enable(course):
        return importlib.import_module(module)


def test_naive_is_the_loops_and_fast_the_tier_in_use(rng):
    cs = shelf("cs231n.classifiers.cnn")
    x, w, b = rng.standard_normal((2, 3, 4, 4)), rng.standard_normal((2, 3, 3, 3)), np.zeros(2)
    assert cs.conv_forward_naive(x, w, b, CONV)[1].tier == "reference"
    assert cs.conv_forward_fast(x, w, b, CONV)[1].tier == get_backend()
    assert cs.max_pool_forward_naive(x, POOL)[1].tier == "reference"
    with use_backend("reference"):
        assert cs.conv_forward_im2col(x, w, b, CONV)[1].tier == "reference"


def test_naive_backward_takes_a_students_cache_and_stays_with_the_loops(rng, monkeypatch):
    cs = shelf("cs231n.layers")
    x, w, b = rng.standard_normal((1, 2, 4, 4)), rng.standard_normal((2, 2, 3, 3)), np.zeros(2)
    out, cache = cs.conv_forward_naive(x, w, b, CONV)
    asked = []
    real = importlib.import_module("handgrad.backend").tier
    monkeypatch.setattr("handgrad.backend.tier", lambda name: asked.append(name) or real(name))
    expected = cs.conv_backward_naive(np.ones_like(out), cache)
    got = cs.conv_backward_naive(np.ones_like(out), (x, w, b, CONV))
    assert set(asked) == {"reference"}
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_caches_unpack_as_the_courses_do(rng):
    cs = shelf("cs231n.layer_utils")
    x, w, b = rng.standard_normal((2, 3, 4, 4)), rng.standard_normal((2, 3, 3, 3)), np.zeros(2)
    assert cs.relu_forward(x)[1] is x
    X, W, B, conv_param = cs.conv_forward_fast(x, w, b, CONV)[1]
    assert X is x
    assert W is w
    assert B is b
    assert conv_param == CONV
    conv_cache, relu_cache, pool_cache = cs.conv_relu_pool_forward(x, w, b, CONV, POOL)[1]
    np.testing.assert_array_equal(relu_cache, cs.conv_forward_fast(x, w, b, CONV)[0])
    assert conv_cache[0] is x
    assert pool_cache[1] == POOL
    dropout_param = {"mode": "train", "p": 0.5, "seed": 1}
    param, mask = cs.dropout_forward(x, dropout_param)[1]
    assert param is dropout_param
    assert mask.shape == x.shape


@pytest.mark.parametrize("name", ["affine_relu", "conv_relu", "conv_relu_pool"])
def test_a_students_sandwich_cache_goes_with_our_backward(rng, name):
    cs = shelf("cs231n.layer_utils")
    if name == "affine_relu":
        arrays, settings = [rng.standard_normal((4, 6)), rng.standard_normal((6, 3)), np.zeros(3)], []
    else:
        arrays = [rng.standard_normal((2, 3, 4, 4)), rng.standard_normal((2, 3, 3, 3)), np.zeros(2)]
        settings = [CONV, POOL] if name == "conv_relu_pool" else [CONV]
    out, cache = getattr(cs, f"{name}_forward")(*arrays, *settings)
    dout = rng.standard_normal(out.shape)
    backward = getattr(cs, f"{name}_backward")
    for one, other in zip(backward(dout, tuple(cache)), backward(dout, cache), strict=True):
        assert_close(one, other, dout.size)  # the whole cache may be taken in one pass, its steps may not


def test_bn_sandwich_in_the_courses_order(rng):
    cs = shelf("cs231n.layer_utils")
    x, w, b = rng.standard_normal((2, 3, 4, 4)), rng.standard_normal((2, 3, 3, 3)), np.zeros(2)
    gamma, beta = rng.standard_normal(2), rng.standard_normal(2)
    out, cache = cs.conv_bn_relu_forward(x, w, b, gamma, beta, CONV, {"mode": "train"})
    expected, ours = layers.conv_bn_relu_forward(x, w, b, CONV, gamma, beta, {"mode": "train"})
    np.testing.assert_array_equal(out, expected)
    dout = rng.standard_normal(out.shape)
    gradients = cs.conv_bn_relu_backward(dout, cache)
    for one, other in zip(gradients, layers.conv_bn_relu_backward(dout, ours), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [len(step) for step in cache] == [4, 2, 2]


def test_lists_and_mixed_types(rng):
    cs = shelf("cs231n.layers")
    np.testing.assert_array_equal(cs.relu_forward([[-1, 2]])[0], [[0, 2]])
    x = rng.standard_normal((4, 3)).astype(np.float32)
    w = rng.standard_normal((3, 2))
    out, cache = cs.affine_forward(x, w, [0, 1])
    assert out.dtype == np.float64
    assert [g.dtype for g in cs.affine_backward(np.ones((4, 2), np.float32), cache)] == [np.float64] * 3
    small, cache = cs.affine_forward(x, w.astype(np.float32), np.zeros(2, np.float32))
    assert small.dtype == np.float32
    assert cs.affine_backward([[1, 1]] * 4, cache)[0].dtype == np.float32


def test_losses_take_lists_and_whole_floats(rng):
    cs = shelf("cs231n.layers")
    x, y = rng.standard_normal((3, 4)), np.array([0, 3, 1])
    for loss in (cs.svm_loss, cs.softmax_loss):
        expected, dx = loss(x, y)
        for labels in (y.tolist(), y.astype(np.float64)):
            got, gradient = loss(x, labels)
            assert got == expected
            np.testing.assert_array_equal(gradient, dx)
    with pytest.raises(TypeError, match="y must be an array of whole numbers"):
        cs.softmax_loss(x, y + 0.5)


def test_inputs_are_not_changed_and_gradient_checks_see_moves_in_place(rng):
    cs = shelf("cs231n.layers")
    w = rng.standard_normal((3, 2))
    x = rng.standard_normal((4, 3))
    before = cs.affine_forward(x, w, np.zeros(2))[0]
    w[0, 0] += 1
    assert not np.array_equal(before, cs.affine_forward(x, w, np.zeros(2))[0])


def test_unknown_keys_are_ignored_and_noted_once(rng):
    cs = shelf("cs231n.layers")
    bn_param = {"mode": "train", "layer": 3}
    x = rng.standard_normal((4, 2))
    courses.enable("stanford")  # a fresh start for notes
    with pytest.warns(CourseNote, match=r"bn_param\['layer'\] has no meaning, and is ignored"):
        cs.batchnorm_forward(x, np.ones(2), np.zeros(2), bn_param)
    for _ in range(2):  # a warning would be an error here
        cs.batchnorm_forward(x, np.ones(2), np.zeros(2), bn_param)
    assert set(bn_param) == {"mode", "layer", "running_mean", "running_var"}
    np.testing.assert_allclose(bn_param["running_mean"], x.mean(axis=0) * (1 - 0.9**3))


def test_the_courses_own_mode_of_a_layer_norm_is_no_matter(rng):
    cs = shelf("cs231n.layers")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cs.layernorm_forward(rng.standard_normal((2, 3)), np.ones(3), np.zeros(3), {"mode": "train"})


def test_a_setting_that_is_wrong_is_an_error_all_the_same(rng):
    cs = shelf("cs231n.layers")
    x, w = rng.standard_normal((1, 1, 4, 4)), np.ones((1, 1, 3, 3))
    with pytest.raises(ValueError, match=r"conv_param\['pad'\] must be a whole number, got 1.5"):
        cs.conv_forward_naive(x, w, np.zeros(1), {"stride": 1, "pad": 1.5})
    out, _ = cs.conv_forward_naive(x, w, np.zeros(1), {"stride": 1, "pad": (3 - 1) / 2})
    assert out.shape == x.shape


@pytest.mark.parametrize(
    ("course", "module", "dropped"),
    [("ucla", "nndl.layers", 0.3), ("utah", "cs6353.layers", 0.3), ("stanford-2017", "cs231n.layers", 0.3),
     ("stanford", "cs231n.layers", 0.7)],
)  # fmt: skip
def test_the_meaning_of_p(course, module, dropped):
    cs = shelf(module, course)
    x = np.ones((200, 200))
    out, cache = cs.dropout_forward(x, {"mode": "train", "p": 0.3, "seed": 5})
    assert abs((out == 0).mean() - dropped) < 0.01
    assert abs(out.mean() - 1) < 0.02
    np.testing.assert_array_equal(cs.dropout_backward(x, cache), out)
    np.testing.assert_array_equal(cs.dropout_forward(x, {"mode": "test", "p": 0.3})[0], x)


def test_p_of_one():
    assert not shelf("nndl.layers", "ucla").dropout_forward(np.ones(9), {"mode": "train", "p": 1})[0].any()
    assert shelf("cs231n.layers").dropout_forward(np.ones(9), {"mode": "train", "p": 1})[0].all()


def test_a_seed_repeats_and_leaves_the_global_generator(rng):
    cs = shelf("cs231n.layers")
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    masks = [cs.dropout_forward(np.ones(50), {"mode": "train", "p": 0.5, "seed": 7})[1][1] for _ in range(2)]
    np.testing.assert_array_equal(*masks)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_alternative_backward_is_the_same(rng):
    cs = shelf("cs231n.layers")
    out, cache = cs.batchnorm_forward(rng.standard_normal((5, 3)), np.ones(3), np.zeros(3), {"mode": "train"})
    dout = rng.standard_normal(out.shape)
    backwards = cs.batchnorm_backward(dout, cache), cs.batchnorm_backward_alt(dout, cache)
    for one, other in zip(*backwards, strict=True):
        np.testing.assert_array_equal(one, other)
