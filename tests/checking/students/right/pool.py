"""Pooling that is right, in the styles that students write."""

from __future__ import annotations

import numpy as np
from checking.students.student import right


@right("max_pool", "Loops, np.max forward and np.argmax backward.")
def max_pool_loops():
    def max_pool_forward_naive(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        out = np.zeros((N, C, 1 + (H - ph) // s, 1 + (W - pw) // s), dtype=x.dtype)
        for n, c, i, j in np.ndindex(out.shape):
            out[n, c, i, j] = np.max(x[n, c, i * s : i * s + ph, j * s : j * s + pw])
        return out, (x, pool_param)

    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros(x.shape, dtype=x.dtype)
        for n, c, i, j in np.ndindex(dout.shape):
            k = np.argmax(x[n, c, i * s : i * s + ph, j * s : j * s + pw])
            row, col = np.unravel_index(k, (ph, pw))
            dx[n, c, i * s + row, j * s + col] += dout[n, c, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@right("max_pool", "Windows as a last axis; argmax is cached and scattered with np.add.at.")
def max_pool_scatter():
    def max_pool_forward_windows(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        windows = np.lib.stride_tricks.sliding_window_view(x, (ph, pw), axis=(2, 3))[:, :, ::s, ::s]
        flat = windows.reshape(*windows.shape[:4], ph * pw)
        best = flat.argmax(axis=-1)
        out = np.take_along_axis(flat, best[..., None], axis=-1)[..., 0]
        return out, (x.shape, x.dtype, best, pool_param)

    def max_pool_backward_windows(dout, cache):
        shape, dtype, best, pool_param = cache
        s, pw = pool_param["stride"], pool_param["pool_width"]
        n, c, i, j = np.indices(dout.shape)
        dx = np.zeros(shape, dtype=dtype)
        np.add.at(dx, (n, c, i * s + best // pw, j * s + best % pw), dout)
        return dx

    return max_pool_forward_windows, max_pool_backward_windows


@right(
    "max_pool", "The fast reshape where windows tile, loops over window positions elsewhere; first of ties."
)
def max_pool_reshape_or_shift():
    def max_pool_forward_fast(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        Ho, Wo = (H - ph) // s + 1, (W - pw) // s + 1
        if ph == pw == s and H % ph == 0 and W % pw == 0:
            out = x.reshape(N, C, Ho, ph, Wo, pw).max(axis=3).max(axis=4)
        else:
            out = np.full((N, C, Ho, Wo), -np.inf, dtype=x.dtype)
            for a in range(ph):
                for b in range(pw):
                    shifted = x[:, :, a : a + s * (Ho - 1) + 1 : s, b : b + s * (Wo - 1) + 1 : s]
                    out = np.maximum(out, shifted)
        return out, (x, out, pool_param)

    def max_pool_backward_fast(dout, cache):
        x, out, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        Ho, Wo = dout.shape[2:]
        dx = np.zeros_like(x)
        open_ = np.ones(out.shape, dtype=bool)
        for a in range(ph):
            for b in range(pw):
                grid = np.s_[:, :, a : a + s * (Ho - 1) + 1 : s, b : b + s * (Wo - 1) + 1 : s]
                hit = open_ & (x[grid] == out)
                dx[grid] += np.where(hit, dout, 0)
                open_ &= ~hit
        return dx

    return max_pool_forward_fast, max_pool_backward_fast


@right("avg_pool", "Loops over windows.")
def avg_pool_loops():
    def avg_pool_forward(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        out = np.zeros((N, C, (H - ph) // s + 1, (W - pw) // s + 1), dtype=x.dtype)
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                out[:, :, i, j] = np.mean(x[:, :, i * s : i * s + ph, j * s : j * s + pw], axis=(2, 3))
        return out, (x.shape, pool_param)

    def avg_pool_backward(dout, cache):
        shape, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros(shape, dtype=dout.dtype)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                dx[:, :, i * s : i * s + ph, j * s : j * s + pw] += dout[:, :, i : i + 1, j : j + 1] / (
                    ph * pw
                )
        return dx

    return avg_pool_forward, avg_pool_backward


@right("avg_pool", "Shifted copies added up, in both directions.")
def avg_pool_shifts():
    def avg_pool_forward(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        Ho, Wo = (x.shape[2] - ph) // s + 1, (x.shape[3] - pw) // s + 1
        out = sum(
            x[:, :, a : a + s * (Ho - 1) + 1 : s, b : b + s * (Wo - 1) + 1 : s]
            for a in range(ph)
            for b in range(pw)
        )
        return out / (ph * pw), (x, pool_param)

    def avg_pool_backward(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        Ho, Wo = dout.shape[2:]
        dx = np.zeros_like(x)
        for a in range(ph):
            for b in range(pw):
                dx[:, :, a : a + s * (Ho - 1) + 1 : s, b : b + s * (Wo - 1) + 1 : s] += dout
        dx /= ph * pw
        return dx

    return avg_pool_forward, avg_pool_backward


@right("global_avg_pool", "One mean, one broadcast.")
def global_avg_pool_broadcast():
    def global_avg_pool_forward(x):
        return x.mean(axis=(2, 3)), x.shape

    def global_avg_pool_backward(dout, cache):
        N, C, H, W = cache
        return np.broadcast_to(dout[:, :, None, None] / (H * W), cache).copy()

    return global_avg_pool_forward, global_avg_pool_backward
