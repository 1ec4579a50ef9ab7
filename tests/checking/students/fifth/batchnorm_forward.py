# ruff: noqa: UP031 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: batch norm with a wrong forward."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "batchnorm",
    "forward",
    "eps-misplaced",
    "In training eps is added to the standard deviation instead of to the variance under the root.",
)
def batchnorm_eps_outside():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        rm = bn_param.get("running_mean", np.zeros(x.shape[1]))
        rv = bn_param.get("running_var", np.zeros(x.shape[1]))

        if bn_param["mode"] == "test":
            return (x - rm) / np.sqrt(rv + eps) * gamma + beta, None

        m, v = np.mean(x, 0), np.var(x, 0)
        s = np.sqrt(v) + eps
        z = (x - m) / s
        bn_param["running_mean"] = momentum * rm + (1 - momentum) * m
        bn_param["running_var"] = momentum * rv + (1 - momentum) * v
        return gamma * z + beta, {"z": z, "s": s, "gamma": gamma}

    def batchnorm_backward(dout, cache):
        z, s, gamma = cache["z"], cache["s"], cache["gamma"]
        dz = dout * gamma
        dx = (dz - dz.mean(0) - z * (dz * z).mean(0)) / s
        return dx, (dout * z).sum(0), dout.sum(0)

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "gamma-without-xhat",
    "The cached normalized x is the same array that is then scaled and shifted in place into "
    "the output, so the backward pass sees out instead of x_hat.",
)
def batchnorm_cache_is_out():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode = bn_param["mode"]
        eps = bn_param.get("eps", 1e-5)
        rho = bn_param.get("momentum", 0.9)
        D = x.shape[1]
        running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
        running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))

        if mode == "train":
            mu = x.mean(axis=0)
            var = x.var(axis=0)
            isd = 1 / np.sqrt(var + eps)
            y = x - mu
            y *= isd
            cache = (y, isd, gamma)
            y *= gamma
            y += beta
            running_mean = rho * running_mean + (1 - rho) * mu
            running_var = rho * running_var + (1 - rho) * var
        elif mode == "test":
            y = x - running_mean
            y *= gamma / np.sqrt(running_var + eps)
            y += beta
            cache = None
        else:
            raise ValueError('Invalid forward batchnorm mode "%s"' % mode)

        bn_param["running_mean"] = running_mean
        bn_param["running_var"] = running_var
        return y, cache

    def batchnorm_backward(dout, cache):
        xhat, isd, gamma = cache
        dgamma = np.sum(xhat * dout, axis=0)
        dbeta = np.sum(dout, axis=0)
        m = dout.shape[0]
        dx = dout - (dbeta + xhat * dgamma) / m
        dx *= gamma * isd
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "running-at-test",
    "The running statistics are updated in test mode too, from the test batch, and the updated "
    "ones are used.",
)
def batchnorm_moves_at_test():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode = bn_param["mode"]
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
        running_var = bn_param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
        if mode not in ("train", "test"):
            raise ValueError('Invalid forward batchnorm mode "%s"' % mode)

        mu = np.mean(x, axis=0)
        var = np.mean((x - mu) ** 2, axis=0)
        running_mean = momentum * running_mean + (1 - momentum) * mu
        running_var = momentum * running_var + (1 - momentum) * var
        bn_param["running_mean"] = running_mean
        bn_param["running_var"] = running_var

        if mode == "test":
            mu, var = running_mean, running_var
        x_hat = (x - mu) / np.sqrt(var + eps)
        out = gamma * x_hat + beta
        cache = (x_hat, var + eps, gamma)
        return out, cache

    def batchnorm_backward(dout, cache):
        x_hat, v, gamma = cache
        N = x_hat.shape[0]
        g = dout * gamma
        dx = (N * g - np.sum(g, axis=0) - x_hat * np.sum(g * x_hat, axis=0)) / (N * np.sqrt(v))
        return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "std-for-variance",
    "running_var is updated with the standard deviation instead of the variance.",
)
def batchnorm_running_std():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode = bn_param["mode"]
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        N, D = x.shape
        running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
        running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
        out, cache = None, None
        if mode == "train":
            # step by step as in the computational graph
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
            running_var = momentum * running_var + (1 - momentum) * sqrtvar
        elif mode == "test":
            xhat = (x - running_mean) / np.sqrt(running_var + eps)
            out = gamma * xhat + beta
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
        dxmu1 = dxhat * ivar
        dsqrtvar = -1.0 / (sqrtvar**2) * divar
        dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
        dsq = 1.0 / N * np.ones((N, D)) * dvar
        dxmu2 = 2 * xmu * dsq
        dx1 = dxmu1 + dxmu2
        dmu = -1 * np.sum(dx1, axis=0)
        dx2 = 1.0 / N * np.ones((N, D)) * dmu
        dx = dx1 + dx2
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward
