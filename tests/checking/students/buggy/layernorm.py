"""Layer norm, wrong: mostly batch norm copied and not turned round everywhere."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


def layernorm_forward(x, gamma, beta, ln_param):
    """The forward pass that most of them share, and that is right."""
    eps = ln_param.get("eps", 1e-5)
    mu = np.mean(x, axis=1, keepdims=True)
    std = np.sqrt(np.var(x, axis=1, keepdims=True) + eps)
    xhat = (x - mu) / std
    return gamma * xhat + beta, (xhat, gamma, std)


@buggy(
    "layernorm", "both", "wrong-axes", "Copies batch norm, drops the running statistics and leaves axis=0."
)
def layernorm_over_batch():
    def layernorm_forward_copied(x, gamma, beta, ln_param):
        eps = ln_param.get("eps", 1e-5)
        mu, var = x.mean(axis=0), x.var(axis=0)
        xhat = (x - mu) / np.sqrt(var + eps)
        return gamma * xhat + beta, (xhat, gamma, var + eps)

    def layernorm_backward_copied(dout, cache):
        xhat, gamma, var = cache
        N = dout.shape[0]
        dgamma, dbeta = (dout * xhat).sum(axis=0), dout.sum(axis=0)
        dx = gamma / np.sqrt(var) / N * (N * dout - dbeta - xhat * dgamma)
        return dx, dgamma, dbeta

    return layernorm_forward_copied, layernorm_backward_copied


@buggy("layernorm", "backward", "wrong-axes", "Turns every axis round, also those of dgamma and dbeta.")
def layernorm_parameters_over_features():
    def layernorm_backward(dout, cache):
        xhat, gamma, std = cache
        dgamma = np.sum(dout * xhat, axis=1)
        dbeta = np.sum(dout, axis=1)
        g = dout * gamma
        dx = (g - g.mean(axis=1, keepdims=True) - xhat * (g * xhat).mean(axis=1, keepdims=True)) / std
        return dx, dgamma, dbeta

    return layernorm_forward, layernorm_backward


@buggy("layernorm", "backward", "factor-n", "Turns the sums round but still divides them by N, the batch.")
def layernorm_divides_by_batch():
    def layernorm_backward(dout, cache):
        xhat, gamma, std = cache
        N, D = dout.shape
        dxhat = dout * gamma
        first = np.sum(dxhat, axis=1, keepdims=True) / N
        second = xhat * np.sum(dxhat * xhat, axis=1, keepdims=True) / N
        dx = (dxhat - first - second) / std
        return dx, np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)

    return layernorm_forward, layernorm_backward


@buggy(
    "layernorm", "backward", "gamma-missing", "Uses dout where dout * gamma is meant; gamma starts as ones."
)
def layernorm_without_gamma():
    def layernorm_backward(dout, cache):
        xhat, gamma, std = cache
        D = dout.shape[1]
        dx = (
            D * dout - dout.sum(axis=1, keepdims=True) - xhat * np.einsum("nd,nd->n", dout, xhat)[:, None]
        ) / (D * std)
        return dx, np.einsum("nd,nd->d", dout, xhat), np.einsum("nd->d", dout)

    return layernorm_forward, layernorm_backward


@buggy(
    "layernorm",
    "backward",
    "gamma-missing wrong-unknown",
    "Pulls gamma out of the bracket, as in batch norm, where it was constant.",
)
def layernorm_gamma_out_of_bracket():
    def layernorm_backward(dout, cache):
        xhat, gamma, std = cache
        centred = dout - dout.mean(axis=1, keepdims=True)
        dx = gamma / std * (centred - xhat * (dout * xhat).mean(axis=1, keepdims=True))
        return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)

    return layernorm_forward, layernorm_backward


@buggy(
    "layernorm",
    "backward",
    "mean-term-missing",
    "Sees that the mean of x-hat is 0 and drops the mean's term with it.",
)
def layernorm_mean_term_dropped():
    def layernorm_backward(dout, cache):
        xhat, gamma, std = cache
        dx = np.empty_like(dout)
        for n, row in enumerate(dout):
            g = row * gamma
            dx[n] = (g - xhat[n] * np.dot(g, xhat[n]) / g.size) / std[n]
        return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)

    return layernorm_forward, layernorm_backward


@buggy("layernorm", "backward", "variance-term-missing", "Keeps the mean's path only.")
def layernorm_variance_term_dropped():
    def layernorm_backward(dout, cache):
        xhat, gamma, std = cache
        dxhat = dout * gamma
        dx = dxhat / std
        dx -= dx.mean(axis=1, keepdims=True)
        return dx, np.sum(xhat * dout, axis=0), np.sum(dout, axis=0)

    return layernorm_forward, layernorm_backward


@buggy(
    "layernorm",
    "forward",
    "eps-misplaced",
    "Adds eps to the deviation to be safe, and derives with the variance.",
)
def layernorm_eps_outside_root():
    def layernorm_forward_std(x, gamma, beta, ln_param):
        eps = ln_param.get("eps", 1e-5)
        mu, sigma = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
        xhat = (x - mu) / (sigma + eps)
        return gamma * xhat + beta, (xhat, gamma, sigma + eps)

    def layernorm_backward(dout, cache):
        xhat, gamma, std = cache
        g = dout * gamma
        dx = (g - g.mean(axis=1, keepdims=True) - xhat * (g * xhat).mean(axis=1, keepdims=True)) / std
        return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)

    return layernorm_forward_std, layernorm_backward
