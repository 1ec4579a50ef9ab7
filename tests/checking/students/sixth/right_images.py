# ruff: noqa: B905, E731, RUF005 - left as it was handed in
"""Sixth batch, by an author who never saw the doctor: layers of images that are right."""

from __future__ import annotations

import numpy as np
from checking.students.student import right


@right(
    "spatial_batchnorm",
    "Spatial bn direct axes.",
)
def sixth_spatial_bn_direct_axes():
    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        ax = (0, 2, 3)
        eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        C = x.shape[1]
        rm, rv = bn_param.get("running_mean", np.zeros(C)), bn_param.get("running_var", np.zeros(C))
        col = lambda a: a[None, :, None, None]
        if bn_param["mode"] == "test":
            return col(gamma) * (x - col(rm)) / np.sqrt(col(rv) + eps) + col(beta), None
        mu, var = np.mean(x, axis=ax), np.var(x, axis=ax)
        bn_param["running_mean"], bn_param["running_var"] = m * rm + (1 - m) * mu, m * rv + (1 - m) * var
        h = (x - col(mu)) / np.sqrt(col(var) + eps)
        return col(gamma) * h + col(beta), (h, gamma, var + eps)

    def spatial_batchnorm_backward(dout, cache):
        h, gamma, v = cache
        ax = (0, 2, 3)
        M = dout.size // dout.shape[1]
        dbeta = np.sum(dout, axis=ax)
        dgamma = np.sum(dout * h, axis=ax)
        k = (gamma / np.sqrt(v))[None, :, None, None]
        dx = k * (dout - (dbeta[None, :, None, None] + h * dgamma[None, :, None, None]) / M)
        return dx, dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@right(
    "spatial_groupnorm",
    "Groupnorm split.",
)
def sixth_groupnorm_split():
    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        eps = gn_param.get("eps", 1e-5)
        parts, inv = [], []
        for block in np.split(x, G, axis=1):
            mu = block.mean(axis=(1, 2, 3), keepdims=True)
            i = (block.var(axis=(1, 2, 3), keepdims=True) + eps) ** -0.5
            parts.append((block - mu) * i)
            inv.append(i)
        xhat = np.concatenate(parts, axis=1)
        g = gamma.reshape(1, -1, 1, 1)
        return xhat * g + beta.reshape(1, -1, 1, 1), (xhat, inv, gamma, G)

    def spatial_groupnorm_backward(dout, cache):
        xhat, inv, gamma, G = cache
        dgamma = (dout * xhat).sum(axis=(0, 2, 3)).reshape(gamma.shape)
        dbeta = dout.sum(axis=(0, 2, 3)).reshape(gamma.shape)
        d = dout * gamma.reshape(1, -1, 1, 1)
        blocks = []
        for dd, h, i in zip(np.split(d, G, axis=1), np.split(xhat, G, axis=1), inv):
            a = dd.mean(axis=(1, 2, 3), keepdims=True)
            c = (dd * h).mean(axis=(1, 2, 3), keepdims=True)
            blocks.append(i * (dd - a - h * c))
        return np.concatenate(blocks, axis=1), dgamma, dbeta

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@right(
    "conv",
    "Conv sliding window.",
)
def sixth_conv_sliding_window():
    def conv_forward_naive(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        win = np.lib.stride_tricks.sliding_window_view(xp, w.shape[2:], axis=(2, 3))[:, :, ::s, ::s]
        out = np.einsum("ncijuv,fcuv->nfij", win, w) + b[:, None, None]
        return out, (win, w, conv_param, xp.shape)

    def conv_backward_naive(dout, cache):
        win, w, conv_param, shape = cache
        s, p = conv_param["stride"], conv_param["pad"]
        HH, WW = w.shape[2:]
        db = np.einsum("nfij->f", dout)
        dw = np.einsum("nfij,ncijuv->fcuv", dout, win)
        # dx: full correlation of the dilated dout with the flipped kernel
        N, F, Ho, Wo = dout.shape
        big = np.zeros((N, F, shape[2] + HH - 1, shape[3] + WW - 1), dtype=dout.dtype)
        big[:, :, HH - 1 : HH - 1 + Ho * s : s, WW - 1 : WW - 1 + Wo * s : s] = dout
        bw = np.lib.stride_tricks.sliding_window_view(big, (HH, WW), axis=(2, 3))
        dxp = np.einsum("nfijuv,fcuv->ncij", bw, w[:, :, ::-1, ::-1])
        H, W = shape[2] - 2 * p, shape[3] - 2 * p
        return dxp[:, :, p : p + H, p : p + W], dw, db

    return conv_forward_naive, conv_backward_naive


@right(
    "conv",
    "Conv im2col indices.",
)
def sixth_conv_im2col_indices():
    def _indices(C, HH, WW, Ho, Wo, s):
        k = np.repeat(np.arange(C), HH * WW).reshape(-1, 1)
        i = np.tile(np.repeat(np.arange(HH), WW), C).reshape(-1, 1) + s * np.repeat(np.arange(Ho), Wo)
        j = np.tile(np.arange(WW), HH * C).reshape(-1, 1) + s * np.tile(np.arange(Wo), Ho)
        return k, i, j

    def conv_forward_naive(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        Ho, Wo = (H + 2 * p - HH) // s + 1, (W + 2 * p - WW) // s + 1
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), mode="constant")
        idx = _indices(C, HH, WW, Ho, Wo, s)
        cols = xp[(slice(None),) + idx]  # N, C*HH*WW, Ho*Wo
        out = (w.reshape(F, -1) @ cols + b[:, None]).reshape(N, F, Ho, Wo)
        return out, (x.shape, w, p, cols, idx)

    def conv_backward_naive(dout, cache):
        shape, w, p, cols, (k, i, j) = cache
        N, C, H, W = shape
        F = w.shape[0]
        d = dout.reshape(N, F, -1)
        dw = (d @ cols.transpose(0, 2, 1)).sum(axis=0).reshape(w.shape)
        db = d.sum(axis=(0, 2))
        dcols = w.reshape(F, -1).T @ d
        dxp = np.zeros((N, C, H + 2 * p, W + 2 * p), dtype=dout.dtype)
        np.add.at(dxp, (slice(None), k, i, j), dcols)
        return dxp[:, :, p : p + H, p : p + W], dw, db

    return conv_forward_naive, conv_backward_naive


@right(
    "max_pool",
    "Maxpool add at.",
)
def sixth_maxpool_add_at():
    def max_pool_forward_naive(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        v = np.lib.stride_tricks.sliding_window_view(x, (ph, pw), axis=(2, 3))[:, :, ::s, ::s]
        flat = v.reshape(v.shape[:4] + (ph * pw,))
        win = flat.argmax(axis=-1)
        out = np.take_along_axis(flat, win[..., None], axis=-1)[..., 0]
        return out, (x.shape, win, pw, s)

    def max_pool_backward_naive(dout, cache):
        shape, win, pw, s = cache
        n, c, i, j = np.indices(dout.shape)
        dx = np.zeros(shape, dtype=dout.dtype)
        np.add.at(dx, (n, c, i * s + win // pw, j * s + win % pw), dout)
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@right(
    "avg_pool",
    "Avgpool offsets.",
)
def sixth_avgpool_offsets():
    def avg_pool_forward(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        Ho, Wo = (x.shape[2] - ph) // s + 1, (x.shape[3] - pw) // s + 1
        out = sum(
            x[:, :, u : u + (Ho - 1) * s + 1 : s, v : v + (Wo - 1) * s + 1 : s]
            for u in range(ph)
            for v in range(pw)
        ) / (ph * pw)
        return out, (x, pool_param)

    def avg_pool_backward(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        Ho, Wo = dout.shape[2:]
        dx = np.zeros_like(x)
        for u in range(ph):
            for v in range(pw):
                dx[:, :, u : u + (Ho - 1) * s + 1 : s, v : v + (Wo - 1) * s + 1 : s] += dout / (ph * pw)
        return dx

    return avg_pool_forward, avg_pool_backward


@right(
    "global_avg_pool",
    "Global avg pool.",
)
def sixth_global_avg_pool():
    def global_avg_pool_forward(x):
        H, W = x.shape[2:]
        return np.einsum("nchw->nc", x) / (H * W), x

    def global_avg_pool_backward(dout, cache):
        x = cache
        return np.kron(dout[:, :, None, None], np.ones((1, 1) + x.shape[2:], dtype=x.dtype)) / x[0, 0].size

    return global_avg_pool_forward, global_avg_pool_backward
