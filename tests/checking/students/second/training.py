"""Second batch: dropout, losses, update rules, sandwiches of rows, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.buggy.affine import affine_forward
from checking.students.buggy.batchnorm_backward import batchnorm_forward
from checking.students.buggy.dropout import draw, dropout_backward, dropout_forward
from checking.students.buggy.image_norms import batchnorm_backward_alt
from checking.students.buggy.losses import log_softmax
from checking.students.buggy.rules import adam_config
from checking.students.buggy.sandwiches import affine_backward
from checking.students.student import buggy


@buggy(
    "dropout",
    "forward",
    "scaled-twice",
    "Scales in training and, from the first version, by 1 - p at test time.",
)
def dropout_scales_at_test_too():
    def dropout_forward_both(x, dropout_param):
        p = dropout_param["p"]
        if dropout_param["mode"] == "test":
            return x * (1 - p), (dropout_param, None)
        mask = (draw(x, dropout_param) >= p).astype(x.dtype) / (1 - p)
        return x * mask, (dropout_param, mask)

    return dropout_forward_both, dropout_backward


@buggy(
    "dropout",
    "backward",
    "mask-inverted mask-not-used-in-backward",
    "Sends the gradient to the dropped units.",
)
def dropout_to_the_dropped():
    def dropout_backward_other(dout, cache):
        dropout_param, mask = cache
        if mask is None:
            return dout
        return dout * (mask == 0) / (1 - dropout_param["p"])

    return dropout_forward, dropout_backward_other


@buggy(
    "softmax_loss",
    "both",
    "mean-missing factor factor-n",
    "Divides by the number of classes: N, C = x.shape taken the wrong way.",
)
def softmax_divides_by_classes():
    def softmax_loss(x, y):
        C, N = x.shape
        rows = np.arange(len(y))
        logp = log_softmax(x)
        dx = np.exp(logp)
        dx[rows, y] -= 1
        return -logp[rows, y].sum() / N, dx / N

    return softmax_loss


@buggy("softmax_loss", "forward", "forward-wrong factor", "Takes log2, as in information theory.")
def softmax_in_bits():
    def softmax_loss(x, y):
        rows = np.arange(len(y))
        logp = log_softmax(x)
        dx = np.exp(logp)
        dx[rows, y] -= 1
        return -logp[rows, y].mean() / np.log(2), dx / len(y)

    return softmax_loss


@buggy("softmax_loss", "backward", "gradient-sign", "Adds 1 for the right class where 1 is taken off.")
def softmax_adds_one_hot():
    def softmax_loss(x, y):
        rows = np.arange(len(y))
        logp = log_softmax(x)
        dx = np.exp(logp)
        dx[rows, y] += 1
        return -logp[rows, y].mean(), dx / len(y)

    return softmax_loss


@buggy("svm_loss", "both", "forward-wrong", "The squared hinge of another slide.", laws=False)
def svm_squared():
    def svm_loss(x, y):
        rows = np.arange(len(y))
        margins = np.maximum(0, x - x[rows, y][:, None] + 1)
        margins[rows, y] = 0
        dx = 2 * margins
        dx[rows, y] = -dx.sum(axis=1)
        return np.sum(margins**2) / len(y), dx / len(y)

    return svm_loss


@buggy("svm_loss", "both", "label-off-by-one", "Labels from 1.")
def svm_labels_from_one():
    def svm_loss(x, y):
        rows, right = np.arange(len(y)), y - 1
        margins = np.maximum(0, x - x[rows, right][:, None] + 1)
        margins[rows, right] = 0
        dx = (margins > 0).astype(x.dtype)
        dx[rows, right] = -dx.sum(axis=1)
        return margins.sum() / len(y), dx / len(y)

    return svm_loss


@buggy(
    "sgd_nesterov_momentum",
    "forward",
    "look-ahead-missing momentum-sign forward-wrong",
    "Plain momentum under Nesterov's name.",
)
def nesterov_is_plain_momentum():
    def sgd_nesterov_momentum(w, dw, config=None):
        config = {} if config is None else config
        v = (
            config.get("momentum", 0.9) * config.get("velocity", np.zeros_like(w))
            - config.get("learning_rate", 1e-2) * dw
        )
        config["velocity"] = v
        return w + v, config

    return sgd_nesterov_momentum


@buggy(
    "adam",
    "forward",
    "t-not-advanced not-a-number bias-correction-missing",
    "Corrects with t before it is raised: 1 - beta^0 is 0.",
)
def adam_divides_by_zero():
    def adam(w, dw, config=None):
        config = adam_config(w, config)
        b1, b2, t = config["beta1"], config["beta2"], config["t"]
        config["m"] = b1 * config["m"] + (1 - b1) * dw
        config["v"] = b2 * config["v"] + (1 - b2) * dw**2
        m_hat = config["m"] / np.float64(1 - b1**t)
        v_hat = config["v"] / np.float64(1 - b2**t)
        config["t"] = t + 1
        return w - config["learning_rate"] * m_hat / (np.sqrt(v_hat) + config["epsilon"]), config

    return adam


@buggy(
    "adam", "forward", "decay-reversed wrong-unknown", "Uses beta1 for the squares and beta2 for the mean."
)
def adam_betas_swapped():
    def adam(w, dw, config=None):
        config = adam_config(w, config)
        b2, b1 = config["beta1"], config["beta2"]
        config["t"] += 1
        config["m"] = b1 * config["m"] + (1 - b1) * dw
        config["v"] = b2 * config["v"] + (1 - b2) * dw**2
        m_hat, v_hat = config["m"] / (1 - b1 ** config["t"]), config["v"] / (1 - b2 ** config["t"])
        return w - config["learning_rate"] * m_hat / (np.sqrt(v_hat) + config["epsilon"]), config

    return adam


@buggy("adagrad", "forward", "root-missing forward-wrong", "Divides by the sum of squares, without the root.")
def adagrad_without_root():
    def adagrad(w, dw, config=None):
        config = {} if config is None else config
        config["cache"] = config.get("cache", np.zeros_like(w)) + dw**2
        return w - config.get("learning_rate", 1e-2) * dw / (
            config["cache"] + config.get("epsilon", 1e-8)
        ), config

    return adagrad


@buggy("rmsprop", "forward", "state-not-kept", "Works on a copy of config and returns the one it was given.")
def rmsprop_returns_old_config():
    def rmsprop(w, dw, config=None):
        config = {} if config is None else config
        new = dict(config)
        decay = new.get("decay_rate", 0.99)
        new["cache"] = decay * new.get("cache", np.zeros_like(w)) + (1 - decay) * dw**2
        step = new.get("learning_rate", 1e-2) * dw / (np.sqrt(new["cache"]) + new.get("epsilon", 1e-8))
        return w - step, config

    return rmsprop


@buggy("sgd", "forward", "sign", "Adds the gradient.")
def sgd_climbs():
    def sgd(w, dw, config=None):
        config = {} if config is None else config
        config.setdefault("learning_rate", 1e-2)
        return w + config["learning_rate"] * dw, config

    return sgd


@buggy("affine_bn_relu", "backward", "mask-missing piece-missing", "Forgets the ReLU.")
def affine_bn_relu_skips_relu():
    def affine_bn_relu_forward(x, w, b, gamma, beta, bn_param):
        a, fc = affine_forward(x, w, b)
        n, bn = batchnorm_forward(a, gamma, beta, bn_param)
        return np.maximum(0, n), (fc, bn)

    def affine_bn_relu_backward(dout, cache):
        fc, bn = cache
        da, dgamma, dbeta = batchnorm_backward_alt(dout, bn)
        return (*affine_backward(da, fc), dgamma, dbeta)

    return affine_bn_relu_forward, affine_bn_relu_backward


@buggy("affine_relu", "backward", "mask-inverted", "x < 0 in the mask.")
def affine_relu_wrong_side():
    def affine_relu_forward(x, w, b):
        a, fc = affine_forward(x, w, b)
        return a * (a > 0), (fc, a)

    def affine_relu_backward(dout, cache):
        fc, a = cache
        return affine_backward(dout * (a < 0), fc)

    return affine_relu_forward, affine_relu_backward
