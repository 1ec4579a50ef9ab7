"""The losses: against differences, each other's tiers and PyTorch."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given
from layers import referee
from layers.cases import computing
from layers.test_contract import each_dtype, each_tier, picker, tries
from tolerances import assert_close

from handgrad import backend, layers
from handgrad.checking import numerical_gradient
from handgrad.layers import softmax_loss, softmax_losses, svm_loss
from handgrad.layers.registry import LOSSES, Loss

each_loss = pytest.mark.parametrize("loss", LOSSES, ids=str)


def draw(loss: Loss, data, dtype=np.float64):
    pick = picker(data)
    shapes, settings = loss.example(pick)
    rng = np.random.default_rng(pick(0, 2**31))
    return rng.normal(size=shapes["scores"]).astype(dtype) * 2, settings


def test_every_loss_stands_in_the_registry():
    assert {loss.name for loss in LOSSES} == {name for name in layers.__all__ if name.endswith("_loss")}
    assert set(referee.LOSSES) == {loss.name for loss in LOSSES}


@each_loss
@pytest.mark.parametrize("tier", backend.TIERS)
@given(data=st.data())
@tries(20)
def test_gradient_agrees_with_differences(loss: Loss, tier: str, data):
    scores, settings = draw(loss, data)
    with computing(tier):
        _, dscores = loss.function(scores, **settings)
        coarse, fine = (
            numerical_gradient(lambda s: loss.function(s, **settings)[0], scores, step=step)
            for step in (1e-3, 5e-4)
        )
    assume(np.max(np.abs(coarse - fine)) < 1e-6)  # else a margin is nearly 0
    np.testing.assert_allclose(dscores, fine, rtol=0, atol=1e-9)


@each_loss
@each_tier
@each_dtype
@given(data=st.data())
@tries(30)
def test_tier_agrees_with_reference(loss: Loss, tier: str, dtype: type, data):
    scores, settings = draw(loss, data, dtype)
    results = []
    for name in (tier, "reference"):
        with computing(name):
            results.append(loss.function(scores, **settings))
    for actual, expected, what in zip(*results, ("loss", "dscores"), strict=True):
        assert_close(actual, expected, scores.size, what=what)
        assert actual.dtype == dtype


@each_loss
@given(data=st.data())
@tries(30)
def test_loss_agrees_with_pytorch(loss: Loss, data):
    scores, settings = draw(loss, data)
    expected, gradients = referee.judge(
        referee.LOSSES[loss.name], {"scores": scores}, settings, np.array(1.0)
    )
    value, dscores = loss.function(scores, **settings)
    assert_close(value, expected, scores.size, what="loss")
    assert_close(dscores, gradients["scores"], scores.size, what="dscores")


@each_loss
@pytest.mark.parametrize("tier", backend.TIERS)
def test_empty_batch_loses_nothing(loss: Loss, tier: str):
    with computing(tier):
        value, dscores = loss.function(np.zeros((0, 3), np.float32), np.zeros(0, int))
    assert value == 0
    assert dscores.shape == (0, 3)
    assert dscores.dtype == np.float32


@pytest.mark.parametrize("tier", backend.TIERS)
@each_dtype
def test_soft_labels_that_are_certain_are_labels(tier: str, dtype: type):
    scores = np.random.default_rng(0).normal(size=(5, 4)).astype(dtype)
    y = np.array([3, 0, 0, 1, 2])
    with computing(tier):
        for smoothing in (0, 0.3):
            hard = softmax_loss(scores, y, label_smoothing=smoothing)
            soft = softmax_loss(scores, np.eye(4)[y], label_smoothing=smoothing)
            for one, other in zip(soft, hard, strict=True):
                assert one.dtype == dtype
                assert_close(one, other, scores.size)
        impossible = softmax_loss(np.array([[1.0, -np.inf, 1.0]]), np.array([[0.5, 0, 0.5]]))
        assert impossible[0] == pytest.approx(np.log(2))


@pytest.mark.parametrize("tier", backend.TIERS)
def test_softmax_does_not_overflow(tier: str):
    with computing(tier):
        value, dscores = softmax_loss(np.array([[1e4, 0.0, -1e4]]), np.array([0]))
    assert value == 0
    np.testing.assert_array_equal(dscores, 0)


@pytest.mark.parametrize("tier", backend.TIERS)
def test_svm_margin_of_zero_has_no_gradient(tier: str):
    with computing(tier):
        value, dscores = svm_loss(np.array([[2.0, 1.0]]), np.array([0]))
    assert value == 0
    np.testing.assert_array_equal(dscores, 0)


@each_loss
@each_tier
def test_nan_goes_where_the_reference_sends_it(loss: Loss, tier: str):
    scores = np.array([[1.0, np.nan, 0.5], [0.1, 0.2, 0.3]])
    results = []
    for name in (tier, "reference"):
        with computing(name):
            results.append(loss.function(scores, np.array([0, 1])))
    for actual, expected, what in zip(*results, ("loss", "dscores"), strict=True):
        assert_close(actual, expected, scores.size, what=what)


@pytest.mark.parametrize("tier", backend.TIERS)
def test_an_impossible_class_costs_nothing(tier: str):
    with computing(tier):
        loss, dscores = softmax_loss(np.array([[1.0, -np.inf, 1.0]]), np.array([0]))
    assert loss == pytest.approx(np.log(2))
    np.testing.assert_allclose(dscores, [[-0.5, 0, 0.5]])


@pytest.mark.parametrize("tier", backend.TIERS)
@each_dtype
def test_weights_that_are_all_alike_change_nothing(tier: str, dtype: type):
    scores = np.random.default_rng(0).normal(size=(5, 4)).astype(dtype)
    y = np.array([3, 0, 0, 1, 2])
    with computing(tier):
        plain = softmax_loss(scores, y, label_smoothing=0.2)
        weighted = softmax_loss(scores, y, label_smoothing=0.2, weights=np.full(5, 7))
    for one, other in zip(weighted, plain, strict=True):
        assert one.dtype == dtype
        assert_close(one, other, scores.size)


def test_the_loss_is_the_mean_of_the_losses():
    scores = np.random.default_rng(0).normal(size=(6, 4)) * 100
    for y in (np.array([3, 0, 0, 1, 2, 2]), np.eye(4)[[0, 1, 2, 3, 0, 1]]):
        losses = softmax_losses(scores, y, label_smoothing=0.1)
        assert losses.mean() == pytest.approx(softmax_loss(scores, y, label_smoothing=0.1)[0], rel=1e-12)
    assert softmax_losses(np.array([[1.0, -np.inf, 1.0]]), np.array([0])) == pytest.approx([np.log(2)])
    assert softmax_losses(np.zeros((0, 3)), np.zeros(0, int)).shape == (0,)


@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [
        ([1.0, 2.0], TypeError, "weights must be an array of real numbers, got list"),
        (np.array(["a", "b"]), TypeError, "weights must be an array of real numbers"),
        (np.ones(3), ValueError, "weights must"),
        (np.array([1.0, -1.0]), ValueError, r"weights must be 0 or above and not all 0, got \[1.0, -1.0\]"),
        (np.zeros(2), ValueError, "not all 0"),
        (np.array([np.nan, 1.0]), ValueError, "not all 0"),
    ],
)
def test_weights_that_cannot_be(weights: object, error: type[Exception], words: str):
    with pytest.raises(error, match=words):
        softmax_loss(np.zeros((2, 3)), np.array([0, 1]), weights=weights)
