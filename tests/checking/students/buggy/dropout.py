"""Dropout, wrong. Seeding and drawing are the courses' own: the global generator, and a seed if given."""
# ruff: noqa: NPY002 - students draw from the global generator, as the courses' scaffold does

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


def draw(x, dropout_param):
    """The courses' scaffold."""
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    return np.random.rand(*x.shape)


def dropout_forward(x, dropout_param):
    """The forward pass that some of them share, and that is right; p is the probability to drop."""
    p, mode = dropout_param["p"], dropout_param["mode"]
    mask = None
    out = x
    if mode == "train":
        mask = (draw(x, dropout_param) >= p).astype(x.dtype) / (1 - p)
        out = x * mask
    return out, (dropout_param, mask)


def dropout_backward(dout, cache):
    """Right."""
    dropout_param, mask = cache
    return dout * mask if dropout_param["mode"] == "train" else dout


@buggy("dropout", "forward", "scaled-twice", "The mask is already scaled, and the product is scaled again.")
def dropout_scales_twice():
    def dropout_forward_twice(x, dropout_param):
        p, mode = dropout_param["p"], dropout_param["mode"]
        if mode == "test":
            return x, (dropout_param, None)
        mask = (draw(x, dropout_param) >= p).astype(x.dtype) / (1 - p)
        return x * mask / (1 - p), (dropout_param, mask)

    return dropout_forward_twice, dropout_backward


@buggy(
    "dropout",
    "both",
    "scale-missing",
    "Plain dropout without its scaling, neither in training nor at test time.",
)
def dropout_never_scales():
    def dropout_forward_plain(x, dropout_param):
        if dropout_param["mode"] == "test":
            return x, (dropout_param, None)
        mask = (draw(x, dropout_param) >= dropout_param["p"]).astype(x.dtype)
        return x * mask, (dropout_param, mask)

    return dropout_forward_plain, dropout_backward


@buggy("dropout", "forward", "drops-at-test", "Never looks at the mode.")
def dropout_at_test_time():
    def dropout_forward_always(x, dropout_param):
        p = dropout_param["p"]
        mask = (draw(x, dropout_param) >= p).astype(x.dtype) / (1 - p)
        return x * mask, (dropout_param, mask)

    def dropout_backward_always(dout, cache):
        return dout * cache[1]

    return dropout_forward_always, dropout_backward_always


@buggy(
    "dropout",
    "both",
    "keep-drop-swapped",
    "Reads p as the probability to keep, as another year of the course had it.",
)
def dropout_keeps_p():
    def dropout_forward_keep(x, dropout_param):
        p, mode = dropout_param["p"], dropout_param["mode"]
        mask = None
        out = x.copy()
        if mode == "train":
            keep = max(p, 1e-12)
            mask = (draw(x, dropout_param) < p).astype(x.dtype) / keep
            out *= mask
        return out, (dropout_param, mask)

    return dropout_forward_keep, dropout_backward


@buggy(
    "dropout",
    "both",
    "keep-drop-swapped",
    "Drops with p and divides by p; with p = 0.5 the two are the same.",
)
def dropout_divides_by_p():
    def dropout_forward_p(x, dropout_param):
        p, mode = dropout_param["p"], dropout_param["mode"]
        if mode == "test":
            return x, (dropout_param, None)
        mask = (draw(x, dropout_param) >= p).astype(x.dtype) / (p if p > 0 else 1)
        return x * mask, (dropout_param, mask)

    return dropout_forward_p, dropout_backward


@buggy("dropout", "backward", "mask-not-used-in-backward", "Scales dout and lets all of it through.")
def dropout_backward_without_mask():
    def dropout_backward_scale(dout, cache):
        dropout_param, mask = cache
        if dropout_param["mode"] == "train":
            return dout / (1 - dropout_param["p"])
        return dout

    return dropout_forward, dropout_backward_scale


@buggy(
    "dropout", "backward", "mask-redrawn", "Draws a new mask for the backward pass, of the same distribution."
)
def dropout_draws_again():
    def dropout_backward_redraw(dout, cache):
        dropout_param, _ = cache
        if dropout_param["mode"] == "test":
            return dout
        p = dropout_param["p"]
        mask = (np.random.rand(*dout.shape) >= p).astype(dout.dtype) / (1 - p)
        return dout * mask

    return dropout_forward, dropout_backward_redraw


@buggy("dropout", "backward", "scale-missing", "Caches the boolean mask and scales only in forward.")
def dropout_backward_unscaled():
    def dropout_forward_bool(x, dropout_param):
        p = dropout_param["p"]
        if dropout_param["mode"] == "test":
            return x, (dropout_param, None)
        mask = draw(x, dropout_param) >= p
        return x * mask / (1 - p), (dropout_param, mask)

    return dropout_forward_bool, dropout_backward


@buggy(
    "dropout",
    "backward",
    "scaled-twice",
    "Remembers the factor 1 / (1 - p), and that it is in the mask already not.",
)
def dropout_backward_scales_twice():
    def dropout_backward_twice(dout, cache):
        dropout_param, mask = cache
        if mask is None:
            return dout
        return dout * mask / (1.0 - dropout_param["p"])

    return dropout_forward, dropout_backward_twice


@buggy(
    "dropout",
    "forward",
    "global-random-touched",
    "Seeds with a constant of its own 'to be reproducible': every call drops the same units.",
)
def dropout_seeds_itself():
    def dropout_forward_seeded(x, dropout_param):
        p = dropout_param["p"]
        np.random.seed(dropout_param.get("seed", 231))
        if dropout_param["mode"] == "test":
            return x, (dropout_param, None)
        mask = (np.random.rand(*x.shape) >= p).astype(x.dtype) / (1 - p)
        return x * mask, (dropout_param, mask)

    return dropout_forward_seeded, dropout_backward
