"""Sixth batch, by an author who never saw the doctor: pooling, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "max_pool",
    "forward",
    "shape-wrong swapped-height-width",
    "The output width is computed with pool_height instead of pool_width, which goes wrong "
    "for windows that are not square.",
)
def max_pool_width_by_height():
    def max_pool_forward_naive(x, pool_param):
        N, C, H, W = x.shape
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        H_out = 1 + (H - ph) // s
        W_out = 1 + (W - ph) // s
        out = np.zeros((N, C, H_out, W_out), dtype=x.dtype)
        for i in range(H_out):
            for j in range(W_out):
                out[:, :, i, j] = x[:, :, i * s : i * s + ph, j * s : j * s + pw].max(axis=(2, 3))
        return out, (x, pool_param)

    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
            r, q = np.unravel_index(np.argmax(window), window.shape)
            dx[n, c, i * s + r, j * s + q] += dout[n, c, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "backward",
    "ties-all-credited",
    "The mask window == max gives the full gradient to every tied maximum, so that a tie "
    "counts it several times.",
)
def max_pool_ties_all():
    def max_pool_forward_naive(x, pool_param):
        N, C, H, W = x.shape
        ph, pw = pool_param["pool_height"], pool_param["pool_width"]
        stride = pool_param["stride"]
        Hp, Wp = (H - ph) // stride + 1, (W - pw) // stride + 1
        out = np.zeros((N, C, Hp, Wp), dtype=x.dtype)
        for n in range(N):
            for c in range(C):
                for i in range(Hp):
                    for j in range(Wp):
                        out[n, c, i, j] = np.max(
                            x[n, c, i * stride : i * stride + ph, j * stride : j * stride + pw]
                        )
        return out, (x, pool_param)

    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw = pool_param["pool_height"], pool_param["pool_width"]
        stride = pool_param["stride"]
        N, C, Hp, Wp = dout.shape
        dx = np.zeros(x.shape, dtype=x.dtype)
        for n in range(N):
            for c in range(C):
                for i in range(Hp):
                    for j in range(Wp):
                        rows = slice(i * stride, i * stride + ph)
                        cols = slice(j * stride, j * stride + pw)
                        window = x[n, c, rows, cols]
                        mask = window == np.max(window)
                        dx[n, c, rows, cols] += mask * dout[n, c, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "backward",
    "overwrite-overlap",
    "Max_pool_backward assigns with = instead of +=, so that with overlapping windows a pixel "
    "which is the maximum of several windows keeps only one gradient.",
)
def max_pool_overlap_overwritten():
    def max_pool_forward_naive(x, pool_param):
        ph, pw, s = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
        N, C, H, W = x.shape
        Ho, Wo = (H - ph) // s + 1, (W - pw) // s + 1
        out = np.empty((N, C, Ho, Wo), dtype=x.dtype)
        where = np.empty((N, C, Ho, Wo), dtype=int)
        for i in range(Ho):
            for j in range(Wo):
                flat = x[:, :, i * s : i * s + ph, j * s : j * s + pw].reshape(N, C, -1)
                where[:, :, i, j] = flat.argmax(axis=2)
                out[:, :, i, j] = flat.max(axis=2)
        return out, (x, pool_param, where)

    def max_pool_backward_naive(dout, cache):
        x, pool_param, where = cache
        pw, s = pool_param["pool_width"], pool_param["stride"]
        N, C, Ho, Wo = dout.shape
        dx = np.zeros_like(x)
        n, c = np.ogrid[:N, :C]
        for i in range(Ho):
            for j in range(Wo):
                r, q = np.divmod(where[:, :, i, j], pw)
                dx[n, c, i * s + r, j * s + q] = dout[:, :, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "forward",
    "wrong-window",
    "The loops run over range(0, H - pool_height, stride) and stop one too early, so that the "
    "last window that just fits is skipped and out keeps 0 there.",
)
def max_pool_last_window():
    def max_pool_forward_naive(x, pool_param):
        N, C, H, W = x.shape
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        out = np.zeros((N, C, (H - ph) // s + 1, (W - pw) // s + 1), dtype=x.dtype)
        for top in range(0, H - ph, s):
            for left in range(0, W - pw, s):
                out[:, :, top // s, left // s] = np.amax(
                    x[:, :, top : top + ph, left : left + pw], axis=(-1, -2)
                )
        return out, (x, pool_param)

    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        N, C, H, W = x.shape
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n in range(N):
            for c in range(C):
                for a, top in enumerate(range(0, H - ph + 1, s)):
                    for e, left in enumerate(range(0, W - pw + 1, s)):
                        k = x[n, c, top : top + ph, left : left + pw].argmax()
                        dx[n, c, top + k // pw, left + k % pw] += dout[n, c, a, e]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "avg_pool",
    "backward",
    "average-not-divided",
    "Avg_pool_backward divides the gradient by stride ** 2 instead of by pool_height * pool_width.",
)
def avg_pool_divides_by_stride_6():
    def avg_pool_forward(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        view = np.lib.stride_tricks.sliding_window_view(x, (ph, pw), axis=(2, 3))[:, :, ::s, ::s]
        return view.mean(axis=(4, 5)), (x.shape, pool_param)

    def avg_pool_backward(dout, cache):
        shape, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros(shape, dtype=dout.dtype)
        share = dout / (s * s)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                dx[:, :, i * s : i * s + ph, j * s : j * s + pw] += share[:, :, i, j][:, :, None, None]
        return dx

    return avg_pool_forward, avg_pool_backward


@buggy(
    "global_avg_pool",
    "backward",
    "average-not-divided",
    "Global_avg_pool_backward spreads dout over the pixels without dividing by H * W.",
)
def global_avg_pool_not_divided():
    def global_avg_pool_forward(x):
        N, C, H, W = x.shape
        out = x.reshape(N, C, H * W).mean(axis=2)
        return out, x.shape

    def global_avg_pool_backward(dout, cache):
        N, C, H, W = cache
        dx = np.broadcast_to(dout.reshape(N, C, 1, 1), (N, C, H, W)).copy()
        return dx

    return global_avg_pool_forward, global_avg_pool_backward
