"""Sixth batch, by an author who never saw the doctor: convolutions, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "conv",
    "forward",
    "stride-missing",
    "The forward window uses the stride for the row but not for the column: it starts at "
    "column j instead of j * stride.",
)
def conv_stride_in_rows_only():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        Hp = 1 + (H + 2 * pad - HH) // stride
        Wp = 1 + (W + 2 * pad - WW) // stride
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
        out = np.zeros((N, F, Hp, Wp), dtype=x.dtype)
        for n in range(N):
            for f in range(F):
                for i in range(Hp):
                    for j in range(Wp):
                        window = x_pad[n, :, i * stride : i * stride + HH, j : j + WW]
                        out[n, f, i, j] = np.sum(window * w[f]) + b[f]
        return out, (x, w, b, conv_param)

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        _, _, Hp, Wp = dout.shape
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
        dx_pad, dw, db = np.zeros_like(x_pad), np.zeros_like(w), dout.sum(axis=(0, 2, 3))
        for n in range(N):
            for f in range(F):
                for i in range(Hp):
                    for j in range(Wp):
                        r, c = i * stride, j * stride
                        dw[f] += dout[n, f, i, j] * x_pad[n, :, r : r + HH, c : c + WW]
                        dx_pad[n, :, r : r + HH, c : c + WW] += dout[n, f, i, j] * w[f]
        return dx_pad[:, :, pad : pad + H, pad : pad + W], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "wrong-padding",
    "The forward pass pads with copies of the border (mode='edge') instead of with zeros.",
)
def conv_edge_padding():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, C, HH, WW = w.shape
        xp = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)], "edge")
        H_out, W_out = (H + 2 * pad - HH) // stride + 1, (W + 2 * pad - WW) // stride + 1
        out = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
        for i in range(H_out):
            for j in range(W_out):
                patch = xp[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                out[:, :, i, j] = np.tensordot(patch, w, axes=([1, 2, 3], [1, 2, 3])) + b
        return out, (x, w, b, conv_param)

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        H, W = x.shape[2:]
        F, C, HH, WW = w.shape
        xp = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
        dxp, dw = np.zeros_like(xp), np.zeros_like(w)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                rows, cols = slice(i * stride, i * stride + HH), slice(j * stride, j * stride + WW)
                d = dout[:, :, i, j]
                dw += np.tensordot(d, xp[:, :, rows, cols], axes=([0], [0]))
                dxp[:, :, rows, cols] += np.tensordot(d, w, axes=([1], [0]))
        return dxp[:, :, pad : H + pad, pad : W + pad], dw, np.sum(dout, axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "fails-without-pad",
    "Conv_backward crops dx with dx_pad[:, :, pad:-pad, pad:-pad], which is empty when pad is 0.",
)
def conv_crops_minus_pad():
    def conv_forward_naive(x, w, b, conv_param):
        s, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        x_pad = np.pad(x, ((0,), (0,), (pad,), (pad,)), "constant")
        Ho, Wo = 1 + (H + 2 * pad - HH) // s, 1 + (W + 2 * pad - WW) // s
        out = np.zeros((N, F, Ho, Wo), dtype=x.dtype)
        W_row = w.reshape(F, -1)
        for i in range(Ho):
            for j in range(Wo):
                col = x_pad[:, :, i * s : i * s + HH, j * s : j * s + WW].reshape(N, -1)
                out[:, :, i, j] = col @ W_row.T + b
        return out, (x, w, b, conv_param, x_pad)

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param, x_pad = cache
        s, pad = conv_param["stride"], conv_param["pad"]
        N = x.shape[0]
        F, C, HH, WW = w.shape
        dx_pad = np.zeros(x_pad.shape, dtype=x.dtype)
        dw = np.zeros(w.shape, dtype=w.dtype)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                col = x_pad[:, :, i * s : i * s + HH, j * s : j * s + WW].reshape(N, -1)
                dw += (dout[:, :, i, j].T @ col).reshape(w.shape)
                back = dout[:, :, i, j] @ w.reshape(F, -1)
                dx_pad[:, :, i * s : i * s + HH, j * s : j * s + WW] += back.reshape(N, C, HH, WW)
        db = dout.sum((0, 2, 3))
        dx = dx_pad[:, :, pad:-pad, pad:-pad]
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "reshape-order",
    "The im2col matrix lists each window as (HH, WW, C), but in the forward pass it is "
    "multiplied with w.reshape(F, -1), whose order is (C, HH, WW).",
)
def conv_columns_channel_last():
    def windows(xp, HH, WW, s):
        v = np.lib.stride_tricks.sliding_window_view(xp, (HH, WW), axis=(2, 3))
        return v[:, :, ::s, ::s]  # N, C, Ho, Wo, HH, WW

    def conv_forward_naive(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        F, C, HH, WW = w.shape
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        v = windows(xp, HH, WW, s)
        N, _, Ho, Wo = v.shape[:4]
        cols = v.transpose(0, 2, 3, 4, 5, 1).reshape(N * Ho * Wo, -1)
        out = cols @ w.reshape(F, -1).T + b
        out = out.reshape(N, Ho, Wo, F).transpose(0, 3, 1, 2)
        return out, (x, w, b, conv_param)

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        F, C, HH, WW = w.shape
        N, _, H, W = x.shape
        Ho, Wo = dout.shape[2:]
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        dw = np.einsum("nfij,ncijuv->fcuv", dout, windows(xp, HH, WW, s))
        dcols = np.einsum("nfij,fcuv->ncijuv", dout, w)
        dxp = np.zeros_like(xp)
        for i in range(Ho):
            for j in range(Wo):
                dxp[:, :, i * s : i * s + HH, j * s : j * s + WW] += dcols[:, :, i, j]
        return dxp[:, :, p : p + H, p : p + W], dw, dout.sum(axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive
