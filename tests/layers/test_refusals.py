"""What the layers refuse, and in which words."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import layers
from handgrad.layers import params

X = np.zeros((2, 3, 5, 5))
W = np.zeros((4, 3, 3, 3))
B = np.zeros(4)
POOL = {"pool_height": 2, "pool_width": 2}
BN = {"mode": "train"}


def refused(error, text):
    return pytest.raises(error, match="^" + text)


@pytest.mark.parametrize(
    ("pad", "text"),
    [
        (1.5, r"conv_param\['pad'\] must be a whole number, got 1.5"),
        (-1, r"conv_param\['pad'\] must not be negative, got -1"),
        ("same", r"conv_param\['pad'\] must be a whole number, got 'same'"),
        (True, r"conv_param\['pad'\] must be a whole number, got True"),
        (None, r"conv_param\['pad'\] must be a whole number, got None"),
        (float("nan"), r"conv_param\['pad'\] must be a whole number, got nan"),
        (
            (1, 1, 1),
            r"conv_param\['pad'\] must be a whole number or a pair \(height, width\), got \(1, 1, 1\)",
        ),
    ],
)
def test_pad(pad, text):
    with refused((TypeError, ValueError), text):
        layers.conv_forward(X, W, B, {"stride": 1, "pad": pad})


@pytest.mark.parametrize("pad", [1, 1.0, np.float32(1), np.int64(1), (1, 1), [1.0, 1], np.array([1, 1])])
def test_every_whole_pad_is_taken(pad):
    assert params.conv({"pad": pad}) == ((1, 1), (1, 1))


def test_conv():
    with refused(ValueError, r"conv_param\['stride'\] must be at least 1, got 0"):
        layers.conv_forward(X, W, B, {"stride": 0})
    with refused(ValueError, "conv_param has no option 'strid'; did you mean 'stride'"):
        layers.conv_forward(X, W, B, {"strid": 1})
    with refused(TypeError, "conv_param must be a dictionary, got int"):
        layers.conv_forward(X, W, B, 1)
    with refused(ValueError, r"x must have shape \(N, C, H, W\), got \(2, 75\)"):
        layers.conv_forward(X.reshape(2, -1), W, B, {})
    with refused(ValueError, r"w must have x's 3 channels on axis 1, got shape \(4, 2, 3, 3\)"):
        layers.conv_forward(X, W[:, :2], B, {})
    with refused(ValueError, r"b must have shape \(4,\) \(one number a filter\), got \(3,\)"):
        layers.conv_forward(X, W, B[:3], {})
    with refused(ValueError, r"the window \(3, 3\) must fit into the padded image, which is \(2, 5\)"):
        layers.conv_forward(X[:, :, :2], W, B, {})
    _, cache = layers.conv_forward(X, W, B, {})
    with refused(ValueError, r"dout must have the output's shape \(2, 4, 3, 3\), got \(2, 4, 5, 5\)"):
        layers.conv_backward(np.zeros((2, 4, 5, 5)), cache)
    with refused(TypeError, r"cache must be a PoolCache \(x, pool_param\), got ConvCache"):
        layers.max_pool_backward(X, cache)


def test_dtypes():
    with refused(TypeError, "w must be float64 as x is, got float32; convert one of them"):
        layers.conv_forward(X, W.astype(np.float32), B, {})
    with refused(TypeError, "x must be float32 or float64, got float16"):
        layers.relu_forward(X.astype(np.float16))
    with refused(TypeError, "x must be float32 or float64, got complex128"):
        layers.relu_forward(X.astype(complex))
    with refused(TypeError, "x must be a NumPy array, got list"):
        layers.relu_forward([1.0, 2.0])
    _, cache = layers.relu_forward(X.astype(np.float32))
    with refused(TypeError, "dout must be float32 as the output is, got float64"):
        layers.relu_backward(X, cache)


def test_whole_numbers_join_the_floats():
    """The courses' picture of hand-set filters has ``b = np.array([0, 128])``."""
    out, _ = layers.conv_forward(X.astype(np.float32), W.astype(np.float32), np.arange(4), {})
    assert out.dtype == np.float32
    assert out[0, 3, 0, 0] == 3
    assert layers.relu_forward(np.array([-1, 2]))[0].dtype == np.float64


def test_affine():
    with refused(
        ValueError, r"w must have shape \(75, 4\) \(a row for each of x's 75 features\), got \(3, 4\)"
    ):
        layers.affine_forward(X, np.zeros((3, 4)), B)
    with refused(ValueError, r"x must have shape \(N, d1, ..., dk\), got \(5,\)"):
        layers.affine_forward(np.zeros(5), np.zeros((5, 4)), B)


def test_pool():
    with refused(ValueError, r"pool_param needs 'pool_width', got \['pool_height'\]"):
        layers.max_pool_forward(X, {"pool_height": 2})
    with refused(ValueError, r"the window \(6, 6\) must fit into the padded image, which is \(5, 5\)"):
        layers.max_pool_forward(X, {"pool_height": 6, "pool_width": 6})
    with refused(ValueError, "x must have at least one pixel a channel"):
        layers.global_avg_pool_forward(np.zeros((2, 3, 0, 4)))


def test_norm():
    scale = np.ones(3)
    with refused(ValueError, r"bn_param needs 'mode', got \[\]"):
        layers.spatial_batchnorm_forward(X, scale, scale, {})
    with refused(ValueError, r"bn_param\['mode'\] must be 'train' or 'test', got 'trian'"):
        layers.spatial_batchnorm_forward(X, scale, scale, {"mode": "trian"})
    with refused(ValueError, "bn_param has no option 'momentom'; did you mean 'momentum'"):
        layers.spatial_batchnorm_forward(X, scale, scale, {"mode": "train", "momentom": 0.9})
    with refused(ValueError, r"bn_param\['momentum'\] must lie in \[0, 1\], got 9"):
        layers.spatial_batchnorm_forward(X, scale, scale, {"mode": "train", "momentum": 9})
    with refused(ValueError, r"bn_param\['running_mean'\] must have shape \(3,\) .*, got \(2,\)"):
        layers.spatial_batchnorm_forward(X, scale, scale, {"mode": "test", "running_mean": np.zeros(2)})
    with refused(ValueError, r"gamma must have shape \(3,\) .*, got \(5,\)"):
        layers.spatial_batchnorm_forward(X, np.ones(5), scale, BN)
    with refused(ValueError, r"x must have shape \(N, D\), got \(2, 3, 5, 5\)"):
        layers.batchnorm_forward(X, scale, scale, BN)
    with refused(ValueError, "G must divide the 3 channels of x, got 2"):
        layers.spatial_groupnorm_forward(X, scale, scale, 2, {})
    with refused(ValueError, r"ln_param\['eps'\] must not be negative, got -1.0"):
        layers.layernorm_forward(X[:, :, 0, 0], scale, scale, {"eps": -1})
    with refused(TypeError, r"cache must be a NormCache \(x, gamma\), got tuple"):
        layers.batchnorm_backward(X, (1, 2))


def test_dropout():
    with refused(ValueError, r"dropout_param\['p'\] must lie in \[0, 1\), got 1"):
        layers.dropout_forward(X, {"p": 1, "mode": "train"})
    with refused(ValueError, "dropout_param needs 'p'"):
        layers.dropout_forward(X, {"mode": "train"})
    with refused(TypeError, r"dropout_param\['rng'\] must be a numpy.random.Generator, got int"):
        layers.dropout_forward(X, {"p": 0.5, "mode": "train", "rng": 3})


def test_losses():
    scores = np.zeros((2, 4))
    with refused(ValueError, "y must hold labels from 0 to 3, got 4"):
        layers.softmax_loss(scores, np.array([0, 4]))
    with refused(ValueError, "y must hold labels from 0 to 3, got -1"):
        layers.svm_loss(scores, np.array([0, -1]))
    with refused(TypeError, "y must be an array of whole numbers, got float64"):
        layers.softmax_loss(scores, np.array([0.0, 1.0]))
    with refused(ValueError, r"y must have shape \(2,\) \(a label for each row of scores\), got \(3,\)"):
        layers.softmax_loss(scores, np.zeros(3, int))
    with refused(ValueError, r"label_smoothing must lie in \[0, 1\], got 2"):
        layers.softmax_loss(scores, np.zeros(2, int), label_smoothing=2)


def test_soft_labels():
    scores = np.zeros((2, 4))
    with refused(ValueError, r"y must have shape \(2, 4\) \(a probability for each score\), got \(2, 3\)"):
        layers.softmax_loss(scores, np.zeros((2, 3)))
    with refused(TypeError, "soft labels y must be floating point, got int64"):
        layers.softmax_loss(scores, np.eye(4, dtype=int)[:2])
    for row in ([0.5, 0.4, 0, 0], [1.5, -0.5, 0, 0], [np.nan, 0, 0, 1]):
        with refused(ValueError, r"soft labels y must be 0 or above and sum to 1 in each row, got \["):
            layers.softmax_loss(scores, np.array([[0, 0, 0, 1.0], row]))
    with refused(TypeError, "y must be an array of whole numbers, got float64"):
        layers.svm_loss(scores, np.full((2, 4), 0.25))


def test_activations():
    with refused(ValueError, "alpha must be a finite number, got 'big'"):
        layers.leaky_relu_forward(X, "big")
    with refused(ValueError, "alpha must be a finite number, got inf"):
        layers.elu_forward(X, np.inf)
    with refused(ValueError, r"alpha must have shape \(1,\) or \(3,\), got \(5,\)"):
        layers.prelu_forward(X, np.zeros(5))
    with refused(ValueError, "pieces must divide the 3 channels of x, got 2"):
        layers.maxout_forward(X, 2)
