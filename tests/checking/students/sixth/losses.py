"""Sixth batch, by an author who never saw the doctor: losses, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "softmax_loss",
    "both",
    "wrong-axes log-of-zero",
    "The maximum that is subtracted for stability is taken per class over the batch (axis=0), "
    "not per sample (axis=1), which shifts the classes differently and changes the "
    "probabilities.",
)
def softmax_shift_over_batch():
    def softmax_loss(x, y):
        N = x.shape[0]
        shifted = x - np.max(x, axis=0, keepdims=True)
        probs = np.exp(shifted)
        probs /= np.sum(probs, axis=1, keepdims=True)
        loss = -np.sum(np.log(probs[np.arange(N), y])) / N
        dx = probs.copy()
        dx[np.arange(N), y] -= 1
        dx /= N
        return loss, dx

    return softmax_loss


@buggy(
    "softmax_loss",
    "both",
    "mean-missing",
    "The loss is averaged over the batch but dx is not divided by N.",
)
def softmax_dx_not_averaged():
    def softmax_loss(x, y):
        loss = 0.0
        dx = np.zeros_like(x)
        num_train = x.shape[0]
        for i in range(num_train):
            s = x[i] - x[i].max()
            e = np.exp(s)
            p = e / e.sum()
            loss += -np.log(p[y[i]])
            p[y[i]] -= 1
            dx[i] = p
        loss /= num_train
        return loss, dx

    return softmax_loss


@buggy(
    "softmax_loss",
    "both",
    "wrong-index",
    "Dx[y] -= 1 subtracts one from whole rows (with y as row number) instead of from the "
    "entry of the right class, dx[np.arange(N), y].",
)
def softmax_rows_by_label():
    def softmax_loss(x, y):
        N = x.shape[0]
        z = x - x.max(axis=1)[:, None]
        log_p = z - np.log(np.exp(z).sum(axis=1))[:, None]
        loss = -log_p[np.arange(N), y].mean()
        dx = np.exp(log_p)
        dx[y] -= 1
        dx = dx / N
        return loss, dx

    return softmax_loss


@buggy(
    "softmax_loss",
    "both",
    "normaliser-missing",
    "The loss takes the log of exp(score) before it is normalised (the log of the sum is "
    "missing), while the gradient uses the normalised probabilities.",
)
def softmax_log_unnormalised():
    def softmax_loss(x, y):
        n = len(y)
        e = np.exp(x - x.max(axis=1, keepdims=True))
        correct = e[range(n), y]
        probs = e / e.sum(axis=1, keepdims=True)
        loss = -np.mean(np.log(correct))
        grad = probs
        grad[range(n), y] -= 1
        return loss, grad / n

    return softmax_loss


@buggy(
    "softmax_loss",
    "both",
    "label-off-by-one",
    "The one-hot matrix of the gradient is built from y - 1, as if the classes were counted "
    "from 1, so that the one is subtracted at the wrong class.",
)
def softmax_labels_from_one_6():
    def softmax_loss(x, y):
        N, C = x.shape
        shifted = x - np.max(x, axis=1, keepdims=True)
        Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
        log_probs = shifted - np.log(Z)
        probs = np.exp(log_probs)
        one_hot = np.eye(C)[y - 1]
        loss = -np.sum(log_probs[np.arange(N), y]) / N
        dx = (probs - one_hot) / N
        return loss, dx

    return softmax_loss


@buggy(
    "svm_loss",
    "both",
    "margin-counts-right-class",
    "The margin of the right class (always 1) is not set to zero before the sum, so that the "
    "loss is too large by exactly 1.",
)
def svm_margin_of_right_class():
    def svm_loss(x, y):
        N = x.shape[0]
        correct = x[np.arange(N), y]
        margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
        loss = np.sum(margins) / N
        num_pos = np.sum(margins > 0, axis=1)
        dx = np.zeros_like(x)
        dx[margins > 0] = 1
        dx[np.arange(N), y] -= num_pos
        dx /= N
        return loss, dx

    return svm_loss


@buggy(
    "svm_loss",
    "both",
    "one-hot-missing",
    "The gradient of the right class is never subtracted: dx[i, y[i]] stays 0.",
)
def svm_right_class_gets_nothing():
    def svm_loss(x, y):
        N, C = x.shape
        loss = 0.0
        dx = np.zeros(x.shape)
        for i in range(N):
            for j in range(C):
                if j == y[i]:
                    continue
                margin = x[i, j] - x[i, y[i]] + 1
                if margin > 0:
                    loss += margin
                    dx[i, j] += 1
        return loss / N, dx / N

    return svm_loss


@buggy(
    "svm_loss",
    "both",
    "step-differs margin-zero-counted",
    "The mask of the gradient tests scores - correct > 0 and forgets the margin of 1, so that "
    "classes inside the margin get no gradient.",
)
def svm_mask_without_delta():
    def svm_loss(x, y):
        N = len(x)
        rows = np.arange(N)
        diff = x - x[rows, y].reshape(-1, 1)
        margins = np.clip(diff + 1, 0, None)
        margins[rows, y] = 0
        loss = margins.sum() / N
        active = (diff > 0).astype(x.dtype)
        active[rows, y] = 0
        active[rows, y] = -active.sum(axis=1)
        return loss, active / N

    return svm_loss
