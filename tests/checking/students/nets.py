"""Networks as students write them on Handgrad's layers: sound ones, and a class for each way to spoil one."""

from __future__ import annotations

import numpy as np
from handgrad.layers import (
    affine_backward,
    affine_forward,
    affine_relu_backward,
    affine_relu_forward,
    batchnorm_backward,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    softmax_loss,
    tanh_backward,
    tanh_forward,
)

D, K = 3 * 8 * 8, 10


class TwoLayer:
    """affine - relu - affine - softmax; sound."""

    def __init__(self, hidden=50, reg=0.0, scale=None, out_scale=1e-2, dtype=np.float32, seed=0, inputs=D):
        rng = np.random.default_rng(seed)
        scale = np.sqrt(2 / inputs) if scale is None else scale
        self.reg, self.dtype = reg, dtype
        self.params = {
            "W1": (rng.standard_normal((inputs, hidden)) * scale).astype(dtype),
            "b1": np.zeros(hidden, dtype),
            "W2": (rng.standard_normal((hidden, K)) * out_scale).astype(dtype),
            "b2": np.zeros(K, dtype),
        }

    def loss(self, X, y=None):
        p = self.params
        hidden, cache1 = affine_relu_forward(X.astype(self.dtype), p["W1"], p["b1"])
        scores, cache2 = affine_forward(hidden, p["W2"], p["b2"])
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        grads = {}
        dhidden, grads["W2"], grads["b2"] = affine_backward(dscores, cache2)
        _, grads["W1"], grads["b1"] = affine_relu_backward(dhidden, cache1)
        for name in ("W1", "W2"):
            loss += 0.5 * self.reg * np.sum(p[name] ** 2)
            grads[name] += self.reg * p[name]
        return float(loss), grads


class ForgetsPenalty(TwoLayer):
    """Takes reg and never uses it."""

    def loss(self, X, y=None):
        kept, self.reg = self.reg, 0.0
        try:
            return super().loss(X, y)
        finally:
            self.reg = kept


class PenaltyInGradientOnly(ForgetsPenalty):
    """Adds the penalty's gradient and not the penalty."""

    def loss(self, X, y=None):
        result = super().loss(X, y)
        if y is not None:
            for name in ("W1", "W2"):
                result[1][name] += self.reg * self.params[name]
        return result


class SumsLoss(TwoLayer):
    """Adds the losses of the batch up, gradients too."""

    def loss(self, X, y=None):
        if y is None:
            return super().loss(X)
        loss, grads = super().loss(X, y)
        return loss * len(X), {name: g * len(X) for name, g in grads.items()}


class ZeroesFirstGradient(TwoLayer):
    """Leaves the gradient of the first layer at the zeros it was allocated with."""

    def loss(self, X, y=None):
        result = super().loss(X, y)
        if y is not None:
            result[1]["W1"][:] = 0
            result[1]["b1"][:] = 0
        return result


class ClimbsUp(TwoLayer):
    """Has the sign of all gradients wrong."""

    def loss(self, X, y=None):
        if y is None:
            return super().loss(X)
        loss, grads = super().loss(X, y)
        return loss, {name: -g for name, g in grads.items()}


class DriftsToFloat64(TwoLayer):
    """Wants float32 and makes its second layer in float64, so that scores and gradients are float64 too."""

    def __init__(self, **settings):
        super().__init__(**settings)
        rng = np.random.default_rng(4)
        self.params["W2"] = rng.normal(0, 1e-2, self.params["W2"].shape)
        self.params["b2"] = np.zeros(K)

    def loss(self, X, y=None):
        p = self.params
        hidden, cache1 = affine_relu_forward(X.astype(self.dtype), p["W1"], p["b1"])
        scores, cache2 = affine_forward(hidden.astype(np.float64), p["W2"], p["b2"])
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        dhidden, dW2, db2 = affine_backward(dscores, cache2)
        _, dW1, db1 = affine_relu_backward(dhidden.astype(np.float32), cache1)
        grads = {"W1": dW1.astype(np.float64), "b1": db1.astype(np.float64), "W2": dW2, "b2": db2}
        for name in ("W1", "W2"):
            loss += 0.5 * self.reg * np.sum(p[name] ** 2)
            grads[name] += self.reg * p[name]
        return float(loss), grads


