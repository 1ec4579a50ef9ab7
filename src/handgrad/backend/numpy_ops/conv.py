"""Convolution as one matrix product an image, over columns gathered window tap by window tap.

The column matrix of an image has a row for each weight of a filter (C * HH * WW) and a column for each
output pixel (H' * W'), so the product with the filters (F, C * HH * WW) is the output in place: NCHW.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

__all__ = ["conv_backward", "conv_forward"]

Pair = tuple[int, int]


def conv_forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: Pair, pad: Pair
) -> tuple[np.ndarray, None]:
    """Return out (N, F, H', W') for x (N, C, H, W), w (F, C, HH, WW), b (F,)."""
    cols, (h_out, w_out) = _im2col(x, w.shape[2:], stride, pad)
    out = np.matmul(w.reshape(len(w), -1), cols)
    out += b[:, None]
    return out.reshape(len(x), len(w), h_out, w_out), None


def conv_backward(
    dout: np.ndarray, x: np.ndarray, w: np.ndarray, stride: Pair, pad: Pair, kept: None, need_dx: bool
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Return dx (N, C, H, W) or None, dw (F, C, HH, WW), db (F,)."""
    # The columns are gathered again rather than kept: they are HH * WW times as large as x.
    cols, (h_out, w_out) = _im2col(x, w.shape[2:], stride, pad)
    dout = dout.reshape(len(x), len(w), h_out * w_out)
    db = dout.sum(axis=(0, 2))
    dw = np.matmul(dout, cols.transpose(0, 2, 1)).sum(axis=0).reshape(w.shape)
    if not need_dx:
        return None, dw, db
    dcols = np.matmul(w.reshape(len(w), -1).T, dout, out=cols)
    return _col2im(dcols, x.shape, w.shape[2:], (h_out, w_out), stride, pad), dw, db


def _im2col(x: np.ndarray, window: Pair, stride: Pair, pad: Pair) -> tuple[np.ndarray, Pair]:
    """Return the columns (N, C * HH * WW, H' * W') and (H', W')."""
    n, c = x.shape[:2]
    padded = np.pad(x, ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2)) if any(pad) else x
    sides = tuple((padded.shape[2 + a] - window[a]) // stride[a] + 1 for a in (0, 1))
    cols = np.empty((n, c, *window, *sides), x.dtype)
    for tap, seen in taps(window, sides, stride):
        cols[:, :, *tap] = padded[:, :, *seen]
    return cols.reshape(n, c * window[0] * window[1], sides[0] * sides[1]), sides


def _col2im(
    dcols: np.ndarray, shape: tuple[int, ...], window: Pair, sides: Pair, stride: Pair, pad: Pair
) -> np.ndarray:
    """Add each column's gradient back to the pixels that it was gathered from."""
    n, c, h, w = shape
    padded = np.zeros((n, c, h + 2 * pad[0], w + 2 * pad[1]), dcols.dtype)
    dcols = dcols.reshape(n, c, *window, *sides)
    for tap, seen in taps(window, sides, stride):
        padded[:, :, *seen] += dcols[:, :, *tap]
    return padded[:, :, pad[0] : pad[0] + h, pad[1] : pad[1] + w]


def taps(window: Pair, sides: Pair, stride: Pair) -> Iterator[tuple[Pair, tuple[slice, slice]]]:
    """Yield each position in the window with the slices of the padded image that it passes over."""
    for i, j in np.ndindex(*window):
        rows = slice(i, i + stride[0] * (sides[0] - 1) + 1, stride[0])
        columns = slice(j, j + stride[1] * (sides[1] - 1) + 1, stride[1])
        yield (i, j), (rows, columns)
