# ruff: noqa: RUF005 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: convolutions and a sandwich with a wrong backward."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy
from numpy.lib.stride_tricks import sliding_window_view


@buggy(
    "conv",
    "backward",
    "overwrite-overlap",
    "dw is assigned for each image instead of accumulated, so only the last image of the batch counts.",
)
def conv_dw_assigned_per_image():
    def im2col(img, fh, fw, s):
        C, H, W = img.shape
        oh, ow = (H - fh) // s + 1, (W - fw) // s + 1
        rows = []
        for y in range(0, oh * s, s):
            for z in range(0, ow * s, s):
                rows.append(img[:, y : y + fh, z : z + fw].ravel())
        return np.array(rows)

    def conv_forward_naive(x, w, b, conv_param):
        s, pad = conv_param["stride"], conv_param["pad"]
        F, C, fh, fw = w.shape
        out, all_rows = [], []
        for img in x:
            img = np.pad(img, ((0, 0), (pad, pad), (pad, pad)))
            oh = (img.shape[1] - fh) // s + 1
            rows = im2col(img, fh, fw, s)
            y = rows @ w.reshape(F, -1).T + b
            out.append(y.T.reshape(F, oh, -1))
            all_rows.append(rows)
        return np.stack(out), (all_rows, x.shape, w, s, pad)

    def conv_backward_naive(dout, cache):
        all_rows, (N, C, H, W), w, s, pad = cache
        F, _, fh, fw = w.shape
        oh, ow = dout.shape[2:]
        w_flat = w.reshape(F, -1)
        dw_flat = np.zeros_like(w_flat)
        db = np.zeros(F)
        dx = np.zeros((N, C, H + 2 * pad, W + 2 * pad))

        for n in range(N):
            d = dout[n].reshape(F, -1)
            dw_flat = d @ all_rows[n]
            db += d.sum(axis=1)
            drows = d.T @ w_flat
            for k, row in enumerate(drows):
                y, z = (k // ow) * s, (k % ow) * s
                dx[n, :, y : y + fh, z : z + fw] += row.reshape(C, fh, fw)

        dw = dw_flat.reshape(w.shape)
        return dx[:, :, pad : pad + H, pad : pad + W], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "fails-without-pad pad-not-cropped",
    "The padding is cut off with pad:-pad, which gives an empty dx when pad is 0.",
)
def conv_crops_empty():
    def conv_forward_naive(x, w, b, conv_param):
        stride = conv_param["stride"]
        pad = conv_param["pad"]
        N, C, H, W = x.shape
        F, C, HH, WW = w.shape
        npad = ((0, 0), (0, 0), (pad, pad), (pad, pad))
        x_padded = np.pad(x, pad_width=npad, mode="constant", constant_values=0)
        H_prime = int(1 + (H + 2 * pad - HH) / stride)
        W_prime = int(1 + (W + 2 * pad - WW) / stride)
        out = np.zeros((N, F, H_prime, W_prime))
        w_row = w.reshape(F, C * HH * WW)
        for image in range(N):
            cols = np.zeros((C * HH * WW, H_prime * W_prime))
            neuron = 0
            for i in range(H_prime):
                for j in range(W_prime):
                    y0, x0 = i * stride, j * stride
                    cols[:, neuron] = x_padded[image, :, y0 : y0 + HH, x0 : x0 + WW].reshape(-1)
                    neuron += 1
            out[image] = (w_row.dot(cols) + b.reshape(F, 1)).reshape(F, H_prime, W_prime)
        cache = (x_padded, w, b, conv_param)
        return out, cache

    def conv_backward_naive(dout, cache):
        x_padded, w, b, conv_param = cache
        stride = conv_param["stride"]
        pad = conv_param["pad"]
        N, F, H_prime, W_prime = dout.shape
        F, C, HH, WW = w.shape
        dx_padded = np.zeros_like(x_padded)
        dw = np.zeros_like(w)
        db = np.zeros_like(b)
        for image in range(N):
            for i in range(H_prime):
                for j in range(W_prime):
                    y0, x0 = i * stride, j * stride
                    grad = dout[image, :, i, j]
                    dw += np.multiply.outer(grad, x_padded[image, :, y0 : y0 + HH, x0 : x0 + WW])
                    dx_padded[image, :, y0 : y0 + HH, x0 : x0 + WW] += np.tensordot(grad, w, axes=(0, 0))
                    db += grad
        dx = dx_padded[:, :, pad:-pad, pad:-pad]
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "kernel-flipped",
    "For dx the kernel is flipped along its height only, not rotated by 180 degrees.",
)
def conv_flips_height_only():
    def conv_forward_naive(x, w, b, conv_param):
        st, pd = conv_param["stride"], conv_param["pad"]
        xpad = np.pad(x, ((0, 0), (0, 0), (pd, pd), (pd, pd)))
        patches = sliding_window_view(xpad, w.shape[2:], axis=(2, 3))[:, :, ::st, ::st]
        out = np.tensordot(patches, w, axes=((1, 4, 5), (1, 2, 3)))
        out = np.moveaxis(out, -1, 1) + b[:, np.newaxis, np.newaxis]
        return out, {"patches": patches, "w": w, "x_shape": x.shape, "st": st, "pd": pd}

    def conv_backward_naive(dout, cache):
        patches, w = cache["patches"], cache["w"]
        st, pd = cache["st"], cache["pd"]
        _, _, H, W = cache["x_shape"]
        kh, kw = w.shape[2:]

        db = dout.sum(axis=(0, 2, 3))
        dw = np.tensordot(dout, patches, axes=((0, 2, 3), (0, 2, 3)))

        # insert zeros between the entries of dout, then a "full" convolution
        big = np.zeros(dout.shape[:2] + (H + 2 * pd + kh - 1, W + 2 * pd + kw - 1), dtype=dout.dtype)
        oh, ow = dout.shape[2:]
        big[:, :, kh - 1 : kh - 1 + oh * st : st, kw - 1 : kw - 1 + ow * st : st][:, :, :oh, :ow] = dout
        flipped = np.flip(w, axis=2)
        win = sliding_window_view(big, (kh, kw), axis=(2, 3))
        dxpad = np.tensordot(win, flipped, axes=((1, 4, 5), (0, 2, 3))).transpose(0, 3, 1, 2)
        dx = dxpad[:, :, pd : pd + H, pd : pd + W]
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv_relu_pool",
    "backward",
    "piece-missing mask-missing",
    "db sums the gradient that comes out of the pooling, before the ReLU's mask is applied to it.",
)
def sandwich_db_too_early():
    def _patches(x, hh, ww, s):
        v = np.lib.stride_tricks.sliding_window_view(x, (hh, ww), axis=(2, 3))
        return v[:, :, ::s, ::s]

    def conv_relu_pool_forward(x, w, b, conv_param, pool_param):
        pad, cs = conv_param["pad"], conv_param["stride"]
        ph, pw, ps = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))

        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        a = np.einsum("ncijkl,fckl->nfij", _patches(xp, w.shape[2], w.shape[3], cs), w)
        a += b[:, None, None]
        s = np.maximum(a, 0)
        win = _patches(s, ph, pw, ps)
        win = win.reshape(win.shape[:4] + (-1,))
        arg = win.argmax(axis=-1)
        out = win.max(axis=-1)
        return out, (xp, w, a > 0, arg, (cs, pad), (pw, ps))

    def conv_relu_pool_backward(dout, cache):
        xp, w, mask, arg, (cs, pad), (pw, ps) = cache
        hh, ww = w.shape[2:]

        # pool
        ds = np.zeros(mask.shape)
        n, f, i, j = np.indices(arg.shape)
        np.add.at(ds, (n, f, i * ps + arg // pw, j * ps + arg % pw), dout)
        # relu
        da = ds * mask
        # conv
        db = ds.sum(axis=(0, 2, 3))
        dw = np.einsum("nfij,ncijkl->fckl", da, _patches(xp, hh, ww, cs))
        dxp = np.zeros_like(xp)
        for i in range(da.shape[2]):
            for j in range(da.shape[3]):
                dxp[:, :, i * cs : i * cs + hh, j * cs : j * cs + ww] += np.einsum(
                    "nf,fckl->nckl", da[:, :, i, j], w
                )
        dx = dxp[:, :, pad : xp.shape[2] - pad, pad : xp.shape[3] - pad]
        return dx, dw, db

    return conv_relu_pool_forward, conv_relu_pool_backward


@buggy(
    "conv",
    "backward",
    "step-differs",
    "dw multiplies the sum of the patches over the batch by the sum of dout over the batch "
    "instead of summing their products, which is right for a single image only.",
)
def conv_dw_sums_apart():
    def conv_forward_naive(x, w, b, conv_param):
        pad, stride = conv_param["pad"], conv_param["stride"]
        n_x, c_x, h_x, w_x = x.shape
        n_f, _, h_f, w_f = w.shape
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), "constant")
        h_o = 1 + (h_x + 2 * pad - h_f) // stride
        w_o = 1 + (w_x + 2 * pad - w_f) // stride
        out = np.zeros((n_x, n_f, h_o, w_o))
        for f in range(n_f):
            for i in range(h_o):
                for j in range(w_o):
                    patch = padded[:, :, i * stride : i * stride + h_f, j * stride : j * stride + w_f]
                    out[:, f, i, j] = np.sum(patch * w[f], axis=(1, 2, 3)) + b[f]
        return out, (padded, x.shape, w, b, conv_param)

    def conv_backward_naive(dout, cache):
        padded, x_shape, w, b, conv_param = cache
        pad, stride = conv_param["pad"], conv_param["stride"]
        n_f, _, h_f, w_f = w.shape
        dpadded = np.zeros(padded.shape)
        dw, db = np.zeros(w.shape), np.zeros(b.shape)
        for f in range(n_f):
            db[f] = np.sum(dout[:, f])
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    top, left = i * stride, j * stride
                    patch = padded[:, :, top : top + h_f, left : left + w_f]
                    d = dout[:, f, i, j].reshape(-1, 1, 1, 1)
                    dw[f] += np.sum(patch, axis=0) * np.sum(d)
                    dpadded[:, :, top : top + h_f, left : left + w_f] += w[f] * d
        dx = dpadded[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive
