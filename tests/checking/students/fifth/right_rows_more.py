# ruff: noqa: E501 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: layers of rows, losses and rules that are right, more."""

from __future__ import annotations

import numpy as np
from checking.students.student import right


@right("layernorm", "As the course writes it.")
def fifth_layernorm_14():
    class _Standardizer:
        """Rows to mean 0 and variance 1; remembers what it needs to go back."""

        def __init__(self, rows, eps):
            self.mean = rows.mean(axis=1, keepdims=True)
            self.inv = 1 / np.sqrt(rows.var(axis=1, keepdims=True) + eps)
            self.rows = (rows - self.mean) * self.inv

        def back(self, g):
            g = g - g.mean(axis=1, keepdims=True)
            along = (g * self.rows).mean(axis=1, keepdims=True)
            return self.inv * (g - along * self.rows)

    def layernorm_forward(x, gamma, beta, ln_param):
        s = _Standardizer(x, ln_param.get("eps", 1e-5))
        return s.rows * gamma + beta, (s, gamma)

    def layernorm_backward(dout, cache):
        s, gamma = cache
        return s.back(dout * gamma), (dout * s.rows).sum(axis=0), dout.sum(axis=0)

    return layernorm_forward, layernorm_backward


@right(
    "dropout",
    "Inverted dropout with NumPy's new generators; the cache holds only the positions that were kept.",
)
def fifth_dropout_16():
    def dropout_forward(x, dropout_param):
        """Inverted dropout with NumPy's new generators; the cache holds only the positions that were kept."""
        p = 1 - dropout_param["p"]
        if dropout_param["mode"] == "test":
            return x, (None, p)
        rng = np.random.default_rng(dropout_param.get("seed"))
        kept = np.flatnonzero(rng.random(x.size) < p)
        out = np.zeros(x.shape, x.dtype)
        out.reshape(-1)[kept] = x.reshape(-1)[kept] / p
        return out, (kept, p)

    def dropout_backward(dout, cache):
        kept, p = cache
        if kept is None:
            return dout
        dx = np.zeros(dout.shape, dout.dtype)
        dx.reshape(-1)[kept] = dout.reshape(-1)[kept] / p
        return dx

    return dropout_forward, dropout_backward


@right("softmax_loss", "As the mean of logaddexp over the classes; the gradient from the log-probabilities.")
def fifth_softmax_loss_17():
    def softmax_loss(x, y):
        """As the mean of logaddexp over the classes; the gradient from the log-probabilities."""
        n, c = x.shape
        logp = x - np.logaddexp.reduce(x, axis=1)[:, None]
        target = (y[:, None] == np.arange(c)).astype(float)
        loss = -np.vdot(target, logp) / n
        return loss, (np.exp(logp) - target) / n

    return softmax_loss


@right("svm_loss", "As the course writes it.")
def fifth_svm_loss_18():
    def svm_loss(x, y):
        N, C = x.shape
        total, dx = 0.0, np.zeros((N, C))
        for i, c in enumerate(y):
            others = [k for k in range(C) if k != c]
            for k in others:
                margin = x[i, k] - x[i, c] + 1
                if margin <= 0:
                    continue
                total += margin
                dx[i, k] += 1.0 / N
                dx[i, c] -= 1.0 / N
        return total / N, dx

    return svm_loss


@right(
    "adam",
    "The variant of the paper's section 2: the corrections folded into the step size, buffers updated in place.",
)
def fifth_adam_19():
    def adam(w, dw, config=None):
        """The variant of the paper's section 2: the corrections folded into the step size, buffers updated in place."""
        config = config if config is not None else {}
        for key, value in (
            ("learning_rate", 1e-3),
            ("beta1", 0.9),
            ("beta2", 0.999),
            ("epsilon", 1e-8),
            ("t", 0),
        ):
            config.setdefault(key, value)
        for key in "mv":
            if key not in config:
                config[key] = np.zeros(w.shape, w.dtype)
        config["t"] += 1
        t, b1, b2, m, v = (config[k] for k in ("t", "beta1", "beta2", "m", "v"))

        np.multiply(m, b1, out=m)
        np.add(m, (1 - b1) * dw, out=m)
        v *= b2
        v += (1 - b2) * dw * dw

        c2 = np.sqrt(1 - b2**t)
        rate = config["learning_rate"] * c2 / (1 - b1**t)
        return w - rate * m / (np.sqrt(v) + config["epsilon"] * c2), config

    return adam
