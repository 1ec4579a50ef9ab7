"""Spatial batch norm and group norm, wrong: mostly axes and reshapes."""

from __future__ import annotations

import numpy as np
from checking.students.buggy.batchnorm_backward import batchnorm_forward
from checking.students.student import buggy


def batchnorm_backward_alt(dout, cache):
    """Right."""
    x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N = dout.shape[0]
    dbeta, dgamma = dout.sum(axis=0), (dout * xhat).sum(axis=0)
    return gamma * ivar / N * (N * dout - dbeta - xhat * dgamma), dgamma, dbeta


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    """Right: channels last, then batch norm of rows."""
    N, C, H, W = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(-1, C)
    out, cache = batchnorm_forward(rows, gamma, beta, bn_param)
    return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache


def spatial_batchnorm_backward(dout, cache):
    """Right."""
    N, C, H, W = dout.shape
    dx, dgamma, dbeta = batchnorm_backward_alt(dout.transpose(0, 2, 3, 1).reshape(-1, C), cache)
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta


@buggy(
    "spatial_batchnorm",
    "both",
    "reshape-order wrong-axes",
    "Reshapes to (-1, C) without moving the channels last.",
)
def spatial_batchnorm_plain_reshape():
    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        out, cache = batchnorm_forward(x.reshape(-1, C), gamma, beta, bn_param)
        return out.reshape(N, C, H, W), cache

    def spatial_batchnorm_backward(dout, cache):
        N, C, H, W = dout.shape
        dx, dgamma, dbeta = batchnorm_backward_alt(dout.reshape(-1, C), cache)
        return dx.reshape(N, C, H, W), dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@buggy(
    "spatial_batchnorm",
    "forward",
    "reshape-order",
    "Moves the channels last, and reshapes straight back to NCHW.",
)
def spatial_batchnorm_not_moved_back():
    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        rows = np.moveaxis(x, 1, -1).reshape(N * H * W, C)
        out, cache = batchnorm_forward(rows, gamma, beta, bn_param)
        return out.reshape(N, C, H, W), cache

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@buggy(
    "spatial_batchnorm", "backward", "reshape-order", "Transposes x in forward and forgets to transpose dout."
)
def spatial_batchnorm_dout_not_moved():
    def spatial_batchnorm_backward_plain(dout, cache):
        N, C, H, W = dout.shape
        dx, dgamma, dbeta = batchnorm_backward_alt(dout.reshape(N * H * W, C), cache)
        return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward_plain


@buggy(
    "spatial_batchnorm",
    "forward",
    "running-not-written",
    "Gives batch norm a copy of bn_param, 'not to spoil it'; the statistics stay in the copy.",
)
def spatial_batchnorm_copies_bn_param():
    def spatial_batchnorm_forward_copy(x, gamma, beta, bn_param):
        return spatial_batchnorm_forward(x, gamma, beta, dict(bn_param))

    return spatial_batchnorm_forward_copy, spatial_batchnorm_backward


