"""Every layer of the tier with inputs that are awkward on purpose, and PyTorch's word for the same thing.

Sizes differ in every axis, filters and windows are not square, strides do not divide.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from handgrad import reference


@dataclass
class Case:
    layer: str
    shapes: dict[str, tuple[int, ...]]
    torch: Callable[..., Tensor]
    settings: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    def __str__(self) -> str:
        return f"{self.layer}-{self.note}" if self.note else self.layer

    def arrays(self, dtype: type = np.float64) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(7)
        arrays = {name: away_from_kinks(rng, shape) for name, shape in self.shapes.items()}
        return {name: array.astype(dtype) for name, array in arrays.items()}

    def forward(self, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, tuple]:
        # A copy, because batch norm writes running statistics into its settings.
        return getattr(reference, f"{self.layer}_forward_naive")(**arrays, **copy.deepcopy(self.settings))

    def backward(self, dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
        gradients = getattr(reference, f"{self.layer}_backward_naive")(dout, cache)
        return gradients if isinstance(gradients, tuple) else (gradients,)


def away_from_kinks(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers at least 0.05 from each other and from 0: no difference steps over a corner."""
    size = int(np.prod(shape))
    magnitudes = 0.1 + 2 * rng.permutation(size) / max(size, 20)
    return (magnitudes * rng.choice([-1.0, 1.0], size)).reshape(shape)


def conv2d(x: Tensor, w: Tensor, b: Tensor, conv_param: dict) -> Tensor:
    return F.conv2d(x, w, b, conv_param.get("stride", 1), conv_param.get("pad", 0))


def max_pool2d(x: Tensor, pool_param: dict) -> Tensor:
    return F.max_pool2d(x, (pool_param["pool_height"], pool_param["pool_width"]), pool_param.get("stride"))


def avg_pool2d(x: Tensor, pool_param: dict) -> Tensor:
    return F.avg_pool2d(x, (pool_param["pool_height"], pool_param["pool_width"]), pool_param.get("stride"))


def batch_norm(x: Tensor, gamma: Tensor, beta: Tensor, bn_param: dict) -> Tensor:
    mean, var = (x.new_tensor(bn_param.get(key, [0] * x.shape[1])) for key in ("running_mean", "running_var"))
    return F.batch_norm(
        x, mean, var, gamma, beta, bn_param["mode"] == "train", 0.1, bn_param.get("eps", 1e-5)
    )


