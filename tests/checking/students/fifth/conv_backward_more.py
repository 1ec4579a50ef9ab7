# ruff: noqa: E501 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: convolutions and a sandwich with a wrong backward, more."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy
from numpy.lib.stride_tricks import as_strided


@buggy(
    "conv",
    "backward",
    "overwrite-overlap",
    "dx is added through one overlapping as_strided view in a single statement, so where "
    "windows overlap only one contribution survives instead of their sum.",
)
def conv_view_adds_once():
    def _windows(a, hh, ww, stride):
        n, c, h, w = a.shape
        oh, ow = (h - hh) // stride + 1, (w - ww) // stride + 1
        sn, sc, sh, sw = a.strides
        return as_strided(a, (n, c, oh, ow, hh, ww), (sn, sc, sh * stride, sw * stride, sh, sw))

    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        xp = np.pad(x, ((0,), (0,), (pad,), (pad,)))
        cols = _windows(xp, w.shape[2], w.shape[3], stride)
        out = np.einsum("ncijkl,fckl->nfij", cols, w, optimize=True) + b[None, :, None, None]
        return out, (xp, w, conv_param)

    def conv_backward_naive(dout, cache):
        xp, w, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        hh, ww = w.shape[2:]

        db = dout.sum((0, 2, 3))
        dw = np.einsum("nfij,ncijkl->fckl", dout, _windows(xp, hh, ww, stride), optimize=True)

        dxp = np.zeros_like(xp)
        dcols = np.einsum("nfij,fckl->ncijkl", dout, w, optimize=True)
        view = _windows(dxp, hh, ww, stride)
        view += dcols

        h, wd = xp.shape[2] - 2 * pad, xp.shape[3] - 2 * pad
        return dxp[:, :, pad : pad + h, pad : pad + wd].copy(), dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "swapped-height-width",
    "The einsum for dw writes the kernel's axes in exchanged order, so each dw kernel comes out "
    "transposed (unnoticed in shape when kernels are square).",
)
def conv_dw_transposed():
    def _view(xp, HH, WW, stride, H_out, W_out):
        N, C = xp.shape[:2]
        s0, s1, s2, s3 = xp.strides
        return np.lib.stride_tricks.as_strided(
            xp,
            shape=(N, C, HH, WW, H_out, W_out),
            strides=(s0, s1, s2, s3, s2 * stride, s3 * stride),
            writeable=False,
        )

    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        F, C, HH, WW = w.shape
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        H_out = 1 + (xp.shape[2] - HH) // stride
        W_out = 1 + (xp.shape[3] - WW) // stride
        out = np.einsum("nchwij,fchw->nfij", _view(xp, HH, WW, stride, H_out, W_out), w)
        out += b.reshape(-1, 1, 1)
        return out, (xp, w, stride, pad)

    def conv_backward_naive(dout, cache):
        xp, w, stride, pad = cache
        F, C, HH, WW = w.shape
        N, _, H_out, W_out = dout.shape
        v = _view(xp, HH, WW, stride, H_out, W_out)
        dw = np.einsum("nfij,nchwij->fcwh", dout, v)
        db = np.einsum("nfij->f", dout)
        dxp = np.zeros_like(xp)
        for i in range(H_out):
            for j in range(W_out):
                dxp[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW] += np.einsum(
                    "nf,fchw->nchw", dout[:, :, i, j], w
                )
        end_h, end_w = xp.shape[2] - pad, xp.shape[3] - pad
        return dxp[:, :, pad:end_h, pad:end_w], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "fails-for-nondividing-stride",
    "When the stride does not divide, the rows and columns that no window reached are filled in "
    "at the top and left of the dilated dout instead of the bottom and right, so dx is shifted.",
)
def conv_rest_at_the_top():
    def correlate(a, k):
        """Valid cross-correlation with stride 1. a: (N, A, H, W), k: (B, A, kh, kw)"""
        kh, kw = k.shape[2:]
        oh, ow = a.shape[2] - kh + 1, a.shape[3] - kw + 1
        res = np.zeros((a.shape[0], k.shape[0], oh, ow))
        for y in range(kh):
            for x in range(kw):
                res += np.einsum("nahw,ba->nbhw", a[:, :, y : y + oh, x : x + ow], k[:, :, y, x])
        return res

    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        out = correlate(padded, w)[:, :, ::stride, ::stride] + b.reshape(1, -1, 1, 1)
        return out, (padded, w, stride, pad)

    def conv_backward_naive(dout, cache):
        padded, w, stride, pad = cache
        N, F, oh, ow = dout.shape
        HH, WW = w.shape[2:]
        H, W = padded.shape[2:]

        # spread dout out to what it would be with stride 1
        dil = np.zeros((N, F, (oh - 1) * stride + 1, (ow - 1) * stride + 1))
        dil[:, :, ::stride, ::stride] = dout
        extra_h = (H - HH + 1) - dil.shape[2]
        extra_w = (W - WW + 1) - dil.shape[3]

        # dx: full correlation of dout with the rotated kernels
        full = np.pad(dil, ((0, 0), (0, 0), (HH - 1 + extra_h, HH - 1), (WW - 1 + extra_w, WW - 1)))
        rotated = w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        dpadded = correlate(full, rotated)
        dx = dpadded[:, :, pad : H - pad, pad : W - pad]

        # dw: correlation of the input with dout
        filled = np.pad(dil, ((0, 0), (0, 0), (0, extra_h), (0, extra_w)))
        dw = correlate(padded.transpose(1, 0, 2, 3), filled.transpose(1, 0, 2, 3)).transpose(1, 0, 2, 3)

        db = dout.sum(axis=3).sum(axis=2).sum(axis=0)
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "overwrite-overlap",
    "col2im adds with fancy-indexed += , which drops repeated indices, so pixels covered by "
    "several windows get only one of their contributions.",
)
def conv_fancy_adds_once():
    class _Cols:
        def __init__(self, x_shape, w_shape, stride, pad):
            N, C, H, W = x_shape
            F, _, HH, WW = w_shape
            self.Ho = (H + 2 * pad - HH) // stride + 1
            self.Wo = (W + 2 * pad - WW) // stride + 1
            c, u, v = np.meshgrid(np.arange(C), np.arange(HH), np.arange(WW), indexing="ij")
            i, j = np.meshgrid(np.arange(self.Ho) * stride, np.arange(self.Wo) * stride, indexing="ij")
            self.c = c.reshape(-1, 1)
            self.r = u.reshape(-1, 1) + i.reshape(1, -1)
            self.q = v.reshape(-1, 1) + j.reshape(1, -1)
            self.padded = (N, C, H + 2 * pad, W + 2 * pad)
            self.crop = (slice(None), slice(None), slice(pad, pad + H), slice(pad, pad + W))

        def gather(self, xp):
            return xp[:, self.c, self.r, self.q]

        def scatter(self, cols):
            xp = np.zeros(self.padded, dtype=cols.dtype)
            xp[:, self.c, self.r, self.q] += cols
            return xp[self.crop]

    def conv_forward_naive(x, w, b, conv_param):
        geo = _Cols(x.shape, w.shape, conv_param["stride"], conv_param["pad"])
        xp = np.zeros(geo.padded, dtype=x.dtype)
        xp[geo.crop] = x
        cols = geo.gather(xp)
        out = np.matmul(w.reshape(w.shape[0], -1), cols) + b[:, None]
        return out.reshape(x.shape[0], w.shape[0], geo.Ho, geo.Wo), (geo, cols, w)

    def conv_backward_naive(dout, cache):
        geo, cols, w = cache
        N, F = dout.shape[:2]
        d = dout.reshape(N, F, -1)
        db = d.sum(axis=(0, 2))
        dw = np.matmul(d, cols.transpose(0, 2, 1)).sum(axis=0).reshape(w.shape)
        dx = geo.scatter(np.matmul(w.reshape(F, -1).T, d))
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive
