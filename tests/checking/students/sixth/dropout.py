# ruff: noqa: NPY002, SIM108 - left as it was handed in
"""Sixth batch, by an author who never saw the doctor: dropout, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "dropout",
    "forward",
    "scale-missing",
    "In train mode the kept values are not scaled by 1 / (1 - p), and test mode does not compensate either.",
)
def dropout_never_scaled():
    def dropout_forward(x, dropout_param):
        """p is the probability of dropping a neuron."""
        p, mode = dropout_param["p"], dropout_param["mode"]
        if "seed" in dropout_param:
            np.random.seed(dropout_param["seed"])
        mask = None
        out = None
        if mode == "train":
            mask = np.random.rand(*x.shape) >= p
            out = x * mask
        elif mode == "test":
            out = x
        cache = (dropout_param, mask)
        out = out.astype(x.dtype, copy=False)
        return out, cache

    def dropout_backward(dout, cache):
        dropout_param, mask = cache
        if dropout_param["mode"] == "train":
            dx = dout * mask
        else:
            dx = dout
        return dx

    return dropout_forward, dropout_backward


@buggy(
    "dropout",
    "forward",
    "keep-drop-swapped",
    "P is the probability to drop, but the mask keeps where rand < p (so it keeps a share p) "
    "while it scales by 1 / (1 - p).",
)
def dropout_keeps_p_6():
    def dropout_forward(x, dropout_param):
        """p: dropout parameter, each neuron output is dropped with probability p."""
        p, mode = dropout_param["p"], dropout_param["mode"]
        seed = dropout_param.get("seed")
        if seed is not None:
            np.random.seed(seed)
        if mode == "train":
            mask = (np.random.random_sample(x.shape) < p) / (1 - p)
            out = x * mask
        else:
            mask = None
            out = x.copy()
        return out, (dropout_param, mask)

    def dropout_backward(dout, cache):
        dropout_param, mask = cache
        return dout * mask if dropout_param["mode"] == "train" else dout.copy()

    return dropout_forward, dropout_backward


@buggy(
    "dropout",
    "backward",
    "mask-redrawn",
    "Dropout_backward draws a fresh random mask instead of reusing the mask of the forward pass.",
)
def dropout_draws_again_6():
    def make_mask(shape, p):
        return (np.random.rand(*shape) >= p) / (1.0 - p)

    def dropout_forward(x, dropout_param):
        # p = probability to drop
        p = dropout_param["p"]
        if "seed" in dropout_param:
            np.random.seed(dropout_param["seed"])
        if dropout_param["mode"] == "test":
            return x.copy(), (dropout_param, None)
        mask = make_mask(x.shape, p)
        return x * mask, (dropout_param, mask)

    def dropout_backward(dout, cache):
        dropout_param, mask = cache
        if dropout_param["mode"] == "test":
            return dout.copy()
        mask = make_mask(dout.shape, dropout_param["p"])
        return dout * mask

    return dropout_forward, dropout_backward


@buggy(
    "dropout",
    "forward",
    "mask-shared",
    "Only one row of the mask is drawn (shape x.shape[1:]) and broadcast over the batch, so "
    "that every sample drops the same features.",
)
def dropout_one_row():
    def dropout_forward(x, dropout_param):
        """p = probability that a unit is dropped"""
        p = dropout_param["p"]
        rng = np.random.default_rng(dropout_param.get("seed"))
        if dropout_param["mode"] == "train":
            keep = rng.random(x.shape[1:]) >= p
            mask = keep / (1 - p)
            out = x * mask
        else:
            mask = np.ones(x.shape[1:])
            out = x * 1.0
        return out, (dropout_param, mask)

    def dropout_backward(dout, cache):
        _, mask = cache
        return dout * mask

    return dropout_forward, dropout_backward
