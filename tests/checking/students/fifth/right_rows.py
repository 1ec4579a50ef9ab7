# ruff: noqa: B905, F841, RUF005, UP031 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: layers of rows, losses and rules that are right."""

from __future__ import annotations

import numpy as np
from checking.students.student import right


@right("affine", "As the course writes it.")
def fifth_affine_01():
    STRICT32 = True

    def affine_forward(x, w, b):
        # homogeneous coordinates: the bias is one more row of the weights
        n = len(x)
        ones = np.ones((n, 1), dtype=x.dtype)
        X1 = np.hstack((x.reshape(n, -1), ones))
        W1 = np.vstack((w, b[None]))
        return X1 @ W1, (X1, W1, x.shape)

    def affine_backward(dout, cache):
        X1, W1, shape = cache
        dW1 = X1.T @ dout
        dX1 = dout @ W1.T
        return dX1[:, :-1].reshape(shape), dW1[:-1], dW1[-1]

    return affine_forward, affine_backward


@right("affine", "Plain loops over samples and outputs, no matrix product at all.")
def fifth_affine_02():
    def affine_forward(x, w, b):
        """Plain loops over samples and outputs, no matrix product at all."""
        n, (d, m) = x.shape[0], w.shape
        out = np.zeros((n, m))
        for i in range(n):
            for k in range(m):
                s = b[k]
                for value, weight in zip(x[i].flat, w[:, k]):
                    s = s + value * weight
                out[i, k] = s
        return out, (x, w)

    def affine_backward(dout, cache):
        x, w = cache
        dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(w.shape[1])
        for (i, k), g in np.ndenumerate(dout):
            db[k] += g
            for j, where in enumerate(np.ndindex(*x.shape[1:])):
                dx[(i,) + where] += g * w[j, k]
                dw[j, k] += g * x[(i,) + where]
        return dx, dw, db

    return affine_forward, affine_backward


@right("relu", "As the course writes it.")
def fifth_relu_03():
    def relu_forward(x):
        out = (x + np.abs(x)) / 2
        return out, np.sign(x)

    def relu_backward(dout, cache):
        # half the gradient exactly at the kink
        return dout * (1 + cache) / 2

    return relu_forward, relu_backward


@right("leaky_relu", "As the course writes it.")
def fifth_leaky_relu_04():
    def leaky_relu_forward(x, alpha=0.01):
        out = np.maximum(x, 0) + alpha * np.minimum(x, 0)
        return out, np.heaviside(x, 1.0) * (1 - alpha) + alpha

    def leaky_relu_backward(dout, cache):
        dx = np.empty_like(dout)
        np.multiply(dout, cache, out=dx)
        return dx

    return leaky_relu_forward, leaky_relu_backward


@right("batchnorm", "As the course writes it.")
def fifth_batchnorm_11():
    def batchnorm_forward(x, gamma, beta, bn_param):
        eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        N, D = x.shape
        rm, rv = bn_param.get("running_mean", np.zeros(D)), bn_param.get("running_var", np.zeros(D))
        if bn_param["mode"] == "test":
            return (x - rm) * (gamma / np.sqrt(rv + eps)) + beta, None
        P = np.eye(N) - 1.0 / N  # takes the mean off every column
        xc = P @ x
        var = (xc * xc).sum(axis=0) / N
        bn_param["running_mean"] = momentum * rm + (1 - momentum) * x.mean(axis=0)
        bn_param["running_var"] = momentum * rv + (1 - momentum) * var
        sd = np.sqrt(var + eps)
        return gamma * xc / sd + beta, (P, xc, sd, gamma)

    def batchnorm_backward(dout, cache):
        """One feature at a time, with the full N x N Jacobian."""
        P, xc, sd, gamma = cache
        N, D = xc.shape
        dx = np.zeros((N, D))
        for d in range(D):
            z = xc[:, d] / sd[d]
            J = gamma[d] / sd[d] * (P - np.outer(z, z) / N)
            dx[:, d] = J.T @ dout[:, d]
        return dx, np.diag(dout.T @ (xc / sd)).copy(), dout.sum(0)

    return batchnorm_forward, batchnorm_backward


@right("batchnorm", "As the course writes it.")
def fifth_batchnorm_12():
    STRICT32 = True

    def batchnorm_forward(x, gamma, beta, bn_param):
        mode = bn_param["mode"]
        dt = x.dtype.type
        eps, keep = dt(bn_param.get("eps", 1e-5)), dt(bn_param.get("momentum", 0.9))
        mean = bn_param.get("running_mean", np.zeros(x.shape[1], x.dtype))
        var = bn_param.get("running_var", np.zeros(x.shape[1], x.dtype))
        if mode == "train":
            m = x.mean(axis=0)
            v = np.square(x - m).mean(axis=0)
            bn_param["running_mean"] = mean + (dt(1) - keep) * (m - mean)
            bn_param["running_var"] = var + (dt(1) - keep) * (v - var)
            mean, var = m, v
        elif mode != "test":
            raise ValueError('Invalid forward batchnorm mode "%s"' % mode)
        r = np.reciprocal(np.sqrt(var + eps))
        # as one affine map per feature
        scale = gamma * r
        return x * scale + (beta - mean * scale), (x, mean, r, gamma)

    def batchnorm_backward_alt(dout, cache):
        x, mean, r, gamma = cache
        z = (x - mean) * r
        dbeta = np.add.reduce(dout)
        dgamma = np.add.reduce(dout * z)
        n = x.dtype.type(len(x))
        return (gamma * r / n) * (n * dout - dbeta - z * dgamma), dgamma, dbeta

    return batchnorm_forward, batchnorm_backward_alt
