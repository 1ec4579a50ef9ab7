"""Convolutions that are right, in the styles that students write."""

from __future__ import annotations

import numpy as np
from checking.students.student import right


@right("conv", "Six loops, one number at a time.")
def conv_all_loops():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        H_out, W_out = int(1 + (H + 2 * pad - HH) / stride), int(1 + (W + 2 * pad - WW) / stride)
        out = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
        for n, f, i, j in np.ndindex(N, F, H_out, W_out):
            total = b[f]
            for c in range(C):
                for a in range(HH):
                    for d in range(WW):
                        row, col = i * stride + a - pad, j * stride + d - pad
                        if 0 <= row < H and 0 <= col < W:
                            total = total + x[n, c, row, col] * w[f, c, a, d]
            out[n, f, i, j] = total
        return out, (x, w, b, conv_param)

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        _, C, H, W = x.shape
        HH, WW = w.shape[2:]
        dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
        for n, f, i, j in np.ndindex(dout.shape):
            g = dout[n, f, i, j]
            db[f] += g
            for a in range(HH):
                for d in range(WW):
                    row, col = i * stride + a - pad, j * stride + d - pad
                    if 0 <= row < H and 0 <= col < W:
                        dx[n, :, row, col] += g * w[f, :, a, d]
                        dw[f, :, a, d] += g * x[n, :, row, col]
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@right("conv", "Loops over windows; backward for test and training alike, the pad cropped by its own size.")
def conv_window_loops():
    def conv_forward_naive(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        xp = np.pad(x, ((0,), (0,), (p,), (p,)), "constant")
        out = np.zeros((N, F, 1 + (H + 2 * p - HH) // s, 1 + (W + 2 * p - WW) // s), dtype=x.dtype)
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                patch = xp[:, np.newaxis, :, i * s : i * s + HH, j * s : j * s + WW]
                out[:, :, i, j] = np.sum(patch * w, axis=(2, 3, 4)) + b
        return out, (xp, w, b, conv_param)

    def conv_backward_naive(dout, cache):
        xp, w, b, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        HH, WW = w.shape[2:]
        dxp, dw = np.zeros_like(xp), np.zeros_like(w)
        db = np.sum(dout, axis=(0, 2, 3))
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                here = np.s_[:, :, i * s : i * s + HH, j * s : j * s + WW]
                for n in range(dout.shape[0]):
                    dxp[here][n] += np.sum(dout[n, :, i, j][:, None, None, None] * w, axis=0)
                for f in range(dout.shape[1]):
                    dw[f] += np.sum(xp[here] * dout[:, f, i, j][:, None, None, None], axis=0)
        return dxp[:, :, p : xp.shape[2] - p, p : xp.shape[3] - p], dw, db

    return conv_forward_naive, conv_backward_naive


def indices(C, HH, WW, Ho, Wo, s):
    """Channel, row and column of each number of each window, for im2col."""
    rows = np.tile(np.repeat(np.arange(HH), WW), C).reshape(-1, 1) + s * np.repeat(np.arange(Ho), Wo)
    cols = np.tile(np.arange(WW), HH * C).reshape(-1, 1) + s * np.tile(np.arange(Wo), Ho)
    return np.repeat(np.arange(C), HH * WW).reshape(-1, 1), rows, cols


@right("conv", "im2col by index arrays, and col2im with np.add.at.")
def conv_im2col_add_at():
    def conv_forward_im2col(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        Ho, Wo = (H + 2 * p - HH) // s + 1, (W + 2 * p - WW) // s + 1
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        k, r, c = indices(C, HH, WW, Ho, Wo, s)
        cols = xp[:, k, r, c].transpose(1, 2, 0).reshape(C * HH * WW, -1)
        res = w.reshape(F, -1).dot(cols) + b.reshape(-1, 1)
        out = res.reshape(F, Ho, Wo, N).transpose(3, 0, 1, 2)
        return np.ascontiguousarray(out), (x, w, b, conv_param, cols)

    def conv_backward_im2col(dout, cache):
        x, w, b, conv_param, cols = cache
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        Ho, Wo = dout.shape[2:]
        flat = dout.transpose(1, 2, 3, 0).reshape(F, -1)
        dw = flat.dot(cols.T).reshape(w.shape)
        dcols = w.reshape(F, -1).T.dot(flat).reshape(C * HH * WW, -1, N).transpose(2, 0, 1)
        dxp = np.zeros((N, C, H + 2 * p, W + 2 * p), dtype=x.dtype)
        k, r, c = indices(C, HH, WW, Ho, Wo, s)
        np.add.at(dxp, (slice(None), k, r, c), dcols)
        dx = dxp if p == 0 else dxp[:, :, p:-p, p:-p]
        return dx, dw, dout.sum(axis=(0, 2, 3))

    return conv_forward_im2col, conv_backward_im2col


@right("conv", "Strided windows and einsum; dx by a loop over the filter's positions.")
def conv_strides_einsum():
    def conv_forward_strides(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        N, C, Hp, Wp = xp.shape
        HH, WW = w.shape[2:]
        Ho, Wo = (Hp - HH) // s + 1, (Wp - WW) // s + 1
        sn, sc, sh, sw = xp.strides
        windows = np.lib.stride_tricks.as_strided(
            xp, (N, C, Ho, Wo, HH, WW), (sn, sc, sh * s, sw * s, sh, sw), writeable=False
        )
        out = np.einsum("ncijhw,fchw->nfij", windows, w, optimize=True) + b[None, :, None, None]
        return out, (windows, x.shape, w, conv_param)

    def conv_backward_strides(dout, cache):
        windows, (N, C, H, W), w, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        Ho, Wo = dout.shape[2:]
        dw = np.einsum("nfij,ncijhw->fchw", dout, windows, optimize=True)
        dxp = np.zeros((N, C, H + 2 * p, W + 2 * p), dtype=dout.dtype)
        for a in range(w.shape[2]):
            for c in range(w.shape[3]):
                dxp[:, :, a : a + s * Ho : s, c : c + s * Wo : s][:, :, :Ho, :Wo] += np.einsum(
                    "nfij,fc->ncij", dout, w[:, :, a, c]
                )
        return dxp[:, :, p : p + H, p : p + W], dw, np.einsum("nfij->f", dout)

    return conv_forward_strides, conv_backward_strides


@right("conv", "dx as a full correlation of the spread-out dout with the rotated filter.")
def conv_rotated_filter():
    def conv_forward_naive(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        windows = np.lib.stride_tricks.sliding_window_view(xp, w.shape[2:], axis=(2, 3))[:, :, ::s, ::s]
        out = np.tensordot(windows, w, axes=([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2)
        return out + b.reshape(-1, 1, 1), (x, xp, w, conv_param)

    def conv_backward_naive(dout, cache):
        x, xp, w, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        N, F, Ho, Wo = dout.shape
        HH, WW = w.shape[2:]
        windows = np.lib.stride_tricks.sliding_window_view(xp, (HH, WW), axis=(2, 3))[:, :, ::s, ::s]
        dw = np.tensordot(dout, windows, axes=([0, 2, 3], [0, 2, 3]))
        spread = np.zeros((N, F, xp.shape[2] + HH - 1, xp.shape[3] + WW - 1), dtype=dout.dtype)
        spread[:, :, HH - 1 : HH + (Ho - 1) * s : s, WW - 1 : WW + (Wo - 1) * s : s] = dout
        around = np.lib.stride_tricks.sliding_window_view(spread, (HH, WW), axis=(2, 3))
        dxp = np.tensordot(around, w[:, :, ::-1, ::-1], axes=([1, 4, 5], [0, 2, 3])).transpose(0, 3, 1, 2)
        dx = dxp[:, :, p : p + x.shape[2], p : p + x.shape[3]]
        return dx, dw, dout.sum(axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@right("conv", "Buffers filled in place with out= and np.empty where every number is written.")
def conv_in_place_buffers():
    def conv_forward_buffers(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        xp = np.zeros((N, C, H + 2 * p, W + 2 * p), dtype=x.dtype)
        xp[:, :, p : p + H, p : p + W] = x
        Ho, Wo = (H + 2 * p - HH) // s + 1, (W + 2 * p - WW) // s + 1
        out = np.empty((N, F, Ho, Wo), dtype=x.dtype)
        out[:] = b.reshape(1, F, 1, 1)
        for a in range(HH):
            for d in range(WW):
                grid = xp[:, :, a : a + s * (Ho - 1) + 1 : s, d : d + s * (Wo - 1) + 1 : s]
                out += np.einsum("ncij,fc->nfij", grid, w[:, :, a, d])
        return out, (xp, w, s, p, H, W)

    def conv_backward_buffers(dout, cache):
        xp, w, s, p, H, W = cache
        Ho, Wo = dout.shape[2:]
        dxp = np.zeros(xp.shape, dtype=xp.dtype)
        dw = np.empty(w.shape, dtype=w.dtype)
        for a in range(w.shape[2]):
            for d in range(w.shape[3]):
                grid = np.s_[:, :, a : a + s * (Ho - 1) + 1 : s, d : d + s * (Wo - 1) + 1 : s]
                dw[:, :, a, d] = np.einsum("nfij,ncij->fc", dout, xp[grid])
                dxp[grid] += np.einsum("nfij,fc->ncij", dout, w[:, :, a, d])
        return dxp[:, :, p : p + H, p : p + W], dw, dout.sum(axis=(0, 2, 3))

    return conv_forward_buffers, conv_backward_buffers
