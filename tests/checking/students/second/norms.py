"""Second batch: norms, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.buggy.batchnorm_backward import batchnorm_forward
from checking.students.buggy.batchnorm_forward import at_test_time, batchnorm_backward, settings
from checking.students.buggy.image_norms import (
    groupnorm_dx,
    spatial_batchnorm_forward,
    spatial_groupnorm_forward,
)
from checking.students.buggy.layernorm import layernorm_forward
from checking.students.student import buggy


@buggy("batchnorm", "backward", "term-doubled", "Writes the 2 of the square twice.")
def batchnorm_variance_twice():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N = len(x)
        g = dout * gamma
        dvar = np.sum(g * xmu * -1.0 * (var + eps) ** -1.5, axis=0)
        dx = g * ivar + dvar * 2 * xmu / N - np.sum(g * ivar, axis=0) / N
        return dx, (dout * xhat).sum(0), dout.sum(0)

    return batchnorm_forward, batchnorm_backward


@buggy("batchnorm", "backward", "factor-n", "Forgets the 1/N of the variance.")
def batchnorm_variance_without_n():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        g = dout * gamma
        dvar = -0.5 * np.sum(g * xmu, axis=0) * ivar**3
        dx = g * ivar + 2 * xmu * dvar
        dx -= np.mean(g * ivar, axis=0)
        return dx, np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)

    return batchnorm_forward, batchnorm_backward


@buggy("batchnorm", "backward", "beta-gradient-wrong shape-wrong", "Sums dbeta to one number.")
def batchnorm_dbeta_one_number():
    def batchnorm_backward_sum(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        g = dout * gamma
        dx = ivar * (g - g.mean(0) - xhat * (g * xhat).mean(0))
        return dx, np.sum(dout * xhat, axis=0), np.sum(dout)

    return batchnorm_forward, batchnorm_backward_sum


@buggy("batchnorm", "backward", "gamma-without-xhat", "Uses x - mu for x-hat in dgamma.")
def batchnorm_dgamma_not_divided():
    def batchnorm_backward_xmu(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        g = dout * gamma
        dx = ivar * (g - g.mean(0) - xhat * (g * xhat).mean(0))
        return dx, np.sum(dout * xmu, axis=0), np.sum(dout, axis=0)

    return batchnorm_forward, batchnorm_backward_xmu


@buggy(
    "batchnorm",
    "forward",
    "forward-wrong gamma-missing",
    "Normalises at test time and forgets gamma and beta.",
)
def batchnorm_plain_at_test():
    def batchnorm_forward_test(x, gamma, beta, bn_param):
        mode, eps, momentum, mean, var = settings(bn_param, x)
        if mode == "test":
            return (x - mean) / np.sqrt(var + eps), None
        mu, v = x.mean(0), x.var(0)
        std = np.sqrt(v + eps)
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * mu
        bn_param["running_var"] = momentum * var + (1 - momentum) * v
        xhat = (x - mu) / std
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward_test, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "eps-misplaced forward-wrong",
    "Writes 1e-5 and never looks at bn_param['eps'].",
    laws=False,
)
def batchnorm_own_eps():
    def batchnorm_forward_fixed(x, gamma, beta, bn_param):
        mode, _, momentum, mean, var = settings(bn_param, x)
        if mode == "test":
            return at_test_time(x, gamma, beta, mean, var, 1e-5)
        mu, v = x.mean(0), x.var(0)
        std = np.sqrt(v + 1e-5)
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * mu
        bn_param["running_var"] = momentum * var + (1 - momentum) * v
        xhat = (x - mu) / std
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward_fixed, batchnorm_backward


@buggy("batchnorm", "forward", "running-not-written", "Writes the mean back and forgets the variance.")
def batchnorm_forgets_running_var():
    def batchnorm_forward_half(x, gamma, beta, bn_param):
        mode, eps, momentum, mean, var = settings(bn_param, x)
        if mode == "test":
            return at_test_time(x, gamma, beta, mean, var, eps)
        mu, v = x.mean(0), x.var(0)
        std = np.sqrt(v + eps)
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * mu
        bn_param["running_var"] = var
        xhat = (x - mu) / std
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward_half, batchnorm_backward


@buggy("layernorm", "forward", "variance-unbiased", "np.var(..., ddof=1).")
def layernorm_ddof_one():
    def layernorm_forward_ddof(x, gamma, beta, ln_param):
        std = np.sqrt(x.var(axis=1, ddof=1, keepdims=True) + ln_param.get("eps", 1e-5))
        xhat = (x - x.mean(axis=1, keepdims=True)) / std
        return gamma * xhat + beta, (xhat, gamma, std)

    def layernorm_backward(dout, cache):
        xhat, gamma, std = cache
        g = dout * gamma
        dx = (g - g.mean(axis=1, keepdims=True) - xhat * (g * xhat).mean(axis=1, keepdims=True)) / std
        return dx, (dout * xhat).sum(0), dout.sum(0)

    return layernorm_forward_ddof, layernorm_backward


@buggy("layernorm", "backward", "factor-n", "Leaves the sums undivided.")
def layernorm_sums():
    def layernorm_backward(dout, cache):
        xhat, gamma, std = cache
        g = dout * gamma
        dx = (g - g.sum(axis=1, keepdims=True) - xhat * (g * xhat).sum(axis=1, keepdims=True)) / std
        return dx, (dout * xhat).sum(0), dout.sum(0)

    return layernorm_forward, layernorm_backward


@buggy("layernorm", "backward", "term-sign", "Adds the term with x-hat.")
def layernorm_variance_sign():
    def layernorm_backward(dout, cache):
        xhat, gamma, std = cache
        g = dout * gamma
        dx = (g - g.mean(axis=1, keepdims=True) + xhat * (g * xhat).mean(axis=1, keepdims=True)) / std
        return dx, (dout * xhat).sum(0), dout.sum(0)

    return layernorm_forward, layernorm_backward


@buggy("layernorm", "backward", "gamma-without-xhat", "dgamma is the sum of dout.")
def layernorm_dgamma_is_dbeta():
    def layernorm_backward(dout, cache):
        xhat, gamma, std = cache
        g = dout * gamma
        dx = (g - g.mean(axis=1, keepdims=True) - xhat * (g * xhat).mean(axis=1, keepdims=True)) / std
        return dx, dout.sum(0), dout.sum(0)

    return layernorm_forward, layernorm_backward


def spatial_rows(dout, cache, gamma_in_dx=True):
    x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N, C, H, W = dout.shape
    rows = dout.transpose(0, 2, 3, 1).reshape(-1, C)
    g = rows * gamma if gamma_in_dx else rows
    dx = ivar * (g - g.mean(0) - xhat * (g * xhat).mean(0))
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), (rows * xhat).sum(0), rows.sum(0)


@buggy("spatial_batchnorm", "backward", "factor factor-n", "Averages dgamma and dbeta over the pixels.")
def spatial_batchnorm_means():
    def spatial_batchnorm_backward(dout, cache):
        dx, dgamma, dbeta = spatial_rows(dout, cache)
        pixels = dout.shape[2] * dout.shape[3]
        return dx, dgamma / pixels, dbeta / pixels

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@buggy("spatial_batchnorm", "backward", "gamma-missing", "No gamma in dx.")
def spatial_batchnorm_without_gamma():
    def spatial_batchnorm_backward(dout, cache):
        return spatial_rows(dout, cache, gamma_in_dx=False)

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@buggy(
    "spatial_groupnorm", "both", "wrong-axes", "Normalises each channel by itself: instance norm.", laws=False
)
def groupnorm_each_channel():
    def spatial_groupnorm_forward_instance(x, gamma, beta, G, gn_param):
        out, cache = spatial_groupnorm_forward(x, gamma, beta, x.shape[1], gn_param)
        return out, cache

    def spatial_groupnorm_backward(dout, cache):
        xhat, gamma, std, G = cache
        dx = groupnorm_dx(dout, cache, dout.shape[2] * dout.shape[3])
        dgamma = (dout * xhat).sum(axis=(0, 2, 3)).reshape(gamma.shape)
        return dx, dgamma, dout.sum(axis=(0, 2, 3)).reshape(gamma.shape)

    return spatial_groupnorm_forward_instance, spatial_groupnorm_backward


@buggy("spatial_groupnorm", "backward", "mean-term-missing", "Drops the mean's term.")
def groupnorm_without_mean_term():
    def spatial_groupnorm_backward(dout, cache):
        xhat, gamma, std, G = cache
        N, C, H, W = dout.shape
        g = (dout * gamma.reshape(1, C, 1, 1)).reshape(N, G, -1)
        h = xhat.reshape(N, G, -1)
        dx = (g - h * (g * h).mean(axis=2, keepdims=True)) / std.reshape(N, G, 1)
        dgamma = (dout * xhat).sum(axis=(0, 2, 3)).reshape(gamma.shape)
        return dx.reshape(dout.shape), dgamma, dout.sum(axis=(0, 2, 3)).reshape(gamma.shape)

    return spatial_groupnorm_forward, spatial_groupnorm_backward
