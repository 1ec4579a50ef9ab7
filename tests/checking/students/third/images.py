"""Third batch: convolution, pooling and image norms, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.buggy.conv_details import conv_backward_right
from checking.students.buggy.conv_loops import conv_forward_naive
from checking.students.buggy.image_norms import groupnorm_dx, spatial_groupnorm_forward
from checking.students.buggy.max_pool import max_pool_forward_naive
from checking.students.buggy.sandwiches import max_pool_backward_naive
from checking.students.student import buggy


@buggy(
    "conv",
    "forward",
    "channels-mixed forward-wrong",
    "Indexes the filters with n, the loop variable of the images.",
)
def conv_filter_of_the_image():
    def conv_forward_loops(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        out = np.zeros((N, F, (H + 2 * p - HH) // s + 1, (W + 2 * p - WW) // s + 1), dtype=x.dtype)
        for n, f, i, j in np.ndindex(out.shape):
            window = xp[n, :, i * s : i * s + HH, j * s : j * s + WW]
            out[n, f, i, j] = np.sum(window * w[n % F]) + b[f]
        return out, (x, w, b, conv_param)

    return conv_forward_loops, conv_backward_right


@buggy("conv", "backward", "stride-missing", "Gets dx right and slides over x without the stride for dw.")
def conv_dw_without_stride():
    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        p = conv_param["pad"]
        HH, WW = w.shape[2:]
        dx, _, db = conv_backward_right(dout, cache)
        xp, dw = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p))), np.zeros_like(w)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                dw += np.tensordot(dout[:, :, i, j], xp[:, :, i : i + HH, j : j + WW], axes=(0, 0))
        return dx, dw, db

    return conv_forward_naive, conv_backward_naive


@buggy(
    "conv",
    "both",
    "forward-wrong shape-wrong pad-not-cropped",
    "Pads by (filter - 1) / 2 always, as the course's network does, whatever conv_param says.",
)
def conv_chooses_own_pad():
    def conv_forward_same(x, w, b, conv_param):
        param = {"stride": conv_param["stride"], "pad": (w.shape[2] - 1) // 2}
        return conv_forward_naive(x, w, b, param)

    return conv_forward_same, conv_backward_right


@buggy("conv", "backward", "factor factor-n", "Divides dx by the batch.")
def conv_dx_over_n():
    def conv_backward_naive(dout, cache):
        dx, dw, db = conv_backward_right(dout, cache)
        return dx / dout.shape[0], dw, db

    return conv_forward_naive, conv_backward_naive


@buggy("conv", "backward", "bias-wrong-axes shape-wrong", "Sums the bias's gradient over the batch alone.")
def conv_bias_over_batch():
    def conv_backward_naive(dout, cache):
        dx, dw, _ = conv_backward_right(dout, cache)
        return dx, dw, dout.sum(axis=0)

    return conv_forward_naive, conv_backward_naive


COLUMNS = {}


@buggy(
    "conv",
    "forward",
    "second-call-differs cache-not-enough",
    "Keeps the columns of im2col by shape 'so that they need not be built again'.",
)
def conv_keeps_columns():
    def conv_forward_columns(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        HH, WW = w.shape[2:]
        key = (x.shape, HH, WW, s, p, x.dtype)
        if key not in COLUMNS:
            xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
            windows = np.lib.stride_tricks.sliding_window_view(xp, (HH, WW), axis=(2, 3))
            COLUMNS[key] = windows[:, :, ::s, ::s].copy()
        out = np.einsum("ncijhw,fchw->nfij", COLUMNS[key], w) + b[:, None, None]
        return out, (x, w, b, conv_param)

    return conv_forward_columns, conv_backward_right


@buggy("max_pool", "backward", "swapped-height-width fails-for-nonsquare", "Reads dout[n, c, j, i].")
def max_pool_reads_dout_turned():
    def max_pool_backward_turned(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
            a, b = np.unravel_index(window.argmax(), window.shape)
            dx[n, c, i * s + a, j * s + b] += dout[n, c, j, i]
        return dx

    return max_pool_forward_naive, max_pool_backward_turned


@buggy(
    "max_pool",
    "forward",
    "wrong-window",
    "Thinks that the end of a slice is included, and then adds one to be sure.",
)
def max_pool_window_too_large():
    def max_pool_forward_wide(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        out = np.zeros((N, C, (H - ph) // s + 1, (W - pw) // s + 1), dtype=x.dtype)
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                out[:, :, i, j] = x[:, :, i * s : i * s + ph + 1, j * s : j * s + pw + 1].max(axis=(2, 3))
        return out, (x, pool_param)

    return max_pool_forward_wide, max_pool_backward_naive


@buggy(
    "avg_pool",
    "backward",
    "average-not-divided factor",
    "Divides by the pixels of the image, not of the window.",
)
def avg_pool_divides_by_image():
    def avg_pool_forward(x, pool_param):
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        windows = np.lib.stride_tricks.sliding_window_view(x, (ph, pw), axis=(2, 3))[:, :, ::s, ::s]
        return windows.mean(axis=(4, 5)), (x, pool_param)

    def avg_pool_backward(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            dx[n, c, i * s : i * s + ph, j * s : j * s + pw] += dout[n, c, i, j] / x[n, c].size
        return dx

    return avg_pool_forward, avg_pool_backward


@buggy("global_avg_pool", "forward", "forward-wrong", "Takes the maximum of the map.")
def global_avg_pool_takes_maximum():
    def global_avg_pool_forward(x):
        return x.max(axis=(2, 3)), x.shape

    def global_avg_pool_backward(dout, cache):
        N, C, H, W = cache
        return np.ones(cache, dtype=dout.dtype) * dout[:, :, None, None] / (H * W)

    return global_avg_pool_forward, global_avg_pool_backward


@buggy(
    "spatial_batchnorm",
    "backward",
    "beta-gradient-wrong wrong-axes shape-wrong",
    "Leaves the columns out of dbeta's sum.",
)
def spatial_batchnorm_dbeta_keeps_columns():
    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        C = x.shape[1]
        shape, eps, m = (1, C, 1, 1), bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        mean, var = (
            bn_param.get("running_mean", np.zeros(C, x.dtype)),
            bn_param.get("running_var", np.zeros(C, x.dtype)),
        )
        if bn_param["mode"] == "train":
            mu, v = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
            bn_param["running_mean"], bn_param["running_var"] = m * mean + (1 - m) * mu, m * var + (1 - m) * v
            mean, var = mu, v
        std = np.sqrt(var + eps).reshape(shape)
        xhat = (x - mean.reshape(shape)) / std
        return gamma.reshape(shape) * xhat + beta.reshape(shape), (xhat, std, gamma.reshape(shape))

    def spatial_batchnorm_backward(dout, cache):
        xhat, std, gamma = cache
        g = dout * gamma
        axes = {"axis": (0, 2, 3), "keepdims": True}
        dx = (g - g.mean(**axes) - xhat * (g * xhat).mean(**axes)) / std
        return dx, (dout * xhat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2))

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@buggy(
    "spatial_groupnorm",
    "backward",
    "variance-term-missing",
    "Keeps the mean's path and holds the deviation constant.",
)
def groupnorm_without_variance_term():
    def spatial_groupnorm_backward(dout, cache):
        xhat, gamma, std, G = cache
        N, C, H, W = dout.shape
        g = (dout * gamma.reshape(1, C, 1, 1)).reshape(N, G, -1)
        dx = (g - g.mean(axis=2, keepdims=True)) / std.reshape(N, G, 1)
        dgamma = (dout * xhat).sum(axis=(0, 2, 3)).reshape(gamma.shape)
        return dx.reshape(dout.shape), dgamma, dout.sum(axis=(0, 2, 3)).reshape(gamma.shape)

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@buggy("spatial_groupnorm", "backward", "gamma-without-xhat", "dgamma from dout alone.")
def groupnorm_dgamma_is_dbeta():
    def spatial_groupnorm_backward(dout, cache):
        xhat, gamma, std, G = cache
        C, H, W = dout.shape[1:]
        total = dout.sum(axis=(0, 2, 3)).reshape(gamma.shape)
        return groupnorm_dx(dout, cache, C // G * H * W), total, total.copy()

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@buggy("conv_relu_pool", "backward", "overwrite-overlap", "Its own pooling assigns where windows overlap.")
def conv_relu_pool_assigns():
    def conv_relu_pool_forward(x, w, b, conv_param, pool_param):
        a, conv_cache = conv_forward_naive(x, w, b, conv_param)
        r = np.maximum(a, 0)
        out, pool_cache = max_pool_forward_naive(r, pool_param)
        return out, (conv_cache, a, pool_cache)

    def conv_relu_pool_backward(dout, cache):
        conv_cache, a, (r, pool_param) = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dr = np.zeros_like(r)
        for n, c, i, j in np.ndindex(dout.shape):
            window = r[n, c, i * s : i * s + ph, j * s : j * s + pw]
            k, m = np.unravel_index(window.argmax(), window.shape)
            dr[n, c, i * s + k, j * s + m] = dout[n, c, i, j]
        return conv_backward_right(dr * (a > 0), conv_cache)

    return conv_relu_pool_forward, conv_relu_pool_backward
