# ruff: noqa: UP031 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: batch norm with a wrong forward, more."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "batchnorm",
    "forward",
    "variance-unbiased",
    "The batch variance is taken with N - 1 in the denominator (ddof=1), both for normalizing "
    "and for the running variance; it should be N.",
)
def batchnorm_ddof():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode = bn_param["mode"]
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        N, D = x.shape
        running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
        running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))

        cache = None
        if mode == "train":
            mu = x.sum(axis=0) / N
            centred = x - mu
            var = (centred**2).sum(axis=0) / (N - 1)
            ivar = (var + eps) ** -0.5
            xhat = centred * ivar
            out = xhat * gamma + beta
            running_mean = momentum * running_mean + (1 - momentum) * mu
            running_var = momentum * running_var + (1 - momentum) * var
            cache = (xhat, gamma, ivar)
        elif mode == "test":
            out = gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta
        else:
            raise ValueError('Invalid forward batchnorm mode "%s"' % mode)

        bn_param["running_mean"] = running_mean
        bn_param["running_var"] = running_var
        return out, cache

    def batchnorm_backward(dout, cache):
        xhat, gamma, ivar = cache
        N = dout.shape[0]
        dgamma = np.sum(dout * xhat, axis=0)
        dbeta = np.sum(dout, axis=0)
        dxhat = dout * gamma
        dx = ivar * (dxhat - dxhat.sum(axis=0) / N - xhat * (dxhat * xhat).sum(axis=0) / N)
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "momentum-reversed",
    "momentum and 1 - momentum are exchanged in the update of the running mean and variance.",
)
def batchnorm_momentum_exchanged():
    def ema(old, new, rate):
        return old + rate * (new - old)

    def batchnorm_forward(x, gamma, beta, bn_param):
        mode = bn_param["mode"]
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        D = x.shape[1]
        bn_param.setdefault("running_mean", np.zeros(D))
        bn_param.setdefault("running_var", np.zeros(D))

        if mode == "train":
            mean, var = x.mean(axis=0), x.var(axis=0)
            for name, stat in (("running_mean", mean), ("running_var", var)):
                bn_param[name] = ema(bn_param[name], stat, momentum)
        elif mode == "test":
            mean, var = bn_param["running_mean"], bn_param["running_var"]
        else:
            raise ValueError(mode)

        std = np.sqrt(var + eps)
        x_norm = (x - mean) / std
        return gamma * x_norm + beta, (x_norm, std, gamma)

    def batchnorm_backward(dout, cache):
        x_norm, std, gamma = cache
        N = len(dout)
        dbeta = dout.sum(axis=0)
        dgamma = np.einsum("nd,nd->d", dout, x_norm)
        dx = gamma / (N * std) * (N * dout - dbeta - x_norm * dgamma)
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "one-array fails-at-first",
    "On the first batch running_mean and running_var are one and the same array that is updated "
    "in place, so both end up holding a mix of mean and variance.",
)
def batchnorm_one_array():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode = bn_param["mode"]
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        N, D = x.shape
        if "running_mean" in bn_param:
            running_mean = bn_param["running_mean"]
            running_var = bn_param["running_var"]
        else:
            running_mean = running_var = np.zeros(D)

        if mode == "train":
            mu = x.mean(axis=0)
            var = x.var(axis=0)
            running_mean *= momentum
            running_mean += (1 - momentum) * mu
            running_var *= momentum
            running_var += (1 - momentum) * var
            bn_param["running_mean"] = running_mean
            bn_param["running_var"] = running_var
        elif mode == "test":
            mu, var = running_mean, running_var

        x_hat = (x - mu) / np.sqrt(var + eps)
        cache = (x, mu, var, eps, gamma)
        return gamma * x_hat + beta, cache

    def batchnorm_backward(dout, cache):
        x, mu, var, eps, gamma = cache
        N = x.shape[0]
        s = np.sqrt(var + eps)
        x_hat = (x - mu) / s
        dgamma, dbeta = (dout * x_hat).sum(axis=0), dout.sum(axis=0)
        dx_hat = dout * gamma
        dvar = (-0.5 / s**3 * (x - mu) * dx_hat).sum(axis=0)
        dmu = (-dx_hat / s).sum(axis=0)
        dx = dx_hat / s + 2 * dvar * (x - mu) / N + dmu / N
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward
