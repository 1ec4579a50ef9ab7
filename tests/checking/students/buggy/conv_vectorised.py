"""Convolutions without loops over pixels: im2col, strides, correlations of whole images."""

from __future__ import annotations

import math

import numpy as np
from checking.students.buggy.conv_details import conv_backward_right
from checking.students.buggy.conv_loops import conv_forward_naive
from checking.students.student import buggy


def im2col_indices(x_shape, HH, WW, pad, stride):
    """Row, column and channel of every number of every window."""
    N, C, H, W = x_shape
    out_h = (H + 2 * pad - HH) // stride + 1
    out_w = (W + 2 * pad - WW) // stride + 1
    i = np.tile(np.repeat(np.arange(HH), WW), C)[:, None] + stride * np.repeat(np.arange(out_h), out_w)
    j = np.tile(np.arange(WW), HH * C)[:, None] + stride * np.tile(np.arange(out_w), out_h)
    k = np.repeat(np.arange(C), HH * WW)[:, None]
    return k, i, j, out_h, out_w


def conv_forward_im2col(x, w, b, conv_param):
    """im2col and one matrix product; right."""
    stride, pad = conv_param["stride"], conv_param["pad"]
    F, C, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    k, i, j, out_h, out_w = im2col_indices(x.shape, HH, WW, pad, stride)
    cols = x_pad[:, k, i, j]
    out = w.reshape(F, -1) @ cols + b[:, None]
    return out.reshape(len(x), F, out_h, out_w), (x, w, b, conv_param, cols)


@buggy(
    "conv",
    "backward",
    "overwrite-overlap",
    "Scatters with dx[:, k, i, j] += cols, not knowing that repeated indices are added only once.",
)
def conv_fancy_index_adds_once():
    def conv_backward_im2col(dout, cache):
        x, w, b, conv_param, cols = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        flat = dout.reshape(N, F, -1)
        dw = np.einsum("nfp,nkp->fk", flat, cols).reshape(w.shape)
        dcols = w.reshape(F, -1).T @ flat
        k, i, j, _, _ = im2col_indices(x.shape, HH, WW, pad, stride)
        dx_pad = np.zeros((N, C, H + 2 * pad, W + 2 * pad), dtype=x.dtype)
        dx_pad[:, k, i, j] += dcols
        return dx_pad[:, :, pad : pad + H, pad : pad + W], dw, flat.sum(axis=(0, 2))

    return conv_forward_im2col, conv_backward_im2col


@buggy(
    "conv",
    "backward",
    "kernel-flipped",
    "Has read that dx is a full convolution of dout with the filter, and forgets to rotate the filter.",
)
def conv_dx_filter_not_rotated():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        _, dw, db = conv_backward_right(dout, cache)
        # spread dout by the stride, put a border of HH - 1 around it, and slide the filter over it
        _, _, Ho, Wo = dout.shape
        spread = np.zeros((N, F, H + 2 * pad + HH - 1, W + 2 * pad + WW - 1), dtype=dout.dtype)
        spread[:, :, HH - 1 : HH - 1 + Ho * stride : stride, WW - 1 : WW - 1 + Wo * stride : stride] = dout
        dx = np.zeros_like(x)
        for i in range(H):
            for j in range(W):
                patch = spread[:, :, i + pad : i + pad + HH, j + pad : j + pad + WW]
                dx[:, :, i, j] = np.einsum("nfhw,fchw->nc", patch, w)
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "both",
    "kernel-flipped",
    "Comes from signal processing, where a convolution turns its filter round, and is consistent about it.",
    laws=False,
)
def conv_true_convolution():
    def conv_forward_flipped(x, w, b, conv_param):
        out, _ = conv_forward_naive(x, np.ascontiguousarray(w[:, :, ::-1, ::-1]), b, conv_param)
        return out, (x, w, b, conv_param)

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        dx, dw, db = conv_backward_right(dout, (x, w[:, :, ::-1, ::-1], b, conv_param))
        return dx, np.ascontiguousarray(dw[:, :, ::-1, ::-1]), db

    return conv_forward_flipped, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "kernel-flipped",
    "Swaps the two operands of the correlation for dw; unlike in a convolution the order matters.",
)
def conv_dw_rotated():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        Ho, Wo = dout.shape[2:]
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        dxp, dw = np.zeros_like(xp), np.zeros_like(w)
        for a in range(HH):
            for c in range(WW):
                grid = np.s_[:, :, a : a + s * (Ho - 1) + 1 : s, c : c + s * (Wo - 1) + 1 : s]
                dxp[grid] += np.einsum("nfij,fc->ncij", dout, w[:, :, a, c])
                dw[:, :, HH - 1 - a, WW - 1 - c] = np.einsum("nfij,ncij->fc", dout, xp[grid])
        return dxp[:, :, p : p + H, p : p + W], dw, np.einsum("nfij->f", dout)

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "fails-for-fortran",
    "Writes the strides down by hand for a C-ordered image, as a well-known fast layer does.",
)
def conv_strides_by_hand():
    def conv_forward_strides(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad))) if pad > 0 else x
        Hp, Wp = H + 2 * pad, W + 2 * pad
        Ho, Wo = (Hp - HH) // stride + 1, (Wp - WW) // stride + 1
        steps = np.array([C * Hp * Wp, Hp * Wp, stride * Wp, stride, Wp, 1]) * x_pad.itemsize
        windows = np.lib.stride_tricks.as_strided(x_pad, (N, C, Ho, Wo, HH, WW), steps)
        out = np.einsum("ncijhw,fchw->nfij", windows, w) + b.reshape(1, -1, 1, 1)
        return out, (x, w, b, conv_param)

    return conv_forward_strides, conv_backward_right


