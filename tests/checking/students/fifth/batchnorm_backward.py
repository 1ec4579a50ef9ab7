# ruff: noqa: B905 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: batch norm with a wrong backward."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "batchnorm",
    "backward",
    "factor-n",
    "N and D are unpacked in exchanged order, so sums over the batch are divided by the number "
    "of features; right only when both agree.",
)
def batchnorm_n_for_d():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        train = bn_param["mode"] == "train"
        if "running_mean" not in bn_param:
            bn_param["running_mean"] = np.zeros(x.shape[1])
            bn_param["running_var"] = np.zeros(x.shape[1])
        if train:
            mu, var = x.mean(0), x.var(0)
            bn_param["running_mean"] = momentum * bn_param["running_mean"] + (1 - momentum) * mu
            bn_param["running_var"] = momentum * bn_param["running_var"] + (1 - momentum) * var
        else:
            mu, var = bn_param["running_mean"], bn_param["running_var"]
        xc = x - mu
        std = np.sqrt(var + eps)
        return gamma * xc / std + beta, (xc, std, gamma)

    def batchnorm_backward(dout, cache):
        xc, std, gamma = cache
        D, N = dout.shape

        dbeta = dout.sum(0)
        dgamma = (dout * xc / std).sum(0)
        dxn = gamma * dout
        dxc = dxn / std
        dstd = -np.sum(dxn * xc / std**2, axis=0)
        dvar = 0.5 * dstd / std
        dxc += 2.0 / N * xc * dvar
        dmu = np.sum(dxc, axis=0)
        dx = dxc - dmu / N
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "backward",
    "term-doubled",
    "The power -1.5 of the variance is taken of the standard deviation, which is what the cache "
    "holds, so the path through the variance is scaled wrongly.",
)
def batchnorm_power_of_std():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        D = x.shape[1]
        running_mean = bn_param.get("running_mean", np.zeros(D))
        running_var = bn_param.get("running_var", np.zeros(D))
        if bn_param["mode"] == "train":
            sample_mean = np.mean(x, axis=0)
            sample_var = np.var(x, axis=0)
            sigma = np.sqrt(sample_var + eps)
            x_hat = (x - sample_mean) / sigma
            bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * sample_mean
            bn_param["running_var"] = momentum * running_var + (1 - momentum) * sample_var
            return gamma * x_hat + beta, (x, x_hat, sample_mean, sigma, gamma)
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        return gamma * x_hat + beta, None

    def batchnorm_backward(dout, cache):
        x, x_hat, mean, sigma, gamma = cache
        m = x.shape[0]
        dx_hat = dout * gamma
        dvar = np.sum(dx_hat * (x - mean), axis=0) * -0.5 * sigma ** (-1.5)
        dmean = np.sum(dx_hat * (-1 / sigma), axis=0) + dvar * np.mean(-2 * (x - mean), axis=0)
        dx = dx_hat / sigma + dvar * 2 * (x - mean) / m + dmean / m
        dgamma = np.sum(dout * x_hat, axis=0)
        dbeta = np.sum(dout, axis=0)
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "backward",
    "wrong-axes",
    "The sum of dxhat * xhat is taken over all entries (no axis) instead of over the batch for each feature.",
)
def batchnorm_sums_all():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
        running_var = bn_param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
        if bn_param["mode"] == "train":
            mu = np.mean(x, axis=0)
            v = np.var(x, axis=0)
            std = np.sqrt(v + eps)
            z = (x - mu) / std
            out = gamma * z + beta
            running_mean = momentum * running_mean + (1 - momentum) * mu
            running_var = momentum * running_var + (1 - momentum) * v
            cache = {"z": z, "std": std, "gamma": gamma, "N": x.shape[0]}
        else:
            out = gamma * ((x - running_mean) / np.sqrt(running_var + eps)) + beta
            cache = None
        bn_param["running_mean"] = running_mean
        bn_param["running_var"] = running_var
        return out, cache

    def batchnorm_backward_alt(dout, cache):
        z, std, gamma, N = cache["z"], cache["std"], cache["gamma"], cache["N"]
        dgamma = np.sum(dout * z, axis=0)
        dbeta = np.sum(dout, axis=0)
        dz = dout * gamma
        dx = (N * dz - np.sum(dz, axis=0) - z * np.sum(dz * z)) / (N * std)
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward_alt


@buggy(
    "batchnorm",
    "backward",
    "mean-term-missing",
    "The path of x through the batch mean is missing from dx.",
)
def batchnorm_without_mean():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps, momentum = bn_param["mode"], bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        _, D = x.shape
        stats = [bn_param.get(k, np.zeros(D, x.dtype)) for k in ("running_mean", "running_var")]
        if mode == "train":
            mean = x.mean(axis=0, keepdims=True)
            diff = x - mean
            var = np.mean(np.square(diff), axis=0, keepdims=True)
            inv = 1.0 / np.sqrt(var + eps)
            stats = [momentum * s + (1 - momentum) * new.ravel() for s, new in zip(stats, (mean, var))]
            cache = diff, inv, gamma
            out = diff * inv * gamma + beta
        else:
            out = (x - stats[0]) / np.sqrt(stats[1] + eps) * gamma + beta
            cache = None
        bn_param["running_mean"], bn_param["running_var"] = stats
        return out, cache

    def batchnorm_backward(dout, cache):
        diff, inv, gamma = cache
        N = diff.shape[0]
        dgamma = (dout * diff * inv).sum(axis=0)
        dbeta = dout.sum(axis=0)

        dnorm = dout * gamma
        ddiff = dnorm * inv
        dinv = (dnorm * diff).sum(axis=0, keepdims=True)
        dvar = -0.5 * inv**3 * dinv
        ddiff = ddiff + 2.0 / N * diff * dvar
        dx = ddiff
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward
