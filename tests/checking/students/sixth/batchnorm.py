# ruff: noqa: C408 - left as it was handed in
"""Sixth batch, by an author who never saw the doctor: batch norm, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "batchnorm",
    "forward",
    "variance-unbiased",
    "Batchnorm_forward uses the unbiased variance (ddof=1) of the batch for normalising and "
    "for the running variance instead of the biased one.",
)
def batchnorm_ddof_6():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode = bn_param["mode"]
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        N, D = x.shape
        running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
        running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
        if mode == "train":
            mu = x.mean(axis=0)
            var = x.var(axis=0, ddof=1)
            std = np.sqrt(var + eps)
            x_hat = (x - mu) / std
            out = gamma * x_hat + beta
            running_mean = momentum * running_mean + (1 - momentum) * mu
            running_var = momentum * running_var + (1 - momentum) * var
            cache = (x_hat, std, gamma)
        elif mode == "test":
            out = gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta
            cache = None
        bn_param["running_mean"] = running_mean
        bn_param["running_var"] = running_var
        return out, cache

    def batchnorm_backward(dout, cache):
        x_hat, std, gamma = cache
        dgamma = (dout * x_hat).sum(0)
        dbeta = dout.sum(0)
        g = dout * gamma
        dx = (g - g.mean(0) - x_hat * (g * x_hat).mean(0)) / std
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "eps-misplaced",
    "The forward pass in train mode divides by sqrt(var) + eps instead of sqrt(var + eps).",
)
def batchnorm_eps_outside_6():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps = bn_param.get("eps", 1e-5)
        mom = bn_param.get("momentum", 0.9)
        D = x.shape[1]
        rm = bn_param.get("running_mean", np.zeros(D))
        rv = bn_param.get("running_var", np.zeros(D))
        cache = None
        if bn_param["mode"] == "train":
            mean = np.mean(x, axis=0)
            var = np.var(x, axis=0)
            x_norm = (x - mean) / (np.sqrt(var) + eps)
            out = gamma * x_norm + beta
            bn_param["running_mean"] = mom * rm + (1 - mom) * mean
            bn_param["running_var"] = mom * rv + (1 - mom) * var
            cache = x, mean, var, x_norm, gamma, eps
        else:
            x_norm = (x - rm) / np.sqrt(rv + eps)
            out = gamma * x_norm + beta
        return out, cache

    def batchnorm_backward(dout, cache):
        x, mean, var, x_norm, gamma, eps = cache
        N = x.shape[0]
        dbeta = np.sum(dout, axis=0)
        dgamma = np.sum(dout * x_norm, axis=0)
        dxn = dout * gamma
        inv = 1 / np.sqrt(var + eps)
        dvar = np.sum(dxn * (x - mean) * -0.5 * inv**3, axis=0)
        dmean = -np.sum(dxn * inv, axis=0)
        dx = dxn * inv + dvar * 2 * (x - mean) / N + dmean / N
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "step-differs",
    "The update of running_var is copied from running_mean's line and mixes in the old "
    "running_mean instead of the old running_var.",
)
def batchnorm_running_var_of_mean():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode = bn_param["mode"]
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        N, D = x.shape
        running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
        running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
        if mode == "train":
            sample_mean = x.sum(axis=0) / N
            centered = x - sample_mean
            sample_var = (centered**2).sum(axis=0) / N
            ivar = 1.0 / np.sqrt(sample_var + eps)
            xhat = centered * ivar
            out = xhat * gamma + beta
            new_mean = momentum * running_mean + (1 - momentum) * sample_mean
            new_var = momentum * running_mean + (1 - momentum) * sample_var
            bn_param["running_mean"] = new_mean
            bn_param["running_var"] = new_var
            return out, (xhat, ivar, gamma)
        if mode == "test":
            return (x - running_mean) / np.sqrt(running_var + eps) * gamma + beta, None
        raise ValueError("Invalid forward batchnorm mode")

    def batchnorm_backward(dout, cache):
        xhat, ivar, gamma = cache
        N = dout.shape[0]
        dbeta = dout.sum(axis=0)
        dgamma = (dout * xhat).sum(axis=0)
        dxhat = dout * gamma
        dx = ivar / N * (N * dxhat - dxhat.sum(axis=0) - xhat * (dxhat * xhat).sum(axis=0))
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "momentum-reversed",
    "The running statistics weight the old value with 1 - momentum and the batch with "
    "momentum, the wrong way round.",
)
def batchnorm_momentum_swapped():
    def running_average(old, new, momentum):
        return (1 - momentum) * old + momentum * new

    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps = bn_param["mode"], bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        running_mean = bn_param.get("running_mean", np.zeros(x.shape[1]))
        running_var = bn_param.get("running_var", np.zeros(x.shape[1]))
        if mode == "train":
            mean, var = x.mean(0), x.var(0)
            bn_param["running_mean"] = running_average(running_mean, mean, momentum)
            bn_param["running_var"] = running_average(running_var, var, momentum)
        else:
            mean, var = running_mean, running_var
        xhat = (x - mean) / np.sqrt(var + eps)
        return gamma * xhat + beta, (mode, xhat, gamma, var + eps)

    def batchnorm_backward(dout, cache):
        mode, xhat, gamma, v = cache
        dbeta = dout.sum(0)
        dgamma = (dout * xhat).sum(0)
        dxhat = dout * gamma
        if mode == "train":
            dxhat = dxhat - dxhat.mean(0) - xhat * np.mean(dxhat * xhat, axis=0)
        return dxhat / np.sqrt(v), dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "backward",
    "term-doubled",
    "The derivative of the inverse root uses (var + eps) ** (-0.5) where it must be (var + "
    "eps) ** (-1.5) in dvar.",
)
def batchnorm_dvar_exponent():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode = bn_param["mode"]
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        D = x.shape[1]
        running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
        running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
        cache = {}
        if mode == "train":
            mu = np.mean(x, axis=0)
            xmu = x - mu
            var = np.mean(xmu**2, axis=0)
            xhat = xmu * (var + eps) ** -0.5
            out = gamma * xhat + beta
            running_mean = momentum * running_mean + (1.0 - momentum) * mu
            running_var = momentum * running_var + (1.0 - momentum) * var
            cache = dict(xmu=xmu, var=var, eps=eps, xhat=xhat, gamma=gamma)
        else:
            out = gamma * (x - running_mean) * (running_var + eps) ** -0.5 + beta
        bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
        return out, cache

    def batchnorm_backward(dout, cache):
        xmu, var, eps = cache["xmu"], cache["var"], cache["eps"]
        N = dout.shape[0]
        dbeta = np.sum(dout, axis=0)
        dgamma = np.sum(cache["xhat"] * dout, axis=0)
        dxhat = dout * cache["gamma"]
        dvar = np.sum(dxhat * xmu, axis=0) * -0.5 * (var + eps) ** (-0.5)
        dmu = np.sum(dxhat, axis=0) * -1.0 / np.sqrt(var + eps) + dvar * np.mean(-2.0 * xmu, axis=0)
        dx = dxhat / np.sqrt(var + eps) + dvar * 2.0 * xmu / N + dmu / N
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "backward",
    "gamma-missing",
    "The compact formula of batchnorm_backward_alt leaves out the factor gamma in dx.",
)
def batchnorm_alt_without_gamma():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        zeros = np.zeros(x.shape[1])
        if bn_param["mode"] == "test":
            z = (x - bn_param.get("running_mean", zeros)) / np.sqrt(bn_param.get("running_var", zeros) + eps)
            return z * gamma + beta, None
        mu, v = x.mean(axis=0), x.var(axis=0)
        std = np.sqrt(v + eps)
        z = (x - mu) / std
        bn_param["running_mean"] = m * bn_param.get("running_mean", zeros) + (1 - m) * mu
        bn_param["running_var"] = m * bn_param.get("running_var", zeros) + (1 - m) * v
        return z * gamma + beta, (z, std, gamma)

    def batchnorm_backward_alt(dout, cache):
        z, std, gamma = cache
        N = dout.shape[0]
        dbeta = dout.sum(axis=0)
        dgamma = np.sum(dout * z, axis=0)
        dx = (dout - dbeta / N - z * dgamma / N) / std
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward_alt
