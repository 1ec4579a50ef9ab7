"""Max pooling, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy, right


def max_pool_forward_naive(x, pool_param):
    """The forward pass that most of them share, and that is right."""
    ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H, W = x.shape
    H_out, W_out = (H - ph) // stride + 1, (W - pw) // stride + 1
    out = np.zeros((N, C, H_out, W_out), dtype=x.dtype)
    for i in range(H_out):
        for j in range(W_out):
            out[:, :, i, j] = np.max(
                x[:, :, i * stride : i * stride + ph, j * stride : j * stride + pw], axis=(2, 3)
            )
    return out, (x, pool_param)


@buggy(
    "max_pool",
    "backward",
    "overwrite-overlap",
    "Tested with stride 2 and a window of 2, where '=' is enough.",
)
def max_pool_assigns():
    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H_out, W_out = dout.shape
        dx = np.zeros_like(x)
        for n in range(N):
            for c in range(C):
                for i in range(H_out):
                    for j in range(W_out):
                        window = x[n, c, i * stride : i * stride + ph, j * stride : j * stride + pw]
                        row, col = np.unravel_index(np.argmax(window), window.shape)
                        dx[n, c, i * stride + row, j * stride + col] = dout[n, c, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy("max_pool", "backward", "ties-all-credited", "Builds a mask of all pixels that equal the maximum.")
def max_pool_credits_every_tie():
    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n in range(x.shape[0]):
            for c in range(x.shape[1]):
                for i in range(dout.shape[2]):
                    for j in range(dout.shape[3]):
                        window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
                        mask = window == np.max(window)
                        dx[n, c, i * s : i * s + ph, j * s : j * s + pw] += mask * dout[n, c, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@right("max_pool", "Shares the gradient evenly among ties, as a fast course layer may.", own_ties=True)
def max_pool_shares_ties():
    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                here = np.s_[:, :, i * s : i * s + ph, j * s : j * s + pw]
                mask = x[here] == x[here].max(axis=(2, 3), keepdims=True)
                count = mask.sum(axis=(2, 3), keepdims=True).astype(x.dtype)
                dx[here] += mask / count * dout[:, :, i, j][:, :, None, None]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@right("max_pool", "Searches the maximum by hand with >=, so that the last of equals stays.", own_ties=True)
def max_pool_last_of_ties():
    def max_pool_forward_search(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        out = np.zeros((N, C, 1 + (H - ph) // s, 1 + (W - pw) // s), dtype=x.dtype)
        where = np.zeros((*out.shape, 2), dtype=int)
        for n, c, i, j in np.ndindex(out.shape):
            best = (i * s, j * s)
            for row in range(i * s, i * s + ph):
                for col in range(j * s, j * s + pw):
                    if x[n, c, row, col] >= x[n, c, best[0], best[1]]:
                        best = (row, col)
            where[n, c, i, j] = best
            out[n, c, i, j] = x[n, c, best[0], best[1]]
        return out, (x, where)

    def max_pool_backward_search(dout, cache):
        x, where = cache
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            row, col = where[n, c, i, j]
            dx[n, c, row, col] += dout[n, c, i, j]
        return dx

    return max_pool_forward_search, max_pool_backward_search


@buggy(
    "max_pool",
    "backward",
    "wrong-unknown part-missing",
    "The return stands one tab too deep, so that only the first image is done.",
)
def max_pool_returns_too_early():
    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n in range(x.shape[0]):
            for c in range(x.shape[1]):
                for i in range(dout.shape[2]):
                    for j in range(dout.shape[3]):
                        window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
                        k = int(np.argmax(window))
                        dx[n, c, i * s + k // pw, j * s + k % pw] += dout[n, c, i, j]
            return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "both",
    "stride-missing wrong-window",
    "Steps by the size of the window, because the two were equal in the notebook.",
)
def max_pool_steps_by_window():
    def max_pool_forward_naive(x, pool_param):
        ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        H_out, W_out = 1 + (H - ph) // stride, 1 + (W - pw) // stride
        out = np.zeros((N, C, H_out, W_out), dtype=x.dtype)
        for i in range(H_out):
            for j in range(W_out):
                out[:, :, i, j] = x[:, :, i * ph : (i + 1) * ph, j * pw : (j + 1) * pw].max(axis=(2, 3))
        return out, (x, out, pool_param)

    def max_pool_backward_naive(dout, cache):
        x, out, pool_param = cache
        ph, pw = pool_param["pool_height"], pool_param["pool_width"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            window = x[n, c, i * ph : (i + 1) * ph, j * pw : (j + 1) * pw]
            k = np.unravel_index(window.argmax(), window.shape)
            dx[n, c, i * ph : (i + 1) * ph, j * pw : (j + 1) * pw][k] += dout[n, c, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "backward",
    "swapped-height-width fails-for-nonsquare wrong-window",
    "Unravels the position of the maximum with the two sides of the window exchanged.",
)
def max_pool_unravels_wrongly():
    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
            row, col = np.unravel_index(np.argmax(window), (pw, ph))
            if i * s + row < x.shape[2] and j * s + col < x.shape[3]:
                dx[n, c, i * s + row, j * s + col] += dout[n, c, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "both",
    "wrong-window forward-wrong reshape-order",
    "Splits the axes the wrong way round in the fast reshape: (ph, H/ph) for (H/ph, ph).",
)
def max_pool_reshapes_wrong_way():
    def max_pool_forward_reshape(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        if ph != s or pw != s or H % ph or W % pw:
            return (*max_pool_forward_naive(x, pool_param)[:1], (x, pool_param, None))
        tiles = x.reshape(N, C, ph, H // ph, pw, W // pw)
        return tiles.max(axis=(2, 4)), (x, pool_param, tiles)

    def max_pool_backward_reshape(dout, cache):
        x, pool_param, tiles = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, Ho, Wo = dout.shape
        if tiles is None:
            dx = np.zeros_like(x)
            for n, c, i, j in np.ndindex(dout.shape):
                window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
                k = np.unravel_index(window.argmax(), window.shape)
                dx[n, c, i * s + k[0], j * s + k[1]] += dout[n, c, i, j]
            return dx
        rows = tiles.transpose(0, 1, 3, 5, 2, 4).reshape(N, C, Ho, Wo, ph * pw)
        first = np.eye(ph * pw, dtype=x.dtype)[rows.argmax(axis=-1)] * dout[..., None]
        return first.reshape(N, C, Ho, Wo, ph, pw).transpose(0, 1, 4, 2, 5, 3).reshape(x.shape)

    return max_pool_forward_reshape, max_pool_backward_reshape


@buggy(
    "max_pool",
    "both",
    "wrong-window",
    "Loops over range(0, H - ph, stride), which stops before the last window; its outputs stay 0.",
)
def max_pool_misses_last_window():
    def max_pool_forward_naive(x, pool_param):
        ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        out = np.zeros((N, C, (H - ph) // stride + 1, (W - pw) // stride + 1), dtype=x.dtype)
        for i, r in enumerate(range(0, H - ph, stride)):
            for j, c in enumerate(range(0, W - pw, stride)):
                out[:, :, i, j] = np.amax(x[:, :, r : r + ph, c : c + pw], axis=(2, 3))
        return out, (x, pool_param)

    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        dx = np.zeros(x.shape, dtype=x.dtype)
        for n in range(N):
            for ch in range(C):
                for i, r in enumerate(range(0, H - ph, stride)):
                    for j, c in enumerate(range(0, W - pw, stride)):
                        a, b = np.unravel_index(x[n, ch, r : r + ph, c : c + pw].argmax(), (ph, pw))
                        dx[n, ch, r + a, c + b] += dout[n, ch, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "forward",
    "forward-wrong",
    "Starts the search for the maximum at 0, which is right after a ReLU and nowhere else.",
)
def max_pool_starts_at_zero():
    def max_pool_forward_loops(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        out = np.zeros((N, C, (H - ph) // s + 1, (W - pw) // s + 1), dtype=x.dtype)
        for n, c, i, j in np.ndindex(out.shape):
            for a in range(ph):
                for b in range(pw):
                    if x[n, c, i * s + a, j * s + b] > out[n, c, i, j]:
                        out[n, c, i, j] = x[n, c, i * s + a, j * s + b]
        return out, (x, pool_param)

    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
            a, b = np.unravel_index(window.argmax(), window.shape)
            dx[n, c, i * s + a, j * s + b] += dout[n, c, i, j]
        return dx

    return max_pool_forward_loops, max_pool_backward_naive
