"""Norms that are right, in the styles that students write; batch norm's backward is for training only."""

from __future__ import annotations

import numpy as np
from checking.students.student import right


@right("batchnorm", "The computational graph in nine steps, one line each, one line back.")
def batchnorm_staged():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps, momentum = bn_param["mode"], bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        N, D = x.shape
        running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
        running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
        out, cache = None, None
        if mode == "train":
            mu = 1.0 / N * np.sum(x, axis=0)
            xmu = x - mu
            sq = xmu**2
            var = 1.0 / N * np.sum(sq, axis=0)
            sqrtvar = np.sqrt(var + eps)
            ivar = 1.0 / sqrtvar
            xhat = xmu * ivar
            out = gamma * xhat + beta
            cache = (xhat, gamma, xmu, ivar, sqrtvar, var, eps)
            running_mean = momentum * running_mean + (1 - momentum) * mu
            running_var = momentum * running_var + (1 - momentum) * var
        elif mode == "test":
            out = (x - running_mean) / np.sqrt(running_var + eps) * gamma + beta
        bn_param["running_mean"] = running_mean
        bn_param["running_var"] = running_var
        return out, cache

    def batchnorm_backward(dout, cache):
        xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N, D = dout.shape
        dbeta = np.sum(dout, axis=0)
        dgamma = np.sum(dout * xhat, axis=0)
        dxhat = dout * gamma
        divar = np.sum(dxhat * xmu, axis=0)
        dxmu = dxhat * ivar
        dsqrtvar = -divar / sqrtvar**2
        dvar = 0.5 * dsqrtvar / np.sqrt(var + eps)
        dsq = np.ones((N, D), dtype=dout.dtype) * dvar / N
        dxmu = dxmu + 2 * xmu * dsq
        dmu = -np.sum(dxmu, axis=0)
        dx = dxmu + np.ones((N, D), dtype=dout.dtype) * dmu / N
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@right("batchnorm", "The paper's formulas; its term with the sum of x - mu is 0 and left out.")
def batchnorm_without_zero_term():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        rm = bn_param.get("running_mean", np.zeros(x.shape[1], x.dtype))
        rv = bn_param.get("running_var", np.zeros(x.shape[1], x.dtype))
        if bn_param["mode"] == "train":
            mean, var = x.mean(0), x.var(0)
            bn_param["running_mean"], bn_param["running_var"] = (
                m * rm + (1 - m) * mean,
                m * rv + (1 - m) * var,
            )
        else:
            mean, var = rm, rv
        out = gamma * (x - mean) / np.sqrt(var + eps) + beta
        return out, (x, mean, var, gamma, eps)

    def batchnorm_backward(dout, cache):
        x, mean, var, gamma, eps = cache
        N = x.shape[0]
        std = np.sqrt(var + eps)
        dxhat = dout * gamma
        dvar = np.sum(dxhat * (x - mean), axis=0) * -0.5 * (var + eps) ** -1.5
        dmean = np.sum(dxhat * -1.0 / std, axis=0)
        dx = dxhat / std + dvar * 2.0 * (x - mean) / N + dmean / N
        return dx, np.sum(dout * (x - mean) / std, axis=0), np.sum(dout, axis=0)

    return batchnorm_forward, batchnorm_backward


@right(
    "batchnorm", "The course's _alt: one line; in test mode the running statistics stay away from the cache."
)
def batchnorm_alt():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        D = x.shape[1]
        bn_param.setdefault("running_mean", np.zeros(D, dtype=x.dtype))
        bn_param.setdefault("running_var", np.zeros(D, dtype=x.dtype))
        if bn_param["mode"] == "test":
            scale = gamma / np.sqrt(bn_param["running_var"] + eps)
            return x * scale + (beta - bn_param["running_mean"] * scale), None
        mean = x.mean(axis=0)
        centred = x - mean
        var = np.einsum("nd,nd->d", centred, centred) / len(x)
        ivar = (var + eps) ** -0.5
        xhat = centred * ivar
        for key, new in (("running_mean", mean), ("running_var", var)):
            bn_param[key] = momentum * bn_param[key] + (1 - momentum) * new
        return gamma * xhat + beta, (xhat, gamma * ivar)

    def batchnorm_backward_alt(dout, cache):
        xhat, scale = cache
        N = len(dout)
        dgamma, dbeta = (dout * xhat).sum(axis=0), dout.sum(axis=0)
        return scale / N * (N * dout - dbeta - xhat * dgamma), dgamma, dbeta

    return batchnorm_forward, batchnorm_backward_alt


