"""A small net in plain NumPy that can be sabotaged, and drawn images to train it on."""

from __future__ import annotations

from functools import cache

import numpy as np

from handgrad.data import get_shapes_data


@cache
def shapes():
    data = get_shapes_data(num_training=300, num_validation=120, num_test=0)
    spread = data["X_train"].std()
    return {key: value / spread if key[0] == "X" else value for key, value in data.items() if len(value)}


def like_shapes(**changes):
    return {**shapes(), **changes}


class Net:
    """affine - (batch norm) - activation - (dropout) - affine - softmax, as a student writes it.

    `faults` are words that the code below asks for.
    """

    def __init__(
        self, *faults, hidden=24, act="relu", batchnorm=False, dropout=0.0, reg=0.0, scale=1e-2, bias=0.0
    ):
        rng = np.random.default_rng(3)
        self.faults, self.act, self.batchnorm, self.dropout, self.reg = (
            set(faults),
            act,
            batchnorm,
            dropout,
            reg,
        )
        self.rng = np.random.default_rng(5)
        self.params = {
            "W1": (rng.standard_normal((3072, hidden)) * scale).astype(np.float32),
            "b1": np.full(hidden, bias, np.float32),
            "W2": (rng.standard_normal((hidden, 10)) * scale).astype(np.float32),
            "b2": np.zeros(10, np.float32),
        }
        if batchnorm:
            self.params |= {"gamma": np.ones(hidden, np.float32), "beta": np.zeros(hidden, np.float32)}
            self.bn_param = self.new_bn_param()

    def new_bn_param(self):
        hidden = len(self.params["b1"])
        return {"running_mean": np.zeros(hidden, np.float32), "running_var": np.ones(hidden, np.float32)}

    def loss(self, X, y=None):
        p, f, training = self.params, self.faults, y is not None
        if "in place" in f:
            X *= 0.5
        X = X.reshape(len(X), -1)
        a = X @ p["W1"] + p["b1"]
        if "doubles" in f:
            a = a * np.float64(1.0) if a.ndim == 0 else a.astype(np.float64)
        n, bn_cache = self.norm(a, training) if self.batchnorm else (a, None)
        h, slope = self.activate(n)
        mask = np.float32(1)
        if self.dropout and (training or "drops at test" in f):
            mask = ((self.rng.random(h.shape) >= self.dropout) / (1 - self.dropout)).astype(np.float32)
        scores = (h * mask) @ p["W2"] + p["b2"]
        if not training:
            return scores
        return self.loss_of(scores, X, y, h * mask, mask * slope, bn_cache)

    def activate(self, n):
        if self.act == "relu":
            return np.maximum(n, 0), n > 0
        if self.act == "tanh":
            h = np.tanh(n)
            return h, 1 - h**2
        h = 1 / (1 + np.exp(-n))
        return h, h * (1 - h)

    def norm(self, a, training):
        bn = self.new_bn_param() if "recreated" in self.faults else self.bn_param
        own = (training or "train mode at test" in self.faults) and "test mode in training" not in self.faults
        mean, var = (a.mean(axis=0), a.var(axis=0)) if own else (bn["running_mean"], bn["running_var"])
        if training:
            bn["running_mean"] = 0.9 * bn["running_mean"] + 0.1 * a.mean(axis=0)
            bn["running_var"] = 0.9 * bn["running_var"] + 0.1 * a.var(axis=0)
        root = np.sqrt(var + np.float32(1e-5))
        hat = (a - mean) / root
        return self.params["gamma"] * hat + self.params["beta"], (hat, root, own)

    def loss_of(self, scores, X, y, h, slope, bn_cache):
        p, f, n = self.params, self.faults, np.arange(len(y))
        probs = np.exp(scores - scores.max(axis=1, keepdims=True))
        probs /= probs.sum(axis=1, keepdims=True)
        losses = -np.log(probs[n, y])
        loss = float(losses.sum() if "summed" in f else losses.mean()) * (2 if "doubled" in f else 1)
        ds = probs.copy()
        ds[n, y] -= 1
        ds /= 1 if "summed" in f else len(y)
        grads = {"W2": h.T @ ds, "b2": ds.sum(axis=0)}
        dn = (ds @ p["W2"].T) * slope
        if self.batchnorm:
            hat, root, own = bn_cache
            grads["gamma"], grads["beta"] = (dn * hat).sum(axis=0), dn.sum(axis=0)
            dhat = dn * p["gamma"]
            dn = (dhat - own * (dhat.mean(axis=0) + hat * (dhat * hat).mean(axis=0))) / root
        grads["W1"], grads["b1"] = X.T @ dn, dn.sum(axis=0)
        self.penalise(grads)
        if "penalty forgotten" not in f:
            times = 1.0 if "penalty twice" in f else 0.5
            loss += times * self.reg * sum(float(np.sum(p[k] ** 2)) for k in ("W1", "W2"))
        return loss, self.spoil(grads)

    def penalise(self, grads):
        wanted = {"penalty forgotten": (), "penalty without gradient": (), "penalty of W1 only": ("W1",)}
        keys = next((keys for fault, keys in wanted.items() if fault in self.faults), ("W1", "W2"))
        for key in keys:
            grads[key] = grads[key] + np.float32(self.reg) * self.params[key]

    def spoil(self, grads):
        if "no gradient of W1" in self.faults:
            del grads["W1"]
        if "gradient of W1 zero" in self.faults:
            grads["W1"] = np.zeros_like(grads["W1"])
        if "gradient of b1 zero" in self.faults:
            grads["b1"] = np.zeros_like(grads["b1"])
        if "gradient of W1 mixed" in self.faults:
            grads["W1"] = grads["W1"][:, ::-1].copy()
        if "gradient of W2 negative" in self.faults:
            grads["W2"] = -grads["W2"]
        if "gradient of W1 three times" in self.faults:
            grads["W1"] = 3 * grads["W1"]
        if "gradient in float64" in self.faults:
            grads["W2"] = grads["W2"].astype(np.float64)
        return grads
