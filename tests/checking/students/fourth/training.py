"""Fourth batch: norms, dropout, losses and update rules, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.buggy.batchnorm_backward import batchnorm_forward
from checking.students.buggy.batchnorm_forward import at_test_time, batchnorm_backward, settings
from checking.students.buggy.dropout import draw, dropout_backward
from checking.students.buggy.image_norms import groupnorm_dx, spatial_groupnorm_forward
from checking.students.buggy.losses import log_softmax
from checking.students.buggy.rules import adam_config
from checking.students.student import buggy


@buggy(
    "batchnorm", "backward", "eps-misplaced", "Takes the square root of the variance without eps in backward."
)
def batchnorm_backward_without_eps():
    def batchnorm_backward_var(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        g, std = dout * gamma, np.sqrt(var)
        dx = (g - g.mean(0) - xhat * (g * xhat).mean(0)) / std
        return dx, (dout * xhat).sum(0), dout.sum(0)

    return batchnorm_forward, batchnorm_backward_var


@buggy("batchnorm", "backward", "division-missing factor", "Does not divide by the deviation.")
def batchnorm_dx_not_divided():
    def batchnorm_backward_raw(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        g = dout * gamma
        return g - g.mean(0) - xhat * (g * xhat).mean(0), (dout * xhat).sum(0), dout.sum(0)

    return batchnorm_forward, batchnorm_backward_raw


@buggy("batchnorm", "backward", "gamma-missing", "Uses dout for dx-hat in the mean's term only.")
def batchnorm_mean_term_without_gamma():
    def batchnorm_backward_mixed(dout, cache):
        x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        g, N = dout * gamma, len(dout)
        dmu = -np.sum(dout * ivar, axis=0)
        dvar = -0.5 * np.sum(g * xmu, axis=0) * ivar**3
        return g * ivar + dmu / N + 2 * dvar * xmu / N, (dout * xhat).sum(0), dout.sum(0)

    return batchnorm_forward, batchnorm_backward_mixed


@buggy(
    "batchnorm",
    "forward",
    "momentum-reversed forward-wrong wrong-unknown",
    "Forgets the old statistics: (1 - momentum) * mean alone.",
)
def batchnorm_forgets_old_statistics():
    def batchnorm_forward_new(x, gamma, beta, bn_param):
        mode, eps, momentum, mean, var = settings(bn_param, x)
        if mode == "test":
            return at_test_time(x, gamma, beta, mean, var, eps)
        mu, v = x.mean(0), x.var(0)
        std = np.sqrt(v + eps)
        bn_param["running_mean"], bn_param["running_var"] = (1 - momentum) * mu, (1 - momentum) * v
        xhat = (x - mu) / std
        return gamma * xhat + beta, (xhat, gamma, std)

    return batchnorm_forward_new, batchnorm_backward


@buggy("layernorm", "forward", "root-missing forward-wrong", "Divides by the variance, without the root.")
def layernorm_by_variance():
    def layernorm_forward_var(x, gamma, beta, ln_param):
        v = x.var(axis=1, keepdims=True) + ln_param.get("eps", 1e-5)
        xhat = (x - x.mean(axis=1, keepdims=True)) / v
        return gamma * xhat + beta, (xhat, v, gamma)

    def layernorm_backward(dout, cache):
        xhat, v, gamma = cache
        g = dout * gamma
        dx = (g - g.mean(1, keepdims=True) - xhat * (g * xhat).mean(1, keepdims=True)) / v
        return dx, (dout * xhat).sum(0), dout.sum(0)

    return layernorm_forward_var, layernorm_backward


@buggy(
    "spatial_groupnorm",
    "both",
    "wrong-axes channels-mixed forward-wrong",
    "Takes G for the channels of a group.",
)
def groupnorm_g_is_size():
    def spatial_groupnorm_forward_size(x, gamma, beta, G, gn_param):
        return spatial_groupnorm_forward(x, gamma, beta, x.shape[1] // G, gn_param)

    def spatial_groupnorm_backward(dout, cache):
        xhat, gamma, std, G = cache
        C, H, W = dout.shape[1:]
        dgamma = (dout * xhat).sum(axis=(0, 2, 3)).reshape(gamma.shape)
        dx = groupnorm_dx(dout, cache, C // G * H * W)
        return dx, dgamma, dout.sum(axis=(0, 2, 3)).reshape(gamma.shape)

    return spatial_groupnorm_forward_size, spatial_groupnorm_backward


@buggy(
    "dropout",
    "forward",
    "scaled-twice drops-at-test",
    "Multiplies by p at test time, although training was scaled already.",
)
def dropout_p_at_test():
    def dropout_forward_p(x, dropout_param):
        p = dropout_param["p"]
        if dropout_param["mode"] == "test":
            return x * p, (dropout_param, None)
        mask = (draw(x, dropout_param) >= p).astype(x.dtype) / (1 - p)
        return x * mask, (dropout_param, mask)

    return dropout_forward_p, dropout_backward


@buggy(
    "softmax_loss", "forward", "forward-wrong one-hot-missing", "Sums the log probabilities of all classes."
)
def softmax_all_classes():
    def softmax_loss(x, y):
        N = len(y)
        logp = log_softmax(x)
        dx = np.exp(logp)
        dx[np.arange(N), y] -= 1
        return -logp.sum() / N, dx / N

    return softmax_loss


@buggy(
    "softmax_loss",
    "backward",
    "one-hot-missing wrong-unknown",
    "dx[:, y] -= 1, which takes 1 off in every row for every label.",
)
def softmax_colon_for_rows():
    def softmax_loss(x, y):
        N = len(y)
        logp = log_softmax(x)
        dx = np.exp(logp)
        dx[:, y] -= 1
        return -logp[np.arange(N), y].mean(), dx / N

    return softmax_loss


@buggy("svm_loss", "both", "forward-wrong", "Forgets max(0, ...): good margins are rewarded.")
def svm_without_hinge():
    def svm_loss(x, y):
        N, C = x.shape
        rows = np.arange(N)
        margins = x - x[rows, y][:, None] + 1
        margins[rows, y] = 0
        dx = np.ones_like(x)
        dx[rows, y] = -(C - 1)
        return margins.sum() / N, dx / N

    return svm_loss


@buggy(
    "adam",
    "forward",
    "not-a-number wrong-unknown forward-wrong",
    "Averages the gradient, not its square, in v.",
)
def adam_without_square():
    def adam(w, dw, config=None):
        config = adam_config(w, config)
        b1, b2 = config["beta1"], config["beta2"]
        config["t"] += 1
        config["m"] = b1 * config["m"] + (1 - b1) * dw
        config["v"] = b2 * config["v"] + (1 - b2) * dw
        m_hat, v_hat = config["m"] / (1 - b1 ** config["t"]), config["v"] / (1 - b2 ** config["t"])
        return w - config["learning_rate"] * m_hat / (np.sqrt(v_hat) + config["epsilon"]), config

    return adam


@buggy(
    "rmsprop",
    "forward",
    "wrong-unknown forward-wrong step-differs",
    "Loses a bracket: lr dw / sqrt(cache) + epsilon.",
)
def rmsprop_lost_bracket():
    def rmsprop(w, dw, config=None):
        config = {} if config is None else config
        d = config.get("decay_rate", 0.99)
        config["cache"] = d * config.get("cache", np.zeros_like(w)) + (1 - d) * dw**2
        step = config.get("learning_rate", 1e-2) * dw / np.sqrt(config["cache"]) + config.get("epsilon", 1e-8)
        return w - step, config

    return rmsprop
