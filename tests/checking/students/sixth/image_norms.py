"""Sixth batch, by an author who never saw the doctor: spatial batch norm, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "spatial_batchnorm",
    "forward",
    "reshape-order",
    "X of shape (N, C, H, W) is reshaped to (-1, C) without moving the channel axis to the "
    "end first, so that values of different channels are mixed in one column.",
)
def spatial_bn_channels_not_moved():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        D = x.shape[1]
        running_mean = bn_param.get("running_mean", np.zeros(D))
        running_var = bn_param.get("running_var", np.zeros(D))
        if bn_param["mode"] == "test":
            return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta, None
        mean, var = x.mean(axis=0), x.var(axis=0)
        std = np.sqrt(var + eps)
        xhat = (x - mean) / std
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        return gamma * xhat + beta, (xhat, std, gamma)

    def batchnorm_backward(dout, cache):
        xhat, std, gamma = cache
        dgamma, dbeta = (dout * xhat).sum(axis=0), dout.sum(axis=0)
        d = dout * gamma
        dx = (d - d.mean(axis=0) - xhat * (d * xhat).mean(axis=0)) / std
        return dx, dgamma, dbeta

    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        x_flat = x.reshape(N * H * W, C)
        out, cache = batchnorm_forward(x_flat, gamma, beta, bn_param)
        return out.reshape(N, C, H, W), cache

    def spatial_batchnorm_backward(dout, cache):
        N, C, H, W = dout.shape
        dx, dgamma, dbeta = batchnorm_backward(dout.reshape(N * H * W, C), cache)
        return dx.reshape(N, C, H, W), dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@buggy(
    "spatial_batchnorm",
    "backward",
    "reshape-order swapped-height-width",
    "Spatial_batchnorm_backward brings dx back with transpose(0, 3, 2, 1) instead of (0, 3, "
    "1, 2), so that height and width of dx are exchanged.",
)
def spatial_bn_dx_moved_wrongly():
    def _bn(x, gamma, beta, p):
        eps, m = p.get("eps", 1e-5), p.get("momentum", 0.9)
        rm = p.get("running_mean", np.zeros(x.shape[1]))
        rv = p.get("running_var", np.zeros(x.shape[1]))
        if p["mode"] == "train":
            mu, var = x.mean(0), x.var(0)
            p["running_mean"], p["running_var"] = m * rm + (1 - m) * mu, m * rv + (1 - m) * var
        else:
            mu, var = rm, rv
        s = np.sqrt(var + eps)
        xhat = (x - mu) / s
        return xhat * gamma + beta, (xhat, s, gamma, p["mode"])

    def _bn_back(dout, cache):
        xhat, s, gamma, mode = cache
        d = dout * gamma
        if mode == "train":
            d = d - d.mean(0) - xhat * (d * xhat).mean(0)
        return d / s, (dout * xhat).sum(0), dout.sum(0)

    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        flat = x.transpose(0, 2, 3, 1).reshape(-1, C)
        out, cache = _bn(flat, gamma, beta, bn_param)
        return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache

    def spatial_batchnorm_backward(dout, cache):
        N, C, H, W = dout.shape
        flat = dout.transpose(0, 2, 3, 1).reshape(-1, C)
        dx, dgamma, dbeta = _bn_back(flat, cache)
        return dx.reshape(N, H, W, C).transpose(0, 3, 2, 1), dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@buggy(
    "spatial_batchnorm",
    "forward",
    "wrong-axes",
    "In train mode mean and variance are taken per image over (H, W) only, as instance norm "
    "does, instead of over batch and pixels together.",
)
def spatial_bn_each_image():
    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        C = x.shape[1]
        g, b = gamma.reshape(1, C, 1, 1), beta.reshape(1, C, 1, 1)
        rm = bn_param.get("running_mean", np.zeros(C))
        rv = bn_param.get("running_var", np.zeros(C))
        if bn_param["mode"] == "test":
            xn = (x - rm.reshape(1, C, 1, 1)) / np.sqrt(rv.reshape(1, C, 1, 1) + eps)
            return g * xn + b, None
        axes = (2, 3)
        mu = x.mean(axis=axes, keepdims=True)
        var = x.var(axis=axes, keepdims=True)
        bn_param["running_mean"] = momentum * rm + (1 - momentum) * x.mean(axis=(0, 2, 3))
        bn_param["running_var"] = momentum * rv + (1 - momentum) * x.var(axis=(0, 2, 3))
        inv = 1 / np.sqrt(var + eps)
        xn = (x - mu) * inv
        return g * xn + b, (xn, inv, g, axes)

    def spatial_batchnorm_backward(dout, cache):
        xn, inv, g, axes = cache
        dgamma = (dout * xn).sum(axis=(0, 2, 3))
        dbeta = dout.sum(axis=(0, 2, 3))
        d = dout * g
        dx = inv * (d - d.mean(axis=axes, keepdims=True) - xn * (d * xn).mean(axis=axes, keepdims=True))
        return dx, dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward
