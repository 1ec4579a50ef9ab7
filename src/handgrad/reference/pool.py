"""Pooling: each window of each channel becomes one number. No padding, any window, any stride."""

from __future__ import annotations

import numpy as np

from .params import pair, whole


def max_pool_forward_naive(x: np.ndarray, pool_param: dict) -> tuple[np.ndarray, tuple]:
    """Keep the largest number of each window.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
    pool_param : dict
        ``pool_height``, ``pool_width`` and ``stride``: an int, or a pair for height and width
        (default: the window, so that windows tile). Windows may overlap or leave a border out.

    Returns
    -------
    out : ndarray (N, C, H', W')
        ``H' = floor((H - pool_height) / stride) + 1``, W' likewise. A NaN counts as the largest.
    cache : (x, pool_param)
    """
    N, C, H_out, W_out = _output_shape(x, pool_param)
    out = np.zeros((N, C, H_out, W_out), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    rows, columns = _window(i, j, pool_param)
                    out[n, c, i, j] = np.max(x[n, c, rows, columns])
    return out, (x, pool_param)


def max_pool_backward_naive(dout: np.ndarray, cache: tuple) -> np.ndarray:
    """Return dx (N, C, H, W): the first maximum of a window, in row-major order, takes its gradient."""
    x, pool_param = cache
    N, C, H_out, W_out = _output_shape(x, pool_param)
    dx = np.zeros(x.shape)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    rows, columns = _window(i, j, pool_param)
                    # out[n, c, i, j] = np.max(x[n, c, rows, columns])
                    window, dwindow = x[n, c, rows, columns], dx[n, c, rows, columns]
                    first = np.unravel_index(np.argmax(window), window.shape)
                    dwindow[first] += dout[n, c, i, j]
    return dx.astype(x.dtype)


def avg_pool_forward_naive(x: np.ndarray, pool_param: dict) -> tuple[np.ndarray, tuple]:
    """Take the mean of each window; x, pool_param and out as in `max_pool_forward_naive`."""
    N, C, H_out, W_out = _output_shape(x, pool_param)
    images = x.astype(np.float64, order="C")
    out = np.zeros((N, C, H_out, W_out), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    rows, columns = _window(i, j, pool_param)
                    out[n, c, i, j] = np.mean(images[n, c, rows, columns])
    return out, (x, pool_param)


def avg_pool_backward_naive(dout: np.ndarray, cache: tuple) -> np.ndarray:
    """Return dx (N, C, H, W): each number of a window takes an equal share of its gradient."""
    x, pool_param = cache
    N, C, H_out, W_out = _output_shape(x, pool_param)
    dx = np.zeros(x.shape)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    rows, columns = _window(i, j, pool_param)
                    # out[n, c, i, j] = np.mean(images[n, c, rows, columns])
                    dwindow = dx[n, c, rows, columns]
                    dwindow += float(dout[n, c, i, j]) / dwindow.size
    return dx.astype(x.dtype)


def global_avg_pool_forward_naive(x: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Take the mean of each whole channel: x (N, C, H, W) -> out (N, C), cache (x,)."""
    N, C = x.shape[:2]
    images = x.astype(np.float64, order="C")
    out = np.zeros((N, C), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            out[n, c] = np.mean(images[n, c])
    return out, (x,)


def global_avg_pool_backward_naive(dout: np.ndarray, cache: tuple) -> np.ndarray:
    """Return dx (N, C, H, W): each pixel of a channel takes an equal share of dout (N, C)."""
    (x,) = cache
    N, C, H, W = x.shape
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            # out[n, c] = np.mean(images[n, c])
            dx[n, c] = float(dout[n, c]) / (H * W)
    return dx


def _pool_size(pool_param: dict) -> tuple[int, int]:
    return (
        whole("pool_param", "pool_height", pool_param["pool_height"]),
        whole("pool_param", "pool_width", pool_param["pool_width"]),
    )


def _output_shape(x: np.ndarray, pool_param: dict) -> tuple[int, int, int, int]:
    pool_height, pool_width = _pool_size(pool_param)
    stride_rows, stride_columns = pair("pool_param", pool_param, "stride", default=_pool_size(pool_param))
    N, C, H, W = x.shape
    return N, C, (H - pool_height) // stride_rows + 1, (W - pool_width) // stride_columns + 1


def _window(i: int, j: int, pool_param: dict) -> tuple[slice, slice]:
    pool_height, pool_width = _pool_size(pool_param)
    stride_rows, stride_columns = pair("pool_param", pool_param, "stride", default=_pool_size(pool_param))
    top, left = i * stride_rows, j * stride_columns
    return slice(top, top + pool_height), slice(left, left + pool_width)
