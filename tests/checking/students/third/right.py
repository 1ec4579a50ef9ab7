"""Third batch: right."""
# ruff: noqa: NPY002 - students draw from the global generator, as the courses' scaffold does

from __future__ import annotations

import numpy as np
from checking.students.student import right


@right("relu", "np.clip, and a where on the way back.")
def relu_clip():
    def relu_forward(x):
        out = np.clip(x, 0, None)
        return out, (out > 0)

    def relu_backward(dout, positive):
        dx = np.zeros_like(dout)
        dx[positive] = dout[positive]
        return dx

    return relu_forward, relu_backward


@right("global_avg_pool", "A matrix product with a column of 1 / (H W).")
def global_avg_pool_product():
    def global_avg_pool_forward(x):
        N, C, H, W = x.shape
        share = np.full(H * W, 1 / (H * W), dtype=x.dtype)
        return x.reshape(N, C, H * W) @ share, (x.shape, share)

    def global_avg_pool_backward(dout, cache):
        shape, share = cache
        return np.multiply.outer(dout, share).reshape(shape)

    return global_avg_pool_forward, global_avg_pool_backward


@right("dropout", "np.random.uniform, seeded as in the course; keeps two caches.")
def dropout_uniform():
    def dropout_forward(x, dropout_param):
        p, mode = dropout_param["p"], dropout_param["mode"]
        if dropout_param.get("seed") is not None:
            np.random.seed(dropout_param["seed"])
        mask = np.ones_like(x)
        if mode == "train":
            mask[np.random.uniform(size=x.shape) < p] = 0
            mask /= 1 - p
        return x * mask, {"mask": mask, "mode": mode}

    def dropout_backward(dout, cache):
        return cache["mask"] * dout

    return dropout_forward, dropout_backward


@right("layernorm", "Row by row with the projection matrix of the derivative.")
def layernorm_projection():
    def layernorm_forward(x, gamma, beta, ln_param):
        eps = ln_param.get("eps", 1e-5)
        rows = [(r - r.mean()) / np.sqrt(r.var() + eps) for r in x]
        xhat = np.array(rows, dtype=x.dtype)
        return xhat * gamma + beta, (x, xhat, gamma, eps)

    def layernorm_backward(dout, cache):
        x, xhat, gamma, eps = cache
        dx = np.empty_like(x)
        D = x.shape[1]
        for n in range(len(x)):
            h = xhat[n]
            projection = (np.eye(D) - np.ones((D, D)) / D - np.outer(h, h) / D).astype(x.dtype)
            dx[n] = projection @ (dout[n] * gamma) / np.sqrt(x[n].var() + eps)
        return dx, np.einsum("nd,nd->d", dout, xhat), dout.sum(axis=0)

    return layernorm_forward, layernorm_backward


@right("conv", "Channels last inside, one product for each place of the filter; dw by matmul.")
def conv_channels_last():
    def conv_forward_nhwc(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        xl = np.pad(x.transpose(0, 2, 3, 1), ((0, 0), (p, p), (p, p), (0, 0)))
        Ho, Wo = (H + 2 * p - HH) // s + 1, (W + 2 * p - WW) // s + 1
        out = np.zeros((N, Ho, Wo, F), dtype=x.dtype)
        for a, c in np.ndindex(HH, WW):
            out += xl[:, a : a + (Ho - 1) * s + 1 : s, c : c + (Wo - 1) * s + 1 : s] @ w[:, :, a, c].T
        return (out + b).transpose(0, 3, 1, 2), (xl, w, s, p)

    def conv_backward_nhwc(dout, cache):
        xl, w, s, p = cache
        d = dout.transpose(0, 2, 3, 1)
        Ho, Wo = d.shape[1:3]
        dxl, dw = np.zeros_like(xl), np.zeros_like(w)
        for a, c in np.ndindex(*w.shape[2:]):
            at = np.s_[:, a : a + (Ho - 1) * s + 1 : s, c : c + (Wo - 1) * s + 1 : s]
            dxl[at] += d @ w[:, :, a, c]
            dw[:, :, a, c] = d.reshape(-1, len(w)).T @ xl[at].reshape(-1, w.shape[1])
        dx = dxl[:, p : xl.shape[1] - p, p : xl.shape[2] - p].transpose(0, 3, 1, 2)
        return dx, dw, d.sum(axis=(0, 1, 2))

    return conv_forward_nhwc, conv_backward_nhwc


@right("sgd_nesterov_momentum", "Sutskever's v, UCLA's step.")
def nesterov_new_arrays():
    def sgd_nesterov_momentum(w, dw, config=None):
        config = dict(config) if config else {}
        mu, lr = config.get("momentum", 0.9), config.get("learning_rate", 1e-2)
        old = config.get("velocity", w * 0)
        new = mu * old - lr * dw
        config |= {"velocity": new, "momentum": mu, "learning_rate": lr}
        return w + (1 + mu) * new - mu * old, config

    return sgd_nesterov_momentum
