"""Laws that a layer must keep, one family a file: they need no reference and give no answer away."""

from __future__ import annotations

from typing import Any

from . import activation, dropout, images, linear, loss, norm

_LAWS: dict[str, tuple[Any, ...]] = {
    "affine": (linear.affine,),
    "conv": (linear.conv,),
    "max_pool": (images.max_pool,),
    "avg_pool": (images.avg_pool,),
    "global_avg_pool": (images.global_avg_pool,),
    "batchnorm": (norm.batchnorm,),
    "spatial_batchnorm": (norm.batchnorm,),
    "layernorm": (norm.per_sample,),
    "spatial_groupnorm": (norm.per_sample,),
    "dropout": (dropout.dropout,),
    "softmax_loss": (loss.softmax,),
    "svm_loss": (loss.svm,),
    "linear_softmax_loss": (loss.linear_softmax,),
    "linear_svm_loss": (loss.linear_svm,),
    **dict.fromkeys(activation.CURVES, (activation.activation,)),
    "maxout": (activation.maxout,),
    "affine_relu": (linear.sandwich,),
    "affine_bn_relu": (linear.sandwich,),
    "conv_relu": (linear.sandwich,),
    "conv_bn": (linear.normed,),
    "conv_bn_relu": (linear.sandwich,),
    "conv_pool": (linear.pooled,),
    "conv_relu_pool": (linear.sandwich,),
    "conv_bn_relu_pool": (linear.sandwich,),
}


def check(state: Any) -> None:
    """Hold an examination to the laws of its layer; the first broken law of each run is told."""
    for law in _LAWS.get(state.layer, ()):
        law(state)


def check_stability(state: Any) -> None:
    """Hold a softmax loss to large scores, which no comparison on ordinary ones reveals."""
    if state.layer in ("softmax_loss", "linear_softmax_loss"):
        loss.stable(state)
