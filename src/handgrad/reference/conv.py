"""Convolution (cross-correlation, as every framework means it): a filter slid over padded images."""

from __future__ import annotations

import numpy as np

from .params import pair


def conv_forward_naive(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, conv_param: dict
) -> tuple[np.ndarray, tuple]:
    """Multiply each window of each image with each filter and add up.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
    w : ndarray (F, C, HH, WW)
    b : ndarray (F,)
    conv_param : dict
        ``stride`` (default 1) and ``pad`` (zeros on every side, default 0): an int, or a pair for
        height and width.

    Returns
    -------
    out : ndarray (N, F, H', W')
        ``H' = floor((H + 2 pad - HH) / stride) + 1``, W' likewise; in the dtype of x.
    cache : (x, w, b, conv_param)
    """
    padded, weights = _pad(x, conv_param), w.astype(np.float64, order="C")
    N, F = x.shape[0], w.shape[0]
    H_out, W_out = _output_size(padded, w, conv_param)
    out = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    rows, columns = _window(i, j, w, conv_param)
                    out[n, f, i, j] = np.sum(padded[n, :, rows, columns] * weights[f]) + b[f]
    return out, (x, w, b, conv_param)


def conv_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx (N, C, H, W), dw (F, C, HH, WW) and db (F,) for dout (N, F, H', W').

    Pixels that no window reaches (a stride that does not divide) get gradient 0.
    """
    x, w, b, conv_param = cache
    padded, weights = _pad(x, conv_param), w.astype(np.float64, order="C")
    N, F = x.shape[0], w.shape[0]
    H_out, W_out = _output_size(padded, w, conv_param)
    dpadded, dw, db = np.zeros(padded.shape), np.zeros(w.shape), np.zeros(F)
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    rows, columns = _window(i, j, w, conv_param)
                    # out[n, f, i, j] = np.sum(padded[n, :, rows, columns] * weights[f]) + b[f]
                    dpadded[n, :, rows, columns] += dout[n, f, i, j] * weights[f]
                    dw[f] += dout[n, f, i, j] * padded[n, :, rows, columns]
                    db[f] += dout[n, f, i, j]
    dx = _unpad(dpadded, x, conv_param)
    return dx.astype(x.dtype), dw.astype(w.dtype), db.astype(b.dtype)


def _pad(x: np.ndarray, conv_param: dict) -> np.ndarray:
    pad_rows, pad_columns = pair("conv_param", conv_param, "pad", default=0)
    N, C, H, W = x.shape
    padded = np.zeros((N, C, H + 2 * pad_rows, W + 2 * pad_columns))
    padded[:, :, pad_rows : pad_rows + H, pad_columns : pad_columns + W] = x
    return padded


def _unpad(dpadded: np.ndarray, x: np.ndarray, conv_param: dict) -> np.ndarray:
    pad_rows, pad_columns = pair("conv_param", conv_param, "pad", default=0)
    H, W = x.shape[2:]
    return dpadded[:, :, pad_rows : pad_rows + H, pad_columns : pad_columns + W]


def _output_size(padded: np.ndarray, w: np.ndarray, conv_param: dict) -> tuple[int, int]:
    stride_rows, stride_columns = pair("conv_param", conv_param, "stride", default=1)
    H_padded, W_padded = padded.shape[2:]
    HH, WW = w.shape[2:]
    return (H_padded - HH) // stride_rows + 1, (W_padded - WW) // stride_columns + 1


def _window(i: int, j: int, w: np.ndarray, conv_param: dict) -> tuple[slice, slice]:
    stride_rows, stride_columns = pair("conv_param", conv_param, "stride", default=1)
    top, left = i * stride_rows, j * stride_columns
    return slice(top, top + w.shape[2]), slice(left, left + w.shape[3])
