"""Bugs of the courses' code in layers that must never come back, by their numbers in the design.

B4 (dtype) is in tests/models, B5 to B7 (best statistics, resuming, epochs) are in tests/training.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import handgrad
from handgrad import backend
from handgrad.checking import numerical_gradient
from handgrad.layers import conv_backward, conv_forward, max_pool_backward, max_pool_forward


@pytest.fixture(params=backend.TIERS, autouse=True)
def tier(request):
    with handgrad.use_backend(request.param):
        yield request.param


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def pool_param(height, width, stride):
    return {"pool_height": height, "pool_width": width, "stride": stride}


def test_b1_overlapping_pool_windows(rng):
    x = rng.permutation(2 * 3 * 7 * 6).reshape(2, 3, 7, 6) / 8
    out, cache = max_pool_forward(x, pool_param(3, 3, 2))
    tx = torch.tensor(x, requires_grad=True)
    right = F.max_pool2d(tx, 3, 2)
    dout = rng.normal(size=out.shape)
    right.backward(torch.tensor(dout))
    np.testing.assert_array_equal(out, right.detach())
    np.testing.assert_allclose(max_pool_backward(dout, cache), tx.grad, rtol=1e-14)


def test_b2_fortran_ordered_input(rng):
    x, w, b = rng.normal(size=(2, 3, 5, 5)), rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4)
    expected, _ = conv_forward(x, w, b, {"pad": 1})
    out, _ = conv_forward(np.asfortranarray(x), np.asfortranarray(w), b, {"pad": 1})
    np.testing.assert_allclose(out, expected, rtol=1e-13)


@pytest.mark.parametrize("side", [6, 7, 8])
def test_b3_stride_that_does_not_divide(rng, side):
    x, w, b = rng.normal(size=(1, 2, side, side)), rng.normal(size=(2, 2, 3, 3)), rng.normal(size=2)
    out, cache = conv_forward(x, w, b, {"stride": 3})
    assert out.shape[2:] == ((side - 3) // 3 + 1,) * 2
    dx, _, _ = conv_backward(np.ones_like(out), cache)
    reached = (out.shape[2] - 1) * 3 + 3
    assert not dx[:, :, reached:].any()
    assert not dx[:, :, :, reached:].any()
    expected = numerical_gradient(lambda v: conv_forward(v, w, b, {"stride": 3})[0], x)
    np.testing.assert_allclose(dx, expected, atol=1e-9)


@pytest.mark.parametrize(("height", "width"), [(1, 3), (3, 1), (2, 4)])
def test_b8_filters_that_are_not_square(rng, height, width):
    x, w, b = rng.normal(size=(2, 3, 6, 7)), rng.normal(size=(4, 3, height, width)), rng.normal(size=4)
    arrays = [torch.tensor(array, requires_grad=True) for array in (x, w, b)]
    right = F.conv2d(*arrays, stride=(2, 1), padding=(1, 0))
    out, cache = conv_forward(x, w, b, {"stride": (2, 1), "pad": (1, 0)})
    np.testing.assert_allclose(out, right.detach(), rtol=1e-12)
    dout = rng.normal(size=out.shape)
    right.backward(torch.tensor(dout))
    for gradient, array in zip(conv_backward(dout, cache), arrays, strict=True):
        np.testing.assert_allclose(gradient, array.grad, rtol=1e-11, atol=1e-13)


def test_b9_first_of_tied_maxima_takes_the_gradient():
    x = np.ones((1, 1, 4, 4))
    _, cache = max_pool_forward(x, pool_param(2, 2, 2))
    dx = max_pool_backward(np.ones((1, 1, 2, 2)), cache)
    np.testing.assert_array_equal(dx[0, 0], [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize("pad", [1.0, (3 - 1) / 2, np.float64(1)])
def test_b10_pad_as_the_courses_compute_it(rng, pad):
    x, w, b = rng.normal(size=(1, 1, 4, 4)), rng.normal(size=(1, 1, 3, 3)), np.zeros(1)
    out, cache = conv_forward(x, w, b, {"stride": 1.0, "pad": pad})
    assert out.shape == x.shape
    conv_backward(out, cache)


def test_b11_gradients_add_up_where_windows_overlap():
    """A test whose stride is the window lets ``=`` pass for ``+=``."""
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 1  # the maximum of all four windows
    _, cache = max_pool_forward(x, pool_param(2, 2, 1))
    assert max_pool_backward(np.ones((1, 1, 2, 2)), cache)[0, 0, 1, 1] == 4
    _, cache = conv_forward(x, np.ones((1, 1, 2, 2)), np.zeros(1), {"stride": 1})
    dx, _, _ = conv_backward(np.ones((1, 1, 2, 2)), cache)
    np.testing.assert_array_equal(dx[0, 0], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
