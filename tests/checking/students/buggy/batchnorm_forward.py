"""Batch norm whose forward pass is wrong: statistics, eps, modes."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


def batchnorm_backward(dout, cache):
    """The backward pass that most of them share; right when x-hat and the deviation are."""
    xhat, gamma, std = cache
    N = dout.shape[0]
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dx = gamma / (N * std) * (N * dout - dbeta - xhat * dgamma)
    return dx, dgamma, dbeta


def settings(bn_param, x):
    """What every forward pass reads first."""
    D = x.shape[1]
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
    return (
        bn_param["mode"],
        bn_param.get("eps", 1e-5),
        bn_param.get("momentum", 0.9),
        running_mean,
        running_var,
    )


def at_test_time(x, gamma, beta, mean, var, eps):
    """Right."""
    return gamma * (x - mean) / np.sqrt(var + eps) + beta, None


@buggy("batchnorm", "forward", "variance-unbiased", "Learned in statistics to divide a variance by N - 1.")
def batchnorm_ddof_one():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps, momentum, mean, var = settings(bn_param, x)
        if mode == "test":
            return at_test_time(x, gamma, beta, mean, var, eps)
        mu, sigma2 = np.mean(x, axis=0), np.var(x, axis=0, ddof=1)
        std = np.sqrt(sigma2 + eps)
        xhat = (x - mu) / std
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * mu
        bn_param["running_var"] = momentum * var + (1 - momentum) * sigma2
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "variance-unbiased",
    "Keeps the unbiased variance as running variance, as PyTorch does and the course does not.",
    laws=False,
)
def batchnorm_running_ddof_one():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps, momentum, mean, var = settings(bn_param, x)
        if mode == "test":
            return at_test_time(x, gamma, beta, mean, var, eps)
        N = x.shape[0]
        mu, sigma2 = x.mean(axis=0), x.var(axis=0)
        std = np.sqrt(sigma2 + eps)
        xhat = (x - mu) / std
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * mu
        bn_param["running_var"] = momentum * var + (1 - momentum) * sigma2 * N / max(N - 1, 1)
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm", "forward", "eps-misplaced", "Adds eps to the deviation, not to the variance under the root."
)
def batchnorm_eps_outside_root():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps, momentum, mean, var = settings(bn_param, x)
        if mode == "test":
            out = gamma * (x - mean) / (np.sqrt(var) + eps) + beta
            return out, None
        mu, sigma = x.mean(axis=0), x.std(axis=0)
        xhat = (x - mu) / (sigma + eps)
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * mu
        bn_param["running_var"] = momentum * var + (1 - momentum) * sigma**2
        return gamma * xhat + beta, (xhat, gamma, np.sqrt(sigma**2 + eps))

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm", "forward", "eps-misplaced not-a-number", "Leaves eps out: a constant feature divides 0 by 0."
)
def batchnorm_without_eps():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, _, momentum, mean, var = settings(bn_param, x)
        if mode == "test":
            return at_test_time(x, gamma, beta, mean, var, 0)
        mu, std = x.mean(axis=0), x.std(axis=0)
        xhat = (x - mu) / std
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * mu
        bn_param["running_var"] = momentum * var + (1 - momentum) * std**2
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward, batchnorm_backward


@buggy("batchnorm", "both", "wrong-axes", "Takes the mean over the features of each example: axis=1.")
def batchnorm_over_features():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps, momentum, mean, var = settings(bn_param, x)
        if mode == "test":
            return at_test_time(x, gamma, beta, mean, var, eps)
        mu = x.mean(axis=1, keepdims=True)
        std = np.sqrt(x.var(axis=1, keepdims=True) + eps)
        xhat = (x - mu) / std
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * x.mean(axis=0)
        bn_param["running_var"] = momentum * var + (1 - momentum) * x.var(axis=0)
        return gamma * xhat + beta, (xhat, gamma, std)

    def batchnorm_backward(dout, cache):
        xhat, gamma, std = cache
        dxhat = dout * gamma
        inner = (dxhat * xhat).mean(axis=1, keepdims=True)
        dx = (dxhat - dxhat.mean(axis=1, keepdims=True) - xhat * inner) / std
        return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)

    return batchnorm_forward, batchnorm_backward


@buggy("batchnorm", "forward", "wrong-axes", "Calls np.var(x) without an axis, and gets one number.")
def batchnorm_one_variance():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps, momentum, mean, var = settings(bn_param, x)
        if mode == "test":
            return at_test_time(x, gamma, beta, mean, var, eps)
        mu = np.mean(x, axis=0)
        sigma2 = np.var(x)
        std = np.sqrt(sigma2 + eps)
        xhat = (x - mu) / std
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * mu
        bn_param["running_var"] = momentum * var + (1 - momentum) * sigma2
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "statistics-swapped",
    "Forgets the mode: normalises with the batch at test time too.",
)
def batchnorm_batch_statistics_at_test():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps, momentum, mean, var = settings(bn_param, x)
        mu, sigma2 = x.mean(axis=0), x.var(axis=0)
        std = np.sqrt(sigma2 + eps)
        xhat = (x - mu) / std
        if mode == "train":
            bn_param["running_mean"] = momentum * mean + (1 - momentum) * mu
            bn_param["running_var"] = momentum * var + (1 - momentum) * sigma2
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "statistics-swapped",
    "Updates the running statistics first and normalises with those.",
)
def batchnorm_running_statistics_in_training():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps, momentum, mean, var = settings(bn_param, x)
        if mode == "train":
            mean = momentum * mean + (1 - momentum) * x.mean(axis=0)
            var = momentum * var + (1 - momentum) * x.var(axis=0)
            bn_param["running_mean"], bn_param["running_var"] = mean, var
        std = np.sqrt(var + eps)
        xhat = (x - mean) / std
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "momentum-reversed",
    "Gives the new batch the weight 0.9, as the momentum of other frameworks would.",
    laws=False,
)
def batchnorm_momentum_of_new():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps, momentum, mean, var = settings(bn_param, x)
        if mode == "test":
            return at_test_time(x, gamma, beta, mean, var, eps)
        mu, sigma2 = x.mean(axis=0), x.var(axis=0)
        std = np.sqrt(sigma2 + eps)
        xhat = (x - mu) / std
        bn_param["running_mean"] = (1 - momentum) * mean + momentum * mu
        bn_param["running_var"] = (1 - momentum) * var + momentum * sigma2
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "forward",
    "running-not-written",
    "Computes the running statistics into local names and stops.",
)
def batchnorm_running_not_written():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps, momentum, running_mean, running_var = settings(bn_param, x)
        if mode == "test":
            return at_test_time(x, gamma, beta, running_mean, running_var, eps)
        mu, sigma2 = x.mean(axis=0), x.var(axis=0)
        std = np.sqrt(sigma2 + eps)
        xhat = (x - mu) / std
        running_mean = momentum * running_mean + (1 - momentum) * mu
        running_var = momentum * running_var + (1 - momentum) * sigma2
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward, batchnorm_backward


@buggy(
    "batchnorm",
    "both",
    "input-changed",
    "Centres the batch in place with x -= mean, which the caller then has.",
)
def batchnorm_centres_in_place():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode, eps, momentum, mean, var = settings(bn_param, x)
        if mode == "test":
            return at_test_time(x, gamma, beta, mean, var, eps)
        mu, sigma2 = x.mean(axis=0), x.var(axis=0)
        std = np.sqrt(sigma2 + eps)
        x -= mu
        xhat = x / std
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * mu
        bn_param["running_var"] = momentum * var + (1 - momentum) * sigma2
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward, batchnorm_backward
