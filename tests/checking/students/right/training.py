"""Dropout, losses and update rules that are right, in the styles that students write."""
# ruff: noqa: NPY002 - students draw from the global generator, as the courses' scaffold does

from __future__ import annotations

import numpy as np
from checking.students.student import right


@right(
    "dropout",
    "The courses' scaffold: seeds the global generator when a seed is given; out is x at test time.",
)
def dropout_course():
    def dropout_forward(x, dropout_param):
        p, mode = dropout_param["p"], dropout_param["mode"]
        if "seed" in dropout_param:
            np.random.seed(dropout_param["seed"])
        mask = None
        out = None
        if mode == "train":
            mask = (np.random.rand(*x.shape) >= p) / (1 - p)
            out = x * mask
        elif mode == "test":
            out = x
        cache = (dropout_param, mask)
        out = out.astype(x.dtype, copy=False)
        return out, cache

    def dropout_backward(dout, cache):
        dropout_param, mask = cache
        mode = dropout_param["mode"]
        dx = None
        if mode == "train":
            dx = (dout * mask).astype(dout.dtype, copy=False)
        elif mode == "test":
            dx = dout
        return dx

    return dropout_forward, dropout_backward


@right("dropout", "A generator of its own, and a boolean mask.")
def dropout_generator():
    def dropout_forward(x, dropout_param):
        p = dropout_param["p"]
        if dropout_param["mode"] == "test":
            return x.copy(), (dropout_param, None)
        rng = np.random.default_rng(dropout_param.get("seed"))
        keep = rng.random(x.shape) > p
        return np.where(keep, x / (1 - p), 0), (dropout_param, keep)

    def dropout_backward(dout, cache):
        dropout_param, keep = cache
        if keep is None:
            return dout.copy()
        dx = dout / (1 - dropout_param["p"])
        dx[~keep] = 0
        return dx

    return dropout_forward, dropout_backward


@right("softmax_loss", "Probabilities by way of log probabilities, vectorised.")
def softmax_log_probs():
    def softmax_loss(x, y):
        shifted = x - np.max(x, axis=1, keepdims=True)
        Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
        log_probs = shifted - np.log(Z)
        N = x.shape[0]
        loss = -np.sum(log_probs[np.arange(N), y]) / N
        dx = np.exp(log_probs)
        dx[np.arange(N), y] -= 1
        dx /= N
        return loss, dx

    return softmax_loss


@right("softmax_loss", "Sample by sample.")
def softmax_loops():
    def softmax_loss(x, y):
        N, C = x.shape
        loss, dx = 0.0, np.zeros_like(x)
        for i in range(N):
            scores = x[i] - np.max(x[i])
            total = np.sum(np.exp(scores))
            loss += np.log(total) - scores[y[i]]
            for j in range(C):
                dx[i, j] = (np.exp(scores[j]) / total - (j == y[i])) / N
        return loss / N, dx

    return softmax_loss


@right("softmax_loss", "logaddexp.reduce and one-hot labels.")
def softmax_logaddexp():
    def softmax_loss(x, y):
        logp = x - np.logaddexp.reduce(x, axis=1)[:, None]
        onehot = np.zeros_like(x)
        onehot[np.arange(len(y)), y] = 1
        return -np.mean((onehot * logp).sum(axis=1)), (np.exp(logp) - onehot) / len(y)

    return softmax_loss


@right("svm_loss", "The vectorised course solution.")
def svm_vectorised():
    def svm_loss(x, y):
        N = x.shape[0]
        correct = x[np.arange(N), y]
        margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
        margins[np.arange(N), y] = 0
        loss = np.sum(margins) / N
        num_pos = np.sum(margins > 0, axis=1)
        dx = np.zeros_like(x)
        dx[margins > 0] = 1
        dx[np.arange(N), y] -= num_pos
        dx /= N
        return loss, dx

    return svm_loss


@right("svm_loss", "Two loops.")
def svm_loops():
    def svm_loss(x, y):
        N, C = x.shape
        loss, dx = 0.0, np.zeros_like(x)
        for i in range(N):
            for j in range(C):
                margin = x[i, j] - x[i, y[i]] + 1
                if j != y[i] and margin > 0:
                    loss += margin / N
                    dx[i, j] += 1.0 / N
                    dx[i, y[i]] -= 1.0 / N
        return loss, dx

    return svm_loss