@buggy("spatial_batchnorm", "backward", "factor-n", "Takes N for the number of rows, which is N H W.")
def spatial_batchnorm_counts_images():
    def spatial_batchnorm_backward_rows(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N, C, H, W = dout.shape
        rows = dout.transpose(0, 2, 3, 1).reshape(-1, C)
        dbeta, dgamma = rows.sum(axis=0), (rows * xhat).sum(axis=0)
        dxhat = rows * gamma
        dvar = np.sum(dxhat * xmu, axis=0) * -0.5 * ivar**3
        dmu = -np.sum(dxhat * ivar, axis=0)
        dx = dxhat * ivar + dvar * 2 * xmu / N + dmu / N
        return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward_rows


@buggy(
    "spatial_batchnorm",
    "both",
    "wrong-axes",
    "Takes the statistics of each pixel over the batch; the running ones are right.",
    laws=False,
)
def spatial_batchnorm_per_pixel():
    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        C = x.shape[1]
        eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        mean = bn_param.get("running_mean", np.zeros(C, x.dtype))
        var = bn_param.get("running_var", np.zeros(C, x.dtype))
        g, b = gamma.reshape(1, C, 1, 1), beta.reshape(1, C, 1, 1)
        if bn_param["mode"] == "test":
            xhat = (x - mean.reshape(1, C, 1, 1)) / np.sqrt(var.reshape(1, C, 1, 1) + eps)
            return g * xhat + b, None
        mu, std = x.mean(axis=0), np.sqrt(x.var(axis=0) + eps)
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * mu.mean(axis=(1, 2))
        bn_param["running_var"] = momentum * var + (1 - momentum) * x.var(axis=(0, 2, 3))
        xhat = (x - mu) / std
        return g * xhat + b, (xhat, g, std)

    def spatial_batchnorm_backward(dout, cache):
        xhat, g, std = cache
        dxhat = dout * g
        dx = (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)) / std
        return dx, (dout * xhat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))

    return spatial_batchnorm_forward, spatial_batchnorm_backward


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    """Right, for gamma and beta of shape (1, C, 1, 1)."""
    N, C, H, W = x.shape
    eps = gn_param.get("eps", 1e-5)
    groups = x.reshape(N, G, C // G, H, W)
    mu = groups.mean(axis=(2, 3, 4), keepdims=True)
    std = np.sqrt(groups.var(axis=(2, 3, 4), keepdims=True) + eps)
    xhat = ((groups - mu) / std).reshape(x.shape)
    return gamma.reshape(1, C, 1, 1) * xhat + beta.reshape(1, C, 1, 1), (xhat, gamma, std, G)


def groupnorm_dx(dout, cache, count):
    """The gradient of x when the sums of a group are divided by `count`."""
    xhat, gamma, std, G = cache
    N, C, H, W = dout.shape
    g = (dout * gamma.reshape(1, C, 1, 1)).reshape(N, G, -1)
    h = xhat.reshape(N, G, -1)
    inner = g - g.sum(axis=2, keepdims=True) / count - h * (g * h).sum(axis=2, keepdims=True) / count
    return (inner / std.reshape(N, G, 1)).reshape(dout.shape)


@buggy(
    "spatial_groupnorm",
    "backward",
    "shape-wrong",
    "Sums dgamma and dbeta without keepdims, so the shape is (C,).",
)
def groupnorm_drops_axes():
    def spatial_groupnorm_backward(dout, cache):
        xhat, gamma, std, G = cache
        C, H, W = dout.shape[1:]
        dx = groupnorm_dx(dout, cache, C // G * H * W)
        return dx, np.sum(dout * xhat, axis=(0, 2, 3)), np.sum(dout, axis=(0, 2, 3))

    def spatial_groupnorm_forward_broadcast(x, gamma, beta, G, gn_param):
        one, zero = np.ones_like(gamma), np.zeros_like(beta)
        xhat, (_, _, std, _) = spatial_groupnorm_forward(x, one, zero, G, gn_param)
        return gamma * xhat + beta, (xhat, gamma, std, G)

    return spatial_groupnorm_forward_broadcast, spatial_groupnorm_backward


@buggy(
    "spatial_groupnorm",
    "backward",
    "factor-n",
    "Divides by all C H W numbers of an image, not by those of a group.",
)
def groupnorm_counts_whole_image():
    def spatial_groupnorm_backward(dout, cache):
        xhat, gamma, std, G = cache
        dx = groupnorm_dx(dout, cache, dout[0].size)
        dgamma = np.sum(dout * xhat, axis=(0, 2, 3), keepdims=True).reshape(gamma.shape)
        return dx, dgamma, np.sum(dout, axis=(0, 2, 3), keepdims=True).reshape(gamma.shape)

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@buggy("spatial_groupnorm", "backward", "gamma-missing", "Leaves gamma out of dx.")
def groupnorm_without_gamma():
    def spatial_groupnorm_backward(dout, cache):
        xhat, gamma, std, G = cache
        C, H, W = dout.shape[1:]
        dx = groupnorm_dx(dout, (xhat, np.ones_like(gamma), std, G), C // G * H * W)
        dgamma = np.einsum("nchw,nchw->c", dout, xhat).reshape(gamma.shape)
        return dx, dgamma, np.einsum("nchw->c", dout).reshape(gamma.shape)

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@buggy(
    "spatial_groupnorm",
    "both",
    "wrong-axes reshape-order channels-mixed",
    "Reshapes to (N, C // G, G, H, W) and normalises axes 1, 3 and 4: groups of every G-th channel.",
)
def groupnorm_interleaves_groups():
    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        N, C, H, W = x.shape
        eps = gn_param.get("eps", 1e-5)
        groups = x.reshape(N, C // G, G, H, W)
        mu = groups.mean(axis=(1, 3, 4), keepdims=True)
        std = np.sqrt(groups.var(axis=(1, 3, 4), keepdims=True) + eps)
        xhat = (groups - mu) / std
        out = gamma.reshape(1, C, 1, 1) * xhat.reshape(x.shape) + beta.reshape(1, C, 1, 1)
        return out, (xhat, gamma, std)

    def spatial_groupnorm_backward(dout, cache):
        xhat, gamma, std = cache
        N, C, H, W = dout.shape
        g = (dout * gamma.reshape(1, C, 1, 1)).reshape(xhat.shape)
        axes = {"axis": (1, 3, 4), "keepdims": True}
        dx = (g - g.mean(**axes) - xhat * (g * xhat).mean(**axes)) / std
        dgamma = (dout * xhat.reshape(dout.shape)).sum(axis=(0, 2, 3)).reshape(gamma.shape)
        return dx.reshape(dout.shape), dgamma, dout.sum(axis=(0, 2, 3)).reshape(gamma.shape)

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@buggy(
    "spatial_groupnorm",
    "both",
    "wrong-axes",
    "Takes the batch into the statistics as well: axis=(0, 2, 3, 4).",
)
def groupnorm_over_batch():
    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        N, C, H, W = x.shape
        groups = x.reshape(N, G, C // G, H, W)
        mu = groups.mean(axis=(0, 2, 3, 4), keepdims=True)
        std = np.sqrt(groups.var(axis=(0, 2, 3, 4), keepdims=True) + gn_param.get("eps", 1e-5))
        xhat = (groups - mu) / std
        out = xhat.reshape(x.shape) * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
        return out, (xhat, gamma, std)

    def spatial_groupnorm_backward(dout, cache):
        xhat, gamma, std = cache
        g = (dout * gamma.reshape(1, -1, 1, 1)).reshape(xhat.shape)
        axes = {"axis": (0, 2, 3, 4), "keepdims": True}
        dx = (g - g.mean(**axes) - xhat * (g * xhat).mean(**axes)) / std
        dgamma = (dout * xhat.reshape(dout.shape)).sum(axis=(0, 2, 3)).reshape(gamma.shape)
        return dx.reshape(dout.shape), dgamma, dout.sum(axis=(0, 2, 3)).reshape(gamma.shape)

    return spatial_groupnorm_forward, spatial_groupnorm_backward
