"""Mistakes of pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..cases import Args
from .mutation import Mutation
from .pool_walk import Way, Weigh


def _first(window: np.ndarray, order: str = "C", last: bool = False) -> np.ndarray:
    n, c, h, w = window.shape
    if order == "F":
        return _first(window.transpose(0, 1, 3, 2), last=last).transpose(0, 1, 3, 2)
    flat = window.reshape(n, c, h * w)
    at = h * w - 1 - np.argmax(flat[..., ::-1], axis=2) if last else np.argmax(flat, axis=2)
    return (np.arange(h * w) == at[..., None]).reshape(window.shape) * 1.0


def _exchanged(a: Args, dout: np.ndarray) -> np.ndarray:
    """Split the flat index of the maximum by the window's height, not its width."""
    way = Way(a)
    dx = np.zeros(way.x.shape)
    height = way.window[0]
    for i, j, rows, columns in way.windows():
        for n, c in np.ndindex(dx.shape[:2]):
            at = int(np.argmax(way.x[n, c, rows, columns]))
            row, column = rows.start + at // height, columns.start + at % height
            if row < dx.shape[2] and column < dx.shape[3]:
                dx[n, c, row, column] += dout[n, c, i, j]
    return dx


def _equal(window: np.ndarray) -> np.ndarray:
    return (window == window.max(axis=(2, 3), keepdims=True)) * 1.0


def _shared(window: np.ndarray) -> np.ndarray:
    mask = _equal(window)
    return mask / mask.sum(axis=(2, 3), keepdims=True)


def _of_farthest(window: np.ndarray) -> np.ndarray:
    return _first(np.abs(window))


def _farthest(window: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
    return (window * _of_farthest(window)).sum(axis=axis)


def _mean(window: np.ndarray) -> np.ndarray:
    return np.full(window.shape, 1.0 / max(1, window[0, 0].size))


_WALKS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("stride-missing", {"step": "one"}, "neither rows nor columns use the stride"),
    ("stride-missing", {"step": "row one"}, "the row index lacks the stride"),
    ("stride-missing", {"step": "column one"}, "the column index lacks the stride"),
    ("stride-missing", {"step": "window"}, "the window's size stands where the stride should"),
    ("stride-missing", {"step": "height"}, "pool_height stands where the stride should"),
    ("stride-missing", {"step": "width"}, "pool_width stands where the stride should"),
    ("swapped-height-width", {"swap": True}, "pool_height and pool_width are exchanged"),
    ("wrong-window", {"shift": (1, 1)}, "every window starts one row and one column late"),
    ("wrong-window", {"shift": (1, 0)}, "every window starts one row late"),
    ("wrong-window", {"shift": (0, 1)}, "every window starts one column late"),
    ("wrong-window", {"grow": (1, 1)}, "every window is one row and one column too large"),
    ("wrong-window", {"grow": (1, 0)}, "every window is one row too large"),
    ("wrong-window", {"grow": (0, 1)}, "every window is one column too large"),
    ("wrong-window", {"grow": (-1, -1)}, "every window is one row and one column too small"),
    ("wrong-window", {"grow": (-1, 0)}, "every window is one row too small"),
    ("wrong-window", {"grow": (0, -1)}, "every window is one column too small"),
    ("wrong-window", {"left_out": (1, 1)}, "the last row and the last column of windows are left out"),
    ("wrong-window", {"stops_early": True}, "windows that end at the last row or column are left out"),
    ("wrong-window", {"left_out": (1, 0)}, "the last row of windows is left out"),
    ("wrong-window", {"left_out": (0, 1)}, "the last column of windows is left out"),
)


def _walks(reduce: Callable[..., np.ndarray], weigh: Weigh) -> list[Mutation]:
    out = [Mutation(m, "out", lambda a, _, o=o: Way(a, **o).forward(reduce), words) for m, o, words in _WALKS]
    dx = [
        Mutation(m, "dx", lambda a, d, o=o: Way(a, **o).backward(d, weigh), words) for m, o, words in _WALKS
    ]
    return out + dx


def _dx(mistake: str, weigh: Callable[..., np.ndarray], words: str, severity: str = "wrong") -> Mutation:
    return Mutation(mistake, "dx", lambda a, d: Way(a).backward(d, weigh), words, severity)


def turned(dout: np.ndarray) -> np.ndarray:
    """Exchange rows and columns of a square dout."""
    if dout.shape[2] != dout.shape[3]:
        raise ValueError("only a square can be read so")
    return dout.swapaxes(2, 3)


def _one_channel(weigh: Callable[..., np.ndarray], which: int) -> Any:
    def compute(a: Args, d: np.ndarray) -> np.ndarray:
        dx = Way(a).backward(d, weigh)
        kept = np.zeros(dx.shape)
        kept[:, which] = dx[:, which]
        return kept

    return compute


def _over_channels(a: Args, _: Any) -> np.ndarray:
    out = Way(a).forward(np.max)
    return np.broadcast_to(out.max(axis=1, keepdims=True), out.shape)


SHARED = "where numbers are equal they share the gradient, where ours gives it to the first"
_MAX = [
    Mutation("wrong-window", "out", _over_channels, "the maximum is taken over channels as well"),
    Mutation("forward-wrong", "out", lambda a, _: Way(a).forward(np.min), "the smallest number is kept"),
    Mutation("forward-wrong", "out", lambda a, _: Way(a).forward(np.mean), "it is the mean, not the maximum"),
    Mutation(
        "forward-wrong",
        "out",
        lambda a, _: np.maximum(Way(a).forward(np.max), 0),
        "a maximum below zero becomes zero",
    ),
    Mutation(
        "forward-wrong",
        "out",
        lambda a, _: Way(a | {"x": np.abs(a["x"])}).forward(np.max),
        "the largest absolute value is kept",
    ),
    Mutation(
        "forward-wrong",
        "out",
        lambda a, _: Way(a).forward(_farthest),
        "the number with the largest absolute value is kept, with its sign",
    ),
    _dx("mask-inverted", _of_farthest, "the number with the largest absolute value gets the gradient"),
    _dx("ties-all-credited", _equal, "each of the equal maxima gets all of the gradient"),
    _dx("ties-all-credited", _shared, SHARED, "choice"),
    Mutation(
        "swapped-height-width",
        "dx",
        lambda a, d: Way(a).backward(turned(d), _first),
        "dout is read as [j, i]",
    ),
    _dx(
        "argmax-last",
        lambda w: _first(w, last=True),
        "where numbers are equal the last takes the gradient, not the first",
        "choice",
    ),
    _dx(
        "argmax-last",
        lambda w: _first(w, "F"),
        "where numbers are equal the first column by column takes the gradient",
        "choice",
    ),
    Mutation(
        "swapped-height-width", "dx", _exchanged, "the flat index of the maximum is split by the height"
    ),
    Mutation(
        "overwrite-overlap",
        "dx",
        lambda a, d: Way(a).backward(d, _first, assign=True),
        "each window replaces what was there",
    ),
    Mutation(
        "overwrite-overlap",
        "dx",
        lambda a, d: Way(a).backward(d, _equal, assign=True),
        "each window replaces what was there",
    ),
    Mutation(
        "overwrite-overlap",
        "dx",
        lambda a, d: _assigned_at_maximum(a, d),
        "a second window with the same maximum replaces the first one's gradient",
    ),
    _dx("mask-missing", lambda w: np.ones(w.shape), "every number of a window gets the gradient"),
    _dx("mask-missing", _mean, "every number of a window gets an equal share, as for a mean"),
    _dx("mask-inverted", lambda w: _first(-w), "the smallest number gets the gradient"),
    _dx(
        "mask-missing",
        lambda w: _first(w) * w.max(axis=(2, 3), keepdims=True),
        "dout is multiplied by the maximum",
    ),
    Mutation(
        "derivative-wrong", "dx", lambda a, d: Way(a).backward(np.ones(d.shape), _first), "dout is not used"
    ),
    Mutation("channels-mixed", "dx", _one_channel(_first, 0), "only the first channel is written"),
    Mutation("channels-mixed", "dx", _one_channel(_first, -1), "only the last channel is written"),
    *_walks(np.max, _first),
]