@buggy(
    "conv",
    "backward",
    "uninitialised-memory",
    "Takes np.empty for speed, as for out, but dx is only ever added to.",
)
def conv_adds_to_empty():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        dxp = np.empty(xp.shape, dtype=xp.dtype)
        dw = np.zeros_like(w)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                here = np.s_[:, :, i * s : i * s + HH, j * s : j * s + WW]
                dxp[here] += np.tensordot(dout[:, :, i, j], w, axes=(1, 0))
                dw += np.tensordot(dout[:, :, i, j], xp[here], axes=(0, 0))
        return dxp[:, :, p : p + H, p : p + W], dw, dout.sum((0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "both",
    "fails-for-nondividing-stride wrong-window",
    "Rounds the output size up, so the last windows hang over the border and are read as smaller ones.",
)
def conv_rounds_up():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        Ho = math.ceil((H + 2 * pad - HH) / stride) + 1
        Wo = math.ceil((W + 2 * pad - WW) / stride) + 1
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        out = np.zeros((N, F, Ho, Wo), dtype=x.dtype)
        for i in range(Ho):
            for j in range(Wo):
                patch = xp[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                part = w[:, :, : patch.shape[2], : patch.shape[3]]
                out[:, :, i, j] = np.einsum("nchw,fchw->nf", patch, part) + b
        return out, (xp, w, conv_param, x.shape)

    def conv_backward_naive(dout, cache):
        xp, w, conv_param, shape = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        dxp, dw = np.zeros_like(xp), np.zeros_like(w)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                here = np.s_[:, :, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]
                h, v = xp[here].shape[2:]
                dxp[here] += np.einsum("nf,fchw->nchw", dout[:, :, i, j], w[:, :, :h, :v])
                dw[:, :, :h, :v] += np.einsum("nf,nchw->fchw", dout[:, :, i, j], xp[here])
        dx = dxp[:, :, pad : pad + shape[2], pad : pad + shape[3]]
        return dx, dw, dout.sum(axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "channels-mixed fails-for-C-not-F",
    "Contracts dout with the axis of w that counts input channels; in the test both are equal.",
)
def conv_contracts_wrong_axis():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        H, W = x.shape[2:]
        HH, WW = w.shape[2:]
        _, dw, db = conv_backward_right(dout, cache)
        dxp = np.zeros((*x.shape[:2], H + 2 * p, W + 2 * p), dtype=x.dtype)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                part = np.tensordot(dout[:, :, i, j], w, axes=([1], [1]))
                dxp[:, :, i * s : i * s + HH, j * s : j * s + WW] += part
        return dxp[:, :, p : p + H, p : p + W], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "both",
    "pad-cropped-wrong-side wrong-window forward-wrong",
    "Writes the pad as (0, 2 pad), at the bottom and the right only, and crops accordingly.",
    laws=False,
)
def conv_pads_one_side():
    def conv_forward_one_side(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        x_pad = np.pad(x, ((0, 0), (0, 0), (0, 2 * pad), (0, 2 * pad)))
        out, _ = conv_forward_naive(x_pad, w, b, {"stride": stride, "pad": 0})
        return out, (x, w, b, conv_param, x_pad)

    def conv_backward_one_side(dout, cache):
        x, w, b, conv_param, x_pad = cache
        dx_pad, dw, db = conv_backward_right(dout, (x_pad, w, b, {"stride": conv_param["stride"], "pad": 0}))
        return dx_pad[:, :, : x.shape[2], : x.shape[3]], dw, db

    return conv_forward_one_side, conv_backward_one_side


@buggy("conv", "both", "dtype-lost", "Casts everything to float32 for speed, whatever came in.")
def conv_casts_to_float32():
    def conv_forward_fast(x, w, b, conv_param):
        x, w, b = (a.astype(np.float32) for a in (x, w, b))
        return conv_forward_im2col(x, w, b, conv_param)

    def conv_backward_fast(dout, cache):
        x, w, b, conv_param, _ = cache
        return conv_backward_right(dout.astype(np.float32), (x, w, b, conv_param))

    return conv_forward_fast, conv_backward_fast
