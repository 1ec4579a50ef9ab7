"""Wrong layers for the doctor's own tests, each a right one with one line changed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

SAMPLES = Path(__file__).parent / "samples"
_spec = importlib.util.spec_from_file_location("course_layers", SAMPLES / "course_layers.py")
course = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(course)


def batchnorm_backward_of_terms(direct=1.0, mean=1.0, variance=1.0):
    """Return a backward that weighs the three paths from x to out."""

    def batchnorm_backward(dout, cache):
        _x, xhat, _mu, var, gamma, eps = cache
        g, std = dout * gamma, np.sqrt(var + eps)
        dx = direct * g - mean * g.mean(axis=0) - variance * xhat * (g * xhat).mean(axis=0)
        return dx / std, (dout * xhat).sum(axis=0), dout.sum(axis=0)

    return batchnorm_backward


def conv_backward_cropped(top, left):
    """Return a backward that cuts its dx out of the padded gradient at (top * pad, left * pad)."""

    def conv_backward(dout, cache):
        x, w, b, conv_param = cache
        pad = conv_param["pad"]
        wide = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        full, dw, db = course.conv_backward_naive(dout, (wide, w, b, {**conv_param, "pad": 0}))
        H, W = x.shape[2:]
        return full[:, :, top * pad : top * pad + H, left * pad : left * pad + W], dw, db

    return conv_backward
