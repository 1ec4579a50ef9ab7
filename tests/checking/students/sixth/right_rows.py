# ruff: noqa: RUF005 - left as it was handed in
"""Sixth batch, by an author who never saw the doctor: layers of rows and losses that are right."""

from __future__ import annotations

import numpy as np
from checking.students.student import right


@right(
    "affine",
    "Affine tensordot.",
)
def sixth_affine_tensordot():
    def affine_forward(x, w, b):
        k = x.ndim - 1
        w_nd = w.reshape(x.shape[1:] + (-1,))
        out = np.tensordot(x, w_nd, axes=k) + b
        return out, (x, w, b)

    def affine_backward(dout, cache):
        x, w, b = cache
        dx = np.tensordot(dout, w.reshape(x.shape[1:] + (-1,)), axes=([1], [x.ndim - 1]))
        dw = np.tensordot(x, dout, axes=([0], [0])).reshape(w.shape)
        db = np.einsum("nm->m", dout)
        return dx, dw, db

    return affine_forward, affine_backward


@right(
    "affine",
    "Affine augmented.",
)
def sixth_affine_augmented():
    def affine_forward(x, w, b):
        flat = x.reshape(x.shape[0], -1)
        ones = np.ones((flat.shape[0], 1), dtype=x.dtype)
        aug = np.hstack([flat, ones])
        wb = np.vstack([w, b])
        return aug @ wb, (x.shape, aug, wb)

    def affine_backward(dout, cache):
        shape, aug, wb = cache
        daug = dout @ wb.T
        dwb = aug.T @ dout
        return daug[:, :-1].reshape(shape), dwb[:-1], dwb[-1]

    return affine_forward, affine_backward


@right(
    "relu",
    "Relu abs.",
)
def sixth_relu_abs():
    def relu_forward(x):
        return (x + np.abs(x)) / 2, x

    def relu_backward(dout, cache):
        return dout * np.heaviside(cache, 0)

    return relu_forward, relu_backward


@right(
    "leaky_relu",
    "Leaky relu two parts.",
)
def sixth_leaky_relu_two_parts():
    def leaky_relu_forward(x, alpha=0.01):
        pos = x * (x > 0)
        neg = x - pos
        return pos + alpha * neg, (x > 0, alpha)

    def leaky_relu_backward(dout, cache):
        positive, alpha = cache
        return np.choose(positive.astype(int), [alpha * dout, dout])

    return leaky_relu_forward, leaky_relu_backward


@right(
    "sigmoid",
    "Sigmoid via tanh.",
)
def sixth_sigmoid_via_tanh():
    def sigmoid_forward(x):
        half = np.tanh(x / 2)
        return 0.5 + 0.5 * half, half

    def sigmoid_backward(dout, cache):
        return dout * (1 - cache**2) / 4

    return sigmoid_forward, sigmoid_backward


@right(
    "softmax_loss",
    "Softmax logaddexp.",
)
def sixth_softmax_logaddexp():
    def softmax_loss(x, y):
        N = x.shape[0]
        log_z = np.logaddexp.reduce(x, axis=1)
        right = np.take_along_axis(x, y[:, None], axis=1)[:, 0]
        loss = (log_z - right).mean()
        dx = np.exp(x - log_z[:, None])
        dx[np.arange(N), y] -= 1
        return loss, dx / N

    return softmax_loss


@right(
    "svm_loss",
    "Svm loops.",
)
def sixth_svm_loops():
    def svm_loss(x, y):
        N, C = x.shape
        total = 0.0
        dx = np.zeros_like(x)
        for i, label in enumerate(y):
            for j in range(C):
                margin = x[i, j] - x[i, label] + 1 if j != label else 0
                if margin > 0:
                    total += margin
                    dx[i, j] += 1 / N
                    dx[i, label] -= 1 / N
        return total / N, dx

    return svm_loss


@right(
    "dropout",
    "p is the probability to drop.",
)
def sixth_dropout_where():
    def dropout_forward(x, dropout_param):
        """p is the probability to drop."""
        p = dropout_param["p"]
        if dropout_param.get("seed") is not None:
            rng = np.random.RandomState(dropout_param["seed"])
        else:
            rng = np.random
        if dropout_param["mode"] == "test":
            return x.copy(), (dropout_param, None)
        mask = rng.uniform(size=x.shape) >= p
        return np.where(mask, x / (1 - p), 0), (dropout_param, mask)

    def dropout_backward(dout, cache):
        dropout_param, mask = cache
        if dropout_param["mode"] == "test":
            return dout.copy()
        return np.where(mask, dout / (1 - dropout_param["p"]), 0)

    return dropout_forward, dropout_backward