def linear(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return F.linear(x.flatten(1), w.T, b)


def dropout(x: Tensor, dropout_param: dict) -> Tensor:
    if dropout_param["mode"] == "test":
        return x
    p = dropout_param["p"]
    keep = np.random.default_rng(dropout_param["seed"]).random(x.shape) >= p
    return x * x.new_tensor(keep) / (1 - p)


def conv_pool(x: Tensor, w: Tensor, b: Tensor, conv_param: dict, pool_param: dict) -> Tensor:
    return max_pool2d(conv2d(x, w, b, conv_param), pool_param)


def conv_relu_pool(x: Tensor, w: Tensor, b: Tensor, conv_param: dict, pool_param: dict) -> Tensor:
    return max_pool2d(F.relu(conv2d(x, w, b, conv_param)), pool_param)


def conv_bn(
    x: Tensor, w: Tensor, b: Tensor, gamma: Tensor, beta: Tensor, conv_param: dict, bn_param: dict
) -> Tensor:
    return batch_norm(conv2d(x, w, b, conv_param), gamma, beta, bn_param)


def conv_bn_relu(
    x: Tensor, w: Tensor, b: Tensor, gamma: Tensor, beta: Tensor, conv_param: dict, bn_param: dict
) -> Tensor:
    return F.relu(conv_bn(x, w, b, gamma, beta, conv_param, bn_param))


def conv_bn_relu_pool(
    x: Tensor,
    w: Tensor,
    b: Tensor,
    gamma: Tensor,
    beta: Tensor,
    conv_param: dict,
    bn_param: dict,
    pool_param: dict,
) -> Tensor:
    return max_pool2d(conv_bn_relu(x, w, b, gamma, beta, conv_param, bn_param), pool_param)


AFFINE = {"x": (3, 2, 4), "w": (8, 5), "b": (5,)}
CONV = {"x": (2, 3, 6, 5), "w": (2, 3, 3, 2), "b": (2,)}
SCALE_5 = {"gamma": (5,), "beta": (5,)}
SCALE_2 = {"gamma": (2,), "beta": (2,)}
SKEWED = {"stride": (2, 1), "pad": (1, 0)}
TRAIN = {"mode": "train", "eps": 1e-2}  # a larger eps keeps fifth derivatives of three samples small
TEST_3 = {
    "mode": "test",
    "running_mean": np.array([0.5, -1.0, 0.125]),
    "running_var": np.array([0.25, 2.0, 1.0]),
}
IMAGES = {"x": (2, 3, 6, 5)}
OVERLAP = {"pool_height": 3, "pool_width": 2, "stride": (2, 1)}

CASES = [
    Case("affine", AFFINE, linear),
    Case("affine", {"x": (1, 4), "w": (4, 1), "b": (1,)}, linear, note="one"),
    Case("relu", {"x": (3, 4)}, F.relu),
    Case("relu", {"x": (2, 3, 2, 2)}, F.relu, note="images"),
    Case("leaky_relu", {"x": (3, 4)}, lambda x: F.leaky_relu(x, 0.01)),
    Case("leaky_relu", {"x": (3, 4)}, lambda x, alpha: F.leaky_relu(x, alpha), {"alpha": 0.3}, "steep"),
    Case("prelu", {"x": (2, 3, 2, 2), "alpha": (3,)}, F.prelu),
    Case("prelu", {"x": (3, 4), "alpha": (1,)}, F.prelu, note="one-slope"),
    Case("elu", {"x": (3, 4)}, F.elu),
    Case("elu", {"x": (3, 4)}, lambda x, alpha: F.elu(x, alpha), {"alpha": 0.4}, "low"),
    Case("gelu", {"x": (3, 8)}, F.gelu),
    Case("sigmoid", {"x": (3, 4)}, lambda x: x.sigmoid()),
    Case("tanh", {"x": (3, 4)}, lambda x: x.tanh()),
    Case("maxout", {"x": (3, 6)}, lambda x, pieces: x.unflatten(1, (2, 3)).amax(2), {"pieces": 3}),
    Case(
        "maxout",
        {"x": (2, 6, 3, 2)},
        lambda x, pieces: x.unflatten(1, (3, 2)).amax(2),
        {"pieces": 2},
        "images",
    ),
    Case("conv", CONV, conv2d, {"conv_param": {}}, "plain"),
    Case("conv", CONV, conv2d, {"conv_param": {"stride": 2, "pad": 1}}, "strided"),
    Case("conv", CONV, conv2d, {"conv_param": SKEWED}, "skewed"),
    Case("conv", CONV, conv2d, {"conv_param": {"stride": 4, "pad": 0}}, "gaps"),
    Case(
        "conv",
        {"x": (1, 1, 1, 1), "w": (1, 1, 1, 1), "b": (1,)},
        conv2d,
        {"conv_param": {"pad": 2}},
        "only-border",
    ),
    Case("max_pool", IMAGES, max_pool2d, {"pool_param": {"pool_height": 2, "pool_width": 3}}, "tiling"),
    Case("max_pool", IMAGES, max_pool2d, {"pool_param": OVERLAP}, "overlap"),
    Case(
        "max_pool",
        IMAGES,
        max_pool2d,
        {"pool_param": {"pool_height": 1, "pool_width": 2, "stride": 3}},
        "gaps",
    ),
    Case("avg_pool", IMAGES, avg_pool2d, {"pool_param": {"pool_height": 2, "pool_width": 3}}, "tiling"),
    Case("avg_pool", IMAGES, avg_pool2d, {"pool_param": OVERLAP}, "overlap"),
    Case(
        "avg_pool",
        IMAGES,
        avg_pool2d,
        {"pool_param": {"pool_height": 1, "pool_width": 2, "stride": 3}},
        "gaps",
    ),
    Case("global_avg_pool", IMAGES, lambda x: x.mean((2, 3))),
    Case("batchnorm", {"x": (4, 5), **SCALE_5}, batch_norm, {"bn_param": TRAIN}, "train"),
    Case("batchnorm", {"x": (4, 3), "gamma": (3,), "beta": (3,)}, batch_norm, {"bn_param": TEST_3}, "test"),
    Case("spatial_batchnorm", {"x": (2, 2, 3, 2), **SCALE_2}, batch_norm, {"bn_param": TRAIN}, "train"),
    Case(
        "spatial_batchnorm",
        {"x": (2, 3, 3, 2), "gamma": (3,), "beta": (3,)},
        batch_norm,
        {"bn_param": TEST_3},
        "test",
    ),
    Case(
        "layernorm",
        {"x": (4, 5), **SCALE_5},
        lambda x, gamma, beta, ln_param: F.layer_norm(x, (5,), gamma, beta, ln_param["eps"]),
        {"ln_param": {"eps": 1e-2}},
    ),
    Case(
        "spatial_groupnorm",
        {"x": (2, 6, 2, 3), "gamma": (6,), "beta": (6,)},
        lambda x, gamma, beta, G, gn_param: F.group_norm(x, G, gamma, beta, gn_param["eps"]),
        {"G": 3, "gn_param": {"eps": 1e-2}},
    ),
    Case(
        "spatial_groupnorm",
        {"x": (2, 6, 2, 3), "gamma": (1, 6, 1, 1), "beta": (1, 6, 1, 1)},
        lambda x, gamma, beta, G, gn_param: F.group_norm(x, G, gamma.flatten(), beta.flatten()),
        {"G": 2, "gn_param": {}},
        "course-shapes",
    ),
    Case(
        "dropout", {"x": (5, 6)}, dropout, {"dropout_param": {"p": 0.4, "mode": "train", "seed": 3}}, "train"
    ),
    Case("dropout", {"x": (5, 6)}, dropout, {"dropout_param": {"p": 0.4, "mode": "test", "seed": 3}}, "test"),
    Case("affine_relu", AFFINE, lambda x, w, b: F.relu(linear(x, w, b))),
    Case(
        "affine_bn_relu",
        {**AFFINE, **SCALE_5},
        lambda x, w, b, gamma, beta, bn_param: F.relu(batch_norm(linear(x, w, b), gamma, beta, bn_param)),
        {"bn_param": TRAIN},
    ),
    Case(
        "conv_relu",
        CONV,
        lambda x, w, b, conv_param: F.relu(conv2d(x, w, b, conv_param)),
        {"conv_param": SKEWED},
    ),
    Case("conv_bn", {**CONV, **SCALE_2}, conv_bn, {"conv_param": SKEWED, "bn_param": TRAIN}),
    Case("conv_bn_relu", {**CONV, **SCALE_2}, conv_bn_relu, {"conv_param": SKEWED, "bn_param": TRAIN}),
    Case("conv_pool", CONV, conv_pool, {"conv_param": {"pad": 1}, "pool_param": OVERLAP}),
    Case("conv_relu_pool", CONV, conv_relu_pool, {"conv_param": {"pad": 1}, "pool_param": OVERLAP}),
    Case(
        "conv_bn_relu_pool",
        {**CONV, **SCALE_2},
        conv_bn_relu_pool,
        {"conv_param": {"pad": 1}, "bn_param": TRAIN, "pool_param": OVERLAP},
    ),
]
