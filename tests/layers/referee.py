"""Every layer of the registry, said in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def _pool(x: Tensor, param: dict[str, Any], function: Callable[..., Tensor]) -> Tensor:
    return function(x, (param["pool_height"], param["pool_width"]), param["stride"])


def _bn(x: Tensor, gamma: Tensor, beta: Tensor, param: dict[str, Any]) -> Tensor:
    if param["mode"] == "train" and x.numel() == x.shape[1]:  # PyTorch refuses a single number a feature
        along = (1, -1, *[1] * (x.ndim - 2))
        return beta.reshape(along) + 0 * (x + gamma.reshape(along))
    running = [torch.tensor(param[key], dtype=x.dtype) for key in ("running_mean", "running_var")]
    return F.batch_norm(x, *running, gamma, beta, param["mode"] == "train", eps=param["eps"])


def _affine(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return x.reshape(len(x), -1) @ w + b


def _conv(x: Tensor, w: Tensor, b: Tensor, conv_param: dict[str, Any]) -> Tensor:
    return F.conv2d(x, w, b, conv_param["stride"], conv_param["pad"])


def _conv_bn(
    x: Tensor, w: Tensor, b: Tensor, conv_param: dict[str, Any], gamma: Tensor, beta: Tensor, bn_param: Any
) -> Tensor:
    out = _conv(x, w, b, conv_param)
    if bn_param["mode"] == "test":
        return _bn(out, gamma, beta, bn_param)
    # From the definition: the gradient of b is 0, and F.batch_norm makes it a thousand units of rounding.
    var, mean = torch.var_mean(out, (0, 2, 3), correction=0, keepdim=True)
    xhat = (out - mean) * torch.rsqrt(var + bn_param["eps"])
    return xhat * gamma.reshape(-1, 1, 1) + beta.reshape(-1, 1, 1)


def _dropout(x: Tensor, dropout_param: dict[str, Any]) -> Tensor:
    if dropout_param["mode"] == "test":
        return x * 1
    uniform = np.random.default_rng(dropout_param["seed"]).random(tuple(x.shape))
    return x * torch.tensor(uniform >= dropout_param["p"]) / (1 - dropout_param["p"])


def _maxout(x: Tensor, pieces: int) -> Tensor:
    return x.reshape(len(x), -1, pieces, *x.shape[2:]).max(dim=2).values


def _prelu(x: Tensor, alpha: Tensor) -> Tensor:
    return F.prelu(x, alpha)


def _groupnorm(x: Tensor, gamma: Tensor, beta: Tensor, G: int, gn_param: dict[str, Any]) -> Tensor:
    if x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3] == x.shape[0] * G:
        return beta.reshape(1, -1, 1, 1) + 0 * (x + gamma.reshape(1, -1, 1, 1))  # a single number a group
    return F.group_norm(x, G, gamma.reshape(-1), beta.reshape(-1), gn_param["eps"])


LAYERS: dict[str, Callable[..., Tensor]] = {
    "affine": _affine,
    "relu": lambda x: F.relu(x),
    "leaky_relu": lambda x, alpha: F.leaky_relu(x, alpha),
    "prelu": _prelu,
    "elu": lambda x, alpha: torch.where(x <= 0, alpha * torch.expm1(x), x),
    "gelu": lambda x: F.gelu(x),
    "sigmoid": lambda x: torch.sigmoid(x),
    "tanh": lambda x: torch.tanh(x),
    "maxout": _maxout,
    "conv": _conv,
    "max_pool": lambda x, pool_param: _pool(x, pool_param, F.max_pool2d),
    "avg_pool": lambda x, pool_param: _pool(x, pool_param, F.avg_pool2d),
    "global_avg_pool": lambda x: x.mean(dim=(2, 3)),
    "batchnorm": lambda x, gamma, beta, bn_param: _bn(x, gamma, beta, bn_param),
    "spatial_batchnorm": lambda x, gamma, beta, bn_param: _bn(x, gamma, beta, bn_param),
    "layernorm": lambda x, gamma, beta, ln_param: F.layer_norm(x, x.shape[1:], gamma, beta, ln_param["eps"]),
    "spatial_groupnorm": _groupnorm,
    "dropout": _dropout,
    "affine_relu": lambda x, w, b: F.relu(_affine(x, w, b)),
    "affine_bn_relu": lambda x, w, b, gamma, beta, bn_param: F.relu(
        _bn(_affine(x, w, b), gamma, beta, bn_param)
    ),
    "conv_relu": lambda x, w, b, conv_param: F.relu(_conv(x, w, b, conv_param)),
    "conv_bn": _conv_bn,
    "conv_bn_relu": lambda x, w, b, conv_param, gamma, beta, bn_param: F.relu(
        _bn(_conv(x, w, b, conv_param), gamma, beta, bn_param)
    ),
    "conv_pool": lambda x, w, b, conv_param, pool_param: _pool(
        _conv(x, w, b, conv_param), pool_param, F.max_pool2d
    ),
    "conv_relu_pool": lambda x, w, b, conv_param, pool_param: _pool(
        F.relu(_conv(x, w, b, conv_param)), pool_param, F.max_pool2d
    ),
    "conv_bn_relu_pool": lambda x, w, b, conv_param, gamma, beta, bn_param, pool_param: _pool(
        F.relu(_bn(_conv(x, w, b, conv_param), gamma, beta, bn_param)), pool_param, F.max_pool2d
    ),
}


def _hinge(scores: Tensor, y: np.ndarray) -> Tensor:
    rows = torch.arange(len(scores))
    margins = F.relu(scores - scores[rows, y][:, None] + 1)
    return (margins.sum() - margins[rows, y].sum()) / len(scores)


def _softmax(
    scores: Tensor, y: np.ndarray, label_smoothing: float, weights: np.ndarray | None = None
) -> Tensor:
    if weights is None:
        return F.cross_entropy(scores, torch.tensor(y), label_smoothing=label_smoothing)
    losses = F.cross_entropy(scores, torch.tensor(y), reduction="none", label_smoothing=label_smoothing)
    return (losses * torch.tensor(weights)).sum() / weights.sum()


LOSSES: dict[str, Callable[..., Tensor]] = {
    "softmax_loss": _softmax,
    "svm_loss": _hinge,
}


def judge(
    function: Callable[..., Tensor], arrays: dict[str, np.ndarray], settings: dict[str, Any], dout: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return PyTorch's output and its gradient of each array."""
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    out = function(**tensors, **settings)
    gradients = torch.autograd.grad(out, list(tensors.values()), torch.tensor(dout))
    return out.detach().numpy(), {name: g.numpy() for name, g in zip(tensors, gradients, strict=True)}