def _assigned_at_maximum(a: Args, d: np.ndarray) -> np.ndarray:
    way = Way(a)
    dx = np.zeros(way.x.shape)
    for i, j, rows, columns in way.windows():
        mask = _first(way.x[:, :, rows, columns]) > 0
        share = np.broadcast_to(d[:, :, i, j, None, None], mask.shape)
        place = dx[:, :, rows, columns]
        place[mask] = share[mask]
    return dx


_AVG = [
    Mutation(
        "swapped-height-width", "dx", lambda a, d: Way(a).backward(turned(d), None), "dout is read as [j, i]"
    ),
    Mutation(
        "average-not-divided",
        "out",
        lambda a, _: Way(a).forward(np.sum),
        "windows are added up, not averaged",
    ),
    Mutation("average-not-divided", "out", lambda a, _: _twice(a), "it is divided twice"),
    Mutation("forward-wrong", "out", lambda a, _: Way(a).forward(np.max), "it is the maximum, not the mean"),
    _dx("average-not-divided", lambda w: np.ones(w.shape), "each number gets the whole gradient"),
    _dx("average-not-divided", lambda w: _mean(w) / w[0, 0].size, "it is divided twice"),
    _dx(
        "average-not-divided", lambda w: np.full(w.shape, 1 / w.shape[2]), "it is divided by the height only"
    ),
    _dx("average-not-divided", lambda w: np.full(w.shape, 1 / w.shape[3]), "it is divided by the width only"),
    _dx(
        "average-not-divided",
        lambda w: np.full(w.shape, 1 / w.shape[2] ** 2),
        "it is divided by the height squared",
    ),
    Mutation(
        "overwrite-overlap",
        "dx",
        lambda a, d: Way(a).backward(d, _mean, assign=True),
        "each window replaces what was there",
    ),
    _dx("step-differs", _first, "the maximum gets all of the gradient, as in max-pooling"),
    Mutation("channels-mixed", "dx", _one_channel(_mean, 0), "only the first channel is written"),
    *_walks(np.mean, None),
]


def _twice(a: Args) -> np.ndarray:
    param = a["pool_param"]
    return Way(a).forward(np.mean) / (param["pool_height"] * param["pool_width"])


def _spread(d: np.ndarray, a: Args, count: float) -> np.ndarray:
    return np.broadcast_to(d[:, :, None, None] / count, a["x"].shape)


_GLOBAL = [
    Mutation("average-not-divided", "out", lambda a, _: a["x"].sum(axis=(2, 3)), "pixels are added up"),
    Mutation(
        "wrong-axes", "out", lambda a, _: a["x"].mean(axis=(0, 1)), "the mean is over samples and channels"
    ),
    Mutation("wrong-axes", "out", lambda a, _: a["x"].mean(axis=2), "the mean is over rows only"),
    Mutation("wrong-axes", "out", lambda a, _: a["x"].mean(axis=3), "the mean is over columns only"),
    Mutation(
        "average-not-divided", "dx", lambda a, d: _spread(d, a, 1.0), "each pixel gets the whole gradient"
    ),
    Mutation("average-not-divided", "dx", lambda a, d: _spread(d, a, a["x"].shape[2]), "divided by H only"),
    Mutation("average-not-divided", "dx", lambda a, d: _spread(d, a, a["x"].shape[3]), "divided by W only"),
    Mutation("average-not-divided", "dx", lambda a, d: _spread(d, a, a["x"].shape[2] ** 2), "divided by H^2"),
    Mutation("average-not-divided", "dx", lambda a, d: _spread(d, a, a["x"].shape[3] ** 2), "divided by W^2"),
    Mutation("average-not-divided", "dx", lambda a, d: _spread(d, a, a["x"][0].size), "divided by C H W"),
]

MUTATIONS = {"max_pool": _MAX, "avg_pool": _AVG, "global_avg_pool": _GLOBAL}
