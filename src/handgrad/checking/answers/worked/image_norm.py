"""Norms of images, worked out: folded to rows, directly, in groups."""

from __future__ import annotations

from ._np import Arrays, Param, np
from .norm import batch, staged
from .norm_roles import norm_solutions


def _spatial(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param) -> Arrays:
    N, C, H, W = x.shape
    "from here on"
    rows = x.transpose(0, 2, 3, 1).reshape(-1, C)
    result = batch(rows, gamma, beta, bn_param)
    out = result["out"].reshape(N, H, W, C).transpose(0, 3, 1, 2)
    return {**result, "out": out}


def _spatial_direct(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param) -> Arrays:
    C = x.shape[1]
    mode, eps, momentum = bn_param["mode"], bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    old_mean = bn_param.get("running_mean", np.zeros(C))
    old_var = bn_param.get("running_var", np.zeros(C))
    running_mean, running_var = old_mean, old_var
    "from here on"
    if mode == "train":
        mean = np.mean(x, axis=(0, 2, 3))
        var = np.var(x, axis=(0, 2, 3), ddof=0)
        running_mean = momentum * old_mean + (1 - momentum) * mean
        running_var = momentum * old_var + (1 - momentum) * var
    else:
        mean, var = old_mean, old_var
    x_hat = (x - mean[:, None, None]) / np.sqrt(var[:, None, None] + eps)
    out = gamma[:, None, None] * x_hat + beta[:, None, None]
    return {"out": out, "running_mean": running_mean, "running_var": running_var}


def _spatial_backward(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param
) -> Arrays:
    eps = bn_param.get("eps", 1e-5)
    N, C, H, W = x.shape
    gain = gamma.reshape(1, C, 1, 1)
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    centred = x - mean
    var = (centred**2).mean(axis=(0, 2, 3), keepdims=True)
    std = np.sqrt(var + eps)
    x_hat = centred / std
    M = N * H * W
    "from here on"
    dbeta = np.sum(dout, axis=(0, 2, 3))
    dgamma = np.sum(dout * x_hat, axis=(0, 2, 3))
    dx_hat = dout * gain
    total = np.sum(dx_hat, axis=(0, 2, 3), keepdims=True)
    along = np.sum(dx_hat * x_hat, axis=(0, 2, 3), keepdims=True)
    dx = (M * dx_hat - total - x_hat * along) / (M * std)
    return {"dx": dx, "dgamma": dgamma, "dbeta": dbeta}


def _spatial_staged(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param
) -> Arrays:
    N, C, H, W = x.shape
    "from here on"
    rows = x.transpose(0, 2, 3, 1).reshape(-1, C)
    douts = dout.transpose(0, 2, 3, 1).reshape(-1, C)
    result = staged(douts, rows, gamma, beta, bn_param)
    dx = result["dx"].reshape(N, H, W, C).transpose(0, 3, 1, 2)
    return {**result, "dx": dx}


def _group(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, G: int, gn_param: Param) -> Arrays:
    N, C, H, W = x.shape
    eps = gn_param.get("eps", 1e-5)
    S = C // G
    "from here on"
    groups = x.reshape(N, G, S, H, W)
    mean = np.mean(groups, axis=(2, 3, 4), keepdims=True)
    var = np.var(groups, axis=(2, 3, 4), keepdims=True, ddof=0)
    x_hat = (groups - mean) / np.sqrt(var + eps)
    x_hat = x_hat.reshape(N, C, H, W)
    out = gamma * x_hat + beta
    return {"out": out}


def _group_backward(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, G: int, gn_param: Param
) -> Arrays:
    N, C, H, W = x.shape
    eps = gn_param.get("eps", 1e-5)
    S = C // G
    groups = x.reshape(N, G, S, H, W)
    centred = groups - groups.mean(axis=(2, 3, 4), keepdims=True)
    std = np.sqrt((centred**2).mean(axis=(2, 3, 4), keepdims=True) + eps)
    x_hat = centred / std
    M = S * H * W
    "from here on"
    dbeta = np.sum(dout, axis=(0, 2, 3), keepdims=True)
    dgamma = np.sum(dout * x_hat.reshape(N, C, H, W), axis=(0, 2, 3), keepdims=True)
    dx_hat = (dout * gamma).reshape(N, G, S, H, W)
    total = np.sum(dx_hat, axis=(2, 3, 4), keepdims=True)
    along = np.sum(dx_hat * x_hat, axis=(2, 3, 4), keepdims=True)
    dx = ((M * dx_hat - total - x_hat * along) / (M * std)).reshape(N, C, H, W)
    return {"dx": dx, "dgamma": dgamma, "dbeta": dbeta}


def _group_with_means(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, G: int, gn_param: Param
) -> Arrays:
    N, C, H, W = x.shape
    eps = gn_param.get("eps", 1e-5)
    groups = x.reshape(N, G, C // G, H, W)
    centred = groups - groups.mean(axis=(2, 3, 4), keepdims=True)
    std = np.sqrt((centred**2).mean(axis=(2, 3, 4), keepdims=True) + eps)
    x_hat = centred / std
    "from here on"
    dx_hat = (dout * gamma).reshape(N, G, C // G, H, W)
    total = np.mean(dx_hat, axis=(2, 3, 4), keepdims=True)
    along = np.mean(dx_hat * x_hat, axis=(2, 3, 4), keepdims=True)
    dx = ((dx_hat - total - x_hat * along) / std).reshape(N, C, H, W)
    return {"dx": dx}


SPATIAL = norm_solutions(_spatial, _spatial_direct, _spatial_backward, _spatial_staged)
GROUP = norm_solutions(_group, _group_backward, _group_with_means)
