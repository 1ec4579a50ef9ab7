"""Sixth batch, by an author who never saw the doctor: convolutions, wrong, more."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "conv",
    "forward",
    "kernel-flipped",
    "The forward pass flips the kernel in height and width (a mathematical convolution), "
    "while the layer is a cross-correlation; backward does not flip.",
)
def conv_kernel_flipped():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        Ho = (H + 2 * pad - HH) // stride + 1
        Wo = (W + 2 * pad - WW) // stride + 1
        kernel = w[:, :, ::-1, ::-1]
        out = np.zeros((N, F, Ho, Wo), dtype=x.dtype) + b.reshape(1, F, 1, 1)
        for u in range(HH):
            for v in range(WW):
                part = xp[:, :, u : u + Ho * stride : stride, v : v + Wo * stride : stride]
                out += np.einsum("ncij,fc->nfij", part, kernel[:, :, u, v])
        return out, (xp, w, conv_param, x.shape)

    def conv_backward_naive(dout, cache):
        xp, w, conv_param, shape = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        HH, WW = w.shape[2:]
        Ho, Wo = dout.shape[2:]
        dxp, dw = np.zeros_like(xp), np.zeros_like(w)
        for u in range(HH):
            for v in range(WW):
                at = (
                    slice(None),
                    slice(None),
                    slice(u, u + Ho * stride, stride),
                    slice(v, v + Wo * stride, stride),
                )
                dw[:, :, u, v] = np.einsum("nfij,ncij->fc", dout, xp[at])
                dxp[at] += np.einsum("nfij,fc->ncij", dout, w[:, :, u, v])
        dx = dxp[:, :, pad : pad + shape[2], pad : pad + shape[3]]
        return dx, dw, dout.sum(axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "bias-wrong-axes",
    "The bias is added inside the loop over the input channels, so that it is counted C times.",
)
def conv_bias_each_channel():
    def conv_forward_naive(x, w, b, conv_param):
        stride = conv_param["stride"]
        pad = conv_param["pad"]
        (N, C, H, W), (F, _, HH, WW) = x.shape, w.shape
        H_out = 1 + (H + 2 * pad - HH) // stride
        W_out = 1 + (W + 2 * pad - WW) // stride
        xp = np.zeros((N, C, H + 2 * pad, W + 2 * pad), dtype=x.dtype)
        xp[:, :, pad : pad + H, pad : pad + W] = x
        out = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
        for n in range(N):
            for f in range(F):
                for i in range(H_out):
                    for j in range(W_out):
                        for c in range(C):
                            win = xp[n, c, i * stride : i * stride + HH, j * stride : j * stride + WW]
                            out[n, f, i, j] += (win * w[f, c]).sum() + b[f]
        return out, (x, w, b, conv_param, xp)

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param, xp = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        HH, WW = w.shape[2:]
        dxp, dw, db = np.zeros_like(xp), np.zeros_like(w), np.zeros_like(b)
        for n, f, i, j in np.ndindex(*dout.shape):
            g = dout[n, f, i, j]
            win = (slice(None), slice(i * stride, i * stride + HH), slice(j * stride, j * stride + WW))
            db[f] += g
            dw[f] += g * xp[n][win]
            dxp[n][win] += g * w[f]
        return dxp[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "shape-wrong",
    "The output size adds the padding once instead of twice (H + pad - HH), so that the last "
    "windows are missing and out is too small.",
)
def conv_output_one_pad():
    def out_size(n, k, pad, stride):
        return 1 + (n + pad - k) // stride

    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        Ho, Wo = out_size(H, HH, pad, stride), out_size(W, WW, pad, stride)
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant", constant_values=0)
        out = np.zeros((N, F, Ho, Wo))
        for n in range(N):
            for f in range(F):
                for i in range(Ho):
                    for j in range(Wo):
                        h0, w0 = i * stride, j * stride
                        out[n, f, i, j] = np.sum(xp[n, :, h0 : h0 + HH, w0 : w0 + WW] * w[f, :, :, :]) + b[f]
        cache = (x, w, b, conv_param)
        return out, cache

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        Ho, Wo = dout.shape[2:]
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant", constant_values=0)
        dxp, dw, db = np.zeros(xp.shape), np.zeros(w.shape), np.zeros(b.shape)
        for n in range(N):
            for f in range(F):
                db[f] += np.sum(dout[n, f])
                for i in range(Ho):
                    for j in range(Wo):
                        h0, w0 = i * stride, j * stride
                        dw[f] += xp[n, :, h0 : h0 + HH, w0 : w0 + WW] * dout[n, f, i, j]
                        dxp[n, :, h0 : h0 + HH, w0 : w0 + WW] += w[f] * dout[n, f, i, j]
        dx = dxp[:, :, pad : pad + H, pad : pad + W]
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive
