"""Convolutions whose loops are right and whose details are not: strides, biases, channels."""

from __future__ import annotations

import numpy as np
from checking.students.buggy.conv_loops import conv_forward_naive
from checking.students.student import buggy


def conv_backward_right(dout, cache):
    """The backward pass that the bugs of this file leave alone."""
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx_pad, dw, db = np.zeros_like(x_pad), np.zeros_like(w), np.zeros_like(b)
    for n in range(N):
        for f in range(F):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    rows = slice(i * stride, i * stride + HH)
                    cols = slice(j * stride, j * stride + WW)
                    dw[f] += dout[n, f, i, j] * x_pad[n, :, rows, cols]
                    dx_pad[n, :, rows, cols] += dout[n, f, i, j] * w[f]
                    db[f] += dout[n, f, i, j]
    return dx_pad[:, :, pad : pad + H, pad : pad + W], dw, db


@buggy(
    "conv", "backward", "stride-missing", "Types the row index with its stride and the column index without."
)
def conv_stride_missing_in_columns():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
        dx_pad, dw, db = np.zeros_like(x_pad), np.zeros_like(w), np.zeros_like(b)
        for n in range(N):
            for f in range(F):
                for i in range(dout.shape[2]):
                    for j in range(dout.shape[3]):
                        g = dout[n, f, i, j]
                        db[f] += g
                        dw[f] += x_pad[n, :, i * stride : i * stride + HH, j : j + WW] * g
                        dx_pad[n, :, i * stride : i * stride + HH, j : j + WW] += w[f] * g
        return dx_pad[:, :, pad : pad + H, pad : pad + W], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "both",
    "stride-missing",
    "Computes the output size with the stride and then walks pixel by pixel.",
)
def conv_walks_every_pixel():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        Ho, Wo = (H + 2 * pad - HH) // stride + 1, (W + 2 * pad - WW) // stride + 1
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        out = np.zeros((N, F, Ho, Wo), dtype=x.dtype)
        for i in range(Ho):
            for j in range(Wo):
                patch = x_pad[:, :, i : i + HH, j : j + WW]
                out[:, :, i, j] = np.tensordot(patch, w, axes=([1, 2, 3], [1, 2, 3])) + b
        return out, (x_pad, w, conv_param, x.shape)

    def conv_backward_naive(dout, cache):
        x_pad, w, conv_param, shape = cache
        pad = conv_param["pad"]
        HH, WW = w.shape[2:]
        dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                g = dout[:, :, i, j]
                dw += np.tensordot(g, x_pad[:, :, i : i + HH, j : j + WW], axes=(0, 0))
                dx_pad[:, :, i : i + HH, j : j + WW] += np.tensordot(g, w, axes=(1, 0))
        dx = dx_pad[:, :, pad : pad + shape[2], pad : pad + shape[3]]
        return dx, dw, dout.sum(axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@buggy("conv", "backward", "bias-wrong-axes", "Remembers that three axes go, and takes the first three.")
def conv_bias_over_first_axes():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        H, W = x.shape[2:]
        HH, WW = w.shape[2:]
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
        db = np.sum(dout, axis=(0, 1, 2))
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                at = (
                    slice(None),
                    slice(None),
                    slice(i * stride, i * stride + HH),
                    slice(j * stride, j * stride + WW),
                )
                dw += np.einsum("nf,nchw->fchw", dout[:, :, i, j], x_pad[at])
                dx_pad[at] += np.einsum("nf,fchw->nchw", dout[:, :, i, j], w)
        return dx_pad[:, :, pad : pad + H, pad : pad + W], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv", "backward", "bias-wrong-axes", "Sums the pixels and takes the first row to get the shape (F,)."
)
def conv_bias_of_first_sample():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
        db = np.sum(dout, axis=(2, 3))[0]
        for n in range(N):
            for f in range(F):
                for i in range(dout.shape[2]):
                    top = i * stride
                    for j in range(dout.shape[3]):
                        left = j * stride
                        dw[f] += dout[n, f, i, j] * x_pad[n, :, top : top + HH, left : left + WW]
                        dx_pad[n, :, top : top + HH, left : left + WW] += dout[n, f, i, j] * w[f]
        return dx_pad[:, :, pad : pad + H, pad : pad + W], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy("conv", "forward", "bias-missing", "Tests with b = 0 while writing and forgets to come back to it.")
def conv_without_bias():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        out = np.zeros((N, F, 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride), x.dtype)
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                patch = x_pad[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                out[:, :, i, j] = np.einsum("nchw,fchw->nf", patch, w)
        return out, (x, w, b, conv_param)

    return conv_forward_naive, conv_backward_right


@buggy(
    "conv", "forward", "channels-mixed", "Loops over the channels and assigns, so only the last one is left."
)
def conv_last_channel_wins():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        out = np.zeros((N, F, 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride), x.dtype)
        for n in range(N):
            for f in range(F):
                for c in range(C):
                    for i in range(out.shape[2]):
                        for j in range(out.shape[3]):
                            patch = x_pad[n, c, i * stride : i * stride + HH, j * stride : j * stride + WW]
                            out[n, f, i, j] = np.sum(patch * w[f, c])
                out[n, f] += b[f]
        return out, (x, w, b, conv_param)

    return conv_forward_naive, conv_backward_right


@buggy(
    "conv", "backward", "swapped-outputs", "Returns the gradients in the order in which they were derived."
)
def conv_returns_dw_first():
    def conv_backward_naive(dout, cache):
        dx, dw, db = conv_backward_right(dout, cache)
        return dw, dx, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv", "backward", "factor factor-n", "Averages dw and db over the batch, 'because the loss is a mean'."
)
def conv_averages_over_batch():
    def conv_backward_naive(dout, cache):
        dx, dw, db = conv_backward_right(dout, cache)
        N = dout.shape[0]
        return dx, dw / N, db / N

    return conv_forward_naive, conv_backward_naive
