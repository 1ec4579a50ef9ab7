# ruff: noqa: B905 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: layers of images that are right, more."""

from __future__ import annotations

import numpy as np
from checking.students.student import right


@right("avg_pool", "The matrix that averages `size` neighbours every `stride` steps.")
def fifth_avg_pool_10():
    def _averager(length, size, stride):
        """The matrix that averages `size` neighbours every `stride` steps."""
        A = np.zeros(((length - size) // stride + 1, length))
        for i, row in enumerate(A):
            row[i * stride : i * stride + size] = 1 / size
        return A

    def avg_pool_forward_naive(x, pool_param):
        s = pool_param["stride"]
        A = _averager(x.shape[2], pool_param["pool_height"], s)
        B = _averager(x.shape[3], pool_param["pool_width"], s)
        return A @ x @ B.T, (A, B)

    def avg_pool_backward_naive(dout, cache):
        A, B = cache
        return A.T @ dout @ B

    return avg_pool_forward_naive, avg_pool_backward_naive


@right("spatial_batchnorm", "As the course writes it.")
def fifth_spatial_batchnorm_13():
    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        C = x.shape[1]
        z = np.moveaxis(x, 1, 0).reshape(C, -1)  # one row per channel
        if bn_param["mode"] == "train":
            mu, var = z.mean(1), z.var(1)
            for key, now in ("running_mean", mu), ("running_var", var):
                bn_param[key] = momentum * bn_param.get(key, 0.0) + (1 - momentum) * now
        else:
            mu, var = bn_param["running_mean"], bn_param["running_var"]
        sd = np.sqrt(var + eps)[:, None]
        zn = (z - mu[:, None]) / sd
        y = gamma[:, None] * zn + beta[:, None]
        out = np.moveaxis(y.reshape(C, x.shape[0], *x.shape[2:]), 0, 1)
        return out, (zn, sd, gamma)

    def spatial_batchnorm_backward(dout, cache):
        zn, sd, gamma = cache
        N, C, H, W = dout.shape
        d = np.moveaxis(dout, 1, 0).reshape(C, -1)
        dgamma = np.einsum("cm,cm->c", d, zn)
        dbeta = d.sum(1)
        dz = gamma[:, None] / sd * (d - (dbeta[:, None] + zn * dgamma[:, None]) / d.shape[1])
        return np.moveaxis(dz.reshape(C, N, H, W), 0, 1), dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@right("spatial_groupnorm", "As the course writes it.")
def fifth_spatial_groupnorm_15():
    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        eps = gn_param.get("eps", 1e-5)
        N, C, H, W = x.shape
        groups = np.split(x, G, axis=1)
        saved, normed = [], []
        for part in groups:
            flat = part.reshape(N, -1)
            s1 = flat.sum(1) / flat.shape[1]
            centred = flat - s1[:, None]
            sd = np.sqrt((centred * centred).sum(1) / flat.shape[1] + eps)
            saved.append((centred, sd))
            normed.append((centred / sd[:, None]).reshape(part.shape))
        xhat = np.concatenate(normed, axis=1)
        return xhat * gamma + beta, (saved, xhat, gamma)

    def spatial_groupnorm_backward(dout, cache):
        saved, xhat, gamma = cache
        N = dout.shape[0]
        pieces = []
        for (centred, sd), d in zip(saved, np.split(dout * gamma, len(saved), axis=1)):
            g = d.reshape(N, -1)
            m = g.shape[1]
            sd = sd[:, None]
            dvar = (g * centred).sum(1, keepdims=True) * (-0.5) / sd**3
            dc = g / sd + 2 * centred * dvar / m
            pieces.append((dc - dc.sum(1, keepdims=True) / m).reshape(d.shape))
        dx = np.concatenate(pieces, axis=1)
        return dx, (dout * xhat).sum((0, 2, 3), keepdims=True), dout.sum((0, 2, 3), keepdims=True)

    return spatial_groupnorm_forward, spatial_groupnorm_backward


@right("conv_relu_pool", "Windows as a list of (slices, block) pairs.")
def fifth_conv_relu_pool_20():
    def _cut(a, size, step):
        """Windows as a list of (slices, block) pairs."""
        for i, r in enumerate(range(0, a.shape[2] - size[0] + 1, step)):
            for j, c in enumerate(range(0, a.shape[3] - size[1] + 1, step)):
                yield (
                    (slice(None), slice(None), i, j),
                    (slice(None), slice(None), slice(r, r + size[0]), slice(c, c + size[1])),
                )

    def _steps(length, size, step):
        return (length - size) // step + 1

    def conv_relu_pool_forward(x, w, b, conv_param, pool_param):
        s, p = conv_param["stride"], conv_param["pad"]
        size, t = (pool_param["pool_height"], pool_param["pool_width"]), pool_param["stride"]
        F = len(w)
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        a = np.empty((len(x), F, _steps(xp.shape[2], w.shape[2], s), _steps(xp.shape[3], w.shape[3], s)))
        for o, at in _cut(xp, w.shape[2:], s):
            a[o] = np.einsum("nchw,fchw->nf", xp[at], w) + b
        # relu and max pooling commute: pool first, it is less to rectify
        out = np.empty((len(x), F, _steps(a.shape[2], size[0], t), _steps(a.shape[3], size[1], t)))
        for o, at in _cut(a, size, t):
            out[o] = a[at].max(axis=(2, 3))
        alive = out > 0
        return out * alive, (xp, w, a, alive, (s, p, size, t))

    def conv_relu_pool_backward(dout, cache):
        xp, w, a, alive, (s, p, size, t) = cache
        d = np.where(alive, dout, 0)
        da = np.zeros(a.shape)
        for o, at in _cut(a, size, t):
            block = a[at]
            flat = block.reshape(block.shape[0], block.shape[1], -1)
            hot = np.arange(flat.shape[2]) == flat.argmax(axis=2)[..., None]
            da[at] += hot.reshape(block.shape) * d[o][:, :, None, None]
        dxp, dw = np.zeros(xp.shape), np.zeros(w.shape)
        for o, at in _cut(xp, w.shape[2:], s):
            dw += np.einsum("nf,nchw->fchw", da[o], xp[at])
            dxp[at] += np.einsum("nf,fchw->nchw", da[o], w)
        h, v = xp.shape[2] - p, xp.shape[3] - p
        return dxp[:, :, p:h, p:v], dw, np.einsum("nfij->f", da)

    return conv_relu_pool_forward, conv_relu_pool_backward
