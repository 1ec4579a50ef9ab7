"""Mistakes of activations that know channels: a slope for each, the largest of a group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..cases import Args
from .mutation import Mutation
from .pool import SHARED


def _prelu_shape(a: Args) -> np.ndarray:
    return a["alpha"].reshape(-1, *(1 for _ in a["x"].shape[2:]))


def _dalpha(weight: Callable[[np.ndarray], np.ndarray]) -> Any:
    def compute(a: Args, d: np.ndarray) -> np.ndarray:
        axes = tuple(k for k in range(d.ndim) if k != 1)
        return np.sum(d * weight(a["x"]), axis=axes)

    return compute


def _prelu_dx(slope: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Any:
    return lambda a, d: d * slope(a["x"], _prelu_shape(a))


PRELU = [
    Mutation("slope-missing", "out", lambda a, _: np.maximum(a["x"], 0), "negative inputs give 0"),
    Mutation(
        "slope-missing",
        "out",
        lambda a, _: np.where(a["x"] > 0, a["x"], a["alpha"][0] * a["x"]),
        "every channel uses the slope of the first",
    ),
    Mutation(
        "mask-inverted",
        "out",
        lambda a, _: np.where(a["x"] > 0, _prelu_shape(a) * a["x"], a["x"]),
        "positive inputs are scaled, negative pass",
    ),
    Mutation("slope-missing", "dx", _prelu_dx(lambda x, k: (x > 0) * 1.0), "dout stops where x < 0"),
    Mutation("mask-missing", "dx", lambda a, d: d, "dx = dout"),
    Mutation(
        "mask-inverted", "dx", _prelu_dx(lambda x, k: np.where(x > 0, k, 1.0)), "the slopes are exchanged"
    ),
    Mutation("derivative-wrong", "dalpha", _dalpha(lambda x: (x <= 0) * 1.0), "dalpha lacks the factor x"),
    Mutation("mask-inverted", "dalpha", _dalpha(lambda x: x * (x > 0)), "dalpha gathers where x > 0"),
    Mutation("mask-missing", "dalpha", _dalpha(lambda x: x), "dalpha gathers everywhere"),
    Mutation("sign", "dalpha", _dalpha(lambda x: -x * (x <= 0)), "dalpha has the wrong sign"),
    Mutation(
        "bias-wrong-axes",
        "dalpha",
        lambda a, d: np.sum(d * a["x"] * (a["x"] <= 0)),
        "dalpha is summed over channels",
    ),
    Mutation(
        "bias-wrong-axes",
        "dalpha",
        lambda a, d: np.sum(d * a["x"] * (a["x"] <= 0), axis=0),
        "dalpha is summed over samples only",
    ),
    Mutation(
        "bias-wrong-axes",
        "dalpha",
        lambda a, d: np.full(a["alpha"].shape, np.sum(d * a["x"] * (a["x"] <= 0))),
        "each channel gets the sum over all",
    ),
    Mutation(
        "mask-of-dout",
        "dx",
        lambda a, d: np.where(d > 0, d, _prelu_shape(a) * d),
        "the slope is chosen by dout",
    ),
]


def _groups(a: Args) -> np.ndarray:
    x, pieces = a["x"], a["pieces"]
    return x.reshape(len(x), x.shape[1] // pieces, pieces, *x.shape[2:])


def _interleaved(a: Args) -> np.ndarray:
    x, pieces = a["x"], a["pieces"]
    return x.reshape(len(x), pieces, x.shape[1] // pieces, *x.shape[2:])


def _all_credited(share: bool) -> Any:
    def compute(a: Args, d: np.ndarray) -> np.ndarray:
        groups = _groups(a)
        mask = (groups == groups.max(axis=2, keepdims=True)) * 1.0
        if share:
            mask /= mask.sum(axis=2, keepdims=True)
        return (mask * d[:, :, None]).reshape(a["x"].shape)

    return compute


def _last_credited(a: Args, d: np.ndarray) -> np.ndarray:
    groups = _groups(a)
    last = a["pieces"] - 1 - np.argmax(groups[:, :, ::-1], axis=2)
    spread = np.zeros(groups.shape)
    np.put_along_axis(spread, last[:, :, None], d[:, :, None], axis=2)
    return spread.reshape(a["x"].shape)


def _everywhere(a: Args, d: np.ndarray) -> np.ndarray:
    return np.repeat(d, a["pieces"], axis=1)


_LAST = "where channels are equal the last takes the gradient, not the first"
MAXOUT = [
    Mutation(
        "channels-mixed", "out", lambda a, _: _interleaved(a).max(axis=1), "distant channels are grouped"
    ),
    Mutation("forward-wrong", "out", lambda a, _: _groups(a).min(axis=2), "the smallest is kept"),
    Mutation("average-not-divided", "out", lambda a, _: _groups(a).sum(axis=2), "groups are added up"),
    Mutation("ties-all-credited", "dx", _all_credited(False), "each of the equal maxima gets all"),
    Mutation("ties-all-credited", "dx", _all_credited(True), SHARED, "choice"),
    Mutation("argmax-last", "dx", _last_credited, _LAST, "choice"),
    Mutation("mask-missing", "dx", _everywhere, "every channel of a group gets the gradient"),
]
