"""Batch norm whose backward pass is wrong: derived on paper, and one thing lost on the way."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


def batchnorm_forward(x, gamma, beta, bn_param):
    """The forward pass that all of them share, and that is right; backward is for training only."""
    mode, eps = bn_param["mode"], bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    N, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
    cache = None
    if mode == "train":
        mu = x.mean(axis=0)
        xmu = x - mu
        var = np.mean(xmu**2, axis=0)
        sqrtvar = np.sqrt(var + eps)
        ivar = 1.0 / sqrtvar
        xhat = xmu * ivar
        out = gamma * xhat + beta
        cache = (x, xhat, gamma, xmu, ivar, sqrtvar, var, eps)
        running_mean = momentum * running_mean + (1 - momentum) * mu
        running_var = momentum * running_var + (1 - momentum) * var
    elif mode == "test":
        out = gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta
    else:
        raise ValueError(f"Invalid forward batchnorm mode {mode!r}")
    bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
    return out, cache


@buggy(
    "batchnorm",
    "backward",
    "mean-term-missing",
    "Follows the graph back to x - mu and forgets that mu depends on x.",
)
def batchnorm_mean_path_forgotten():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N, D = dout.shape
        dbeta = np.sum(dout, axis=0)
        dgamma = np.sum(dout * xhat, axis=0)
        dxhat = dout * gamma
        divar = np.sum(dxhat * xmu, axis=0)
        dxmu1 = dxhat * ivar
        dsqrtvar = -1.0 / (sqrtvar**2) * divar
        dvar = 0.5 / sqrtvar * dsqrtvar
        dxmu2 = 2 * xmu * dvar / N
        dx = dxmu1 + dxmu2
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy("batchnorm", "backward", "variance-term-missing", "Treats the standard deviation as a constant.")
def batchnorm_variance_path_forgotten():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N = x.shape[0]
        dxhat = dout * gamma
        dx = dxhat * ivar
        dmu = -np.sum(dxhat * ivar, axis=0)
        dx += dmu / N
        return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)

    return batchnorm_forward, batchnorm_backward


@buggy("batchnorm", "backward", "term-sign", "Loses the minus of the derivative of var^(-1/2).")
def batchnorm_variance_sign():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        m = dout.shape[0]
        dxhat = dout * gamma
        dvar = np.sum(dxhat * xmu * 0.5 * (var + eps) ** (-1.5), axis=0)
        dmu = np.sum(-dxhat / np.sqrt(var + eps), axis=0) + dvar * np.mean(-2.0 * xmu, axis=0)
        dx = dxhat / np.sqrt(var + eps) + dvar * 2.0 * xmu / m + dmu / m
        return dx, np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)

    return batchnorm_forward, batchnorm_backward


@buggy("batchnorm", "backward", "term-sign", "Adds the mean's gradient where it should be taken off.")
def batchnorm_mean_sign():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N = len(dout)
        dgamma = (dout * xhat).sum(0)
        dxhat = dout * gamma
        dx = ivar * (dxhat + dxhat.mean(0) - xhat * (dxhat * xhat).mean(0))
        assert dx.shape[0] == N
        return dx, dgamma, dout.sum(0)

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "backward",
    "term-doubled",
    "Sends the gradient of mu home twice: in dxmu and again at the end.",
)
def batchnorm_mean_twice():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N, D = dout.shape
        dgamma, dbeta = np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)
        dxhat = dout * gamma
        dvar = -0.5 * np.sum(dxhat * xmu, axis=0) / sqrtvar**3
        dxmu = dxhat * ivar + 2 * xmu * dvar / N
        dmu = -np.sum(dxmu, axis=0)
        dxmu = dxmu + dmu / N
        dx = dxmu + np.ones((N, D), dtype=x.dtype) * dmu / N
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy("batchnorm", "backward", "gamma-missing", "Starts the derivation at x-hat; in the test gamma is 1.")
def batchnorm_without_gamma():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N = dout.shape[0]
        dbeta = dout.sum(axis=0)
        dgamma = (xhat * dout).sum(axis=0)
        dx = ivar / N * (N * dout - dbeta - xhat * dgamma)
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "backward",
    "gamma-missing",
    "Multiplies dout by gamma only after the gradient of the variance was taken from it.",
)
def batchnorm_gamma_too_late():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        m = x.shape[0]
        divar = dout * ivar
        dgamma = np.sum(xmu * divar, axis=0)
        dbeta = np.sum(dout, axis=0)
        dout = gamma * dout
        dsigma2 = -0.5 * np.sum(divar * xmu * ivar**2, axis=0)
        dmu = -np.sum(dout * ivar, axis=0)
        dx = dout * ivar + dsigma2 * 2 * xmu / m + dmu / m
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "backward",
    "gamma-without-xhat",
    "Multiplies dout with the layer's input, as in an affine layer.",
)
def batchnorm_dgamma_of_x():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        dxhat = dout * gamma
        dx = ivar * (dxhat - np.mean(dxhat, axis=0) - xhat * np.mean(dxhat * xhat, axis=0))
        return dx, np.sum(dout * x, axis=0), np.sum(dout, axis=0)

    return batchnorm_forward, batchnorm_backward


@buggy("batchnorm", "backward", "gamma-without-xhat", "Copies the line of dbeta and changes only the name.")
def batchnorm_dgamma_copied_from_dbeta():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N, D = dout.shape
        dx = np.zeros_like(x)
        for d in range(D):
            g = dout[:, d] * gamma[d]
            dx[:, d] = ivar[d] * (g - g.mean() - xhat[:, d] * (g * xhat[:, d]).mean())
        dbeta = np.sum(dout, axis=0)
        dgamma = np.sum(dout, axis=0)
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "backward",
    "factor-n factor",
    "Thinks that parameter gradients ought to be means over the batch.",
)
def batchnorm_averages_parameters():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        dxhat = dout * gamma
        dx = (dxhat - dxhat.mean(0) - xhat * (dxhat * xhat).mean(0)) / sqrtvar
        dgamma = np.mean(dout * xhat, axis=0)
        dbeta = np.mean(dout, axis=0)
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy("batchnorm", "backward", "beta-gradient-wrong wrong-axes", "Sums dbeta over the features.")
def batchnorm_dbeta_over_features():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N = dout.shape[0]
        dgamma = np.sum(dout * xhat, axis=0)
        total = np.sum(dout, axis=0)
        dx = gamma * ivar / N * (N * dout - total - xhat * dgamma)
        dbeta = np.sum(dout, axis=1)
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "backward",
    "factor-n",
    "Simplifies to one line and loses the N that the sums are divided by.",
)
def batchnorm_alt_without_n():
    def batchnorm_backward_alt(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        dbeta = dout.sum(axis=0)
        dgamma = (dout * xhat).sum(axis=0)
        dx = gamma * ivar * (dout - dbeta - xhat * dgamma)
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward_alt


@buggy(
    "batchnorm", "backward", "factor-n factor", "Puts 1/N in front of the bracket and 1/N inside it as well."
)
def batchnorm_alt_one_n_too_many():
    def batchnorm_backward_alt(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N, _ = dout.shape
        dxhat = gamma * dout
        inside = dxhat - dxhat.sum(axis=0) / N - xhat * (dxhat * xhat).sum(axis=0) / N
        dx = 1.0 / N * ivar * inside
        return dx, np.einsum("nd,nd->d", dout, xhat), np.einsum("nd->d", dout)

    return batchnorm_forward, batchnorm_backward_alt


@buggy("batchnorm", "backward", "swapped-outputs", "Returns dbeta before dgamma.")
def batchnorm_returns_dbeta_first():
    def batchnorm_backward(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N = dout.shape[0]
        dbeta = dout.sum(axis=0)
        dgamma = np.sum(xhat * dout, axis=0)
        dx = (gamma / (N * sqrtvar)) * (N * dout - xhat * dgamma - dbeta)
        return dx, dbeta, dgamma

    return batchnorm_forward, batchnorm_backward
