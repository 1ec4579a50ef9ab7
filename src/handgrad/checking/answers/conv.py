"""Mistakes of convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cases import Args
from .conv_walk import WALKS, Way
from .mutation import Mutation
from .pool import turned
from .sums import bias_mutations


def forward_mutations() -> list[Mutation]:
    """Return the mistakes of conv_forward."""
    found = [
        Mutation(mistake, "out", lambda a, _, o=options: Way(a, **o).forward(a["b"]), words)
        for mistake, options, words in WALKS
    ]

    def with_bias(bias: Any) -> Any:
        return lambda a, _: Way(a).forward(bias(a))

    found += [
        Mutation("bias-missing", "out", with_bias(lambda a: 0 * a["b"]), "out = the products alone"),
        Mutation(
            "bias-wrong-axes",
            "out",
            with_bias(lambda a: a["x"].shape[1] * a["b"]),
            "the bias is added once for each channel",
        ),
        Mutation(
            "bias-wrong-axes",
            "out",
            with_bias(lambda a: a["w"][0].size * a["b"]),
            "the bias is added once for each number of the window",
        ),
        Mutation(
            "bias-wrong-axes",
            "out",
            with_bias(lambda a: a["w"][0, 0].size * a["b"]),
            "the bias is added once for each position of the window",
        ),
        Mutation(
            "bias-wrong-axes", "out", with_bias(lambda a: a["b"][:1]), "every filter gets the first bias"
        ),
        Mutation("bias-wrong-axes", "out", with_bias(lambda a: -a["b"]), "the bias is subtracted"),
        Mutation("channels-mixed", "out", _some_channels(slice(0, 1)), "only the first channel is used"),
        Mutation("channels-mixed", "out", _some_channels(slice(-1, None)), "only the last channel is used"),
        Mutation(
            "channels-mixed", "out", _overwritten_channels, "only the last channel is used, and no bias"
        ),
        Mutation("reshape-order", "out", _folded, "the matrix of products is folded in the wrong order"),
        Mutation("wrong-window", "out", _unpadded, "the image is not padded"),
    ]
    return found


def _some_channels(which: slice) -> Any:
    def compute(a: Args, _: Any) -> np.ndarray:
        return Way(a | {"x": a["x"][:, which], "w": a["w"][:, which]}).forward(a["b"])

    return compute


def _overwritten_channels(a: Args, _: Any) -> np.ndarray:
    return _some_channels(slice(-1, None))(a | {"b": 0 * a["b"]}, _)


def _folded(a: Args, _: Any) -> np.ndarray:
    out = Way(a).forward(a["b"])
    return out.transpose(1, 0, 2, 3).reshape(out.shape)


def _unpadded(a: Args, _: Any) -> np.ndarray:
    return Way(a | {"conv_param": {**a["conv_param"], "pad": 0}}).forward(a["b"])


def backward_mutations() -> list[Mutation]:
    """Return the mistakes of conv_backward."""
    return [*_dx_mutations(), *_dw_mutations(), *bias_mutations("db", "NCHW", axis=1)]


def _dx(**options: Any) -> Any:
    def compute(a: Args, dout: np.ndarray) -> np.ndarray:
        way = Way(a, **options)
        return way.crop(way.dpadded(dout))

    return compute


def _dx_cropped(top: Any, left: Any) -> Any:
    def compute(a: Args, dout: np.ndarray) -> np.ndarray:
        way = Way(a)
        return way.crop(way.dpadded(dout), top(way.pad), left(way.pad))

    return compute


def _dx_assigned(kind: str) -> Any:
    def compute(a: Args, dout: np.ndarray) -> np.ndarray:
        way = Way(a)
        return way.crop(way.dpadded(dout, assign=kind))

    return compute


def _dx_by_position(a: Args, dout: np.ndarray) -> np.ndarray:
    way = Way(a)
    return way.crop(way.dpadded_by_position(dout))


def _dx_mutations() -> list[Mutation]:
    def uncropped(rows: bool, columns: bool) -> Any:
        def compute(a: Args, dout: np.ndarray) -> np.ndarray:
            way = Way(a)
            full, pad = way.dpadded(dout), way.pad
            h, w = full.shape[2:]
            r = slice(0, h) if rows else slice(pad, h - pad)
            c = slice(0, w) if columns else slice(pad, w - pad)
            return full[:, :, r, c]

        return compute

    zero, whole, double = (lambda pad: 0), (lambda pad: pad), (lambda pad: 2 * pad)
    crops = (
        (zero, zero, "from the corner at the top left"),
        (double, double, "the corner at the bottom right"),
        (zero, whole, "rows from the top"),
        (whole, zero, "columns from the left"),
        (double, whole, "the last rows"),
        (whole, double, "the last columns"),
        (zero, double, "rows from the top, the last columns"),
    )
    return [
        Mutation("pad-not-cropped", "dx", uncropped(True, True), "dx has the size of the padded image"),
        Mutation("pad-not-cropped", "dx", uncropped(True, False), "only the columns are cropped"),
        Mutation("pad-not-cropped", "dx", uncropped(False, True), "only the rows are cropped"),
        *(
            Mutation("pad-cropped-wrong-side", "dx", _dx_cropped(t, l), f"what is cut out: {w}")
            for t, l, w in crops
        ),
        Mutation("overwrite-overlap", "dx", _dx_assigned("window"), "each window replaces what was there"),
        Mutation(
            "overwrite-overlap", "dx", _dx_by_position, "each position of the filter replaces what was there"
        ),
        Mutation(
            "overwrite-overlap", "dx", _dx_assigned("last filter"), "the last filter of each window stays"
        ),
        Mutation(
            "overwrite-overlap",
            "dx",
            lambda a, d: _only_filter(a, d, -1),
            "the last filter replaces the others",
        ),
        *(
            Mutation(mistake, "dx", _dx(**options), words)
            for mistake, options, words in WALKS
            if "corner" not in options and options.get("swap") != "image"
        ),
        Mutation("swapped-height-width", "dx", lambda a, d: _dx()(a, turned(d)), "dout is read as [j, i]"),
        Mutation("channels-mixed", "dx", lambda a, d: _only_filter(a, d, 0), "only the first filter is used"),
        Mutation("channels-mixed", "dx", _dx_sum_of_channels, "every channel gets the sum over channels"),
        Mutation("channels-mixed", "dx", _dx_one_channel(0), "only the first channel is written"),
        Mutation("channels-mixed", "dx", _dx_one_channel(-1), "only the last channel is written"),
    ]


def _only_filter(a: Args, dout: np.ndarray, which: int) -> np.ndarray:
    way = Way(a)
    kept = np.zeros(dout.shape)
    kept[:, which] = dout[:, which]
    return way.crop(way.dpadded(kept))


def _dx_sum_of_channels(a: Args, dout: np.ndarray) -> np.ndarray:
    true = _dx()(a, dout)
    return np.broadcast_to(true.sum(axis=1, keepdims=True), true.shape)


def _dx_one_channel(which: int) -> Any:
    def compute(a: Args, dout: np.ndarray) -> np.ndarray:
        true = _dx()(a, dout)
        kept = np.zeros(true.shape)
        kept[:, which] = true[:, which]
        return kept

    return compute


def _dw(**options: Any) -> Any:
    return lambda a, dout: Way(a, **options).dw(dout)


def _dw_mutations() -> list[Mutation]:
    def one_sample(a: Args, dout: np.ndarray) -> np.ndarray:
        return Way(a | {"x": a["x"][-1:]}).dw(dout[-1:])

    def one_window(a: Args, dout: np.ndarray) -> np.ndarray:
        return Way(a | {"x": a["x"][-1:]}).dw(dout[-1:], assign=True)

    def flipped(axes: tuple[int, ...]) -> Any:
        return lambda a, dout: np.flip(Way(a).dw(dout), axes)

    def transposed(a: Args, dout: np.ndarray) -> np.ndarray:
        return Way(a).dw(dout).transpose(0, 1, 3, 2)

    def same_for_channels(a: Args, dout: np.ndarray) -> np.ndarray:
        dw = Way(a).dw(dout)
        return np.broadcast_to(dw.sum(axis=1, keepdims=True), dw.shape)

    def first_channel_everywhere(a: Args, dout: np.ndarray) -> np.ndarray:
        dw = Way(a).dw(dout)
        return np.broadcast_to(dw[:, :1], dw.shape)

    def same_for_filters(a: Args, dout: np.ndarray) -> np.ndarray:
        dw = Way(a).dw(dout)
        return np.broadcast_to(dw.sum(axis=0, keepdims=True), dw.shape)

    walks = [w for w in WALKS if not {"flip", "swap"} & set(w[1])]
    return [
        Mutation("overwrite-overlap", "dw", one_window, "the last window of the last sample stays"),
        Mutation("overwrite-overlap", "dw", one_sample, "the last sample replaces the others"),
        Mutation("overwrite-overlap", "dw", lambda a, d: Way(a).dw(d, assign=True), "the last window stays"),
        *(Mutation(mistake, "dw", _dw(**options), words) for mistake, options, words in walks),
        Mutation("kernel-flipped", "dw", flipped((2, 3)), "dw is turned in both axes"),
        Mutation("kernel-flipped", "dw", flipped((2,)), "dw is turned upside down"),
        Mutation("kernel-flipped", "dw", flipped((3,)), "dw is turned left to right"),
        Mutation("swapped-height-width", "dw", lambda a, d: Way(a).dw(turned(d)), "dout is read as [j, i]"),
        Mutation("swapped-height-width", "dw", transposed, "rows and columns of dw are exchanged"),
        Mutation("channels-mixed", "dw", same_for_channels, "every channel gets the sum over channels"),
        Mutation("channels-mixed", "dw", first_channel_everywhere, "every channel gets that of the first"),
        Mutation("channels-mixed", "dw", same_for_filters, "every filter gets the sum over filters"),
        Mutation(
            "wrong-window",
            "dw",
            lambda a, d: Way(a | {"conv_param": {**a["conv_param"], "pad": 0}}).dw(d),
            "the windows are cut from the image without its padding",
        ),
    ]


MUTATIONS = [*forward_mutations(), *backward_mutations()]
