from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from reference.differences import assert_gradient, numerical_gradient

from handgrad import reference

LOSSES = {
    "softmax": (reference.softmax_loss_naive, F.cross_entropy),
    "smoothed": (
        lambda scores, y: reference.softmax_loss_naive(scores, y, 0.2),
        lambda scores, y: F.cross_entropy(scores, y, label_smoothing=0.2),
    ),
    # PyTorch takes the mean over classes where the courses take the sum.
    "svm": (reference.svm_loss_naive, lambda scores, y: F.multi_margin_loss(scores, y) * scores.shape[1]),
}
each_loss = pytest.mark.parametrize("name", LOSSES)


@pytest.fixture
def scores() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(5, 4))


@pytest.fixture
def y() -> np.ndarray:
    return np.array([0, 3, 1, 1, 2])


@each_loss
def test_the_gradient_is_that_of_numerical_differences(name: str, scores: np.ndarray, y: np.ndarray) -> None:
    loss, _ = LOSSES[name]
    _, dx = loss(scores, y)
    assert_gradient(dx, numerical_gradient(lambda: float(loss(scores, y)[0]), scores), 1e-11)


@each_loss
def test_loss_and_gradient_are_those_of_pytorch(name: str, scores: np.ndarray, y: np.ndarray) -> None:
    loss, torch_loss = LOSSES[name]
    value, dx = loss(scores, y)
    tensor = torch.tensor(scores, requires_grad=True)
    torch_value = torch_loss(tensor, torch.tensor(y))
    torch_value.backward()
    assert value == pytest.approx(torch_value.item(), rel=1e-13)
    np.testing.assert_allclose(dx, tensor.grad.numpy(), rtol=1e-12, atol=1e-15, equal_nan=False)


@each_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_loss_is_a_scalar_of_the_dtype_of_the_scores(name: str, dtype: type, y: np.ndarray) -> None:
    for n in (5, 0):
        value, dx = LOSSES[name][0](np.ones((n, 4), dtype=dtype), y[:n])
        assert type(value) is dtype
        assert dx.dtype == dtype
        assert dx.shape == (n, 4)
    assert value == 0


@each_loss
@pytest.mark.parametrize("order", ["fortran", "reversed", "read-only"])
def test_memory_order_does_not_change_a_bit(name: str, order: str, scores: np.ndarray, y: np.ndarray) -> None:
    value, dx = LOSSES[name][0](scores, y)
    before = scores.copy()
    other = {"fortran": np.asfortranarray(scores), "reversed": np.flip(np.flip(scores).copy())}.get(
        order, scores
    )
    other.flags.writeable = False
    other_value, other_dx = LOSSES[name][0](other, y)
    assert value == other_value
    np.testing.assert_array_equal(dx, other_dx)
    np.testing.assert_array_equal(scores, before)


@each_loss
def test_nan_reaches_the_loss(name: str, scores: np.ndarray, y: np.ndarray) -> None:
    scores[1, 0] = np.nan
    assert np.isnan(LOSSES[name][0](scores, y)[0])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_equal_scores_lose_the_logarithm_of_the_classes(smoothing: float) -> None:
    value, _ = reference.softmax_loss_naive(np.zeros((3, 10)), np.array([0, 5, 9]), smoothing)
    assert value == pytest.approx(np.log(10), rel=1e-14)


def test_softmax_is_stable() -> None:
    scores = np.array([[1e4, -1e4, 0.0], [-1e308, 0.0, 1e308]])
    value, dx = reference.softmax_loss_naive(scores[:1], np.array([1]))
    assert value == 2e4
    assert dx.tolist() == [[1.0, -1.0, 0.0]]
    value, dx = reference.softmax_loss_naive(scores[:1] + 1e4, np.array([0]))
    assert value == 0
    assert not dx.any()


def test_an_impossible_wrong_class_costs_nothing() -> None:
    value, dx = reference.softmax_loss_naive(np.array([[0.0, -np.inf, 0.0]]), np.array([0]))
    assert value == pytest.approx(np.log(2), rel=1e-15)
    np.testing.assert_allclose(dx, [[-0.5, 0.0, 0.5]], rtol=1e-15)


def test_a_margin_of_exactly_zero_has_no_gradient() -> None:
    value, dx = reference.svm_loss_naive(np.array([[3.0, 2.0, 2.5]]), np.array([0]))
    assert value == 0.5
    assert dx.tolist() == [[-1.0, 0.0, 1.0]]
