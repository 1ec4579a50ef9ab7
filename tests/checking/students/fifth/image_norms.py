"""Fifth batch, by an author who never saw the doctor: spatial batch norm, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "spatial_batchnorm",
    "backward",
    "factor-n",
    "The mean gradients in dx are divided by the batch size N instead of N*H*W, the number of "
    "values per channel.",
)
def spatial_bn_counts_samples():
    AXES = (0, 2, 3)

    def per_channel(v):
        return v[None, :, None, None]

    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        C = x.shape[1]
        rm = bn_param.get("running_mean", np.zeros(C))
        rv = bn_param.get("running_var", np.zeros(C))
        if bn_param["mode"] == "train":
            mu, var = x.mean(axis=AXES), x.var(axis=AXES)
            rm = momentum * rm + (1.0 - momentum) * mu
            rv = momentum * rv + (1.0 - momentum) * var
        else:
            mu, var = rm, rv
        bn_param.update(running_mean=rm, running_var=rv)
        isd = 1.0 / np.sqrt(var + eps)
        xhat = (x - per_channel(mu)) * per_channel(isd)
        return per_channel(gamma) * xhat + per_channel(beta), (xhat, isd, gamma)

    def spatial_batchnorm_backward(dout, cache):
        xhat, isd, gamma = cache
        m = dout.shape[0]
        dbeta = dout.sum(axis=AXES)
        dgamma = (dout * xhat).sum(axis=AXES)
        dx = per_channel(gamma * isd) * (dout - (per_channel(dbeta) + xhat * per_channel(dgamma)) / m)
        return dx, dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@buggy(
    "spatial_batchnorm",
    "backward",
    "reshape-order",
    "The backward pass moves the axes to (N, W, H, C) while the forward pass flattened (N, H, "
    "W, C), so dout is paired with the wrong pixels of the cached x_hat.",
)
def spatial_bn_width_first():
    def bn_rows_forward(x, gamma, beta, bn_param):
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        D = x.shape[1]
        running_mean = bn_param.get("running_mean", np.zeros(D))
        running_var = bn_param.get("running_var", np.zeros(D))
        if bn_param["mode"] == "train":
            mean, var = x.mean(axis=0), x.var(axis=0)
            running_mean = momentum * running_mean + (1 - momentum) * mean
            running_var = momentum * running_var + (1 - momentum) * var
        else:
            mean, var = running_mean, running_var
        istd = 1 / np.sqrt(var + eps)
        xn = (x - mean) * istd
        bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
        return gamma * xn + beta, (xn, istd, gamma)

    def bn_rows_backward(dout, cache):
        xn, istd, gamma = cache
        dg = np.sum(dout * xn, axis=0)
        db = np.sum(dout, axis=0)
        dx = gamma * istd * (dout - db / len(dout) - xn * dg / len(dout))
        return dx, dg, db

    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        rows = np.transpose(x, (0, 2, 3, 1)).reshape((N * H * W, C))
        out, cache = bn_rows_forward(rows, gamma, beta, bn_param)
        out = np.transpose(out.reshape((N, H, W, C)), (0, 3, 1, 2))
        return out, cache

    def spatial_batchnorm_backward(dout, cache):
        N, C, H, W = dout.shape
        rows = np.transpose(dout, (0, 3, 2, 1)).reshape((N * H * W, C))
        dx, dgamma, dbeta = bn_rows_backward(rows, cache)
        dx = np.transpose(dx.reshape((N, W, H, C)), (0, 3, 2, 1))
        return dx, dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward


@buggy(
    "spatial_batchnorm",
    "forward",
    "reshape-order",
    "x (N, C, H, W) is reshaped to (-1, C) without moving the channel axis to the end first, so "
    "the columns mix channels.",
)
def spatial_bn_not_moved():
    def spatial_batchnorm_forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        flat = x.reshape(-1, C)
        y, cache = _bn_forward(flat, gamma, beta, bn_param)
        out = y.reshape(N, C, H, W)
        return out, cache

    def spatial_batchnorm_backward(dout, cache):
        N, C, H, W = dout.shape
        flat = dout.reshape(-1, C)
        dx, dgamma, dbeta = _bn_backward(flat, cache)
        return dx.reshape(N, C, H, W), dgamma, dbeta

    def _bn_forward(x, gamma, beta, bn_param):
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        rm = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
        rv = bn_param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
        if bn_param["mode"] == "test":
            return gamma * (x - rm) / np.sqrt(rv + eps) + beta, None
        mu, var = x.mean(axis=0), x.var(axis=0)
        bn_param["running_mean"] = momentum * rm + (1 - momentum) * mu
        bn_param["running_var"] = momentum * rv + (1 - momentum) * var
        std = np.sqrt(var + eps)
        xhat = (x - mu) / std
        return gamma * xhat + beta, (xhat, std, gamma)

    def _bn_backward(dout, cache):
        xhat, std, gamma = cache
        N = dout.shape[0]
        dbeta = dout.sum(axis=0)
        dgamma = (dout * xhat).sum(axis=0)
        dx = gamma / std * (dout - dbeta / N - xhat * dgamma / N)
        return dx, dgamma, dbeta

    return spatial_batchnorm_forward, spatial_batchnorm_backward