@right("batchnorm", "Loops over features, with the Jacobian written out as a matrix.")
def batchnorm_jacobian():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        N, D = x.shape
        mean = np.array(bn_param.get("running_mean", np.zeros(D)), dtype=x.dtype)
        var = np.array(bn_param.get("running_var", np.zeros(D)), dtype=x.dtype)
        if bn_param["mode"] == "test":
            return gamma * ((x - mean) / np.sqrt(var + eps)) + beta, {}
        xhat, std = np.zeros_like(x), np.zeros_like(gamma)
        for d in range(D):
            mu = x[:, d].sum() / N
            v = ((x[:, d] - mu) ** 2).sum() / N
            std[d] = np.sqrt(v + eps)
            xhat[:, d] = (x[:, d] - mu) / std[d]
            mean[d] = momentum * mean[d] + (1 - momentum) * mu
            var[d] = momentum * var[d] + (1 - momentum) * v
        bn_param.update(running_mean=mean, running_var=var)
        return gamma * xhat + beta, {"xhat": xhat, "std": std, "gamma": gamma}

    def batchnorm_backward(dout, cache):
        xhat, std, gamma = cache["xhat"], cache["std"], cache["gamma"]
        N, D = dout.shape
        dx = np.zeros_like(dout)
        for d in range(D):
            h = xhat[:, d]
            jacobian = np.eye(N, dtype=dout.dtype) - 1.0 / N - np.outer(h, h) / N
            dx[:, d] = gamma[d] / std[d] * jacobian @ dout[:, d]
        return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)

    return batchnorm_forward, batchnorm_backward


def rows_forward(rows, gamma, beta, bn_param):
    """Batch norm of rows, for spatial batch norm."""
    eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    zeros = np.zeros(rows.shape[1], dtype=rows.dtype)
    mean, var = bn_param.get("running_mean", zeros), bn_param.get("running_var", zeros)
    if bn_param["mode"] == "train":
        mu, v = rows.mean(axis=0), rows.var(axis=0)
        bn_param["running_mean"], bn_param["running_var"] = m * mean + (1 - m) * mu, m * var + (1 - m) * v
        mean, var = mu, v
    std = np.sqrt(var + eps)
    xhat = (rows - mean) / std
    return gamma * xhat + beta, (xhat, std, gamma)


def rows_backward(dout, cache):
    """Its way back."""
    xhat, std, gamma = cache
    g = dout * gamma
    dx = (g - g.mean(axis=0) - xhat * (g * xhat).mean(axis=0)) / std
    return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)


@right("spatial_batchnorm", "Channels last, rows, and back.")
def spatial_batchnorm_rows():
    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        out, cache = rows_forward(x.transpose(0, 2, 3, 1).reshape(N * H * W, C), gamma, beta, bn_param)
        return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache

    def spatial_batchnorm_backward(dout, cache):
        N, C, H, W = dout.shape
        dx, dgamma, dbeta = rows_backward(dout.transpose(0, 2, 3, 1).reshape(N * H * W, C), cache)
        return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@right(
    "spatial_batchnorm", "Mixes up H and W on the way there and on the way back, which no statistic notices."
)
def spatial_batchnorm_width_first():
    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        out, cache = rows_forward(x.transpose(0, 3, 2, 1).reshape(-1, C), gamma, beta, bn_param)
        return out.reshape(N, W, H, C).transpose(0, 3, 2, 1), cache

    def spatial_batchnorm_backward(dout, cache):
        N, C, H, W = dout.shape
        dx, dgamma, dbeta = rows_backward(dout.transpose(0, 3, 2, 1).reshape(-1, C), cache)
        return dx.reshape(N, W, H, C).transpose(0, 3, 2, 1), dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@right("layernorm", "Batch norm turned round, axis=1 with keepdims.")
