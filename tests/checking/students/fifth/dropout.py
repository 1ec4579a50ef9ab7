# ruff: noqa: NPY002 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: dropout, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "dropout",
    "forward",
    "dtype-lost",
    "The scaled mask is stored in an integer array, so 1/p is truncated: right for p = 0.5, not for 0.7.",
)
def dropout_integer_mask():
    def dropout_forward(x, dropout_param):
        p, mode = (1 - dropout_param["p"]), dropout_param["mode"]
        if "seed" in dropout_param:
            np.random.seed(dropout_param["seed"])

        mask = None
        if mode == "train":
            mask = np.zeros(x.shape, dtype=int)
            keep = np.random.rand(*x.shape) < p
            mask[keep] = 1 / p
            out = x * mask
        else:
            out = x
        cache = (dropout_param, mask)
        return out.astype(x.dtype, copy=False), cache

    def dropout_backward(dout, cache):
        dropout_param, mask = cache
        if dropout_param["mode"] == "train":
            return dout * mask
        return dout

    return dropout_forward, dropout_backward


@buggy(
    "dropout",
    "backward",
    "mask-redrawn",
    "The backward pass draws a new random mask instead of using the one of the forward pass.",
)
def dropout_draws_unseeded():
    def _draw(shape, p, seed=None):
        if seed is not None:
            np.random.seed(seed)
        return np.random.binomial(1, p, size=shape) / p

    def dropout_forward(x, dropout_param):
        p = 1 - dropout_param["p"]
        seed = dropout_param.get("seed")
        if dropout_param["mode"] == "test":
            return x, (dropout_param, None)
        mask = _draw(x.shape, p, seed)
        return x * mask, (dropout_param, mask)

    def dropout_backward(dout, cache):
        dropout_param, mask = cache
        if dropout_param["mode"] == "test":
            return dout
        dx = dout * _draw(dout.shape, (1 - dropout_param["p"]), dropout_param.get("seed"))
        return dx

    return dropout_forward, dropout_backward


@buggy(
    "dropout",
    "backward",
    "scale-missing",
    "The forward pass divides by p but the backward pass applies the bare mask, so dx lacks the factor 1/p.",
)
def dropout_dx_unscaled():
    def dropout_forward(x, dropout_param):
        keep_prob = 1 - dropout_param["p"]
        if "seed" in dropout_param:
            np.random.seed(dropout_param["seed"])
        if dropout_param["mode"] == "test":
            return np.array(x), {"mode": "test"}
        U = np.random.uniform(size=x.shape)
        dropped = keep_prob <= U
        out = x / keep_prob
        out[dropped] = 0
        return out, {"mode": "train", "dropped": dropped, "keep_prob": keep_prob}

    def dropout_backward(dout, cache):
        if cache["mode"] == "test":
            return dout
        dx = dout.copy()
        dx[cache["dropped"]] = 0
        return dx

    return dropout_forward, dropout_backward


@buggy(
    "dropout",
    "forward",
    "mask-shared wrong-axes",
    "The mask is drawn for one sample only and broadcast, so every sample of the batch loses the same units.",
)
def dropout_one_mask():
    def dropout_forward(x, dropout_param):
        p, mode = (1 - dropout_param["p"]), dropout_param["mode"]
        rng = np.random.RandomState(dropout_param["seed"]) if "seed" in dropout_param else np.random
        mask, out = None, x
        if mode == "train":
            keep = rng.random_sample(x.shape[1:]) < p
            mask = keep.astype(x.dtype) / p
            out = x * mask
        elif mode != "test":
            raise ValueError(mode)
        return out, (dropout_param, mask)

    def dropout_backward(dout, cache):
        dropout_param, mask = cache
        dx = dout
        if dropout_param["mode"] == "train":
            dx = dout * mask
        return dx

    return dropout_forward, dropout_backward
