"""The oracle as a tier: the functions of `handgrad.reference` under the signatures of the other tiers.

Each `kept` is the cache that the naive forward made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad import reference
from handgrad.backend.numpy_ops.loss import add_l2 as add_l2  # no loops: parameters are millions
from handgrad.backend.numpy_ops.residual import add as add
from handgrad.backend.numpy_ops.update import *  # noqa: F403  the formulas need no loops to be read

NAME = "reference"
BLOCKS: dict[tuple[str, ...], Any] = {}  # layers are computed one after the other

relu_forward = reference.relu_forward_naive
gelu_forward = reference.gelu_forward_naive
sigmoid_forward = reference.sigmoid_forward_naive
tanh_forward = reference.tanh_forward_naive
leaky_relu_forward = reference.leaky_relu_forward_naive
prelu_forward = reference.prelu_forward_naive
elu_forward = reference.elu_forward_naive
maxout_forward = reference.maxout_forward_naive
affine_forward = reference.affine_forward_naive
global_avg_pool_forward = reference.global_avg_pool_forward_naive
softmax_loss = reference.softmax_loss_naive
svm_loss = reference.svm_loss_naive


def relu_backward(dout: Any, x: Any, kept: Any) -> Any:
    """Gradient of relu."""
    return reference.relu_backward_naive(dout, kept)


def gelu_backward(dout: Any, x: Any, kept: Any) -> Any:
    """Gradient of gelu."""
    return reference.gelu_backward_naive(dout, kept)


def sigmoid_backward(dout: Any, x: Any, kept: Any) -> Any:
    """Gradient of sigmoid."""
    return reference.sigmoid_backward_naive(dout, kept)


def tanh_backward(dout: Any, x: Any, kept: Any) -> Any:
    """Gradient of tanh."""
    return reference.tanh_backward_naive(dout, kept)


def leaky_relu_backward(dout: Any, x: Any, alpha: Any, kept: Any) -> Any:
    """Gradient of leaky_relu."""
    return reference.leaky_relu_backward_naive(dout, kept)


def prelu_backward(dout: Any, x: Any, alpha: Any, kept: Any) -> Any:
    """Gradients of prelu."""
    return reference.prelu_backward_naive(dout, kept)


def elu_backward(dout: Any, x: Any, alpha: Any, kept: Any) -> Any:
    """Gradient of elu."""
    return reference.elu_backward_naive(dout, kept)


def maxout_backward(dout: Any, x: Any, pieces: Any, kept: Any) -> Any:
    """Gradient of maxout."""
    return reference.maxout_backward_naive(dout, kept)


def affine_backward(dout: Any, x: Any, w: Any, kept: Any, need_dx: Any) -> Any:
    """Gradients of the affine layer; dx costs nothing extra to a loop that nobody times."""
    return reference.affine_backward_naive(dout, kept)


def conv_forward(x: Any, w: Any, b: Any, stride: Any, pad: Any) -> Any:
    """Convolution."""
    return reference.conv_forward_naive(x, w, b, {"stride": stride, "pad": pad})


def conv_backward(dout: Any, x: Any, w: Any, stride: Any, pad: Any, kept: Any, need_dx: Any) -> Any:
    """Gradients of the convolution."""
    return reference.conv_backward_naive(dout, kept)


def max_pool_forward(x: Any, window: Any, stride: Any) -> Any:
    """Max-pool."""
    return reference.max_pool_forward_naive(x, _pool_param(window, stride))


def max_pool_backward(dout: Any, x: Any, window: Any, stride: Any, kept: Any) -> Any:
    """Gradient of max-pool."""
    return reference.max_pool_backward_naive(dout, kept)


def avg_pool_forward(x: Any, window: Any, stride: Any) -> Any:
    """Mean-pool."""
    return reference.avg_pool_forward_naive(x, _pool_param(window, stride))


def avg_pool_backward(dout: Any, x: Any, window: Any, stride: Any, kept: Any) -> Any:
    """Gradient of mean-pool."""
    return reference.avg_pool_backward_naive(dout, kept)


def global_avg_pool_backward(dout: Any, x: Any, kept: Any) -> Any:
    """Gradient of the mean of whole channels."""
    return reference.global_avg_pool_backward_naive(dout, kept)


def batchnorm_forward(
    x: Any, gamma: Any, beta: Any, mode: Any, eps: Any, momentum: Any, running_mean: Any, running_var: Any
) -> Any:
    """Batch norm of features or of images; also returns the new running statistics."""
    bn_param: dict[str, Any] = {
        "mode": mode,
        "eps": eps,
        "momentum": momentum,
        "running_mean": running_mean,
        "running_var": running_var,
    }
    forward = reference.batchnorm_forward_naive if x.ndim == 2 else reference.spatial_batchnorm_forward_naive
    out, kept = forward(x, gamma, beta, bn_param)
    return out, bn_param["running_mean"], bn_param["running_var"], kept


def batchnorm_backward(dout: Any, x: Any, gamma: Any, kept: Any) -> Any:
    """Gradients of batch norm."""
    backward = (
        reference.batchnorm_backward_naive if x.ndim == 2 else reference.spatial_batchnorm_backward_naive
    )
    return backward(dout, kept)


def layernorm_forward(x: Any, gamma: Any, beta: Any, eps: Any) -> Any:
    """Layer norm."""
    return reference.layernorm_forward_naive(x, gamma, beta, {"eps": eps})


def layernorm_backward(dout: Any, x: Any, gamma: Any, kept: Any) -> Any:
    """Gradients of layer norm."""
    return reference.layernorm_backward_naive(dout, kept)


def groupnorm_forward(x: Any, gamma: Any, beta: Any, groups: Any, eps: Any) -> Any:
    """Group norm."""
    return reference.spatial_groupnorm_forward_naive(x, gamma, beta, groups, {"eps": eps})


def groupnorm_backward(dout: Any, x: Any, gamma: Any, groups: Any, kept: Any) -> Any:
    """Gradients of group norm."""
    return reference.spatial_groupnorm_backward_naive(dout, kept)


def dropout_forward(x: np.ndarray, p: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Dropout in training: out and the mask."""
    out, (_, mask) = reference.dropout_forward_naive(x, {"p": p, "mode": "train", "rng": rng})
    return out, mask


def dropout_backward(dout: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Gradient of dropout."""
    return reference.dropout_backward_naive(dout, ({"mode": "train"}, mask))


def _pool_param(window: Any, stride: Any) -> Any:
    return {"pool_height": window[0], "pool_width": window[1], "stride": stride}
