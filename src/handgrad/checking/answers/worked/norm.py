# ruff: noqa: F841, RUF059 - what a solution does not use, an edit of it may
"""Norms, worked out: in stages, in the paper's formulas, and in one line."""

from __future__ import annotations

from ._np import Arrays, Param, np
from .norm_roles import norm_solutions


def batch(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param) -> Arrays:
    """Normalise over the batch."""
    D = x.shape[1]
    mode, eps, momentum = bn_param["mode"], bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    old_mean = bn_param.get("running_mean", np.zeros(D))
    old_var = bn_param.get("running_var", np.zeros(D))
    running_mean, running_var = old_mean, old_var
    "from here on"
    if mode == "train":
        mean = np.mean(x, axis=0)
        centred = x - mean
        var = np.mean(centred**2, axis=0)
        std = np.sqrt(var + eps)
        x_hat = centred / std
        out = gamma * x_hat + beta
        running_mean = momentum * old_mean + (1 - momentum) * mean
        running_var = momentum * old_var + (1 - momentum) * var
    else:
        x_hat = (x - old_mean) / np.sqrt(old_var + eps)
        out = gamma * x_hat + beta
    return {"out": out, "running_mean": running_mean, "running_var": running_var}


def staged(dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param) -> Arrays:
    """Go back through batch norm in stages."""
    eps = bn_param.get("eps", 1e-5)
    N, D = x.shape
    mean = x.mean(axis=0)
    centred = x - mean
    var = (centred**2).mean(axis=0)
    std = np.sqrt(var + eps)
    x_hat = centred / std
    "from here on"
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = -np.sum(dx_hat * centred, axis=0) / std**2
    dvar = 0.5 * dstd / std
    dcentred = dcentred + 2 * centred * dvar / N
    dmean = -np.sum(dcentred, axis=0)
    dx = dcentred + dmean / N
    return {"dx": dx, "dgamma": dgamma, "dbeta": dbeta}


def _paper(dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param) -> Arrays:
    eps = bn_param.get("eps", 1e-5)
    N, D = x.shape
    mean = x.mean(axis=0)
    centred = x - mean
    var = (centred**2).mean(axis=0)
    std = np.sqrt(var + eps)
    x_hat = centred / std
    "from here on"
    dx_hat = dout * gamma
    dvar = np.sum(dx_hat * centred, axis=0) * -0.5 * std**-3
    dmean = -np.sum(dx_hat, axis=0) / std + dvar * np.sum(-2 * centred, axis=0) / N
    dx = dx_hat / std + dvar * 2 * centred / N + dmean / N
    return {"dx": dx}


def _one_line(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param
) -> Arrays:
    eps = bn_param.get("eps", 1e-5)
    N, D = x.shape
    mean = x.mean(axis=0)
    centred = x - mean
    var = (centred**2).mean(axis=0)
    std = np.sqrt(var + eps)
    x_hat = centred / std
    "from here on"
    total = np.sum(dout, axis=0)
    along = np.sum(dout * x_hat, axis=0)
    dx = gamma / (N * std) * (N * dout - total - x_hat * along)
    return {"dx": dx}


def _one_line_scaled(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param
) -> Arrays:
    eps = bn_param.get("eps", 1e-5)
    N, D = x.shape
    mean = x.mean(axis=0)
    centred = x - mean
    std = np.sqrt((centred**2).mean(axis=0) + eps)
    x_hat = centred / std
    "from here on"
    dx_hat = dout * gamma
    total = np.sum(dx_hat, axis=0)
    along = np.sum(dx_hat * x_hat, axis=0)
    dx = (N * dx_hat - total - x_hat * along) / (N * std)
    return {"dx": dx}


def _with_means(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param
) -> Arrays:
    eps = bn_param.get("eps", 1e-5)
    mean = x.mean(axis=0)
    centred = x - mean
    var = (centred**2).mean(axis=0)
    std = np.sqrt(var + eps)
    x_hat = centred / std
    "from here on"
    dx_hat = dout * gamma
    dx = (dx_hat - np.mean(dx_hat, axis=0) - x_hat * np.mean(dx_hat * x_hat, axis=0)) / std
    return {"dx": dx}


