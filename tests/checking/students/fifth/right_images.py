# ruff: noqa: B905, F841, RUF005 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: layers of images that are right."""

from __future__ import annotations

import numpy as np
from checking.students.student import right
from numpy.lib.stride_tricks import sliding_window_view


@right("conv", "As the course writes it.")
def fifth_conv_05():
    STRICT32 = True

    def conv_forward_naive(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        xp = np.pad(x, [(0, 0)] * 2 + [(p, p)] * 2)
        win = sliding_window_view(xp, w.shape[2:], (2, 3))
        win = win[:, :, ::s, ::s]
        out = np.tensordot(win, w, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2) + b[:, None, None]
        return out, (win, w, xp.shape, s, p)

    def conv_backward_naive(dout, cache):
        win, w, padded, s, p = cache
        dw = np.tensordot(dout, win, ((0, 2, 3), (0, 2, 3)))
        dxp = np.zeros(padded, dout.dtype)
        # a writeable view per position in the kernel never overlaps itself
        for u, v in np.ndindex(*w.shape[2:]):
            rows = slice(u, u + s * (dout.shape[2] - 1) + 1, s)
            cols = slice(v, v + s * (dout.shape[3] - 1) + 1, s)
            dxp[:, :, rows, cols] += np.einsum("nfij,fc->ncij", dout, w[:, :, u, v])
        dx = dxp[:, :, p : padded[2] - p, p : padded[3] - p]
        return dx, dw, dout.sum((0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@right("conv", "In the frequency domain, with full complex transforms.")
def fifth_conv_06():
    def conv_forward_naive(x, w, b, conv_param):
        """In the frequency domain, with full complex transforms."""
        s, p = conv_param["stride"], conv_param["pad"]
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        H, W = xp.shape[-2:]
        oh, ow = (H - w.shape[2]) // s + 1, (W - w.shape[3]) // s + 1
        Fx = np.fft.fft2(xp)
        Fw = np.fft.fft2(w, s=(H, W))
        y = np.fft.ifft2(np.einsum("nchw,fchw->nfhw", Fx, np.conj(Fw))).real
        out = y[:, :, : oh * s : s, : ow * s : s][:, :, :oh, :ow] + b[None, :, None, None]
        return out, (Fx, Fw, w.shape, s, p)

    def conv_backward_naive(dout, cache):
        Fx, Fw, w_shape, s, p = cache
        H, W = Fx.shape[-2:]
        spread = np.zeros(dout.shape[:2] + (H, W))
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                spread[:, :, i * s, j * s] = dout[:, :, i, j]
        Fd = np.fft.fft2(spread)
        dxp = np.fft.ifft2(np.einsum("nfhw,fchw->nchw", Fd, Fw)).real
        dw = np.fft.ifft2(np.einsum("nfhw,nchw->fchw", np.conj(Fd), Fx)).real[
            :, :, : w_shape[2], : w_shape[3]
        ]
        return dxp[:, :, p : H - p, p : W - p], dw, spread.sum(axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@right(
    "conv", "S[k, o, i] = 1 where kernel position k of output o lies on input pixel i (padding lies on none)."
)
def fifth_conv_07():
    def _selection(H, W, kh, kw, s, p):
        """S[k, o, i] = 1 where kernel position k of output o lies on input pixel i (padding lies on none)."""
        oh, ow = (H + 2 * p - kh) // s + 1, (W + 2 * p - kw) // s + 1
        S = np.zeros((kh * kw, oh * ow, H * W))
        for k in range(kh * kw):
            for o in range(oh * ow):
                r = o // ow * s + k // kw - p
                c = o % ow * s + k % kw - p
                if 0 <= r < H and 0 <= c < W:
                    S[k, o, r * W + c] = 1
        return S, oh, ow

    def conv_forward_naive(x, w, b, conv_param):
        # the convolution as one big (Toeplitz-like) linear map
        N, C, H, W = x.shape
        F = w.shape[0]
        S, oh, ow = _selection(H, W, w.shape[2], w.shape[3], conv_param["stride"], conv_param["pad"])
        T = np.einsum("fck,koi->foci", w.reshape(F, C, -1), S).reshape(F * oh * ow, C * H * W)
        out = x.reshape(N, -1) @ T.T + np.repeat(b, oh * ow)
        return out.reshape(N, F, oh, ow), (x, w.shape, T, S)

    def conv_backward_naive(dout, cache):
        x, w_shape, T, S = cache
        N, F = dout.shape[:2]
        C = x.shape[1]
        d = dout.reshape(N, -1)
        dx = (d @ T).reshape(x.shape)
        dT = (d.T @ x.reshape(N, -1)).reshape(F, -1, C, S.shape[2])
        dw = np.einsum("foci,koi->fck", dT, S).reshape(w_shape)
        db = dout.reshape(N, F, -1).sum(axis=2).sum(axis=0)
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@right("max_pool", "As the course writes it.", own_ties=True)
def fifth_max_pool_08():
    def max_pool_forward_naive(x, pool_param):
        h, w, s = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
        N, C, H, W = x.shape
        out = np.stack(
            [
                np.stack(
                    [x[:, :, r : r + h, c : c + w].max(axis=(2, 3)) for c in range(0, W - w + 1, s)], axis=-1
                )
                for r in range(0, H - h + 1, s)
            ],
            axis=2,
        )
        return out, (x, out, h, w, s)

    def max_pool_backward_naive(dout, cache):
        # entries that tie for the maximum share the gradient evenly
        x, out, h, w, s = cache
        dx = np.zeros(x.shape)
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                at = np.s_[:, :, i * s : i * s + h, j * s : j * s + w]
                tied = x[at] == out[:, :, i : i + 1, j : j + 1]
                dx[at] += tied * (dout[:, :, i, j] / np.count_nonzero(tied, axis=(2, 3)))[:, :, None, None]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@right("max_pool", "As the course writes it.", own_ties=True)
def fifth_max_pool_09():
    def max_pool_forward_naive(x, pool_param):
        ph, pw, st = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        oh, ow = (H - ph) // st + 1, (W - pw) // st + 1
        index = np.arange(H * W).reshape(H, W)
        # a tournament over the window's positions; the last of equals wins
        best = np.full((N, C, oh, ow), -np.inf)
        owner = np.zeros((N, C, oh, ow), int)
        for u in range(ph):
            for v in range(pw):
                rows, cols = slice(u, u + (oh - 1) * st + 1, st), slice(v, v + (ow - 1) * st + 1, st)
                wins = x[:, :, rows, cols] >= best
                best = np.where(wins, x[:, :, rows, cols], best)
                owner = np.where(wins, index[rows, cols], owner)
        return best.astype(x.dtype), (owner, x.shape)

    def max_pool_backward_naive(dout, cache):
        owner, shape = cache
        N, C, H, W = shape
        dx = np.zeros((N * C, H * W), dout.dtype)
        for row, where, d in zip(dx, owner.reshape(N * C, -1), dout.reshape(N * C, -1)):
            np.add.at(row, where, d)
        return dx.reshape(shape)

    return max_pool_forward_naive, max_pool_backward_naive
