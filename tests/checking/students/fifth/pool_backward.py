# ruff: noqa: F841 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: pooling with a wrong backward."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "max_pool",
    "backward",
    "reshape-order",
    "dout is flattened in its own order (N, C, H', W') while the im2col columns run over H', W' "
    "and then N*C, so gradients go to the wrong windows.",
)
def max_pool_dout_order():
    def _column_indices(H, W, ph, pw, stride):
        oh, ow = (H - ph) // stride + 1, (W - pw) // stride + 1
        r = np.repeat(np.arange(ph), pw)[:, None] + stride * np.repeat(np.arange(oh), ow)[None, :]
        c = np.tile(np.arange(pw), ph)[:, None] + stride * np.tile(np.arange(ow), oh)[None, :]
        return r, c, oh, ow

    def max_pool_forward_naive(x, pool_param):
        ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        r, c, oh, ow = _column_indices(H, W, ph, pw, stride)
        planes = x.reshape(N * C, H, W)
        cols = planes[:, r, c].transpose(1, 2, 0).reshape(ph * pw, -1)
        best = np.argmax(cols, axis=0)
        out = cols[best, np.arange(cols.shape[1])]
        out = out.reshape(oh, ow, N, C).transpose(2, 3, 0, 1)
        return out, (x.shape, cols.shape, best, pool_param)

    def max_pool_backward_naive(dout, cache):
        (N, C, H, W), cols_shape, best, pool_param = cache
        ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        r, c, oh, ow = _column_indices(H, W, ph, pw, stride)
        dcols = np.zeros(cols_shape)
        dcols[best, np.arange(cols_shape[1])] = dout.ravel()
        dcols = dcols.reshape(ph * pw, oh * ow, N * C).transpose(2, 0, 1)
        dx = np.zeros((N * C, H, W))
        np.add.at(dx, (slice(None), r, c), dcols)
        return dx.reshape(N, C, H, W)

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "backward",
    "ties-all-credited",
    "Where several entries of a window tie for the maximum each of them gets the whole "
    "gradient, so tied windows pass on a multiple of it.",
)
def max_pool_ties_multiplied():
    def max_pool_forward_naive(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        H_out = 1 + (H - ph) // s
        W_out = 1 + (W - pw) // s
        out = np.zeros((N, C, H_out, W_out))
        for i in range(H_out):
            for j in range(W_out):
                out[:, :, i, j] = x[:, :, i * s : i * s + ph, j * s : j * s + pw].max(axis=(2, 3))
        return out, (x, pool_param)

    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H_out, W_out = dout.shape
        dx = np.zeros(x.shape)
        for i in range(H_out):
            for j in range(W_out):
                region = x[:, :, i * s : i * s + ph, j * s : j * s + pw]
                biggest = region.max(axis=(2, 3), keepdims=True)
                mask = region == biggest
                dx[:, :, i * s : i * s + ph, j * s : j * s + pw] += mask * dout[:, :, i, j][:, :, None, None]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "backward",
    "wrong-window",
    "The windows of the backward pass are stride by stride instead of pool_height by "
    "pool_width, which is only right when stride equals the window size.",
)
def max_pool_stride_windows():
    def max_pool_forward_naive(x, pool_param):
        pool_height = pool_param["pool_height"]
        pool_width = pool_param["pool_width"]
        stride = pool_param["stride"]
        N, C, H, W = x.shape
        new_H = 1 + (H - pool_height) // stride
        new_W = 1 + (W - pool_width) // stride
        out = np.zeros((N, C, new_H, new_W))
        for i in range(new_H):
            hs = i * stride
            for j in range(new_W):
                ws = j * stride
                window = x[:, :, hs : hs + pool_height, ws : ws + pool_width]
                out[:, :, i, j] = np.amax(window, axis=(2, 3))
        cache = (x, new_H, new_W, pool_param)
        return out, cache

    def max_pool_backward_naive(dout, cache):
        x, new_H, new_W, pool_param = cache
        pool_height = pool_param["pool_height"]
        pool_width = pool_param["pool_width"]
        stride = pool_param["stride"]
        N, C = x.shape[:2]
        dx = np.zeros_like(x)
        images, channels = np.ogrid[:N, :C]
        for i in range(new_H):
            hs = i * stride
            for j in range(new_W):
                ws = j * stride
                window = x[:, :, hs : hs + stride, ws : ws + stride]
                flat = window.reshape(N, C, -1).argmax(axis=2)
                r, c = np.unravel_index(flat, window.shape[2:])
                dx[images, channels, hs + r, ws + c] += dout[:, :, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "backward",
    "wrong-window",
    "The flat position of the maximum in a plane is built with the output's width as row length "
    "instead of the input's width W, so gradients land on wrong pixels.",
)
def max_pool_row_length():
    def max_pool_forward_naive(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        win = np.lib.stride_tricks.sliding_window_view(x, (ph, pw), axis=(2, 3))[:, :, ::s, ::s]
        flat = win.reshape(*win.shape[:4], ph * pw)
        k = flat.argmax(axis=4)
        rows = k // pw + s * np.arange(k.shape[2])[:, None]
        cols = k % pw + s * np.arange(k.shape[3])
        return flat.max(axis=4), (rows, cols, x.shape)

    def max_pool_backward_naive(dout, cache):
        rows, cols, (N, C, H, W) = cache
        plane = np.arange(N * C).reshape(N, C, 1, 1) * (H * W)
        where = plane + rows * dout.shape[3] + cols
        dx = np.bincount(where.ravel(), weights=dout.ravel(), minlength=N * C * H * W)
        return dx.reshape(N, C, H, W)

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "avg_pool",
    "backward",
    "overwrite-overlap",
    "The share of each window is assigned instead of added, so pixels in overlapping windows "
    "keep only the last window's share.",
)
def avg_pool_assigns():
    def avg_pool_forward_naive(x, pool_param):
        k_h, k_w, step = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        n, ch, h, w = x.shape
        rows = range(0, h - k_h + 1, step)
        cols = range(0, w - k_w + 1, step)
        out = np.zeros((n, ch, len(rows), len(cols)))
        for a, top in enumerate(rows):
            for b, left in enumerate(cols):
                out[..., a, b] = np.mean(x[..., top : top + k_h, left : left + k_w], axis=(-2, -1))
        cache = (x.shape, rows, cols, k_h, k_w)
        return out, cache

    def avg_pool_backward_naive(dout, cache):
        shape, rows, cols, k_h, k_w = cache
        dx = np.zeros(shape)
        share = dout[..., None, None] / (k_h * k_w)
        for a, top in enumerate(rows):
            for b, left in enumerate(cols):
                dx[..., top : top + k_h, left : left + k_w] = share[..., a, b, :, :]
        return dx

    return avg_pool_forward_naive, avg_pool_backward_naive


