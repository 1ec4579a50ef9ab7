# ruff: noqa: B905 - left as it was handed in
"""Sixth batch, by an author who never saw the doctor: layers of rows and losses that are right, more."""

from __future__ import annotations

import numpy as np
from checking.students.student import right


@right(
    "batchnorm",
    "Batchnorm projection.",
)
def sixth_batchnorm_projection():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        D = x.shape[1]
        rm, rv = bn_param.get("running_mean", np.zeros(D)), bn_param.get("running_var", np.zeros(D))
        train = bn_param["mode"] == "train"
        mu, var = (x.mean(0), x.var(0)) if train else (rm, rv)
        if train:
            bn_param["running_mean"] = rm + (1 - m) * (mu - rm)
            bn_param["running_var"] = rv + (1 - m) * (var - rv)
        s = np.sqrt(var + eps)
        h = (x - mu) / s
        return h * gamma + beta, (h, s, gamma, train)

    def batchnorm_backward(dout, cache):
        h, s, gamma, train = cache
        dgamma, dbeta = np.einsum("nd,nd->d", dout, h), dout.sum(0)
        if not train:
            return dout * gamma / s, dgamma, dbeta
        N, D = dout.shape
        dx = np.empty_like(dout)
        for d in range(D):
            P = np.eye(N) - np.ones((N, N)) / N - np.outer(h[:, d], h[:, d]) / N
            dx[:, d] = P @ dout[:, d] * gamma[d] / s[d]
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@right(
    "batchnorm",
    "Batchnorm alt.",
)
def sixth_batchnorm_alt():
    def batchnorm_forward(x, gamma, beta, bn_param):
        mode = bn_param["mode"]
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        D = x.shape[1]
        running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
        running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
        if mode == "train":
            mu = x.mean(axis=0)
            xc = x - mu
            var = np.mean(xc * xc, axis=0)
            istd = 1.0 / np.sqrt(var + eps)
            out = gamma * (xc * istd) + beta
            running_mean = momentum * running_mean + (1 - momentum) * mu
            running_var = momentum * running_var + (1 - momentum) * var
            cache = (xc, istd, gamma)
        else:
            scale = gamma / np.sqrt(running_var + eps)
            out = x * scale + (beta - running_mean * scale)
            cache = None
        bn_param["running_mean"] = running_mean
        bn_param["running_var"] = running_var
        return out, cache

    def batchnorm_backward_alt(dout, cache):
        xc, istd, gamma = cache
        N = dout.shape[0]
        dbeta = dout.sum(axis=0)
        s = np.sum(dout * xc, axis=0)
        dgamma = s * istd
        dx = gamma * istd * (dout - dbeta / N - xc * istd**2 * s / N)
        return dx, dgamma, dbeta

    return batchnorm_forward, batchnorm_backward_alt


@right(
    "layernorm",
    "Layernorm list comprehension.",
)
def sixth_layernorm_list_comprehension():
    def layernorm_forward(x, gamma, beta, ln_param):
        eps = ln_param.get("eps", 1e-5)
        stats = [(row.mean(), (row.var() + eps) ** 0.5) for row in x]
        xhat = np.array([(row - m) / s for row, (m, s) in zip(x, stats)])
        return xhat * gamma + beta, (xhat, [s for _, s in stats], gamma)

    def layernorm_backward(dout, cache):
        xhat, stds, gamma = cache
        D = xhat.shape[1]
        rows = []
        for d, h, s in zip(dout * gamma, xhat, stds):
            rows.append((d - d.sum() / D - h * (d @ h) / D) / s)
        return np.array(rows), (dout * xhat).sum(axis=0), dout.sum(axis=0)

    return layernorm_forward, layernorm_backward


@right(
    "adam",
    "Adam folded correction.",
)
def sixth_adam_folded_correction():
    def adam(w, dw, config=None):
        config = {} if config is None else config
        config.setdefault("learning_rate", 1e-3)
        config.setdefault("beta1", 0.9)
        config.setdefault("beta2", 0.999)
        config.setdefault("epsilon", 1e-8)
        config.setdefault("m", np.zeros_like(w))
        config.setdefault("v", np.zeros_like(w))
        config.setdefault("t", 0)
        config["t"] += 1
        b1, b2, t = config["beta1"], config["beta2"], config["t"]
        config["m"] = config["m"] + (1 - b1) * (dw - config["m"])
        config["v"] = config["v"] + (1 - b2) * (dw**2 - config["v"])
        root = np.sqrt(1 - b2**t)
        lr_t = config["learning_rate"] * root / (1 - b1**t)
        next_w = w - lr_t * config["m"] / (np.sqrt(config["v"]) + config["epsilon"] * root)
        return next_w, config

    return adam


@right(
    "sgd_nesterov_momentum",
    "Nesterov lookahead form.",
)
def sixth_nesterov_lookahead_form():
    def sgd_nesterov_momentum(w, dw, config=None):
        config = {} if config is None else config
        lr = config.setdefault("learning_rate", 1e-2)
        mu = config.setdefault("momentum", 0.9)
        old = config.get("velocity")
        if old is None:
            old = np.zeros_like(w)
        new = mu * old - lr * dw
        config["velocity"] = new
        return w + mu * new - lr * dw, config

    return sgd_nesterov_momentum
