"""Losses, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


def log_softmax(x):
    """Right and stable."""
    shifted = x - np.max(x, axis=1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))


@buggy("softmax_loss", "backward", "mean-missing", "Divides the loss by N and leaves the gradient a sum.")
def softmax_gradient_not_averaged():
    def softmax_loss(x, y):
        N = x.shape[0]
        log_probs = log_softmax(x)
        loss = -np.sum(log_probs[np.arange(N), y]) / N
        dx = np.exp(log_probs)
        dx[np.arange(N), y] -= 1
        return loss, dx

    return softmax_loss


@buggy("softmax_loss", "both", "mean-missing", "Adds the losses up and never divides by N.")
def softmax_sums_over_batch():
    def softmax_loss(x, y):
        loss, dx = 0.0, np.zeros_like(x)
        for i in range(x.shape[0]):
            f = x[i] - np.max(x[i])
            p = np.exp(f) / np.sum(np.exp(f))
            loss -= f[y[i]] - np.log(np.sum(np.exp(f)))
            dx[i] = p
            dx[i, y[i]] -= 1
        return loss, dx

    return softmax_loss


@buggy(
    "softmax_loss", "backward", "mean-missing", "Divides by N before the 1 of the right class is taken off."
)
def softmax_divides_too_early():
    def softmax_loss(x, y):
        N = len(x)
        probs = np.exp(log_softmax(x))
        loss = -np.mean(log_softmax(x)[range(N), y])
        dx = probs / N
        dx[range(N), y] -= 1
        return loss, dx

    return softmax_loss


@buggy("softmax_loss", "backward", "gradient-sign", "Subtracts the probabilities from the one-hot labels.")
def softmax_sign():
    def softmax_loss(x, y):
        N, C = x.shape
        logp = log_softmax(x)
        onehot = np.eye(C, dtype=x.dtype)[y]
        return -(onehot * logp).sum() / N, (onehot - np.exp(logp)) / N

    return softmax_loss


@buggy("softmax_loss", "backward", "one-hot-missing", "Returns the probabilities as gradient.")
def softmax_without_one_hot():
    def softmax_loss(x, y):
        N = x.shape[0]
        logp = log_softmax(x)
        return -logp[np.arange(N), y].mean(), np.exp(logp) / N

    return softmax_loss


@buggy("softmax_loss", "both", "label-off-by-one", "Counts classes from 1, as MATLAB does.")
def softmax_labels_from_one():
    def softmax_loss(x, y):
        N = x.shape[0]
        logp = log_softmax(x)
        rows = np.arange(N)
        loss = -logp[rows, y - 1].sum() / N
        dx = np.exp(logp)
        dx[rows, y - 1] -= 1
        return loss, dx / N

    return softmax_loss


@buggy("softmax_loss", "both", "log-of-zero", "Writes the formula down: exp of the scores as they are.")
def softmax_without_shift():
    def softmax_loss(x, y):
        N = x.shape[0]
        e = np.exp(x)
        probs = e / np.sum(e, axis=1, keepdims=True)
        loss = -np.sum(np.log(probs[np.arange(N), y])) / N
        dx = probs.copy()
        dx[np.arange(N), y] -= 1
        return loss, dx / N

    return softmax_loss


@buggy(
    "softmax_loss",
    "forward",
    "log-of-zero",
    "Shifts, and takes the log of a probability that was rounded to 0.",
)
def softmax_log_of_probability():
    def softmax_loss(x, y):
        N = x.shape[0]
        probs = np.exp(x - np.max(x, axis=1, keepdims=True))
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
    "log-of-zero",
    "Shifts by the maximum of the batch, so that a row far below vanishes.",
)
def softmax_shifts_by_batch_maximum():
    def softmax_loss(x, y):
        N = x.shape[0]
        scores = x - np.max(x)
        e = np.exp(scores)
        total = e.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - scores[np.arange(N), y])
        dx = e / total
        dx[np.arange(N), y] -= 1
        return loss, dx / N

    return softmax_loss


@buggy("softmax_loss", "both", "wrong-axes forward-wrong", "Normalises over the batch: axis=0.")
def softmax_over_batch():
    def softmax_loss(x, y):
        N = x.shape[0]
        e = np.exp(x - x.max(axis=0))
        probs = e / e.sum(axis=0)
        loss = -np.log(probs[np.arange(N), y]).sum() / N
        dx = probs.copy()
        dx[np.arange(N), y] -= 1
        return loss, dx / N

    return softmax_loss


@buggy("softmax_loss", "both", "input-changed", "Shifts with x -= max; the caller's scores move.")
def softmax_shifts_in_place():
    def softmax_loss(x, y):
        N = x.shape[0]
        x -= np.max(x, axis=1, keepdims=True)
        logp = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
        loss = -logp[np.arange(N), y].mean()
        dx = np.exp(logp)
        dx[np.arange(N), y] -= 1
        return loss, dx / N

    return softmax_loss


@buggy(
    "svm_loss",
    "forward",
    "margin-counts-right-class",
    "Lets the right class compare with itself: +1 for each sample.",
)
def svm_counts_right_class():
    def svm_loss(x, y):
        N = x.shape[0]
        right = x[np.arange(N), y]
        margins = np.maximum(0, x - right[:, None] + 1.0)
        loss = np.sum(margins) / N
        dx = (margins > 0).astype(x.dtype)
        dx[np.arange(N), y] -= np.sum(margins > 0, axis=1)
        return loss, dx / N

    return svm_loss


@buggy(
    "svm_loss",
    "backward",
    "margin-zero-counted margin-counts-right-class",
    "Counts margins >= 0 in the gradient, which takes in the right class, whose margin was set to 0.",
)
def svm_counts_zero_margins():
    def svm_loss(x, y):
        N = x.shape[0]
        margins = np.maximum(0, x - x[np.arange(N), y][:, np.newaxis] + 1.0)
        margins[np.arange(N), y] = 0
        loss = np.sum(margins) / N
        active = np.sum(margins > 0, axis=1)
        dx = np.zeros_like(x)
        dx[margins >= 0] = 1
        dx[np.arange(N), y] -= active
        return loss, dx / N

    return svm_loss


@buggy(
    "svm_loss",
    "backward",
    "one-hot-missing",
    "Pushes the wrong classes down and forgets to pull the right one up.",
)
def svm_right_class_not_pulled():
    def svm_loss(x, y):
        N, C = x.shape
        loss, dx = 0.0, np.zeros_like(x)
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
    "backward",
    "one-hot-missing wrong-unknown",
    "Pulls the right class by 1, however many classes violate the margin.",
)
def svm_right_class_pulled_once():
    def svm_loss(x, y):
        N = len(y)
        rows = np.arange(N)
        margins = np.maximum(0, x - x[rows, y, None] + 1)
        margins[rows, y] = 0
        dx = np.where(margins > 0, 1.0, 0.0).astype(x.dtype)
        dx[rows, y] = -1.0 * (margins.sum(axis=1) > 0)
        return margins.sum() / N, dx / N

    return svm_loss


@buggy("svm_loss", "backward", "mean-missing", "Forgets to divide the gradient by N.")
def svm_gradient_not_averaged():
    def svm_loss(x, y):
        N = x.shape[0]
        margins = np.clip(x - x[np.arange(N), y].reshape(-1, 1) + 1.0, 0, None)
        margins[np.arange(N), y] = 0
        positive = margins > 0
        dx = positive.astype(x.dtype)
        dx[np.arange(N), y] = -positive.sum(axis=1)
        return margins.sum() / N, dx

    return svm_loss


@buggy("svm_loss", "both", "forward-wrong", "A hinge without its margin: max(0, s_j - s_y).", laws=False)
def svm_without_margin():
    def svm_loss(x, y):
        N = x.shape[0]
        diff = np.maximum(0, x - x[np.arange(N), y][:, None])
        dx = np.sign(diff)
        dx[np.arange(N), y] = -np.sum(diff > 0, axis=1)
        return diff.sum() / N, dx / N

    return svm_loss


@buggy("svm_loss", "backward", "gradient-sign", "Gives the right class the plus and the others the minus.")
def svm_sign():
    def svm_loss(x, y):
        loss, dx = 0.0, np.zeros_like(x)
        for i, right in enumerate(y):
            margins = x[i] - x[i, right] + 1
            margins[right] = 0
            violated = margins > 0
            loss += margins[violated].sum() / len(y)
            dx[i, violated] -= 1 / len(y)
            dx[i, right] += violated.sum() / len(y)
        return loss, dx

    return svm_loss
