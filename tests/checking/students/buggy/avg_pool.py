"""Average pooling, by window and over whole channels, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


def avg_pool_forward(x, pool_param):
    """The forward pass that some of them share, and that is right."""
    ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H, W = x.shape
    out = np.zeros((N, C, (H - ph) // s + 1, (W - pw) // s + 1), dtype=x.dtype)
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = x[:, :, i * s : i * s + ph, j * s : j * s + pw].mean(axis=(2, 3))
    return out, (x, pool_param)


@buggy("avg_pool", "backward", "average-not-divided", "Copies dout to the whole window, each pixel in full.")
def avg_pool_copies_dout():
    def avg_pool_backward(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                dx[:, :, i * s : i * s + ph, j * s : j * s + pw] += dout[:, :, i, j][:, :, None, None]
        return dx

    return avg_pool_forward, avg_pool_backward


@buggy("avg_pool", "both", "average-not-divided", "Changes np.max to np.sum and forgets the mean.")
def avg_pool_sums():
    def avg_pool_forward_sum(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        windows = np.lib.stride_tricks.sliding_window_view(x, (ph, pw), axis=(2, 3))[:, :, ::s, ::s]
        return np.einsum("ncijhw->ncij", windows), (x, pool_param)

    def avg_pool_backward_sum(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        Ho, Wo = dout.shape[2:]
        dx = np.zeros_like(x)
        for a in range(ph):
            for b in range(pw):
                dx[:, :, a : a + s * (Ho - 1) + 1 : s, b : b + s * (Wo - 1) + 1 : s] += dout
        return dx

    return avg_pool_forward_sum, avg_pool_backward_sum


@buggy(
    "avg_pool",
    "backward",
    "overwrite-overlap",
    "Fills each window with np.full; overlapping windows overwrite.",
)
def avg_pool_fills_windows():
    def avg_pool_backward(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n in range(x.shape[0]):
            for c in range(x.shape[1]):
                for i in range(dout.shape[2]):
                    for j in range(dout.shape[3]):
                        share = dout[n, c, i, j] / (ph * pw)
                        dx[n, c, i * s : i * s + ph, j * s : j * s + pw] = np.full((ph, pw), share)
        return dx

    return avg_pool_forward, avg_pool_backward


@buggy(
    "avg_pool",
    "backward",
    "average-not-divided swapped-height-width fails-for-nonsquare",
    "Divides by pool_height squared.",
)
def avg_pool_divides_by_square():
    def avg_pool_backward(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        share = dout / ph**2
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                dx[:, :, i * s : i * s + ph, j * s : j * s + pw] += share[:, :, i : i + 1, j : j + 1]
        return dx

    return avg_pool_forward, avg_pool_backward


@buggy(
    "avg_pool",
    "backward",
    "average-not-divided factor",
    "Divides by the stride squared, equal to the window in the test.",
)
def avg_pool_divides_by_stride():
    def avg_pool_backward(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            dx[n, c, i * s : i * s + ph, j * s : j * s + pw] += dout[n, c, i, j] / (s * s)
        return dx

    return avg_pool_forward, avg_pool_backward


@buggy(
    "global_avg_pool",
    "backward",
    "average-not-divided swapped-height-width fails-for-nonsquare",
    "Divides by H squared, since feature maps are square.",
)
def global_avg_pool_square_maps():
    def global_avg_pool_forward(x):
        return np.mean(x, axis=(2, 3)), x.shape

    def global_avg_pool_backward(dout, cache):
        N, C, H, W = cache
        return np.tile((dout / (H * H))[:, :, None, None], (1, 1, H, W))

    return global_avg_pool_forward, global_avg_pool_backward


@buggy(
    "global_avg_pool", "backward", "average-not-divided", "Broadcasts dout back to the map and calls it done."
)
def global_avg_pool_broadcasts():
    def global_avg_pool_forward(x):
        N, C, H, W = x.shape
        return x.reshape(N, C, H * W).sum(axis=2) / (H * W), (H, W)

    def global_avg_pool_backward(dout, cache):
        H, W = cache
        return dout[:, :, np.newaxis, np.newaxis].repeat(H, axis=2).repeat(W, axis=3)

    return global_avg_pool_forward, global_avg_pool_backward


@buggy(
    "global_avg_pool",
    "backward",
    "factor factor-n average-not-divided",
    "Divides by x.size / C, so by the batch as well.",
)
def global_avg_pool_divides_by_batch():
    def global_avg_pool_forward(x):
        return x.mean(axis=(-2, -1)), x

    def global_avg_pool_backward(dout, cache):
        x = cache
        dx = np.ones_like(x) * dout[..., None, None]
        return dx / (x.size // x.shape[1])

    return global_avg_pool_forward, global_avg_pool_backward