@buggy(
    "max_pool",
    "backward",
    "swapped-height-width",
    "The flat argmax is split by the pool's height instead of its width, so for non-square "
    "windows the gradient goes to a wrong pixel.",
)
def max_pool_split_by_height():
    def max_pool_forward_naive(x, pool_param):
        stride = pool_param["stride"]
        hp = pool_param["pool_height"]
        wp = pool_param["pool_width"]
        N, C, H, W = x.shape
        Ho, Wo = (H - hp) // stride + 1, (W - wp) // stride + 1
        out = np.empty((N, C, Ho, Wo), dtype=x.dtype)
        where = np.empty((N, C, Ho, Wo), dtype=np.intp)
        for n in range(N):
            for c in range(C):
                for r in range(Ho):
                    for q in range(Wo):
                        win = x[n, c, r * stride : r * stride + hp, q * stride : q * stride + wp]
                        where[n, c, r, q] = np.argmax(win)
                        out[n, c, r, q] = win.flat[where[n, c, r, q]]
        return out, (x.shape, where, pool_param)

    def max_pool_backward_naive(dout, cache):
        shape, where, pool_param = cache
        stride = pool_param["stride"]
        hp = pool_param["pool_height"]
        wp = pool_param["pool_width"]
        dx = np.zeros(shape, dtype=dout.dtype)
        for (n, c, r, q), d in np.ndenumerate(dout):
            dr, dq = divmod(where[n, c, r, q], hp)
            dx[n, c, r * stride + dr, q * stride + dq] += d
        return dx

    return max_pool_forward_naive, max_pool_backward_naive
