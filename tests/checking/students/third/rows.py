"""Third batch: rows, activations, dropout, losses and rules, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.buggy.affine import affine_forward
from checking.students.buggy.batchnorm_backward import batchnorm_forward
from checking.students.buggy.dropout import draw, dropout_backward, dropout_forward
from checking.students.buggy.losses import log_softmax
from checking.students.buggy.rules import adam_config
from checking.students.student import buggy


@buggy("affine", "backward", "reshape-order", "Folds dx back with the sample axis last and transposes.")
def affine_dx_folded_turned():
    def affine_backward(dout, cache):
        x, w, b = cache
        dx = (dout @ w.T).reshape(x.shape[::-1]).T
        return dx, x.reshape(len(x), -1).T @ dout, dout.sum(axis=0)

    return affine_forward, affine_backward


@buggy(
    "affine",
    "forward",
    "factor bias-wrong-axes step-differs",
    "Adds the bias in the product and once more after it.",
)
def affine_bias_twice():
    def affine_forward_twice(x, w, b):
        out = np.zeros((len(x), w.shape[1]), dtype=x.dtype) + b
        out += x.reshape(len(x), -1) @ w
        return out + b, (x, w, b)

    def affine_backward(dout, cache):
        x, w, b = cache
        return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(axis=0)

    return affine_forward_twice, affine_backward


@buggy("relu", "forward", "forward-wrong", "Copies ReLU6 from a mobile network: clips at 6.", laws=False)
def relu_six():
    def relu_forward(x):
        return np.minimum(np.maximum(x, 0), 6), x

    def relu_backward(dout, x):
        return dout * ((x > 0) & (x < 6))

    return relu_forward, relu_backward


@buggy("sigmoid", "forward", "not-a-number log-of-zero", "e^x / (1 + e^x), inf / inf for a large x.")
def sigmoid_inf_over_inf():
    def sigmoid_forward(x):
        e = np.exp(x)
        out = e / (1 + e)
        return out, out

    def sigmoid_backward(dout, out):
        return dout * out * (1 - out)

    return sigmoid_forward, sigmoid_backward


@buggy("elu", "forward", "forward-wrong", "alpha (1 - e^x): the sign of the negative side.")
def elu_upside_down():
    def elu_forward(x, alpha=1.0):
        return np.where(x > 0, x, alpha * (1 - np.exp(np.minimum(x, 0)))), (x, alpha)

    def elu_backward(dout, cache):
        x, alpha = cache
        return dout * np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))

    return elu_forward, elu_backward


@buggy("tanh", "backward", "derivative-wrong sign", "out^2 - 1.")
def tanh_sign():
    def tanh_forward(x):
        out = np.tanh(x)
        return out, out

    def tanh_backward(dout, out):
        return dout * (out**2 - 1)

    return tanh_forward, tanh_backward


def parts(dout, cache):
    x, xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    g = dout * gamma
    dx = ivar * (g - g.mean(0) - xhat * (g * xhat).mean(0))
    return dx, (dout * xhat).sum(0), dout.sum(0)


@buggy(
    "batchnorm",
    "backward",
    "wrong-unknown term-doubled",
    "Multiplies by gamma at the beginning and at the end.",
)
def batchnorm_gamma_twice():
    def batchnorm_backward(dout, cache):
        dx, dgamma, dbeta = parts(dout, cache)
        return dx * cache[2], dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy("batchnorm", "backward", "sign term-sign", "dgamma with a minus, from the minus of mu.")
def batchnorm_dgamma_sign():
    def batchnorm_backward(dout, cache):
        dx, dgamma, dbeta = parts(dout, cache)
        return dx, -dgamma, dbeta

    return batchnorm_forward, batchnorm_backward


@buggy("batchnorm", "backward", "swapped-outputs", "Returns dgamma, dbeta, dx.")
def batchnorm_dx_last():
    def batchnorm_backward(dout, cache):
        dx, dgamma, dbeta = parts(dout, cache)
        return dgamma, dbeta, dx

    return batchnorm_forward, batchnorm_backward


@buggy("layernorm", "both", "wrong-axes", "One mean and one deviation for the whole batch.")
def layernorm_whole_batch():
    def layernorm_forward(x, gamma, beta, ln_param):
        std = np.sqrt(x.var() + ln_param.get("eps", 1e-5))
        xhat = (x - x.mean()) / std
        return gamma * xhat + beta, (xhat, std, gamma)

    def layernorm_backward(dout, cache):
        xhat, std, gamma = cache
        g = dout * gamma
        return (g - g.mean() - xhat * (g * xhat).mean()) / std, (dout * xhat).sum(0), dout.sum(0)

    return layernorm_forward, layernorm_backward


@buggy("dropout", "both", "keep-drop-swapped", "Keeps where a number is above 1 - p.")
def dropout_keeps_above():
    def dropout_forward_above(x, dropout_param):
        p = dropout_param["p"]
        if dropout_param["mode"] == "test":
            return x, (dropout_param, None)
        mask = (draw(x, dropout_param) > 1 - p).astype(x.dtype) / (1 - p)
        return x * mask, (dropout_param, mask)

    return dropout_forward_above, dropout_backward


@buggy("dropout", "backward", "derivative-wrong wrong-unknown", "Returns the mask itself.")
def dropout_returns_mask():
    def dropout_backward_mask(dout, cache):
        dropout_param, mask = cache
        return dout if mask is None else mask

    return dropout_forward, dropout_backward_mask


@buggy("softmax_loss", "backward", "label-off-by-one", "Takes the 1 off from the class behind the right one.")
def softmax_next_class():
    def softmax_loss(x, y):
        N, C = x.shape
        logp = log_softmax(x)
        dx = np.exp(logp)
        dx[np.arange(N), (y + 1) % C] -= 1
        return -logp[np.arange(N), y].mean(), dx / N

    return softmax_loss


@buggy(
    "svm_loss", "backward", "wrong-unknown step-differs", "Leaves the margin of 1 out of the gradient's mask."
)
def svm_gradient_without_margin():
    def svm_loss(x, y):
        N = len(y)
        rows = np.arange(N)
        diff = x - x[rows, y][:, None]
        margins = np.maximum(0, diff + 1)
        margins[rows, y] = 0
        dx = (diff > 0).astype(x.dtype)
        dx[rows, y] = -dx.sum(axis=1)
        return margins.sum() / N, dx / N

    return svm_loss


@buggy("svm_loss", "both", "factor", "Averages over the classes as well.")
def svm_mean_over_classes():
    def svm_loss(x, y):
        rows = np.arange(len(y))
        margins = np.maximum(0, x - x[rows, y][:, None] + 1)
        margins[rows, y] = 0
        dx = (margins > 0).astype(x.dtype)
        dx[rows, y] = -dx.sum(axis=1)
        return margins.mean(), dx / x.size

    return svm_loss


@buggy("sgd_momentum", "forward", "learning-rate-missing", "v = mu v - dw.")
def momentum_without_rate():
    def sgd_momentum(w, dw, config=None):
        config = {} if config is None else config
        config.setdefault("learning_rate", 1e-2)
        config["velocity"] = config.get("momentum", 0.9) * config.get("velocity", np.zeros_like(w)) - dw
        return w + config["velocity"], config

    return sgd_momentum


@buggy("adam", "forward", "bias-correction-missing", "Corrects the first moment only.")
def adam_corrects_half():
    def adam(w, dw, config=None):
        config = adam_config(w, config)
        b1, b2 = config["beta1"], config["beta2"]
        config["t"] += 1
        config["m"] = b1 * config["m"] + (1 - b1) * dw
        config["v"] = b2 * config["v"] + (1 - b2) * dw**2
        m_hat = config["m"] / (1 - b1 ** config["t"])
        return w - config["learning_rate"] * m_hat / (np.sqrt(config["v"]) + config["epsilon"]), config

    return adam


@buggy("rmsprop", "forward", "decay-reversed wrong-unknown", "Adds dw^2 without its weight of 1 - decay.")
def rmsprop_without_weight():
    def rmsprop(w, dw, config=None):
        config = {} if config is None else config
        config["cache"] = config.get("decay_rate", 0.99) * config.get("cache", np.zeros_like(w)) + dw**2
        root = np.sqrt(config["cache"]) + config.get("epsilon", 1e-8)
        return w - config.get("learning_rate", 1e-2) * dw / root, config

    return rmsprop
