"""The calls that a layer is tried on: small shapes, each chosen to tell two mistakes apart.

Every setting is one whole number, because learners' code reads it so. Sizes that code could confuse
differ in one case and agree in another: height and width, channels and filters, samples and features.
`properties` of a case say what is special about it, so that "it fails exactly there" can be said.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import cases_images as images
from . import cases_rows as rows
from .case import Args, Case, Maker, Shape, properties

__all__ = [
    "Args",
    "Case",
    "case_of_conv",
    "case_of_pool",
    "cases_of",
    "known_layers",
    "shaped_case",
    "with_zeros",
]


def cases_of(layer: str, seed: int = 0) -> list[Case]:
    """Return the cases of a layer that Handgrad knows, the plainest first."""
    return _MAKERS[layer](Maker(np.random.default_rng(seed)))


def case_of_conv(rng: np.random.Generator, x: Shape, w: Shape, stride: int, pad: int) -> Case:
    """Return a convolution of any sizes."""
    return images.conv_case(Maker(rng), x, w, stride, pad)


def with_zeros(case: Case) -> Case:
    """Return a case in which every third number of x is 0, as behind a relu."""
    args = case.copy_args()
    args["x"].ravel()[::3] = 0.0
    return Case(args, case.properties | {"zeros"}, case.smooth, case.backward)


def case_of_pool(rng: np.random.Generator, x: Shape, height: int, width: int, stride: int) -> Case:
    """Return a pooling of any sizes."""
    return images.pool_case(Maker(rng).array(*x), height, width, stride)


def shaped_case(layer: str, shape: tuple[int, int], rng: np.random.Generator) -> Case:
    """Return an affine layer or a norm over rows of any size."""
    m = Maker(rng)
    if layer == "affine":
        return rows.affine_case(m, shape, int(rng.integers(1, 8)))
    if layer == "layernorm":
        args = {"x": m.array(*shape), **rows.scale_args(m, shape[1]), "ln_param": {"eps": 0.25}}
        return Case(args, properties(*rows.alike(shape)))
    return Case(rows.bn_args(m, shape, eps=0.25, momentum=0.75), properties("no running", *rows.alike(shape)))


def known_layers() -> list[str]:
    """Return the names of all layers that have cases."""
    return list(_MAKERS)


_MAKERS: dict[str, Callable[[Maker], list[Case]]] = {
    "affine": rows.affine,
    "relu": rows.elementwise,
    "leaky_relu": lambda m: rows.elementwise(m, alpha=0.125),
    "prelu": rows.prelu,
    "elu": lambda m: rows.elementwise(m, alpha=0.75),
    "gelu": rows.elementwise,
    "sigmoid": rows.elementwise,
    "tanh": rows.elementwise,
    "maxout": rows.maxout,
    "conv": images.conv,
    "max_pool": images.max_pool,
    "avg_pool": images.avg_pool,
    "global_avg_pool": images.global_avg_pool,
    "batchnorm": rows.batchnorm,
    "spatial_batchnorm": rows.spatial_batchnorm,
    "layernorm": rows.layernorm,
    "spatial_groupnorm": rows.groupnorm,
    "dropout": rows.dropout,
    "affine_relu": rows.affine,
    "affine_bn_relu": images.affine_bn_relu,
    "conv_relu": images.conv_relu,
    "conv_bn": images.conv_bn_relu,
    "conv_bn_relu": images.conv_bn_relu,
    "conv_pool": images.conv_relu_pool,
    "conv_relu_pool": images.conv_relu_pool,
    "conv_bn_relu_pool": images.conv_bn_relu_pool,
    "softmax_loss": rows.softmax,
    "svm_loss": rows.svm,
    "linear_loss": rows.linear_loss,
}