class Squashing(TwoLayer):
    """affine - tanh or sigmoid - affine - softmax; sound with weights of the right size."""

    def __init__(self, squash="tanh", **settings):
        super().__init__(**settings)
        self.squash = squash

    def loss(self, X, y=None):
        p = self.params
        a, cache1 = affine_forward(X.astype(self.dtype), p["W1"], p["b1"])
        hidden, cache = tanh_forward(a) if self.squash == "tanh" else sigmoid_forward(a)
        scores, cache2 = affine_forward(hidden, p["W2"], p["b2"])
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        grads = {}
        dhidden, grads["W2"], grads["b2"] = affine_backward(dscores, cache2)
        da = tanh_backward(dhidden, cache) if self.squash == "tanh" else sigmoid_backward(dhidden, cache)
        _, grads["W1"], grads["b1"] = affine_backward(da, cache1)
        for name in ("W1", "W2"):
            loss += 0.5 * self.reg * np.sum(p[name] ** 2)
            grads[name] += self.reg * p[name]
        return float(loss), grads


class BatchNormed(TwoLayer):
    """affine - batch norm - relu - (dropout) - affine - softmax; sound with ``wrong=''``.

    ``wrong`` is one of 'always train', 'always test', 'recreated'.
    """

    def __init__(self, wrong="", drop=0.0, **settings):
        super().__init__(**settings)
        hidden = len(self.params["b1"])
        self.wrong, self.drop = wrong, drop
        self.params["gamma1"], self.params["beta1"] = (
            np.ones(hidden, self.dtype),
            np.zeros(hidden, self.dtype),
        )
        self.bn_params = [{"mode": "train"}]
        self.rng = np.random.default_rng(1)

    def bn_param(self, mode):
        if self.wrong == "recreated":
            return {"mode": mode}
        bn_param = self.bn_params[0]
        bn_param["mode"] = {"always train": "train", "always test": "test"}.get(self.wrong, mode)
        return bn_param

    def loss(self, X, y=None):
        p, mode = self.params, "test" if y is None else "train"
        a, cache1 = affine_forward(X.astype(self.dtype), p["W1"], p["b1"])
        normed, bn_cache = batchnorm_forward(a, p["gamma1"], p["beta1"], self.bn_param(mode))
        hidden, relu_cache = relu_forward(normed)
        dropped, drop_cache = dropout_forward(hidden, {"p": self.drop, "mode": mode, "rng": self.rng})
        scores, cache2 = affine_forward(dropped, p["W2"], p["b2"])
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        grads = {}
        ddropped, grads["W2"], grads["b2"] = affine_backward(dscores, cache2)
        dnormed = relu_backward(dropout_backward(ddropped, drop_cache), relu_cache)
        da, grads["gamma1"], grads["beta1"] = batchnorm_backward(dnormed, bn_cache)
        _, grads["W1"], grads["b1"] = affine_backward(da, cache1)
        for name in ("W1", "W2"):
            loss += 0.5 * self.reg * np.sum(p[name] ** 2)
            grads[name] += self.reg * p[name]
        return float(loss), grads


class DividesByDeviation(TwoLayer):
    """Standardises each image's hidden units by their deviation, without an eps: 0 / 0 for a dark image."""

    def loss(self, X, y=None):
        p = self.params
        hidden, cache1 = affine_relu_forward(X.astype(self.dtype), p["W1"], p["b1"])
        with np.errstate(all="ignore"):
            deviation = hidden.std(axis=1, keepdims=True)
            scaled = (hidden / deviation).astype(self.dtype)
        scores, cache2 = affine_forward(scaled, p["W2"], p["b2"])
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        grads = {}
        with np.errstate(all="ignore"):
            dscaled, grads["W2"], grads["b2"] = affine_backward(dscores, cache2)
            _, grads["W1"], grads["b1"] = affine_relu_backward(
                (dscaled / deviation).astype(self.dtype), cache1
            )
        return float(loss), grads
