"""Figures that the courses' notebooks print, in every tier."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad
from handgrad import backend
from handgrad.checking import numerical_gradient, relative_error
from handgrad.layers import conv_backward, conv_forward, max_pool_backward, max_pool_forward
from handgrad.models import ThreeLayerConvNet

POOL = {"pool_height": 2, "pool_width": 2, "stride": 2}


@pytest.fixture(params=backend.TIERS, autouse=True)
def tier(request):
    with handgrad.use_backend(request.param):
        yield


def test_conv_forward():
    x = np.linspace(-0.1, 0.5, num=96).reshape(2, 3, 4, 4)
    w = np.linspace(-0.2, 0.3, num=144).reshape(3, 3, 4, 4)
    b = np.linspace(-0.1, 0.2, num=3)
    out, _ = conv_forward(x, w, b, {"stride": 2, "pad": 1})
    correct = [
        [
            [[-0.08759809, -0.10987781], [-0.18387192, -0.2109216]],
            [[0.21027089, 0.21661097], [0.22847626, 0.23004637]],
            [[0.50813986, 0.54309974], [0.64082444, 0.67101435]],
        ],
        [
            [[-0.98053589, -1.03143541], [-1.19128892, -1.24695841]],
            [[0.69108355, 0.66880383], [0.59480972, 0.56776003]],
            [[2.36270298, 2.36904306], [2.38090835, 2.38247847]],
        ],
    ]
    np.testing.assert_allclose(out, correct, rtol=0, atol=5e-9)


def test_conv_gradient_error_is_about_1e_9():
    rng = np.random.default_rng(231)
    x, w, b = rng.normal(size=(4, 3, 5, 5)), rng.normal(size=(2, 3, 3, 3)), rng.normal(size=2)
    conv_param = {"stride": 1, "pad": 1}
    out, cache = conv_forward(x, w, b, conv_param)
    dout = rng.normal(size=out.shape)
    dx, dw, db = conv_backward(dout, cache)
    assert (
        relative_error(dx, numerical_gradient(lambda v: conv_forward(v, w, b, conv_param)[0], x, dout)) < 1e-8
    )
    assert (
        relative_error(dw, numerical_gradient(lambda v: conv_forward(x, v, b, conv_param)[0], w, dout)) < 1e-8
    )
    assert (
        relative_error(db, numerical_gradient(lambda v: conv_forward(x, w, v, conv_param)[0], b, dout)) < 1e-8
    )


def test_max_pool_forward():
    x = np.linspace(-0.3, 0.4, num=96).reshape(2, 3, 4, 4)
    out, _ = max_pool_forward(x, POOL)
    correct = [
        [
            [[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]],
            [[-0.14526316, -0.13052632], [-0.08631579, -0.07157895]],
            [[-0.02736842, -0.01263158], [0.03157895, 0.04631579]],
        ],
        [
            [[0.09052632, 0.10526316], [0.14947368, 0.16421053]],
            [[0.20842105, 0.22315789], [0.26736842, 0.28210526]],
            [[0.32631579, 0.34105263], [0.38526316, 0.4]],
        ],
    ]
    np.testing.assert_allclose(out, correct, rtol=0, atol=5e-9)


def test_max_pool_gradient_error_is_about_1e_12():
    rng = np.random.default_rng(231)
    x = rng.permutation(3 * 2 * 8 * 8).reshape(3, 2, 8, 8) / 64  # no two within reach of the step
    out, cache = max_pool_forward(x, POOL)
    dout = rng.normal(size=out.shape)
    dx = max_pool_backward(dout, cache)
    assert relative_error(dx, numerical_gradient(lambda v: max_pool_forward(v, POOL)[0], x, dout)) < 1e-11


def test_first_loss_of_the_three_layer_net():
    rng = np.random.default_rng(231)
    X, y = rng.normal(size=(50, 3, 8, 8)), rng.integers(0, 10, 50)
    net = ThreeLayerConvNet(input_dim=(3, 8, 8), num_filters=4, filter_size=3, dtype=np.float64, seed=0)
    assert net.loss(X, y)[0] == pytest.approx(np.log(10), abs=1e-3)
