"""Fifth batch, by an author who never saw the doctor: losses, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "softmax_loss",
    "both",
    "one-hot-missing",
    "1 is subtracted in the columns of all labels for every row (dx[:, y]) instead of at each "
    "row's own label.",
)
def softmax_all_labels():
    def softmax_loss(x, y):
        m = x.max(axis=1)[:, None]
        e = np.exp(x - m)
        s = e.sum(axis=1)[:, None]
        p = e / s
        loss = np.mean(np.log(s[:, 0]) + m[:, 0] - np.take_along_axis(x, y[:, None], axis=1)[:, 0])
        dx = p
        dx[:, y] -= 1
        return loss, dx / len(y)

    return softmax_loss


@buggy(
    "svm_loss",
    "both",
    "margin-counts-right-class",
    "The correct class is not left out of the sum of margins, so the loss is too large by "
    "exactly 1 (the gradient is right).",
)
def svm_counts_own_margin():
    def svm_loss(x, y):
        n = len(y)
        idx = range(n)
        correct = x[idx, y].reshape(n, 1)
        hinge = np.clip(x - correct + 1.0, 0, None)
        loss = hinge.sum() / n

        grad = np.sign(hinge)
        grad[idx, y] = 0
        grad[idx, y] = -grad.sum(axis=1)
        return loss, grad / n

    return svm_loss


@buggy(
    "softmax_loss",
    "both",
    "dtype-lost",
    "The losses of the samples are stored in an integer array (zeros_like of the labels), so "
    "each is truncated before the mean.",
)
def softmax_integer_losses():
    def softmax_loss(x, y):
        losses = np.zeros_like(y)
        dx = np.zeros_like(x)
        N = x.shape[0]
        for i in range(N):
            scores = x[i] - x[i].max()
            e = np.exp(scores)
            prob = e / e.sum()
            losses[i] = np.log(e.sum()) - scores[y[i]]
            dx[i] = prob
            dx[i, y[i]] -= 1
        return losses.mean(), dx / N

    return softmax_loss


@buggy(
    "svm_loss",
    "both",
    "one-hot-missing",
    "The correct class gets -1 in the gradient instead of minus the number of classes that "
    "violate the margin.",
)
def svm_right_minus_one():
    def svm_loss(x, y):
        N = x.shape[0]
        delta = 1.0
        loss = 0.0
        dx = np.zeros(x.shape)
        for i in range(N):
            gap = x[i] - x[i, y[i]] + delta
            gap[y[i]] = 0
            viol = gap > 0
            loss += gap[viol].sum()
            dx[i, viol] = 1
            dx[i, y[i]] = -1
        loss /= N
        dx /= N
        return loss, dx

    return svm_loss


@buggy(
    "softmax_loss",
    "both",
    "log-of-zero",
    "For stability the maximum of the whole batch is subtracted instead of each row's, so rows "
    "far below it underflow to log(0).",
)
def softmax_max_of_batch():
    def softmax_loss(x, y):
        N = x.shape[0]
        shifted = x - np.max(x)
        Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
        log_probs = shifted - np.log(Z)
        probs = np.exp(log_probs)
        loss = -np.sum(log_probs[np.arange(N), y]) / N
        dx = probs.copy()
        dx[np.arange(N), y] -= 1
        dx /= N
        return loss, dx

    return softmax_loss


@buggy(
    "svm_loss",
    "both",
    "margin-zero-counted",
    "The gradient's mask tests the clamped margins with >= 0, which holds for every class, so "
    "classes that satisfy the margin are counted as violating it.",
)
def svm_mask_with_equal():
    def svm_loss(x, y):
        N, C = x.shape
        one_hot = np.eye(C)[y]
        right = (x * one_hot).sum(axis=1, keepdims=True)
        margins = np.maximum(0, x - right + 1) * (1 - one_hot)
        loss = margins.sum() / N
        mask = (margins >= 0).astype(float) * (1 - one_hot)
        dx = mask - one_hot * mask.sum(axis=1, keepdims=True)
        return loss, dx / N

    return svm_loss
