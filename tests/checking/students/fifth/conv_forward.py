"""Fifth batch, by an author who never saw the doctor: convolutions with a wrong forward."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "conv",
    "forward",
    "reshape-order",
    "The weights are reshaped to (C*HH*WW, F) directly instead of being flattened per filter "
    "and transposed, so filters are scrambled.",
)
def conv_reshapes_filters():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, C, HH, WW = w.shape
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        H_ = 1 + (H + 2 * pad - HH) // stride
        W_ = 1 + (W + 2 * pad - WW) // stride

        X_col = np.empty((N, H_, W_, C * HH * WW))
        for i in range(H_):
            for j in range(W_):
                X_col[:, i, j, :] = x_pad[
                    :, :, i * stride : i * stride + HH, j * stride : j * stride + WW
                ].reshape(N, -1)
        W_col = w.reshape(-1, F)
        out = X_col.dot(W_col) + b
        out = np.rollaxis(out, 3, 1)
        cache = (X_col, x_pad.shape, w, conv_param)
        return out, cache

    def conv_backward_naive(dout, cache):
        X_col, pad_shape, w, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        F, C, HH, WW = w.shape
        N, _, H_, W_ = dout.shape

        d = np.transpose(dout, (0, 2, 3, 1))
        db = d.reshape(-1, F).sum(axis=0)
        dw = np.dot(d.reshape(-1, F).T, X_col.reshape(-1, C * HH * WW)).reshape(F, C, HH, WW)
        dX_col = d.dot(w.reshape(F, -1))
        dx_pad = np.zeros(pad_shape)
        for i in range(H_):
            for j in range(W_):
                dx_pad[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW] += dX_col[
                    :, i, j, :
                ].reshape(N, C, HH, WW)
        dx = dx_pad[:, :, pad : pad_shape[2] - pad, pad : pad_shape[3] - pad]
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "fails-for-odd-size fails-for-nonsquare",
    "irfft2 is called without the image size, so for odd padded widths the inverse transform "
    "assumes an even width and the output is wrong.",
)
def conv_irfft_without_size():
    def conv_forward_naive(x, w, b, conv_param):
        """Convolution theorem: correlation = product with the conjugate in the frequency domain."""
        stride, pad = conv_param["stride"], conv_param["pad"]
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        size = xp.shape[2:]
        oh = (size[0] - w.shape[2]) // stride + 1
        ow = (size[1] - w.shape[3]) // stride + 1

        Xf = np.fft.rfft2(xp)
        Wf = np.fft.rfft2(w, size)
        prod = np.einsum("ncuv,fcuv->nfuv", Xf, Wf.conj())
        full = np.fft.irfft2(prod)
        out = full[:, :, ::stride, ::stride][:, :, :oh, :ow] + b.reshape(1, -1, 1, 1)
        return out, (Xf, Wf, size, w.shape, stride, pad)

    def conv_backward_naive(dout, cache):
        Xf, Wf, size, w_shape, stride, pad = cache
        oh, ow = dout.shape[2:]
        up = np.zeros(dout.shape[:2] + tuple(size))
        up[:, :, 0 : oh * stride : stride, 0 : ow * stride : stride][:, :, :oh, :ow] = dout
        Df = np.fft.rfft2(up)

        dxp = np.fft.irfft2(np.einsum("nfuv,fcuv->ncuv", Df, Wf), size)
        dw = np.fft.irfft2(np.einsum("nfuv,ncuv->fcuv", Df.conj(), Xf), size)
        dw = dw[:, :, : w_shape[2], : w_shape[3]]
        dx = dxp[:, :, pad : size[0] - pad, pad : size[1] - pad]
        return dx, dw, dout.sum(axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "wrong-strides",
    "The window view of the padded image is made with the strides of the unpadded x, so with "
    "padding the windows read the wrong pixels.",
)
def conv_strides_of_unpadded():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, C, HH, WW = w.shape
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
        Ho = (H + 2 * pad - HH) // stride + 1
        Wo = (W + 2 * pad - WW) // stride + 1

        bn, bc, bh, bw = x.strides
        patches = np.lib.stride_tricks.as_strided(
            xp, shape=(N, Ho, Wo, C, HH, WW), strides=(bn, bh * stride, bw * stride, bc, bh, bw)
        )
        patches = patches.reshape(N * Ho * Wo, C * HH * WW)
        out = patches @ w.reshape(F, -1).T + b
        out = out.reshape(N, Ho, Wo, F).transpose(0, 3, 1, 2)
        return out, (x, xp, w, stride, pad)

    def conv_backward_naive(dout, cache):
        x, xp, w, stride, pad = cache
        N, F, Ho, Wo = dout.shape
        _, C, HH, WW = w.shape

        dxp = np.zeros_like(xp)
        dw = np.zeros_like(w)
        for i in range(Ho):
            for j in range(Wo):
                a, c = i * stride, j * stride
                d = dout[:, :, i, j]
                dw += (d.T @ xp[:, :, a : a + HH, c : c + WW].reshape(N, -1)).reshape(w.shape)
                dxp[:, :, a : a + HH, c : c + WW] += (d @ w.reshape(F, -1)).reshape(N, C, HH, WW)
        db = dout.sum(axis=(0, 2, 3))
        dx = dxp[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]]
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "pad-cropped-wrong-side",
    "The image is placed in the top left corner of the padded buffer, so all the zero padding "
    "lies at the bottom and the right instead of on both sides.",
)
def conv_pads_corner():
    def _zero_border(imgs, p):
        n, c, h, w = imgs.shape
        canvas = np.zeros((n, c, h + 2 * p, w + 2 * p), dtype=imgs.dtype)
        canvas[:, :, :h, :w] = imgs
        return canvas

    def conv_forward_naive(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        num_filters, depth, fh, fw = w.shape
        xp = _zero_border(x, p)
        oh = 1 + (xp.shape[2] - fh) // s
        ow = 1 + (xp.shape[3] - fw) // s

        out = np.empty((x.shape[0], num_filters, oh, ow), dtype=x.dtype)
        for r in range(oh):
            for c in range(ow):
                window = xp[:, :, r * s : r * s + fh, c * s : c * s + fw]
                out[:, :, r, c] = np.tensordot(window, w, axes=([1, 2, 3], [1, 2, 3])) + b

        return out, (xp, w, p, s, x.shape)

    def conv_backward_naive(dout, cache):
        xp, w, p, s, orig_shape = cache
        fh, fw = w.shape[2:]
        h, wid = orig_shape[2:]
        dxp, dw = np.zeros_like(xp), np.zeros_like(w)

        for r in range(dout.shape[2]):
            for c in range(dout.shape[3]):
                g = dout[:, :, r, c]
                rows, cols = slice(r * s, r * s + fh), slice(c * s, c * s + fw)
                dxp[:, :, rows, cols] += np.tensordot(g, w, axes=1)
                dw += np.tensordot(g.T, xp[:, :, rows, cols], axes=1)

        return dxp[:, :, p : p + h, p : p + wid], dw, dout.sum(axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "shape-wrong swapped-height-width",
    "The output width is computed from the kernel's height HH instead of its width WW, so non- "
    "square kernels give a wrong output shape.",
)
def conv_width_of_kernel_height():
    def conv_forward_naive(x, w, b, conv_param):
        """Naive convolution with four loops."""
        stride = conv_param["stride"]
        pad = conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape

        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
        H_out = (H + 2 * pad - HH) // stride + 1
        W_out = (W + 2 * pad - HH) // stride + 1
        out = np.zeros((N, F, H_out, W_out))

        for n in range(N):
            for f in range(F):
                for i in range(H_out):
                    for j in range(W_out):
                        patch = x_pad[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                        out[n, f, i, j] = np.sum(patch * w[f]) + b[f]

        cache = (x, w, b, conv_param)
        return out, cache

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride = conv_param["stride"]
        pad = conv_param["pad"]
        N, F, H_out, W_out = dout.shape
        _, _, HH, WW = w.shape
        H, W = x.shape[2:]

        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
        dx_pad = np.zeros_like(x_pad)
        dw = np.zeros_like(w)
        db = np.zeros_like(b)

        for n in range(N):
            for f in range(F):
                db[f] += dout[n, f].sum()
                for i in range(H_out):
                    for j in range(W_out):
                        hs, ws = i * stride, j * stride
                        dw[f] += x_pad[n, :, hs : hs + HH, ws : ws + WW] * dout[n, f, i, j]
                        dx_pad[n, :, hs : hs + HH, ws : ws + WW] += w[f] * dout[n, f, i, j]

        dx = dx_pad[:, :, pad : pad + H, pad : pad + W]
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive
