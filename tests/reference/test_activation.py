from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from handgrad import reference

EDGES = np.array(
    [-np.inf, -1e300, -800.0, -40.0, -1e-300, -0.0, 0.0, 1e-300, 40.0, 800.0, 1e300, np.inf, np.nan]
)


def slope(layer: str, x: np.ndarray, *settings: object) -> np.ndarray:
    _, cache = getattr(reference, f"{layer}_forward_naive")(x, *settings)
    gradients = getattr(reference, f"{layer}_backward_naive")(np.ones(x.shape), cache)
    return gradients[0] if isinstance(gradients, tuple) else gradients


@pytest.mark.parametrize(
    ("layer", "settings", "at_zero"),
    [
        ("relu", (), 0.0),
        ("leaky_relu", (0.2,), 0.2),
        ("prelu", (np.array([0.2]),), 0.2),
        ("elu", (0.7,), 0.7),
    ],
)
def test_zero_belongs_to_the_negative_side(layer: str, settings: tuple, at_zero: float) -> None:
    assert slope(layer, np.array([0.0, -0.0]), *settings).tolist() == [at_zero, at_zero]


@pytest.mark.parametrize(
    ("layer", "settings"),
    [("relu", ()), ("leaky_relu", ()), ("prelu", (np.array([0.2]),)), ("elu", ()), ("maxout", (1,))],
)
def test_nan_passes_and_lets_its_gradient_pass(layer: str, settings: tuple) -> None:
    x = np.array([[np.nan, 1.0]])
    out, _ = getattr(reference, f"{layer}_forward_naive")(x, *settings)
    np.testing.assert_array_equal(out, x)
    assert slope(layer, x, *settings).tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("layer", ["gelu", "sigmoid", "tanh"])
def test_nan_makes_a_smooth_gradient_nan(layer: str) -> None:
    assert np.isnan(slope(layer, np.array([np.nan]))).all()


@pytest.mark.parametrize(
    ("layer", "torch_layer"),
    [
        ("relu", F.relu),
        ("leaky_relu", F.leaky_relu),
        ("elu", F.elu),
        ("sigmoid", torch.sigmoid),
        ("tanh", torch.tanh),
    ],
)
def test_the_edges_of_float64_are_those_of_pytorch_without_a_warning(layer: str, torch_layer: object) -> None:
    out, cache = getattr(reference, f"{layer}_forward_naive")(EDGES)
    dx = getattr(reference, f"{layer}_backward_naive")(np.full(EDGES.shape, 2.0), cache)
    x = torch.tensor(EDGES, requires_grad=True)
    torch_out = torch_layer(x)
    torch_out.backward(torch.full_like(x, 2.0))
    np.testing.assert_allclose(out, torch_out.detach().numpy(), rtol=1e-14)
    numbers = ~np.isnan(EDGES)  # PyTorch's leaky_relu sends a NaN down the negative side
    np.testing.assert_allclose(dx[numbers], x.grad.numpy()[numbers], rtol=1e-14, atol=1e-16)


def test_sigmoid_keeps_its_gradient_where_it_is_near_one() -> None:
    np.testing.assert_allclose(slope("sigmoid", np.array([-40.0, 40.0])), np.exp(-40.0), rtol=1e-14)


def test_gelu_is_exact() -> None:
    x = np.concatenate([np.linspace(-9, 9, 361), EDGES[1:-2]])
    out, _ = reference.gelu_forward_naive(x)
    exact = [value / 2 * math.erfc(-value / math.sqrt(2)) for value in x.tolist()]
    np.testing.assert_allclose(out, exact, rtol=1e-14, atol=0)  # of the tail too
    tensor = torch.tensor(x, requires_grad=True)
    F.gelu(tensor).sum().backward()
    np.testing.assert_allclose(slope("gelu", x), tensor.grad.numpy(), rtol=1e-14, atol=1e-14)


def test_gelu_takes_its_limits_at_the_ends() -> None:
    x = np.array([-np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(reference.gelu_forward_naive(x)[0], [0.0, np.inf, np.nan])
    np.testing.assert_array_equal(slope("gelu", x), [0.0, 1.0, np.nan])


def test_elu_keeps_its_digits_near_zero() -> None:
    assert reference.elu_forward_naive(np.array([-1e-12]))[0][0] == pytest.approx(-1e-12, rel=1e-11)


def test_prelu_adds_up_the_slope_gradient_of_a_channel() -> None:
    x = np.array([[[-1.0, 2.0], [-3.0, -4.0]], [[-5.0, 0.0], [6.0, 7.0]]])
    _, cache = reference.prelu_forward_naive(x, np.array([0.5, 0.25]))
    dx, dalpha = reference.prelu_backward_naive(np.full(x.shape, 2.0), cache)
    assert dalpha.tolist() == [2 * (-1 - 5), 2 * (-3 - 4)]
    assert dx.tolist() == [[[1, 2], [0.5, 0.5]], [[1, 1], [2, 2]]]


def test_maxout_groups_neighbours_and_ties_go_to_the_first() -> None:
    x = np.array([[1.0, 3.0, 3.0, 2.0, 5.0, 5.0]])
    out, cache = reference.maxout_forward_naive(x, 3)
    assert out.tolist() == [[3.0, 5.0]]
    assert reference.maxout_backward_naive(np.array([[10.0, 20.0]]), cache).tolist() == [[0, 10, 0, 0, 20, 0]]


def test_maxout_takes_nan_for_the_largest() -> None:
    out, cache = reference.maxout_forward_naive(np.array([[9.0, np.nan, np.nan]]), 3)
    np.testing.assert_array_equal(out, [[np.nan]])
    assert reference.maxout_backward_naive(np.ones((1, 1)), cache).tolist() == [[0.0, 1.0, 0.0]]
