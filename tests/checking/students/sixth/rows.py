"""Sixth batch, by an author who never saw the doctor: affine layers, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "affine",
    "backward",
    "reshape-order",
    "Affine_backward gives dx back its image shape with order='F' although the forward pass "
    "flattened x in C order, so that the entries of dx land at wrong positions.",
)
def affine_dx_fortran():
    def affine_forward(x, w, b):
        N = x.shape[0]
        rows = x.reshape(N, -1)
        out = rows.dot(w) + b
        return out, (x, w, b)

    def affine_backward(dout, cache):
        x, w, b = cache
        N = x.shape[0]
        dx = dout.dot(w.T).reshape(x.shape, order="F")
        dw = x.reshape(N, -1).T.dot(dout)
        db = dout.sum(axis=0)
        return dx, dw, db

    return affine_forward, affine_backward


@buggy(
    "affine",
    "forward",
    "shape-wrong",
    "The forward pass caches the flattened x, so that affine_backward returns dx with shape "
    "(N, D) instead of the shape of x.",
)
def affine_dx_stays_flat_6():
    def affine_forward(x, w, b):
        x = x.reshape(x.shape[0], -1)
        out = x @ w + b
        cache = (x, w, b)
        return out, cache

    def affine_backward(dout, cache):
        x, w, b = cache
        dx = (dout @ w.T).reshape(x.shape)
        dw = x.reshape(x.shape[0], -1).T @ dout
        db = np.sum(dout, axis=0)
        return dx, dw, db

    return affine_forward, affine_backward


@buggy(
    "affine",
    "backward",
    "factor-n",
    "Db is the mean of dout over the batch instead of the sum, so it is too small by the factor N.",
)
def affine_db_mean():
    def affine_forward(x, w, b):
        out = np.einsum("nd,dm->nm", x.reshape(len(x), -1), w) + b[None, :]
        return out, (x, w, b)

    def affine_backward(dout, cache):
        x, w, b = cache
        flat = x.reshape(len(x), -1)
        dx = np.einsum("nm,dm->nd", dout, w).reshape(x.shape)
        dw = np.einsum("nd,nm->dm", flat, dout)
        db = dout.mean(axis=0)
        return dx, dw, db

    return affine_forward, affine_backward


@buggy(
    "affine",
    "forward",
    "input-changed",
    "Affine_forward flattens by assigning x.shape, which changes the shape of the caller's own array x.",
)
def affine_reshapes_x():
    def affine_forward(x, w, b):
        old_shape = x.shape
        x.shape = (old_shape[0], int(np.prod(old_shape[1:])))
        out = np.dot(x, w) + b
        cache = (x, w, b, old_shape)
        return out, cache

    def affine_backward(dout, cache):
        x, w, b, old_shape = cache
        dx = np.dot(dout, w.T).reshape(old_shape)
        dw = np.dot(x.T, dout)
        db = np.dot(np.ones(dout.shape[0]), dout)
        return dx, dw, db

    return affine_forward, affine_backward


@buggy(
    "affine",
    "backward",
    "overwrite-overlap",
    "The loop over the samples assigns dw with = instead of +=, so that dw holds only the "
    "outer product of the last sample.",
)
def affine_dw_of_last_sample():
    def affine_forward(x, w, b):
        out = np.array([xi.ravel() @ w + b for xi in x])
        return out, (x, w, b)

    def affine_backward(dout, cache):
        x, w, b = cache
        dx = np.zeros_like(x)
        dw = np.zeros_like(w)
        db = np.zeros_like(b)
        for n in range(x.shape[0]):
            dx[n] = (w @ dout[n]).reshape(x[n].shape)
            dw = np.outer(x[n].ravel(), dout[n])
            db += dout[n]
        return dx, dw, db

    return affine_forward, affine_backward
