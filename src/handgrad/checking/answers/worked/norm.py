# ruff: noqa: F841, RUF059 - what a solution does not use, an edit of it may
"""Norms, worked out: in stages, in the paper's formulas, and in one line."""

from __future__ import annotations

from ..edits.variants import Solution, Worked
from ._np import Arrays, Param, np


def _batch(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param) -> Arrays:
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


def _staged(dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param) -> Arrays:
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


def _spatial(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: Param) -> Arrays:
    N, C, H, W = x.shape
    "from here on"
    rows = x.transpose(0, 2, 3, 1).reshape(-1, C)
    result = _batch(rows, gamma, beta, bn_param)
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
    result = _staged(douts, rows, gamma, beta, bn_param)
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


_GROUPS = tuple(
    frozenset(names.split())
    for names in (
        "N D",
        "x centred x_hat",
        "mean old_mean running_mean",
        "var old_var running_var",
        "std var",
        "mean var",
        "momentum eps",
        "gamma beta",
        "dout dx_hat",
        "dout x_hat",
        "dbeta dgamma",
        "total along",
        "N C H W M G S",
    )
)
_ROLES = (
    ("ignored", "*", "eps", "eps-misplaced"),
    ("*", "running_*", "momentum|1 - momentum", "momentum-reversed"),
    ("constant|sign|exchange|twice|times|power|plus", "running_*", "*", "momentum-reversed"),
    ("factor|term", "running_*", "*", "momentum-reversed"),
    ("name|exchange", "running_*", "var>mean|mean>var|var|mean", "step-differs"),
    ("name|exchange", "running_*", "*", "statistics-swapped"),
    ("term|sign|name|factor|times", "*", "eps", "eps-misplaced"),
    ("name|exchange", "mean|var|x_hat", "old_*|mean|var|running_*", "statistics-swapped"),
    ("compare", "a condition", "*", "statistics-swapped"),
    ("axis", "dbeta", "*", "beta-gradient-wrong"),
    ("*", "dbeta", "*", "beta-gradient-wrong"),
    ("factor|name|exchange", "dgamma", "x_hat*", "gamma-without-xhat"),
    ("axis", "*", "*", "wrong-axes"),
    ("ddof", "*", "*", "variance-unbiased"),
    ("order|transpose", "*", "*", "reshape-order"),
    ("factor|name|exchange", "out|dx_hat", "gamma", "gamma-missing"),
    ("twice|times", "dx_hat", "gamma", "term-doubled"),
    ("term", "out", "beta", "bias-missing"),
    ("brackets", "out", "beta", "bias-wrong-axes"),
    ("name|exchange|call", "*", "N|D|C|H|W|M|G|S|sum|mean", "factor-n"),
    ("divisor|factor|twice|times", "*", "N|D|M", "factor-n"),
    ("term|factor|name", "d*", "dmean*|total", "mean-term-missing"),
    ("term|factor|name", "d*", "dvar*|dstd*|along|2 * centred * dvar*", "variance-term-missing"),
    ("sign", "d*", "*", "term-sign"),
    ("*", "dgamma", "*", "gamma-without-xhat"),
    ("constant|power|factor|divisor|twice|times|plus|term|name|exchange", "d*", "*", "term-doubled"),
)


def _all(*solutions: Solution) -> tuple[Worked, ...]:
    return tuple(
        Worked(one, _GROUPS, {}, _ROLES, {"eps": (1e-5, 1e-8), "momentum": (0.9, 0.1)}) for one in solutions
    )


BATCH = _all(_batch, _with_means, _staged, _paper, _one_line, _one_line_scaled)
LAYER = _all(_layer, _layer_staged, _layer_one_line)
SPATIAL = _all(_spatial, _spatial_direct, _spatial_backward, _spatial_staged)
GROUP = _all(_group, _group_backward)
