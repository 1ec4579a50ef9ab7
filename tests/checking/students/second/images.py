"""Second batch: convolution, pooling and their sandwiches, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.buggy.avg_pool import avg_pool_forward
from checking.students.buggy.conv_details import conv_backward_right
from checking.students.buggy.conv_loops import conv_forward_naive
from checking.students.buggy.max_pool import max_pool_forward_naive
from checking.students.student import buggy


def padded(x, conv_param):
    p = conv_param["pad"]
    return np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))


@buggy(
    "conv",
    "backward",
    "overwrite-overlap wrong-unknown",
    "Sums dw over the windows of an image, and assigns it image by image.",
)
def conv_dw_of_last_image():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        s = conv_param["stride"]
        dx, _, db = conv_backward_right(dout, cache)
        xp, dw = padded(x, conv_param), np.zeros_like(w)
        for n in range(len(x)):
            for f in range(len(w)):
                total = np.zeros_like(w[f])
                for i in range(dout.shape[2]):
                    for j in range(dout.shape[3]):
                        total += (
                            dout[n, f, i, j]
                            * xp[n, :, i * s : i * s + w.shape[2], j * s : j * s + w.shape[3]]
                        )
                dw[f] = total
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@buggy("conv", "backward", "stride-missing", "The rows of dx advance by one, the columns by the stride.")
def conv_rows_without_stride():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        H, W = x.shape[2:]
        _, dw, db = conv_backward_right(dout, cache)
        dxp = np.zeros_like(padded(x, conv_param))
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                dxp[:, :, i : i + w.shape[2], j * s : j * s + w.shape[3]] += np.einsum(
                    "nf,fchw->nchw", dout[:, :, i, j], w
                )
        return dxp[:, :, p : p + H, p : p + W], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy("conv", "backward", "pad-cropped-wrong-side", "Takes the whole pad off at the top and the left.")
def conv_crops_bottom_right():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        dxp, dw, db = conv_backward_right(dout, (padded(x, conv_param), w, b, {"stride": s, "pad": 0}))
        return dxp[:, :, 2 * p :, 2 * p :], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "swapped-height-width",
    "Transposes each filter in dx: 'a product goes back through the transpose'.",
)
def conv_dx_filter_transposed():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        _, dw, db = conv_backward_right(dout, cache)
        dxp = np.zeros_like(padded(x, conv_param))
        wt = w.transpose(0, 1, 3, 2)
        for n in range(N):
            for f in range(len(w)):
                for i in range(dout.shape[2]):
                    for j in range(dout.shape[3]):
                        dxp[n, :, i * s : i * s + w.shape[2], j * s : j * s + w.shape[3]] += (
                            wt[f] * dout[n, f, i, j]
                        )
        return dxp[:, :, p : p + H, p : p + W], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "forward",
    "forward-wrong bias-wrong-axes",
    "Adds the bias inside the sum, once for each number of the window.",
)
def conv_bias_inside_sum():
    def conv_forward_loops(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        xp = padded(x, conv_param)
        out = np.zeros((N, F, 1 + (H + 2 * p - HH) // s, 1 + (W + 2 * p - WW) // s), dtype=x.dtype)
        for n, f, i, j in np.ndindex(out.shape):
            out[n, f, i, j] = np.sum(xp[n, :, i * s : i * s + HH, j * s : j * s + WW] * w[f] + b[f])
        return out, (x, w, b, conv_param)

    return conv_forward_loops, conv_backward_right


@buggy(
    "conv",
    "forward",
    "wrong-padding forward-wrong fails-with-pad",
    "Pads with the border's own pixels, mode='edge'.",
)
def conv_pads_with_edge():
    def conv_forward_edge(x, w, b, conv_param):
        p = conv_param["pad"]
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), mode="edge")
        out, _ = conv_forward_naive(xp, w, b, {"stride": conv_param["stride"], "pad": 0})
        return out, (x, w, b, conv_param)

    return conv_forward_edge, conv_backward_right


@buggy("conv", "backward", "factor bias-wrong-axes factor-n", "Takes the mean of dout for the bias.")
def conv_bias_mean():
    def conv_backward_naive(dout, cache):
        dx, dw, _ = conv_backward_right(dout, cache)
        return dx, dw, dout.mean(axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "backward",
    "channels-mixed overwrite-overlap",
    "Writes the gradient of the last filter only: '=' over the filters.",
)
def conv_dx_of_last_filter():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        _, dw, db = conv_backward_right(dout, cache)
        for f in range(len(w)):
            dx, _, _ = conv_backward_right(dout[:, f : f + 1], (x, w[f : f + 1], b[f : f + 1], conv_param))
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "max_pool", "backward", "wrong-unknown wrong-window", "Gives the gradient to the window's first pixel."
)
def max_pool_top_left():
    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        s = pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            dx[n, c, i * s, j * s] += dout[n, c, i, j]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy(
    "max_pool", "both", "wrong-window fails-for-nondividing-stride shape-wrong", "Counts H // stride windows."
)
def max_pool_h_over_stride():
    def max_pool_forward_div(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        out = np.zeros((N, C, H // s, W // s), dtype=x.dtype)
        for n, c, i, j in np.ndindex(out.shape):
            out[n, c, i, j] = x[n, c, i * s : i * s + ph, j * s : j * s + pw].max()
        return out, (x, pool_param)

    def max_pool_backward_div(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
            k = np.unravel_index(window.argmax(), window.shape)
            dx[n, c, i * s + k[0], j * s + k[1]] += dout[n, c, i, j]
        return dx

    return max_pool_forward_div, max_pool_backward_div


@buggy("max_pool", "backward", "factor", "Divides by the window, as in average pooling.")
def max_pool_divides():
    def max_pool_backward_naive(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
            a, b = np.unravel_index(window.argmax(), window.shape)
            dx[n, c, i * s + a, j * s + b] += dout[n, c, i, j] / (ph * pw)
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@buggy("avg_pool", "backward", "stride-missing", "Walks pixel by pixel in backward.")
def avg_pool_without_stride():
    def avg_pool_backward(dout, cache):
        x, pool_param = cache
        ph, pw = pool_param["pool_height"], pool_param["pool_width"]
        dx = np.zeros_like(x)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                dx[:, :, i : i + ph, j : j + pw] += dout[:, :, i, j][:, :, None, None] / (ph * pw)
        return dx

    return avg_pool_forward, avg_pool_backward


@buggy(
    "avg_pool",
    "backward",
    "swapped-height-width fails-for-nonsquare wrong-window",
    "Spreads over pool_width rows.",
)
def avg_pool_window_turned():
    def avg_pool_backward(dout, cache):
        x, pool_param = cache
        pw, ph, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                dx[:, :, i * s : i * s + ph, j * s : j * s + pw] += dout[:, :, i, j][:, :, None, None] / (
                    ph * pw
                )
        return dx

    return avg_pool_forward, avg_pool_backward


@buggy(
    "conv_relu",
    "backward",
    "swapped-outputs",
    "Unpacks dw, dx, db from conv_backward and returns dx, dw, db.",
)
def conv_relu_unpacks_wrongly():
    def conv_relu_forward(x, w, b, conv_param):
        a, cache = conv_forward_naive(x, w, b, conv_param)
        return np.maximum(0, a), (cache, a)

    def conv_relu_backward(dout, cache):
        conv_cache, a = cache
        dw, dx, db = conv_backward_right(dout * (a > 0), conv_cache)
        return dx, dw, db

    return conv_relu_forward, conv_relu_backward
