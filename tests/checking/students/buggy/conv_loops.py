"""Convolutions in loops, as the lecture shows them, with one thing wrong in each."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


def conv_forward_naive(x, w, b, conv_param):
    """The forward pass that most of them share, and that is right."""
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, C, HH, WW = w.shape
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    out = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    window = x_pad[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    return out, (x, w, b, conv_param)


@buggy("conv", "backward", "pad-not-cropped", "Works on the padded image and hands that back.")
def conv_uncropped():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, F, H_out, W_out = dout.shape
        HH, WW = w.shape[2:]
        x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
        dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
        for n in range(N):
            for f in range(F):
                db[f] += np.sum(dout[n, f])
                for i in range(H_out):
                    for j in range(W_out):
                        hs, ws = i * stride, j * stride
                        dw[f] += x[n, :, hs : hs + HH, ws : ws + WW] * dout[n, f, i, j]
                        dx[n, :, hs : hs + HH, ws : ws + WW] += w[f] * dout[n, f, i, j]
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "pad-not-cropped shape-wrong fails-without-pad",
    "Crops with pad:-pad, which leaves nothing when the pad is 0; the notebook only tries pad 1.",
)
def conv_crops_minus_zero():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), mode="constant")
        dxp, dw = np.zeros_like(xp), np.zeros_like(w)
        db = dout.sum(axis=(0, 2, 3))
        for n in range(dout.shape[0]):
            for f in range(dout.shape[1]):
                for i in range(dout.shape[2]):
                    for j in range(dout.shape[3]):
                        rows = slice(i * s, i * s + w.shape[2])
                        cols = slice(j * s, j * s + w.shape[3])
                        dw[f] += dout[n, f, i, j] * xp[n, :, rows, cols]
                        dxp[n, :, rows, cols] += dout[n, f, i, j] * w[f]
        return dxp[:, :, p:-p, p:-p], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "pad-cropped-wrong-side",
    "Knows that dx must be H x W again and takes the first H rows and W columns.",
)
def conv_crops_top_left():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
        dpadded, dw, db = np.zeros_like(padded), np.zeros_like(w), np.zeros_like(b)
        for f in range(F):
            db[f] = dout[:, f].sum()
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    r, c = i * stride, j * stride
                    g = dout[:, f, i, j][:, None, None, None]
                    dw[f] += np.sum(padded[:, :, r : r + HH, c : c + WW] * g, axis=0)
                    dpadded[:, :, r : r + HH, c : c + WW] += w[f] * g
        return dpadded[:, :, :H, :W], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "overwrite-overlap",
    "Sums over the filters in one product, so nothing seems left to accumulate.",
)
def conv_assigns_dx():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        _, _, HH, WW = w.shape
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
        dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
        for n in range(N):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    h0, w0 = i * stride, j * stride
                    g = dout[n, :, i, j].reshape(-1, 1, 1, 1)
                    dx_pad[n, :, h0 : h0 + HH, w0 : w0 + WW] = np.sum(g * w, axis=0)
                    dw += g * x_pad[n, :, h0 : h0 + HH, w0 : w0 + WW]
        return dx_pad[:, :, pad : pad + H, pad : pad + W], dw, dout.sum(axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "overwrite-overlap",
    "Fills dw filter by filter with '=', as out was filled in the forward pass; the last window wins.",
)
def conv_assigns_dw():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        S, P = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        xp = np.pad(x, [(0, 0), (0, 0), (P, P), (P, P)])
        dxp, dw, db = np.zeros_like(xp), np.zeros_like(w), np.zeros_like(b)
        for n in range(N):
            for f in range(F):
                for i in range(dout.shape[2]):
                    for j in range(dout.shape[3]):
                        delta = dout[n, f, i, j]
                        dxp[n, :, i * S : i * S + HH, j * S : j * S + WW] += w[f] * delta
                        dw[f] = xp[n, :, i * S : i * S + HH, j * S : j * S + WW] * delta
                        db[f] += delta
        return dxp[:, :, P : P + H, P : P + W], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "both",
    "swapped-height-width fails-for-nonsquare",
    "Thinks of images as width x height, and never meets one that is not square.",
)
def conv_width_before_height():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, W, H = x.shape
        F, _, WW, HH = w.shape
        H_out = int(1 + (H + 2 * pad - HH) / stride)
        W_out = int(1 + (W + 2 * pad - WW) / stride)
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), "constant")
        out = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
        for i in range(H_out):
            for j in range(W_out):
                patch = xp[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                for f in range(F):
                    out[:, f, i, j] = (patch * w[f]).sum(axis=(1, 2, 3)) + b[f]
        return out, (x, w, b, conv_param)

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, W, H = x.shape
        F, _, WW, HH = w.shape
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), "constant")
        dxp, dw = np.zeros_like(xp), np.zeros_like(w)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                rows, cols = slice(i * stride, i * stride + HH), slice(j * stride, j * stride + WW)
                for n in range(N):
                    for f in range(F):
                        dxp[n, :, rows, cols] += dout[n, f, i, j] * w[f]
                        dw[f] += dout[n, f, i, j] * xp[n, :, rows, cols]
        return dxp[:, :, pad : H + pad, pad : W + pad], dw, dout.sum(axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "both",
    "swapped-height-width fails-for-nonsquare",
    "Every filter of the lecture is square, so one side is enough.",
)
def conv_square_filter():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, K, _ = w.shape
        out_h, out_w = 1 + (H + 2 * pad - K) // stride, 1 + (W + 2 * pad - K) // stride
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), "constant")
        out = np.zeros((N, F, out_h, out_w), dtype=x.dtype)
        for i in range(out_h):
            for j in range(out_w):
                patch = x_pad[:, None, :, i * stride : i * stride + K, j * stride : j * stride + K]
                out[:, :, i, j] = np.sum(patch * w[None], axis=(2, 3, 4)) + b
        return out, (x, w, b, conv_param, x_pad)

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param, x_pad = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        H, W = x.shape[2:]
        K = w.shape[2]
        dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                here = np.s_[:, :, i * stride : i * stride + K, j * stride : j * stride + K]
                g = dout[:, :, i, j][:, :, None, None, None]
                dx_pad[here] += np.sum(g * w[None], axis=1)
                dw += np.sum(g * x_pad[here][:, None], axis=0)
        return dx_pad[:, :, pad : pad + H, pad : pad + W], dw, np.sum(dout, axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive
