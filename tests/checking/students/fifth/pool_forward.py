# ruff: noqa: E731, RUF005 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: pooling with a wrong forward."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "avg_pool",
    "forward",
    "sign",
    "In the summed-area table the top-left corner is subtracted instead of added back, so only "
    "windows at the image's top or left edge are averaged correctly.",
)
def avg_pool_corner_subtracted():
    def avg_pool_forward_naive(x, pool_param):
        ph, pw, s = [pool_param[k] for k in ("pool_height", "pool_width", "stride")]
        H, W = x.shape[2:]
        table = np.zeros(x.shape[:2] + (H + 1, W + 1))
        table[:, :, 1:, 1:] = x.cumsum(axis=2).cumsum(axis=3)

        top = np.arange(0, H - ph + 1, s)
        left = np.arange(0, W - pw + 1, s)
        at = lambda r, c: table[:, :, r[:, None], c]
        total = at(top + ph, left + pw) - at(top, left + pw) - at(top + ph, left) - at(top, left)
        return total / (ph * pw), (x.shape, ph, pw, top, left)

    def avg_pool_backward_naive(dout, cache):
        shape, ph, pw, top, left = cache
        # the transpose of a summed-area table: scatter the corners, then sum backwards
        N, C, H, W = shape
        corners = np.zeros((N, C, H + 1, W + 1))
        d = dout / (ph * pw)
        for rows, cols, sign in (
            (top + ph, left + pw, 1),
            (top, left + pw, -1),
            (top + ph, left, -1),
            (top, left, 1),
        ):
            np.add.at(corners, (slice(None), slice(None), rows[:, None], cols[None, :]), sign * d)
        dx = corners[:, :, 1:, 1:][:, :, ::-1, ::-1]
        dx = dx.cumsum(axis=2).cumsum(axis=3)[:, :, ::-1, ::-1]
        return dx

    return avg_pool_forward_naive, avg_pool_backward_naive


@buggy(
    "max_pool",
    "forward",
    "stride-missing",
    "The fast reshape method is chosen without checking that the stride equals the window's "
    "side, so windows that overlap or leave gaps are pooled as if stride were the window size.",
)
def max_pool_shortcut():
    def max_pool_forward_naive(x, pool_param):
        ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape

        if ph == pw and H % ph == 0 and W % pw == 0:
            tiles = x.reshape(N, C, H // ph, ph, W // pw, pw)
            tiles = tiles.transpose(0, 1, 2, 4, 3, 5).reshape(N, C, H // ph, W // pw, ph * pw)
            idx = tiles.argmax(axis=-1)
            out = np.take_along_axis(tiles, idx[..., None], axis=-1)[..., 0]
            return out, ("tiles", idx, x.shape, pool_param)

        oh = (H - ph) // stride + 1
        ow = (W - pw) // stride + 1
        out = np.zeros((N, C, oh, ow), x.dtype)
        for i in range(oh):
            for j in range(ow):
                out[:, :, i, j] = np.max(
                    x[:, :, i * stride : i * stride + ph, j * stride : j * stride + pw], axis=(2, 3)
                )
        return out, ("loop", x, x.shape, pool_param)

    def max_pool_backward_naive(dout, cache):
        method, saved, shape, pool_param = cache
        ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = shape
        if method == "tiles":
            d = np.zeros(saved.shape + (ph * pw,))
            np.put_along_axis(d, saved[..., None], dout[..., None], axis=-1)
            return d.reshape(N, C, H // ph, W // pw, ph, pw).transpose(0, 1, 2, 4, 3, 5).reshape(shape)

        dx = np.zeros(shape)
        for n in range(N):
            for c in range(C):
                for i in range(dout.shape[2]):
                    for j in range(dout.shape[3]):
                        win = saved[n, c, i * stride : i * stride + ph, j * stride : j * stride + pw]
                        r, q = np.unravel_index(win.argmax(), win.shape)
                        dx[n, c, i * stride + r, j * stride + q] += dout[n, c, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "forward",
    "wrong-axes",
    "For each image the maximum is taken over the channel and height axes (0, 1) instead of "
    "height and width, which passes without an error only where the shapes happen to broadcast.",
)
def max_pool_other_axes():
    def max_pool_forward_naive(x, pool_param):
        hh, ww, st = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        out = np.zeros((N, C, (H - hh) // st + 1, (W - ww) // st + 1))
        for n, img in enumerate(x):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    block = img[:, i * st : i * st + hh, j * st : j * st + ww]
                    out[n, :, i, j] = np.max(block, axis=(0, 1))
        return out, (x, hh, ww, st)

    def max_pool_backward_naive(dout, cache):
        x, hh, ww, st = cache
        dx = np.zeros_like(x)
        for n in range(dout.shape[0]):
            for c in range(dout.shape[1]):
                for i in range(dout.shape[2]):
                    for j in range(dout.shape[3]):
                        block = x[n, c, i * st : i * st + hh, j * st : j * st + ww]
                        r, q = np.argwhere(block == block.max())[0]
                        dx[n, c, i * st + r, j * st + q] += dout[n, c, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool",
    "forward",
    "forward-wrong",
    "The running maximum starts from zero, so a window with only negative entries gives 0 "
    "instead of its maximum.",
)
def max_pool_from_zero():
    def max_pool_forward_naive(x, pool_param):
        PH, PW, S = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        OH, OW = 1 + (H - PH) // S, 1 + (W - PW) // S

        # walk over the positions inside the window, keep the best so far
        out = np.zeros((N, C, OH, OW), dtype=x.dtype)
        winner = np.zeros((N, C, OH, OW), dtype=int)
        for k in range(PH * PW):
            u, v = k // PW, k % PW
            candidate = x[:, :, u : u + S * (OH - 1) + 1 : S, v : v + S * (OW - 1) + 1 : S]
            better = candidate > out
            out[better] = candidate[better]
            winner[better] = k
        return out, (winner, x.shape, (PH, PW, S))

    def max_pool_backward_naive(dout, cache):
        winner, shape, (PH, PW, S) = cache
        OH, OW = dout.shape[2:]
        dx = np.zeros(shape, dtype=dout.dtype)
        for k in range(PH * PW):
            u, v = k // PW, k % PW
            dx[:, :, u : u + S * (OH - 1) + 1 : S, v : v + S * (OW - 1) + 1 : S] += np.where(
                winner == k, dout, 0
            )
        return dx

    return max_pool_forward_naive, max_pool_backward_naive
