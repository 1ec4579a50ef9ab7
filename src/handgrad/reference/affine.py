"""Affine layer: out = x w + b, one output number at a time."""

from __future__ import annotations

import numpy as np


def affine_forward_naive(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Compute ``out[n, m] = sum over d of x[n, d] w[d, m] + b[m]``.

    Parameters
    ----------
    x : ndarray (N, d1, ..., dk)
        Batch of N examples; each is read as one row of D = d1 * ... * dk numbers.
    w : ndarray (D, M)
    b : ndarray (M,)

    Returns
    -------
    out : ndarray (N, M)
        In the dtype of x.
    cache : (x, w, b)
    """
    N, D, M = x.shape[0], w.shape[0], w.shape[1]
    rows, weights = x.reshape(N, D).astype(np.float64), w.astype(np.float64)
    out = np.zeros((N, M), dtype=x.dtype)
    for n in range(N):
        for m in range(M):
            out[n, m] = np.sum(rows[n] * weights[:, m]) + b[m]
    return out, (x, w, b)


def affine_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx (N, d1, ..., dk), dw (D, M) and db (M,) for dout (N, M)."""
    x, w, b = cache
    N, D, M = x.shape[0], w.shape[0], w.shape[1]
    rows, weights = x.reshape(N, D).astype(np.float64), w.astype(np.float64)
    drows, dw, db = np.zeros((N, D)), np.zeros((D, M)), np.zeros(M)
    for n in range(N):
        for m in range(M):
            # out[n, m] = np.sum(rows[n] * weights[:, m]) + b[m]
            drows[n] += dout[n, m] * weights[:, m]
            dw[:, m] += dout[n, m] * rows[n]
            db[m] += dout[n, m]
    return drows.reshape(x.shape).astype(x.dtype), dw.astype(w.dtype), db.astype(b.dtype)
