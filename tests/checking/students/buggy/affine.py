"""Affine layers, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


def affine_forward(x, w, b):
    """The forward pass that most of them share, and that is right."""
    out = x.reshape(x.shape[0], -1).dot(w) + b
    return out, (x, w, b)


@buggy(
    "affine", "backward", "transpose-missing shape-transposed", "Multiplies dout by x instead of x by dout."
)
def affine_dw_transposed():
    def affine_backward(dout, cache):
        x, w, b = cache
        dx = dout.dot(w.T).reshape(x.shape)
        dw = dout.T.dot(x.reshape(x.shape[0], -1))
        return dx, dw, np.sum(dout, axis=0)

    return affine_forward, affine_backward


@buggy("affine", "backward", "transpose-missing", "Tries w where w.T belongs; it runs while w is square.")
def affine_dx_without_transpose():
    def affine_backward(dout, cache):
        x, w, b = cache
        rows = x.reshape(len(x), -1)
        dx = (dout @ w).reshape(x.shape)
        dw = rows.T @ dout
        return dx, dw, dout.sum(axis=0)

    return affine_forward, affine_backward


@buggy(
    "affine", "backward", "shape-wrong", "Leaves dx as rows; in the fully connected notebook x had rows too."
)
def affine_dx_stays_flat():
    def affine_backward(dout, cache):
        x, w, _ = cache
        x_rows = np.reshape(x, (x.shape[0], np.prod(x.shape[1:])))
        return np.dot(dout, w.T), np.dot(x_rows.T, dout), np.sum(dout, axis=0)

    return affine_forward, affine_backward


@buggy("affine", "backward", "reshape-order", "Comes from MATLAB and folds dx back in column order.")
def affine_dx_in_matlab_order():
    def affine_backward(dout, cache):
        x, w, b = cache
        flat = x.reshape(x.shape[0], -1)
        dx = np.reshape(dout @ w.T, x.shape, order="F")
        return dx, flat.T @ dout, dout.sum(0)

    return affine_forward, affine_backward


@buggy(
    "affine",
    "forward",
    "reshape-order",
    "Makes columns of the images with reshape(D, N), which mixes samples.",
)
def affine_reshapes_into_columns():
    def affine_forward_columns(x, w, b):
        N = x.shape[0]
        columns = x.reshape(-1, N)
        out = columns.T.dot(w) + b
        return out, (x, w, b)

    def affine_backward_columns(dout, cache):
        x, w, b = cache
        dx = dout.dot(w.T).reshape(x.shape)
        dw = x.reshape(x.shape[0], -1).T.dot(dout)
        return dx, dw, dout.sum(axis=0)

    return affine_forward_columns, affine_backward_columns


@buggy("affine", "backward", "bias-wrong-axes", "Sums over axis 1, the one that is left over in (N, M).")
def affine_bias_over_outputs():
    def affine_backward(dout, cache):
        x, w, b = cache
        dx = np.matmul(dout, w.T).reshape(x.shape)
        dw = np.matmul(x.reshape(x.shape[0], -1).T, dout)
        db = np.sum(dout, axis=1)
        return dx, dw, db

    return affine_forward, affine_backward


@buggy(
    "affine",
    "backward",
    "factor factor-n",
    "Divides dw and db by N as in the course whose cost has 1/m here.",
)
def affine_divides_by_m():
    def affine_backward(dout, cache):
        A_prev, W, _ = cache
        m = A_prev.shape[0]
        A_rows = A_prev.reshape(m, -1)
        dW = np.dot(A_rows.T, dout) / m
        db = np.sum(dout, axis=0) / m
        dA_prev = np.dot(dout, W.T).reshape(A_prev.shape)
        return dA_prev, dW, db

    return affine_forward, affine_backward


@buggy("affine", "forward", "bias-missing", "Adds the bias to a variable that is not returned.")
def affine_loses_bias():
    def affine_forward_no_bias(x, w, b):
        out = x.reshape(x.shape[0], -1) @ w
        scores = out + b  # noqa: F841 - the student's mistake
        return out, (x, w, b)

    def affine_backward(dout, cache):
        x, w, b = cache
        return (dout @ w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T @ dout, dout.sum(axis=0)

    return affine_forward_no_bias, affine_backward


@buggy("affine", "backward", "swapped-outputs", "Returns dw before dx.")
def affine_returns_dw_first():
    def affine_backward(dout, cache):
        x, w, b = cache
        dw = np.einsum("nd,nm->dm", x.reshape(len(x), -1), dout)
        dx = np.einsum("nm,dm->nd", dout, w).reshape(x.shape)
        return dw, dx, np.einsum("nm->m", dout)

    return affine_forward, affine_backward


LAST = {}


@buggy(
    "affine",
    "both",
    "cache-not-enough second-call-differs",
    "Remembers x in a global as a class would in self.x; two layers then share one memory.",
)
def affine_remembers_globally():
    def affine_forward_global(x, w, b):
        LAST["x"] = x
        return x.reshape(x.shape[0], -1) @ w + b, (w, b)

    def affine_backward_global(dout, cache):
        w, b = cache
        x = LAST["x"]
        dx = (dout @ w.T).reshape(x.shape)
        return dx, x.reshape(x.shape[0], -1).T @ dout, dout.sum(axis=0)

    return affine_forward_global, affine_backward_global


@buggy(
    "affine",
    "backward",
    "bias-wrong-axes shape-wrong",
    "Keeps the summed axis, so db is (1, M) and b is (M,).",
)
def affine_bias_keeps_axis():
    def affine_backward(dout, cache):
        x, w, b = cache
        rows = x.reshape(x.shape[0], -1)
        db = np.sum(dout, axis=0, keepdims=True)
        return (dout @ w.T).reshape(x.shape), rows.T @ dout, db

    return affine_forward, affine_backward


OUT = {}


@buggy(
    "affine",
    "forward",
    "second-call-differs result-aliases-input",
    "Keeps one output buffer a shape and hands it out again; the next call changes the last result.",
)
def affine_reuses_buffer():
    def affine_forward_buffer(x, w, b):
        key = (x.shape[0], w.shape[1], x.dtype)
        if key not in OUT:
            OUT[key] = np.zeros((x.shape[0], w.shape[1]), dtype=x.dtype)
        out = OUT[key]
        np.dot(x.reshape(x.shape[0], -1), w, out=out)
        out += b
        return out, (x, w, b)

    def affine_backward(dout, cache):
        x, w, b = cache
        return (dout @ w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T @ dout, dout.sum(axis=0)

    return affine_forward_buffer, affine_backward
