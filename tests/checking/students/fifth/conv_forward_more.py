"""Fifth batch, by an author who never saw the doctor: convolutions with a wrong forward, more."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "conv",
    "forward",
    "reshape-order",
    "The product of weights and im2col columns is reshaped as (F, N, H', W') although the "
    "columns run over H', W' and then N, so outputs of different images are mixed up.",
)
def conv_columns_order():
    def get_indices(shape, fh, fw, pad, stride):
        N, C, H, W = shape
        oh = (H + 2 * pad - fh) // stride + 1
        ow = (W + 2 * pad - fw) // stride + 1
        i0 = np.tile(np.repeat(np.arange(fh), fw), C)
        i1 = stride * np.repeat(np.arange(oh), ow)
        j0 = np.tile(np.arange(fw), fh * C)
        j1 = stride * np.tile(np.arange(ow), oh)
        i = i0.reshape(-1, 1) + i1.reshape(1, -1)
        j = j0.reshape(-1, 1) + j1.reshape(1, -1)
        k = np.repeat(np.arange(C), fh * fw).reshape(-1, 1)
        return k, i, j, oh, ow

    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, fh, fw = w.shape
        k, i, j, oh, ow = get_indices(x.shape, fh, fw, pad, stride)

        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        cols = xp[:, k, i, j]  # N, C*fh*fw, oh*ow
        cols = cols.transpose(1, 2, 0).reshape(C * fh * fw, -1)

        res = w.reshape(F, -1).dot(cols) + b[:, None]
        out = res.reshape(F, N, oh, ow).transpose(1, 0, 2, 3)
        return out, (x.shape, w, cols, (k, i, j), pad)

    def conv_backward_naive(dout, cache):
        shape, w, cols, (k, i, j), pad = cache
        N, C, H, W = shape
        F, _, fh, fw = w.shape

        dres = dout.transpose(1, 2, 3, 0).reshape(F, -1)
        db = dres.sum(axis=1)
        dw = dres.dot(cols.T).reshape(w.shape)
        dcols = w.reshape(F, -1).T.dot(dres)

        dcols = dcols.reshape(C * fh * fw, -1, N).transpose(2, 0, 1)
        dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad), dtype=dcols.dtype)
        np.add.at(dxp, (slice(None), k, i, j), dcols)
        dx = dxp[:, :, pad : H + pad, pad : W + pad]
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "part-missing wrong-window",
    "The loop over window starts ends one too early along the height, so when the stride "
    "divides the last output row is never filled and stays at zero.",
)
def conv_last_row_empty():
    def conv_forward_naive(x, w, b, conv_param):
        S, P = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        H_pad, W_pad = H + 2 * P, W + 2 * P
        xpad = np.zeros((N, C, H_pad, W_pad), x.dtype)
        xpad[:, :, P : P + H, P : P + W] = x

        out = np.zeros((N, F, (H_pad - HH) // S + 1, (W_pad - WW) // S + 1), x.dtype)
        for top in range(0, H_pad - HH, S):
            for left in range(0, W_pad - WW + 1, S):
                crop = xpad[:, None, :, top : top + HH, left : left + WW]  # N 1 C HH WW
                out[:, :, top // S, left // S] = (crop * w).sum(axis=(2, 3, 4)) + b
        return out, (x, w, b, conv_param)

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        S, P = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        xpad = np.pad(x, ((0, 0), (0, 0), (P, P), (P, P)))

        dxpad = np.zeros_like(xpad)
        dw = np.zeros_like(w)
        for h in range(dout.shape[2]):
            for v in range(dout.shape[3]):
                top, left = h * S, v * S
                g = dout[:, :, h, v][:, :, None, None, None]  # N F 1 1 1
                dw += (g * xpad[:, None, :, top : top + HH, left : left + WW]).sum(axis=0)
                dxpad[:, :, top : top + HH, left : left + WW] += (g * w).sum(axis=1)
        db = dout.sum(axis=(0, 2, 3))
        return dxpad[:, :, P : P + H, P : P + W], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "stride-missing",
    "The stride is applied to the rows only; along the columns the window moves by one pixel.",
)
def conv_rows_only_stride():
    def conv_forward_naive(x, w, b, conv_param):
        # loop over kernel positions instead of output positions: HH*WW iterations only
        s = conv_param.get("stride", 1)
        p = conv_param.get("pad", 0)
        N, C, H, W = x.shape
        F, C, HH, WW = w.shape
        Ho = 1 + (H + 2 * p - HH) // s
        Wo = 1 + (W + 2 * p - WW) // s
        X = np.pad(x, [(0, 0), (0, 0), (p, p), (p, p)], "constant", constant_values=0)

        out = np.tile(b.reshape(1, F, 1, 1), (N, 1, Ho, Wo)).astype(x.dtype)
        for u in range(HH):
            for v in range(WW):
                shifted = X[:, :, u : u + s * (Ho - 1) + 1 : s, v : v + Wo]
                out += np.einsum("ncij,fc->nfij", shifted, w[:, :, u, v])
        cache = (X, w, b, s, p)
        return out, cache

    def conv_backward_naive(dout, cache):
        X, w, b, s, p = cache
        F, C, HH, WW = w.shape
        N, _, Ho, Wo = dout.shape
        dX = np.zeros(X.shape)
        dw = np.zeros(w.shape)
        for u in range(HH):
            for v in range(WW):
                rows = slice(u, u + s * (Ho - 1) + 1, s)
                cols = slice(v, v + s * (Wo - 1) + 1, s)
                dw[:, :, u, v] = np.einsum("nfij,ncij->fc", dout, X[:, :, rows, cols])
                dX[:, :, rows, cols] += np.einsum("nfij,fc->ncij", dout, w[:, :, u, v])
        db = np.einsum("nfij->f", dout)
        H, W = X.shape[2] - 2 * p, X.shape[3] - 2 * p
        return dX[:, :, p : p + H, p : p + W], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "cache-not-enough",
    "The im2col matrix that goes into the cache is a module-level buffer that the next forward "
    "call of the same shape overwrites, so dw is computed from another batch.",
)
def conv_shared_columns():
    _workspace = {}

    def _buffer(shape, dtype):
        key = (shape, np.dtype(dtype))
        if key not in _workspace:
            _workspace[key] = np.empty(shape, dtype)
        return _workspace[key]

    def conv_forward_naive(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, kh, kw = w.shape
        oh, ow = (H + 2 * p - kh) // s + 1, (W + 2 * p - kw) // s + 1
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))

        cols = _buffer((C, kh, kw, N, oh, ow), x.dtype)
        for i in range(kh):
            for j in range(kw):
                cols[:, i, j] = xp[:, :, i : i + s * oh : s, j : j + s * ow : s][:, :, :oh, :ow].swapaxes(
                    0, 1
                )
        flat = cols.reshape(C * kh * kw, -1)

        out = (w.reshape(F, -1) @ flat + b[:, None]).reshape(F, N, oh, ow).swapaxes(0, 1)
        return out, (flat, x.shape, w, s, p)

    def conv_backward_naive(dout, cache):
        flat, (N, C, H, W), w, s, p = cache
        F, _, kh, kw = w.shape
        oh, ow = dout.shape[2:]

        d = dout.swapaxes(0, 1).reshape(F, -1)
        dw = (d @ flat.T).reshape(w.shape)
        db = d.sum(axis=1)

        dcols = (w.reshape(F, -1).T @ d).reshape(C, kh, kw, N, oh, ow)
        dxp = np.zeros((C, N, H + 2 * p, W + 2 * p), dtype=dout.dtype)
        for i in range(kh):
            for j in range(kw):
                dxp[:, :, i : i + s * (oh - 1) + 1 : s, j : j + s * (ow - 1) + 1 : s] += dcols[:, i, j]
        dx = dxp.swapaxes(0, 1)[:, :, p : p + H, p : p + W]
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive
