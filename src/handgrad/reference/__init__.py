"""The oracle: every layer as plain loops over images, channels and pixels.

Written like the lecture, to be read and to be believed: formula, forward, and backward directly below as
its mirror under the same names, with the forward line above the lines that differentiate it. Imports NumPy
and nothing else, so that it cannot share a bug with what it judges.

Sums are taken in float64 whatever the dtype of the inputs and rounded once at the end, because an oracle
should be nearer to the truth than the code that it judges; ``order="C"`` there makes every sum run in one
order, so that the memory order of the inputs does not change a single bit. Outputs have the dtype of x, and
each gradient has the dtype and shape of its input. Inputs are never changed; the one exception is that
``bn_param`` gets its running statistics back. Every forward returns ``(out, cache)`` with a plain tuple as
cache, every backward takes ``(dout, cache)`` and returns gradients in the order of the array inputs.

Settings are trusted: `handgrad.layers` is the place that checks shapes, dtypes and options.
"""

from __future__ import annotations

from .activation import (
    elu_backward_naive,
    elu_forward_naive,
    gelu_backward_naive,
    gelu_forward_naive,
    leaky_relu_backward_naive,
    leaky_relu_forward_naive,
    maxout_backward_naive,
    maxout_forward_naive,
    prelu_backward_naive,
    prelu_forward_naive,
    relu_backward_naive,
    relu_forward_naive,
    sigmoid_backward_naive,
    sigmoid_forward_naive,
    tanh_backward_naive,
    tanh_forward_naive,
)
from .affine import (
    affine_backward_naive,
    affine_forward_naive,
)
from .conv import (
    conv_backward_naive,
    conv_forward_naive,
)
from .dropout import (
    dropout_backward_naive,
    dropout_forward_naive,
)
from .loss import (
    softmax_loss_naive,
    svm_loss_naive,
)
from .norm import (
    batchnorm_backward_naive,
    batchnorm_forward_naive,
    layernorm_backward_naive,
    layernorm_forward_naive,
    spatial_batchnorm_backward_naive,
    spatial_batchnorm_forward_naive,
    spatial_groupnorm_backward_naive,
    spatial_groupnorm_forward_naive,
)
from .pool import (
    avg_pool_backward_naive,
    avg_pool_forward_naive,
    global_avg_pool_backward_naive,
    global_avg_pool_forward_naive,
    max_pool_backward_naive,
    max_pool_forward_naive,
)
from .sandwich import (
    affine_bn_relu_backward_naive,
    affine_bn_relu_forward_naive,
    affine_relu_backward_naive,
    affine_relu_forward_naive,
    conv_bn_backward_naive,
    conv_bn_forward_naive,
    conv_bn_relu_backward_naive,
    conv_bn_relu_forward_naive,
    conv_bn_relu_pool_backward_naive,
    conv_bn_relu_pool_forward_naive,
    conv_pool_backward_naive,
    conv_pool_forward_naive,
    conv_relu_backward_naive,
    conv_relu_forward_naive,
    conv_relu_pool_backward_naive,
    conv_relu_pool_forward_naive,
)

__all__ = [
    "affine_backward_naive",
    "affine_bn_relu_backward_naive",
    "affine_bn_relu_forward_naive",
    "affine_forward_naive",
    "affine_relu_backward_naive",
    "affine_relu_forward_naive",
    "avg_pool_backward_naive",
    "avg_pool_forward_naive",
    "batchnorm_backward_naive",
    "batchnorm_forward_naive",
    "conv_backward_naive",
    "conv_bn_backward_naive",
    "conv_bn_forward_naive",
    "conv_bn_relu_backward_naive",
    "conv_bn_relu_forward_naive",
    "conv_bn_relu_pool_backward_naive",
    "conv_bn_relu_pool_forward_naive",
    "conv_forward_naive",
    "conv_pool_backward_naive",
    "conv_pool_forward_naive",
    "conv_relu_backward_naive",
    "conv_relu_forward_naive",
    "conv_relu_pool_backward_naive",
    "conv_relu_pool_forward_naive",
    "dropout_backward_naive",
    "dropout_forward_naive",
    "elu_backward_naive",
    "elu_forward_naive",
    "gelu_backward_naive",
    "gelu_forward_naive",
    "global_avg_pool_backward_naive",
    "global_avg_pool_forward_naive",
    "layernorm_backward_naive",
    "layernorm_forward_naive",
    "leaky_relu_backward_naive",
    "leaky_relu_forward_naive",
    "max_pool_backward_naive",
    "max_pool_forward_naive",
    "maxout_backward_naive",
    "maxout_forward_naive",
    "prelu_backward_naive",
    "prelu_forward_naive",
    "relu_backward_naive",
    "relu_forward_naive",
    "sigmoid_backward_naive",
    "sigmoid_forward_naive",
    "softmax_loss_naive",
    "spatial_batchnorm_backward_naive",
    "spatial_batchnorm_forward_naive",
    "spatial_groupnorm_backward_naive",
    "spatial_groupnorm_forward_naive",
    "svm_loss_naive",
    "tanh_backward_naive",
    "tanh_forward_naive",
]