def _layer(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, ln_param: Param) -> Arrays:
    eps = ln_param.get("eps", 1e-5)
    "from here on"
    mean = np.mean(x, axis=1, keepdims=True)
    centred = x - mean
    var = np.mean(centred**2, axis=1, keepdims=True)
    std = np.sqrt(var + eps)
    x_hat = centred / std
    out = gamma * x_hat + beta
    return {"out": out}


def _layer_staged(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, ln_param: Param
) -> Arrays:
    eps = ln_param.get("eps", 1e-5)
    N, D = x.shape
    mean = x.mean(axis=1, keepdims=True)
    centred = x - mean
    var = (centred**2).mean(axis=1, keepdims=True)
    std = np.sqrt(var + eps)
    x_hat = centred / std
    "from here on"
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = -np.sum(dx_hat * centred, axis=1, keepdims=True) / std**2
    dvar = 0.5 * dstd / std
    dcentred = dcentred + 2 * centred * dvar / D
    dmean = -np.sum(dcentred, axis=1, keepdims=True)
    dx = dcentred + dmean / D
    return {"dx": dx, "dgamma": dgamma, "dbeta": dbeta}


def _layer_one_line(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, ln_param: Param
) -> Arrays:
    eps = ln_param.get("eps", 1e-5)
    N, D = x.shape
    mean = x.mean(axis=1, keepdims=True)
    centred = x - mean
    var = (centred**2).mean(axis=1, keepdims=True)
    std = np.sqrt(var + eps)
    x_hat = centred / std
    "from here on"
    dx_hat = dout * gamma
    total = np.sum(dx_hat, axis=1, keepdims=True)
    along = np.sum(dx_hat * x_hat, axis=1, keepdims=True)
    dx = (D * dx_hat - total - x_hat * along) / (D * std)
    return {"dx": dx}


def _layer_with_means(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, ln_param: Param
) -> Arrays:
    eps = ln_param.get("eps", 1e-5)
    mean = x.mean(axis=1, keepdims=True)
    centred = x - mean
    std = np.sqrt((centred**2).mean(axis=1, keepdims=True) + eps)
    x_hat = centred / std
    "from here on"
    dx_hat = dout * gamma
    total = np.mean(dx_hat, axis=1, keepdims=True)
    along = np.mean(dx_hat * x_hat, axis=1, keepdims=True)
    dx = (dx_hat - total - x_hat * along) / std
    return {"dx": dx}


def _layer_direct(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, ln_param: Param) -> Arrays:
    eps = ln_param.get("eps", 1e-5)
    "from here on"
    mean = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True, ddof=0)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma * x_hat + beta
    return {"out": out}


def _batch_direct(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param) -> Arrays:
    D = x.shape[1]
    mode, eps, momentum = bn_param["mode"], bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    old_mean = running_mean = bn_param.get("running_mean", np.zeros(D))
    old_var = running_var = bn_param.get("running_var", np.zeros(D))
    "from here on"
    if mode == "train":
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0, ddof=0)
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
        out = gamma * (x - mean) / np.sqrt(var + eps) + beta
    else:
        scale = gamma / np.sqrt(old_var + eps)
        out = x * scale + (beta - old_mean * scale)
    return {"out": out, "running_mean": running_mean, "running_var": running_var}


def _batch_chosen(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param) -> Arrays:
    D = x.shape[1]
    mode, eps = bn_param["mode"], bn_param.get("eps", 1e-5)
    old_mean = bn_param.get("running_mean", np.zeros(D))
    old_var = bn_param.get("running_var", np.zeros(D))
    batch_mean, batch_var = x.mean(axis=0), x.var(axis=0)
    mean, var = (batch_mean, batch_var) if mode == "train" else (old_mean, old_var)
    "from here on"
    if mode == "train":
        out = gamma * (x - mean) / np.sqrt(var + eps) + beta
    else:
        out = gamma * (x - mean) / np.sqrt(var + eps) + beta
    return {"out": out}


BATCH = norm_solutions(
    batch, _batch_direct, _batch_chosen, _with_means, staged, _paper, _one_line, _one_line_scaled
)
LAYER = norm_solutions(_layer, _layer_direct, _layer_staged, _layer_one_line, _layer_with_means)
