"""Sixth batch, by an author who never saw the doctor: norms of each sample, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "layernorm",
    "backward",
    "factor-n",
    "The compact dx formula is copied from batch norm and uses N, the number of samples, "
    "where layer norm needs D, the number of features.",
)
def layernorm_counts_samples():
    def layernorm_forward(x, gamma, beta, ln_param):
        eps = ln_param.get("eps", 1e-5)
        mu = x.mean(axis=1, keepdims=True)
        var = x.var(axis=1, keepdims=True)
        ivar = 1 / np.sqrt(var + eps)
        xhat = (x - mu) * ivar
        return gamma * xhat + beta, (xhat, ivar, gamma)

    def layernorm_backward(dout, cache):
        xhat, ivar, gamma = cache
        N, D = dout.shape
        dbeta = np.sum(dout, axis=0)
        dgamma = np.sum(dout * xhat, axis=0)
        dxhat = dout * gamma
        s1 = np.sum(dxhat, axis=1, keepdims=True)
        s2 = np.sum(dxhat * xhat, axis=1, keepdims=True)
        dx = (1.0 / N) * ivar * (N * dxhat - s1 - xhat * s2)
        return dx, dgamma, dbeta

    return layernorm_forward, layernorm_backward


@buggy(
    "layernorm",
    "forward",
    "wrong-axes",
    "The variance is left over axis 0 (over the batch, as in batch norm) while the mean is "
    "taken over axis 1.",
)
def layernorm_var_over_batch():
    def layernorm_forward(x, gamma, beta, ln_param):
        eps = ln_param.get("eps", 1e-5)
        mean = np.mean(x, axis=1, keepdims=True)
        var = np.var(x, axis=0, keepdims=True)
        x_norm = (x - mean) / np.sqrt(var + eps)
        out = gamma * x_norm + beta
        cache = (x, x_norm, mean, gamma, eps)
        return out, cache

    def layernorm_backward(dout, cache):
        x, x_norm, mean, gamma, eps = cache
        D = x.shape[1]
        dgamma = (dout * x_norm).sum(axis=0)
        dbeta = dout.sum(axis=0)
        std = np.sqrt(((x - mean) ** 2).mean(axis=1, keepdims=True) + eps)
        g = dout * gamma
        dx = g - g.sum(1, keepdims=True) / D - x_norm * (g * x_norm).sum(1, keepdims=True) / D
        return dx / std, dgamma, dbeta

    return layernorm_forward, layernorm_backward


@buggy(
    "layernorm",
    "backward",
    "root-missing",
    "The cache holds var + eps (not its root), but layernorm_backward divides dx by it as if "
    "it were the standard deviation.",
)
def layernorm_variance_as_std():
    def layernorm_forward(x, gamma, beta, ln_param):
        eps = ln_param.get("eps", 1e-5)
        out = np.empty_like(x)
        xhat = np.empty_like(x)
        sigma = np.empty((x.shape[0], 1), dtype=x.dtype)
        for i, row in enumerate(x):
            sigma[i] = row.var() + eps
            xhat[i] = (row - row.mean()) / np.sqrt(sigma[i])
            out[i] = gamma * xhat[i] + beta
        return out, (xhat, sigma, gamma)

    def layernorm_backward(dout, cache):
        xhat, sigma, gamma = cache
        dbeta = dout.sum(axis=0)
        dgamma = (dout * xhat).sum(axis=0)
        dx = np.empty_like(dout)
        for i in range(dout.shape[0]):
            d = dout[i] * gamma
            dx[i] = (d - d.mean() - xhat[i] * (d * xhat[i]).mean()) / sigma[i]
        return dx, dgamma, dbeta

    return layernorm_forward, layernorm_backward


@buggy(
    "layernorm",
    "backward",
    "swapped-outputs",
    "Layernorm_backward returns dx, dbeta, dgamma instead of dx, dgamma, dbeta.",
)
def layernorm_results_swapped():
    def layernorm_forward(x, gamma, beta, ln_param):
        eps = ln_param.get("eps", 1e-5)
        xT = x.T
        mu = xT.mean(axis=0)
        sd = np.sqrt(xT.var(axis=0) + eps)
        norm = ((xT - mu) / sd).T
        out = norm * gamma + beta
        return out, (norm, sd, gamma)

    def layernorm_backward(dout, cache):
        norm, sd, gamma = cache
        dbeta = dout.sum(axis=0)
        dgamma = (norm * dout).sum(axis=0)
        dn = (dout * gamma).T
        nT = norm.T
        dx = ((dn - dn.mean(axis=0) - nT * (dn * nT).mean(axis=0)) / sd).T
        return dx, dbeta, dgamma

    return layernorm_forward, layernorm_backward


@buggy(
    "spatial_groupnorm",
    "forward",
    "channels-mixed",
    "The channels are split as (C // G, G) so that a group holds every G-th channel instead "
    "of C // G neighbouring ones.",
)
def groupnorm_strided_groups():
    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        eps = gn_param.get("eps", 1e-5)
        N, C, H, W = x.shape
        xg = x.reshape(N, C // G, G, H, W)
        ax = (1, 3, 4)
        mean = xg.mean(axis=ax, keepdims=True)
        std = np.sqrt(xg.var(axis=ax, keepdims=True) + eps)
        xhat = ((xg - mean) / std).reshape(N, C, H, W)
        out = gamma.reshape(1, C, 1, 1) * xhat + beta.reshape(1, C, 1, 1)
        return out, (xhat, std, gamma, G)

    def spatial_groupnorm_backward(dout, cache):
        xhat, std, gamma, G = cache
        N, C, H, W = dout.shape
        dgamma = (dout * xhat).sum(axis=(0, 2, 3)).reshape(gamma.shape)
        dbeta = dout.sum(axis=(0, 2, 3)).reshape(gamma.shape)
        d = (dout * gamma.reshape(1, C, 1, 1)).reshape(N, C // G, G, H, W)
        xh = xhat.reshape(N, C // G, G, H, W)
        ax = (1, 3, 4)
        dx = (d - d.mean(axis=ax, keepdims=True) - xh * (d * xh).mean(axis=ax, keepdims=True)) / std
        return dx.reshape(N, C, H, W), dgamma, dbeta

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@buggy(
    "spatial_groupnorm",
    "backward",
    "factor-n",
    "Dx divides the sums over a group by C * H * W instead of by the group's own size (C // G) * H * W.",
)
def groupnorm_counts_channels():
    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        eps = gn_param.get("eps", 1e-5)
        N, C, H, W = x.shape
        rows = x.reshape(N * G, -1)
        mu = rows.mean(axis=1, keepdims=True)
        std = np.sqrt(rows.var(axis=1, keepdims=True) + eps)
        xhat = ((rows - mu) / std).reshape(x.shape)
        return xhat * gamma.reshape(1, C, 1, 1) + beta.reshape(1, C, 1, 1), (xhat, std, gamma, G)

    def spatial_groupnorm_backward(dout, cache):
        xhat, std, gamma, G = cache
        N, C, H, W = dout.shape
        m = C * H * W
        dgamma = np.einsum("nchw,nchw->c", dout, xhat).reshape(gamma.shape)
        dbeta = np.einsum("nchw->c", dout).reshape(gamma.shape)
        d = (dout * gamma.reshape(1, C, 1, 1)).reshape(N * G, -1)
        h = xhat.reshape(N * G, -1)
        dx = d - (d.sum(1, keepdims=True) + h * (d * h).sum(1, keepdims=True)) / m
        return (dx / std).reshape(dout.shape), dgamma, dbeta

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@buggy(
    "spatial_groupnorm",
    "backward",
    "factor-n",
    "Dgamma and dbeta are summed over (H, W) only and then averaged over the batch (mean over "
    "axis 0 instead of sum), so both are too small by the factor N.",
)
def groupnorm_dgamma_mean():
    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        eps = gn_param.get("eps", 1e-5)
        N, C, H, W = x.shape
        size = C // G
        xhat = np.zeros_like(x)
        inv = np.zeros((N, G), dtype=x.dtype)
        for n in range(N):
            for g in range(G):
                block = x[n, g * size : (g + 1) * size]
                inv[n, g] = 1 / np.sqrt(block.var() + eps)
                xhat[n, g * size : (g + 1) * size] = (block - block.mean()) * inv[n, g]
        out = gamma.reshape(1, C, 1, 1) * xhat + beta.reshape(1, C, 1, 1)
        return out, (xhat, inv, gamma, G)

    def spatial_groupnorm_backward(dout, cache):
        xhat, inv, gamma, G = cache
        N, C, H, W = dout.shape
        size = C // G
        dgamma = (dout * xhat).sum(axis=(2, 3)).mean(axis=0).reshape(gamma.shape)
        dbeta = dout.sum(axis=(2, 3)).mean(axis=0).reshape(gamma.shape)
        d = dout * gamma.reshape(1, C, 1, 1)
        dx = np.zeros_like(dout)
        for n in range(N):
            for g in range(G):
                s = slice(g * size, (g + 1) * size)
                dx[n, s] = inv[n, g] * (d[n, s] - d[n, s].mean() - xhat[n, s] * (d[n, s] * xhat[n, s]).mean())
        return dx, dgamma, dbeta

    return spatial_groupnorm_forward, spatial_groupnorm_backward
