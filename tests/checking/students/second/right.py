"""Second batch: right, in ways that look strange."""

from __future__ import annotations

from functools import partial

import numpy as np
from checking.students.student import right


@right("conv", "A matrix for the whole layer: column by column, its transpose on the way back.")
def conv_as_matrix():
    def taps(shape, w_shape, s, p):
        N, C, H, W = shape
        F, _, HH, WW = w_shape
        Ho, Wo = (H + 2 * p - HH) // s + 1, (W + 2 * p - WW) // s + 1
        for i, j, a, b in np.ndindex(Ho, Wo, HH, WW):
            r, c = i * s + a - p, j * s + b - p
            if 0 <= r < H and 0 <= c < W:
                yield i, j, a, b, r, c

    def conv_forward_naive(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        H, W = x.shape[2:]
        HH, WW = w.shape[2:]
        out = np.zeros((len(x), len(w), (H + 2 * p - HH) // s + 1, (W + 2 * p - WW) // s + 1), dtype=x.dtype)
        out += b[:, None, None]
        for i, j, a, c, row, col in taps(x.shape, w.shape, s, p):
            out[:, :, i, j] += x[:, :, row, col] @ w[:, :, a, c].T
        return out, (x, w, s, p)

    def conv_backward_naive(dout, cache):
        x, w, s, p = cache
        dx, dw = np.zeros_like(x), np.zeros_like(w)
        for i, j, a, c, row, col in taps(x.shape, w.shape, s, p):
            dx[:, :, row, col] += dout[:, :, i, j] @ w[:, :, a, c]
            dw[:, :, a, c] += dout[:, :, i, j].T @ x[:, :, row, col]
        return dx, dw, dout.sum(axis=(0, 2, 3))

    return conv_forward_naive, conv_backward_naive


class Convolution:
    """A layer as an object; the cache is a dictionary."""

    def __init__(self, name):
        self.name = name

    def forward(self, x, w, b, conv_param):
        s, p = int(conv_param.get("stride", 1)), int(conv_param.get("pad", 0))
        xp = np.pad(x, [(0, 0), (0, 0), (p, p), (p, p)])
        N, C, Hp, Wp = xp.shape
        F, _, HH, WW = w.shape
        rows, cols = range(0, Hp - HH + 1, s), range(0, Wp - WW + 1, s)
        out = np.stack(
            [
                np.stack(
                    [np.tensordot(xp[:, :, r : r + HH, c : c + WW], w, ([1, 2, 3], [1, 2, 3])) for c in cols],
                    -1,
                )
                for r in rows
            ],
            -2,
        )
        return out + b[None, :, None, None], {"xp": xp, "w": w, "at": (rows, cols), "crop": (p, *x.shape[2:])}

    def backward(self, dout, cache):
        xp, w, (rows, cols), (p, H, W) = cache["xp"], cache["w"], cache["at"], cache["crop"]
        dxp, dw = np.zeros_like(xp), np.zeros_like(w)
        for i, r in enumerate(rows):
            for j, c in enumerate(cols):
                here = np.s_[..., r : r + w.shape[2], c : c + w.shape[3]]
                dxp[here] += np.tensordot(dout[:, :, i, j], w, axes=1)
                dw += np.tensordot(dout[:, :, i, j].T, xp[here], axes=1)
        return dxp[:, :, p : p + H, p : p + W], dw, dout.sum(axis=(0, 2, 3))


@right("conv", "Methods of an object.")
def conv_object():
    layer = Convolution("conv1")
    return layer.forward, layer.backward


@right("relu", "(x + |x|) / 2, as a lambda.")
def relu_absolute():
    return (lambda x: ((x + np.abs(x)) / 2, x)), (lambda dout, x: dout * (np.sign(x) + 1) / 2 * (x != 0))


@right("leaky_relu", "One function for two layers, bound with functools.partial.")
def leaky_relu_partial():
    def forward(x, alpha=0.01, side=1):
        return np.where(side * x > 0, x, alpha * x), (x, alpha, side)

    def leaky_relu_backward(dout, cache):
        x, alpha, side = cache
        return dout * np.where(side * x > 0, 1, alpha).astype(x.dtype)

    return partial(forward, side=1), leaky_relu_backward


@right("max_pool", "Sorts nothing, compares everything: loops with >.")
def max_pool_search():
    def max_pool_forward_naive(x, pool_param):
        ph, pw, s = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
        N, C, H, W = x.shape
        out = np.zeros((N, C, (H - ph) // s + 1, (W - pw) // s + 1), dtype=x.dtype)
        winners = {}
        for n, c, i, j in np.ndindex(out.shape):
            best, at = -np.inf, None
            for r in range(i * s, i * s + ph):
                for k in range(j * s, j * s + pw):
                    if x[n, c, r, k] > best:
                        best, at = x[n, c, r, k], (n, c, r, k)
            out[n, c, i, j], winners[n, c, i, j] = best, at
        return out, (winners, x.shape, x.dtype)

    def max_pool_backward_naive(dout, cache):
        winners, shape, dtype = cache
        dx = np.zeros(shape, dtype)
        for index, at in winners.items():
            dx[at] += dout[index]
        return dx

    return max_pool_forward_naive, max_pool_backward_naive


@right("batchnorm", "forward caches nothing but x; backward computes all over again, in float64 inside.")
def batchnorm_recomputes():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        stats = [bn_param.get(k, np.zeros(x.shape[1])) for k in ("running_mean", "running_var")]
        wide = x.astype(np.float64)
        now = [wide.mean(axis=0), wide.var(axis=0)]
        if bn_param["mode"] == "train":
            for key, old, new in zip(("running_mean", "running_var"), stats, now, strict=True):
                bn_param[key] = (m * old + (1 - m) * new).astype(x.dtype)
        else:
            now = stats
        out = (wide - now[0]) / np.sqrt(now[1] + eps) * gamma + beta
        return out.astype(x.dtype), (x, gamma, eps)

    def batchnorm_backward(dout, cache):
        x, gamma, eps = cache
        wide, d = x.astype(np.float64), dout.astype(np.float64)
        centred = wide - wide.mean(axis=0)
        inv = 1 / np.sqrt((centred**2).mean(axis=0) + eps)
        h = centred * inv
        g = d * gamma
        dx = inv * (g - g.mean(axis=0) - h * (g * h).mean(axis=0))
        return tuple(a.astype(x.dtype) for a in (dx, (d * h).sum(axis=0), d.sum(axis=0)))

    return batchnorm_forward, batchnorm_backward


@right("dropout", "binomial draws from a RandomState of its own; returns a list as cache.")
def dropout_binomial():
    def dropout_forward(x, dropout_param):
        p = dropout_param["p"]
        if dropout_param["mode"] != "train":
            return x + 0, [None]
        state = np.random.RandomState(dropout_param.get("seed"))
        mask = state.binomial(1, 1 - p, size=x.shape).astype(x.dtype)
        mask /= 1 - p
        return np.multiply(x, mask), [mask]

    def dropout_backward(dout, cache):
        return dout * cache[0] if cache[0] is not None else +dout

    return dropout_forward, dropout_backward


@right("affine", "Adds a column of ones for the bias.")
def affine_with_ones():
    def affine_forward(x, w, b):
        rows = np.hstack([x.reshape(len(x), -1), np.ones((len(x), 1), dtype=x.dtype)])
        both = np.vstack([w, b])
        return rows @ both, (rows, both, x.shape)

    def affine_backward(dout, cache):
        rows, both, shape = cache
        d = rows.T @ dout
        return (dout @ both[:-1].T).reshape(shape), d[:-1], d[-1]

    return affine_forward, affine_backward


@right(
    "softmax_loss", "Shifts by the right class's score where that is the largest, by the largest elsewhere."
)
def softmax_by_difference():
    def softmax_loss(x, y):
        N = len(y)
        right_score = x[np.arange(N), y][:, None]
        top = x.max(axis=1, keepdims=True)
        e = np.exp(x - top)
        loss = np.mean(np.log(e.sum(axis=1)) + (top - right_score)[:, 0])
        dx = e / e.sum(axis=1, keepdims=True) / N
        np.subtract.at(dx, (np.arange(N), y), 1 / N)
        return loss, dx

    return softmax_loss


@right("adam", "The form with a corrected learning rate in the paper, epsilon scaled along.")
def adam_paper_form():
    def adam(w, dw, config=None):
        c = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 0, "m": 0, "v": 0} | (
            config or {}
        )
        c["t"] += 1
        c["m"] = c["m"] + (1 - c["beta1"]) * (dw - c["m"])
        c["v"] = c["v"] + (1 - c["beta2"]) * (dw**2 - c["v"])
        root = np.sqrt(1 - c["beta2"] ** c["t"])
        step = c["learning_rate"] / (1 - c["beta1"] ** c["t"]) * root
        return w - step * c["m"] / (np.sqrt(c["v"]) + c["epsilon"] * root), c

    return adam


@right("sgd_momentum", "Keeps the velocity in the same array.")
def momentum_in_place():
    def sgd_momentum(w, dw, config=None):
        config = {} if config is None else config
        v = config.setdefault("velocity", np.zeros_like(w))
        v *= config.setdefault("momentum", 0.9)
        v -= config.setdefault("learning_rate", 1e-2) * dw
        return w + v, config

    return sgd_momentum


@right(
    "affine",
    "Fills np.zeros, so that float32 comes back as float64: worth a remark, and as right as the courses'.",
)
def affine_promotes():
    def affine_forward(x, w, b):
        return x.reshape(len(x), -1) @ w + b, (x, w, b)

    def affine_backward(dout, cache):
        x, w, b = cache
        dx, dw = np.zeros(x.shape), np.zeros(w.shape)
        dx[...] = (dout @ w.T).reshape(x.shape)
        dw[...] = x.reshape(len(x), -1).T @ dout
        return dx, dw, dout.sum(axis=0)

    return affine_forward, affine_backward


@right("conv", "The loops of most published solutions: np.zeros without a dtype, out, dx, dw and db.")
def conv_promotes():
    def conv_forward_naive(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, C, HH, WW = w.shape
        H_out, W_out = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
        out = np.zeros((N, F, H_out, W_out))
        for n, f, i, j in np.ndindex(N, F, H_out, W_out):
            window = x_pad[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            out[n, f, i, j] = np.sum(window * w[f]) + b[f]
        return out, (x, w, b, conv_param)

    def conv_backward_naive(dout, cache):
        x, w, b, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        H, W = x.shape[2:]
        HH, WW = w.shape[2:]
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
        dx_pad, dw, db = np.zeros(x_pad.shape), np.zeros(w.shape), np.zeros(b.shape)
        for n, f, i, j in np.ndindex(dout.shape):
            rows, cols = slice(i * stride, i * stride + HH), slice(j * stride, j * stride + WW)
            dx_pad[n, :, rows, cols] += w[f] * dout[n, f, i, j]
            dw[f] += x_pad[n, :, rows, cols] * dout[n, f, i, j]
            db[f] += dout[n, f, i, j]
        return dx_pad[:, :, pad : pad + H, pad : pad + W], dw, db

    return conv_forward_naive, conv_backward_naive
