"""Mistakes of folding: images to rows of channels, channels to groups."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cases import Args
from .mutation import Mutation
from .norm import Norm
from .norm_forward import running


def _rows(x: np.ndarray, move: bool) -> np.ndarray:
    return (x.transpose(0, 2, 3, 1) if move else x).reshape(-1, x.shape[1])


def _image(rows: np.ndarray, shape: tuple[int, ...], move: bool) -> np.ndarray:
    n, c, h, w = shape
    return rows.reshape(n, h, w, c).transpose(0, 3, 1, 2) if move else rows.reshape(shape)


_MOVES = (
    (False, False, "the channels are not moved last before folding"),
    (True, False, "the channels are not moved back after folding"),
    (False, True, "the channels are moved back, and were never moved last"),
)


def reshape_mutations() -> list[Mutation]:
    """Return the mistakes of folding images to rows of channels, in spatial batch norm."""

    def out(first: bool, last: bool) -> Any:
        def compute(a: Args, _: Any) -> np.ndarray:
            rows = Norm("batchnorm", a | {"x": _rows(a["x"], first)}).forward()
            return _image(rows, a["x"].shape, last)

        return compute

    def dx(x_moved: bool, first: bool, last: bool) -> Any:
        def compute(a: Args, d: np.ndarray) -> np.ndarray:
            norm = Norm("batchnorm", a | {"x": _rows(a["x"], x_moved)})
            return _image(sum(norm.terms(_rows(d, first)).values()), d.shape, last)  # type: ignore[arg-type]

        return compute

    def dgamma(x_moved: bool, first: bool) -> Any:
        def compute(a: Args, d: np.ndarray) -> np.ndarray:
            return np.sum(
                _rows(d, first) * Norm("batchnorm", a | {"x": _rows(a["x"], x_moved)}).x_hat, axis=0
            )

        return compute

    found = [Mutation("reshape-order", "out", out(f, l), words) for f, l, words in _MOVES]
    for x_moved in (True, False):
        found += [Mutation("reshape-order", "dx", dx(x_moved, f, l), words) for f, l, words in _MOVES]
        found.append(
            Mutation(
                "reshape-order",
                "dgamma",
                dgamma(x_moved, False),
                "dout is folded without moving its channels",
            )
        )
    found.append(
        Mutation("reshape-order", "dgamma", dgamma(False, True), "x is folded without moving its channels")
    )
    found.append(
        Mutation(
            "reshape-order",
            "dbeta",
            lambda a, d: _rows(d, False).sum(axis=0),
            "dout is folded without moving its channels",
        )
    )
    for key in ("running_mean", "running_var"):
        found.append(
            Mutation(
                "reshape-order",
                key,
                lambda a, _, k=key: running(
                    "batchnorm",
                    a | {"x": _rows(a["x"], False)},
                    lambda old, new, m, n: m * old + (1 - m) * new,
                )[k],
                "the channels are not moved last before folding",
            )
        )
    return found


def group_mutations() -> list[Mutation]:
    """Return groups of distant channels, as x.reshape(N, C // G, G, H, W) makes them."""

    def apart(a: Args) -> np.ndarray:
        c, groups = a["x"].shape[1], a["G"]
        return np.arange(c).reshape(c // groups, groups).T.ravel()  # where each neighbour comes from

    def norm(a: Args) -> Norm:
        order = apart(a)
        scale = {k: a[k].reshape(-1)[order].reshape(a[k].shape) for k in ("gamma", "beta")}
        return Norm("spatial_groupnorm", a | {"x": a["x"][:, order]} | scale)

    def back(a: Args, values: np.ndarray) -> np.ndarray:
        return values[:, np.argsort(apart(a))]

    def dx(a: Args, d: np.ndarray) -> np.ndarray:
        return back(a, sum(norm(a).terms(d[:, apart(a)]).values()))  # type: ignore[arg-type]

    def dgamma(a: Args, d: np.ndarray) -> np.ndarray:
        x_hat = back(a, norm(a).x_hat.reshape(d.shape))
        return np.sum(d * x_hat, axis=(0, 2, 3)).reshape(a["gamma"].shape)

    def of_size(a: Args) -> Norm:
        return Norm("spatial_groupnorm", a | {"G": a["x"].shape[1] // a["G"]})

    def dgamma_of_size(a: Args, d: np.ndarray) -> np.ndarray:
        return np.sum(d * of_size(a).x_hat.reshape(d.shape), axis=(0, 2, 3)).reshape(a["gamma"].shape)

    def dx_of_size(a: Args, d: np.ndarray) -> np.ndarray:
        return sum(of_size(a).terms(d).values())  # type: ignore[return-value]

    words = "distant channels share a group: the axis was split as (C / G, G)"
    size = "G is taken for the channels of a group, not for the number of groups"
    return [
        Mutation("channels-mixed", "out", lambda a, _: of_size(a).forward(), size),
        Mutation("channels-mixed", "dx", dx_of_size, size),
        Mutation("channels-mixed", "dgamma", dgamma_of_size, size),
        Mutation("channels-mixed", "out", lambda a, _: back(a, norm(a).forward()), words),
        Mutation("channels-mixed", "dx", dx, words),
        Mutation("channels-mixed", "dgamma", dgamma, words),
    ]