@right("sgd", "The course's own, which moves w in place.")
def sgd_in_place():
    def sgd(w, dw, config=None):
        if config is None:
            config = {}
        config.setdefault("learning_rate", 1e-2)
        w -= config["learning_rate"] * dw
        return w, config

    return sgd


@right("sgd_momentum", "The course's.")
def momentum_course():
    def sgd_momentum(w, dw, config=None):
        if config is None:
            config = {}
        config.setdefault("learning_rate", 1e-2)
        config.setdefault("momentum", 0.9)
        v = config.get("velocity", np.zeros_like(w))
        v = config["momentum"] * v - config["learning_rate"] * dw
        next_w = w + v
        config["velocity"] = v
        return next_w, config

    return sgd_momentum


@right("sgd_momentum", "The velocity with the other sign: v = mu v + lr dw, w - v.")
def momentum_other_sign():
    def sgd_momentum(w, dw, config=None):
        config = dict(config or {})
        v = config.get("velocity", 0.0) * config.get("momentum", 0.9) + config.get("learning_rate", 1e-2) * dw
        config["velocity"] = v
        return w - v, config

    return sgd_momentum


@right("sgd_nesterov_momentum", "In the form with -mu v_old + (1 + mu) v.")
def nesterov_course():
    def sgd_nesterov_momentum(w, dw, config=None):
        config = {} if config is None else config
        mu, lr = config.setdefault("momentum", 0.9), config.setdefault("learning_rate", 1e-2)
        v_old = config.setdefault("velocity", np.zeros_like(w))
        config["velocity"] = mu * v_old - lr * dw
        return w - mu * v_old + (1 + mu) * config["velocity"], config

    return sgd_nesterov_momentum


@right("rmsprop", "Keeps its squares as 'a', as UCLA's course does.")
def rmsprop_ucla():
    def rmsprop(w, dw, config=None):
        if config is None:
            config = {}
        config.setdefault("learning_rate", 1e-2)
        config.setdefault("decay_rate", 0.99)
        config.setdefault("epsilon", 1e-8)
        config.setdefault("a", np.zeros_like(w))
        beta = config["decay_rate"]
        config["a"] = beta * config["a"] + (1 - beta) * dw * dw
        return w - config["learning_rate"] * dw / (np.sqrt(config["a"]) + config["epsilon"]), config

    return rmsprop


@right("adam", "Stanford's names: m, v, t.")
def adam_stanford():
    def adam(w, dw, config=None):
        if config is None:
            config = {}
        for key, value in (("learning_rate", 1e-3), ("beta1", 0.9), ("beta2", 0.999), ("epsilon", 1e-8)):
            config.setdefault(key, value)
        config.setdefault("m", np.zeros_like(w))
        config.setdefault("v", np.zeros_like(w))
        config.setdefault("t", 0)
        config["t"] += 1
        b1, b2, t = config["beta1"], config["beta2"], config["t"]
        config["m"] = b1 * config["m"] + (1 - b1) * dw
        config["v"] = b2 * config["v"] + (1 - b2) * (dw * dw)
        mb, vb = config["m"] / (1 - b1**t), config["v"] / (1 - b2**t)
        return w - config["learning_rate"] * mb / (np.sqrt(vb) + config["epsilon"]), config

    return adam


@right("adam", "UCLA's names: v is the mean, a the squares; moments updated in place.")
def adam_ucla():
    def adam(w, dw, config=None):
        config = {} if config is None else config
        lr, eps = config.setdefault("learning_rate", 1e-3), config.setdefault("epsilon", 1e-8)
        b1, b2 = config.setdefault("beta1", 0.9), config.setdefault("beta2", 0.999)
        v, a = config.setdefault("v", np.zeros_like(w)), config.setdefault("a", np.zeros_like(w))
        config["t"] = config.get("t", 0) + 1
        v *= b1
        v += (1 - b1) * dw
        a *= b2
        a += (1 - b2) * np.square(dw)
        rate = lr * np.sqrt(1 - b2 ** config["t"]) / (1 - b1 ** config["t"])
        return w - rate * v / (np.sqrt(a) + eps * np.sqrt(1 - b2 ** config["t"])), config

    return adam


@right("adagrad", "A running sum of squares.")
def adagrad_sum():
    def adagrad(w, dw, config=None):
        config = {} if config is None else config
        config.setdefault("learning_rate", 1e-2)
        config.setdefault("epsilon", 1e-8)
        config["cache"] = config.get("cache", np.zeros_like(w)) + dw**2
        return w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"]), config

    return adagrad
