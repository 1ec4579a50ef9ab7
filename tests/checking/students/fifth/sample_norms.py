# ruff: noqa: C408 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: norms of each sample, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "spatial_groupnorm",
    "backward",
    "channels-mixed gamma-missing",
    "In the loop over groups dout is always multiplied with the first group's gamma, so dx of "
    "the other groups uses the wrong scale.",
)
def groupnorm_first_gamma():
    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        eps = gn_param.get("eps", 1e-5)
        N, C, H, W = x.shape
        k = C // G
        normed = np.zeros(x.shape)
        istds = []
        for g in range(G):
            part = x[:, g * k : (g + 1) * k]
            mu = part.mean(axis=(1, 2, 3), keepdims=True)
            istd = 1 / np.sqrt(part.var(axis=(1, 2, 3), keepdims=True) + eps)
            normed[:, g * k : (g + 1) * k] = (part - mu) * istd
            istds.append(istd)
        return gamma * normed + beta, (normed, istds, gamma, G)

    def spatial_groupnorm_backward(dout, cache):
        normed, istds, gamma, G = cache
        N, C, H, W = dout.shape
        k = C // G
        m = k * H * W

        dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)
        dgamma = (dout * normed).sum(axis=(0, 2, 3), keepdims=True)

        dx = np.zeros(dout.shape)
        for g in range(G):
            lo, hi = g * k, (g + 1) * k
            xh = normed[:, lo:hi]
            dxh = dout[:, lo:hi] * gamma[:, :k]
            s1 = dxh.sum(axis=(1, 2, 3), keepdims=True)
            s2 = (dxh * xh).sum(axis=(1, 2, 3), keepdims=True)
            dx[:, lo:hi] = istds[g] * (dxh - s1 / m - xh * s2 / m)
        return dx, dgamma, dbeta

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@buggy(
    "spatial_groupnorm",
    "forward",
    "channels-mixed wrong-axes",
    "The channels are split as (C // G, G) instead of (G, C // G), so a group holds interleaved "
    "channels instead of neighbouring ones.",
)
def groupnorm_interleaves():
    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        eps = gn_param.get("eps", 1e-5)
        N, C, H, W = x.shape
        shape = (N, C // G, G, H, W)
        axes = (1, 3, 4)
        xg = x.reshape(shape)
        mean = xg.mean(axis=axes, keepdims=True)
        var = xg.var(axis=axes, keepdims=True)
        std = np.sqrt(var + eps)
        xn = (xg - mean) / std
        out = gamma * xn.reshape(x.shape) + beta
        cache = (xn, std, gamma, axes)
        return out, cache

    def spatial_groupnorm_backward(dout, cache):
        xn, std, gamma, axes = cache
        dgamma = np.sum(dout * xn.reshape(dout.shape), axis=(0, 2, 3), keepdims=True)
        dbeta = np.sum(dout, axis=(0, 2, 3), keepdims=True)
        g = (dout * gamma).reshape(xn.shape)
        gm = g.mean(axis=axes, keepdims=True)
        gx = (g * xn).mean(axis=axes, keepdims=True)
        dx = (g - gm - xn * gx) / std
        return dx.reshape(dout.shape), dgamma, dbeta

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@buggy(
    "layernorm",
    "forward",
    "eps-misplaced",
    "eps is looked up under the key 'epsilon', so an eps given in ln_param is ignored and the "
    "default is used.",
)
def layernorm_other_key():
    def layernorm_forward(x, gamma, beta, ln_param):
        eps = ln_param.get("epsilon", 1e-5)
        D = x.shape[-1]
        ones = np.ones((D, 1))
        mu = x @ ones / D
        xc = x - mu
        var = xc**2 @ ones / D
        sigma = np.sqrt(var + eps)
        xhat = xc / sigma
        return xhat * gamma + beta, dict(xc=xc, sigma=sigma, xhat=xhat, gamma=gamma)

    def layernorm_backward(dout, cache):
        xc, sigma, xhat, gamma = (cache[k] for k in ("xc", "sigma", "xhat", "gamma"))
        D = dout.shape[-1]
        dbeta = dout.sum(0)
        dgamma = (dout * xhat).sum(0)

        dxhat = dout * gamma
        dsigma = -(dxhat * xc).sum(1, keepdims=True) / sigma**2
        dvar = dsigma / (2 * sigma)
        dxc = dxhat / sigma + dvar * 2 * xc / D
        dx = dxc - dxc.sum(1, keepdims=True) / D
        return dx, dgamma, dbeta

    return layernorm_forward, layernorm_backward


@buggy(
    "layernorm",
    "backward",
    "wrong-axes",
    "dgamma is summed over the features (axis 1) instead of over the samples, giving one value "
    "per sample rather than per feature.",
)
def layernorm_dgamma_over_features():
    def layernorm_forward(x, gamma, beta, ln_param):
        eps = ln_param.get("eps", 1e-5)
        mean = np.mean(x, axis=1, keepdims=True)
        var = np.var(x, axis=1, keepdims=True)
        rstd = 1.0 / np.sqrt(var + eps)
        x_norm = (x - mean) * rstd
        out = gamma * x_norm + beta
        return out, (x_norm, rstd, gamma)

    def layernorm_backward(dout, cache):
        x_norm, rstd, gamma = cache
        dgamma = np.sum(dout * x_norm, axis=1)
        dbeta = np.sum(dout, axis=0)
        g = dout * gamma
        dx = rstd * (g - g.mean(axis=1, keepdims=True) - x_norm * (g * x_norm).mean(axis=1, keepdims=True))
        return dx, dgamma, dbeta

    return layernorm_forward, layernorm_backward


@buggy(
    "spatial_groupnorm",
    "forward",
    "wrong-axes",
    "Mean and variance of each group are taken over the batch axis as well, so images of one "
    "batch influence each other.",
)
def groupnorm_statistics_of_batch():
    def _stat(a):
        return a.mean(axis=(0, 2, 3, 4), keepdims=True)

    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        eps = gn_param.get("eps", 1e-5)
        N, C, H, W = x.shape
        grouped = x.reshape((N, G, C // G, H, W))
        diff = grouped - _stat(grouped)
        var = _stat(diff * diff)
        scale = (var + eps) ** -0.5
        x_hat = diff * scale
        out = x_hat.reshape((N, C, H, W)) * gamma + beta
        return out, (x_hat, scale, gamma, G)

    def spatial_groupnorm_backward(dout, cache):
        x_hat, scale, gamma, G = cache
        N, C, H, W = dout.shape
        flat_hat = x_hat.reshape(N, C, H, W)
        dgamma = (dout * flat_hat).sum(axis=(0, 2, 3)).reshape(1, C, 1, 1)
        dbeta = dout.sum(axis=(0, 2, 3)).reshape(1, C, 1, 1)
        d = (dout * gamma).reshape(x_hat.shape)
        dx = scale * (d - _stat(d) - x_hat * _stat(d * x_hat))
        return dx.reshape(N, C, H, W), dgamma, dbeta

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@buggy(
    "layernorm",
    "backward",
    "factor-n",
    "Copied from batch norm: the sums over the features are divided by the number of samples N "
    "instead of the number of features D.",
)
def layernorm_divides_by_n():
    def layernorm_forward(x, gamma, beta, ln_param):
        eps = ln_param.get("eps", 1e-5)
        xt = x.T
        mu = xt.mean(axis=0)
        var = xt.var(axis=0)
        std = np.sqrt(var + eps)
        x_hat = (xt - mu) / std
        out = gamma * x_hat.T + beta
        cache = (x_hat, gamma, std)
        return out, cache

    def layernorm_backward(dout, cache):
        x_hat, gamma, std = cache
        M = dout.shape[0]
        dgamma = np.sum(dout * x_hat.T, axis=0)
        dbeta = np.sum(dout, axis=0)
        dx_hat = (dout * gamma).T
        dx = 1 / M / std * (M * dx_hat - np.sum(dx_hat, axis=0) - x_hat * np.sum(dx_hat * x_hat, axis=0))
        return dx.T, dgamma, dbeta

    return layernorm_forward, layernorm_backward