def layernorm_axis_one():
    def layernorm_forward(x, gamma, beta, ln_param):
        mu = x.mean(axis=1, keepdims=True)
        std = np.sqrt(x.var(axis=1, keepdims=True) + ln_param.get("eps", 1e-5))
        xhat = (x - mu) / std
        return gamma * xhat + beta, (xhat, std, gamma)

    def layernorm_backward(dout, cache):
        xhat, std, gamma = cache
        D = dout.shape[1]
        g = dout * gamma
        dx = D * g - g.sum(axis=1, keepdims=True) - xhat * (g * xhat).sum(axis=1, keepdims=True)
        return dx / (D * std), (dout * xhat).sum(axis=0), dout.sum(axis=0)

    return layernorm_forward, layernorm_backward


@right("layernorm", "Transposes x and does what batch norm did.")
def layernorm_transposed():
    def layernorm_forward(x, gamma, beta, ln_param):
        eps = ln_param.get("eps", 1e-5)
        xt = x.T
        mu = xt.mean(axis=0)
        std = np.sqrt(xt.var(axis=0) + eps)
        xhat = ((xt - mu) / std).T
        return gamma * xhat + beta, (xhat, std, gamma)

    def layernorm_backward(dout, cache):
        xhat, std, gamma = cache
        dgamma, dbeta = np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)
        h, g = xhat.T, (dout * gamma).T
        dx = (g - g.mean(axis=0) - h * (g * h).mean(axis=0)) / std
        return dx.T, dgamma, dbeta

    return layernorm_forward, layernorm_backward


@right(
    "spatial_groupnorm",
    "Five axes, gamma of shape (1, C, 1, 1) by broadcasting, as in the course's notebook.",
)
def groupnorm_five_axes():
    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        N, C, H, W = x.shape
        eps = gn_param.get("eps", 1e-5)
        groups = x.reshape(N, G, C // G, H, W)
        mean = groups.mean(axis=(2, 3, 4), keepdims=True)
        std = np.sqrt(groups.var(axis=(2, 3, 4), keepdims=True) + eps)
        xhat = ((groups - mean) / std).reshape(N, C, H, W)
        return gamma * xhat + beta, (xhat, std, gamma, G)

    def spatial_groupnorm_backward(dout, cache):
        xhat, std, gamma, G = cache
        N, C, H, W = dout.shape
        dgamma = np.sum(dout * xhat, axis=(0, 2, 3), keepdims=True)
        dbeta = np.sum(dout, axis=(0, 2, 3), keepdims=True)
        g = (dout * gamma).reshape(N, G, C // G, H, W)
        h = xhat.reshape(N, G, C // G, H, W)
        axes = {"axis": (2, 3, 4), "keepdims": True}
        dx = (g - g.mean(**axes) - h * (g * h).mean(**axes)) / std
        return dx.reshape(N, C, H, W), dgamma, dbeta

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@right("spatial_groupnorm", "Loops over samples and groups; takes either shape of gamma.")
def groupnorm_loops():
    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        N, C, H, W = x.shape
        xhat, std = np.zeros_like(x), np.zeros((N, G), dtype=x.dtype)
        size = C // G
        for n in range(N):
            for g in range(G):
                part = x[n, g * size : (g + 1) * size]
                std[n, g] = np.sqrt(part.var() + gn_param.get("eps", 1e-5))
                xhat[n, g * size : (g + 1) * size] = (part - part.mean()) / std[n, g]
        return gamma.reshape(C, 1, 1) * xhat + beta.reshape(C, 1, 1), (xhat, std, gamma, beta)

    def spatial_groupnorm_backward(dout, cache):
        xhat, std, gamma, beta = cache
        N, C, H, W = dout.shape
        G = std.shape[1]
        size = C // G
        dx = np.zeros_like(dout)
        for n in range(N):
            for k in range(G):
                at = np.s_[n, k * size : (k + 1) * size]
                g = dout[at] * gamma.reshape(C, 1, 1)[k * size : (k + 1) * size]
                dx[at] = (g - g.mean() - xhat[at] * (g * xhat[at]).mean()) / std[n, k]
        dgamma = (dout * xhat).sum(axis=(0, 2, 3)).reshape(gamma.shape)
        return dx, dgamma, dout.sum(axis=(0, 2, 3)).reshape(beta.shape)

    return spatial_groupnorm_forward, spatial_groupnorm_backward
