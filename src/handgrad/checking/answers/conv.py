"""Mistakes of convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..cases import Args
from .mutation import Mutation
from .sums import bias_mutations


class Way:
    """How a convolution walks over its image; every option is one mistake.

    `step` are the strides used in the indices, `shift` moves every window, `left_out` drops the last
    windows, `corner` puts the image into the corner of the padded one, `flip` turns the filter.
    """

    def __init__(
        self,
        args: Args,
        *,
        step: tuple[bool, bool] = (True, True),
        shift: tuple[int, int] = (0, 0),
        left_out: tuple[int, int] = (0, 0),
        corner: str = "",
        flip: tuple[int, ...] = (),
        swap: str = "",
    ) -> None:
        x, w = args["x"], args["w"]
        stride, pad = args["conv_param"].get("stride", 1), args["conv_param"].get("pad", 0)
        self.pad = pad
        n, c, h, width = x.shape
        if "image" in swap:
            x = x.transpose(0, 1, 3, 2).reshape(x.shape) if h == width else _refuse()
        self.padded = np.zeros((n, c, h + 2 * pad, width + 2 * pad))
        top, left = (0 if side in corner else pad for side in ("top", "left"))
        top, left = (2 * pad if "bottom" in corner else top), (2 * pad if "right" in corner else left)
        self.padded[:, :, top : top + h, left : left + width] = x
        self.w = np.flip(w, flip) if flip else w
        if "filter" in swap:
            self.w = self.w.transpose(0, 1, 3, 2) if w.shape[2] == w.shape[3] else _refuse()
        if "channels" in swap:
            self.w = self.w.transpose(1, 0, 2, 3)
        if "fold" in swap:
            self.w = self.w.transpose(1, 2, 3, 0).reshape(w.shape)
        self.sides = ((h + 2 * pad - w.shape[2]) // stride + 1, (width + 2 * pad - w.shape[3]) // stride + 1)
        self.steps = tuple(stride if used else 1 for used in step)
        self.shift, self.left_out, self.window = shift, left_out, w.shape[2:]

    def windows(self) -> Iterator[tuple[int, int, slice, slice]]:
        """Yield output row and column with the rows and columns of the padded image."""
        for i in range(self.sides[0] - self.left_out[0]):
            for j in range(self.sides[1] - self.left_out[1]):
                top, left = i * self.steps[0] + self.shift[0], j * self.steps[1] + self.shift[1]
                if top < 0 or left < 0:
                    continue
                yield i, j, slice(top, top + self.window[0]), slice(left, left + self.window[1])

    def forward(self, bias: np.ndarray) -> np.ndarray:
        """Convolve."""
        out = np.zeros((len(self.padded), len(self.w), *self.sides))
        for i, j, rows, columns in self.windows():
            window = self.padded[:, :, rows, columns]
            w = self.w[:, :, : window.shape[2], : window.shape[3]]
            out[:, :, i, j] = np.einsum("ncpq,fcpq->nf", window, w) + bias
        return out

    def dpadded(self, dout: np.ndarray, *, assign: str = "") -> np.ndarray:
        """Spread dout over the padded image; with `assign`, a later window overwrites an earlier one."""
        dpadded = np.zeros(self.padded.shape)
        for i, j, rows, columns in self.windows():
            place = dpadded[:, :, rows, columns]
            w = self.w[:, :, : place.shape[2], : place.shape[3]]
            if assign == "last filter":
                share = np.einsum("n,cpq->ncpq", dout[:, -1, i, j], w[-1])
            else:
                share = np.einsum("nf,fcpq->ncpq", dout[:, :, i, j], w)
            if assign:
                place[...] = share
            else:
                place += share
        return dpadded

    def crop(self, dpadded: np.ndarray, top: int | None = None, left: int | None = None) -> np.ndarray:
        """Cut the image out of the padded one."""
        top, left = (self.pad if top is None else top), (self.pad if left is None else left)
        h, w = (side - 2 * self.pad for side in dpadded.shape[2:])
        return dpadded[:, :, top : top + h, left : left + w]

    def dw(self, dout: np.ndarray, *, assign: bool = False) -> np.ndarray:
        """Gather dout over the windows."""
        dw = np.zeros(self.w.shape)
        for i, j, rows, columns in self.windows():
            window = self.padded[:, :, rows, columns]
            place = dw[:, :, : window.shape[2], : window.shape[3]]
            share = np.einsum("nf,ncpq->fcpq", dout[:, :, i, j], window)
            place[...] = share if assign else place + share
        return dw


def _refuse() -> Any:
    raise ValueError("only a square can be transposed in place")


_WALKS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("stride-missing", {"step": (False, False)}, "neither rows nor columns use the stride"),
    ("stride-missing", {"step": (False, True)}, "the row index lacks the stride"),
    ("stride-missing", {"step": (True, False)}, "the column index lacks the stride"),
    ("kernel-flipped", {"flip": (2, 3)}, "filters are turned in both axes"),
    ("kernel-flipped", {"flip": (2,)}, "filters are turned upside down"),
    ("kernel-flipped", {"flip": (3,)}, "filters are turned left to right"),
    ("swapped-height-width", {"swap": "filter"}, "rows and columns of the filter are exchanged"),
    ("swapped-height-width", {"swap": "image"}, "rows and columns of the image are exchanged"),
    ("channels-mixed", {"swap": "channels"}, "channels and filters of w are exchanged"),
    ("channels-mixed", {"swap": "fold"}, "w is unfolded with filters running fastest"),
    ("wrong-window", {"shift": (1, 1)}, "every window starts one row and one column late"),
    ("wrong-window", {"shift": (1, 0)}, "every window starts one row late"),
    ("wrong-window", {"shift": (0, 1)}, "every window starts one column late"),
    ("wrong-window", {"shift": (-1, -1)}, "every window starts one row and one column early"),
    ("wrong-window", {"shift": (-1, 0)}, "every window starts one row early"),
    ("wrong-window", {"shift": (0, -1)}, "every window starts one column early"),
    ("wrong-window", {"left_out": (1, 1)}, "the last row and the last column of windows are left out"),
    ("wrong-window", {"left_out": (1, 0)}, "the last row of windows is left out"),
    ("wrong-window", {"left_out": (0, 1)}, "the last column of windows is left out"),
    ("wrong-window", {"corner": "top left"}, "all the padding is put below and to the right"),
    ("wrong-window", {"corner": "bottom right"}, "all the padding is put above and to the left"),
    ("wrong-window", {"corner": "top"}, "all the padding of rows is put below"),
    ("wrong-window", {"corner": "left"}, "all the padding of columns is put to the right"),
)


def forward_mutations() -> list[Mutation]:
    """Return the mistakes of conv_forward."""
    found = [
        Mutation(mistake, "out", lambda a, _, o=options: Way(a, **o).forward(a["b"]), words)
        for mistake, options, words in _WALKS
    ]

    def with_bias(bias: Any) -> Any:
        return lambda a, _: Way(a).forward(bias(a))

    found += [
        Mutation("bias-missing", "out", with_bias(lambda a: 0 * a["b"]), "out = the products alone"),
        Mutation("bias-wrong-axes", "out", with_bias(lambda a: a["x"].shape[1] * a["b"]),
                 "the bias is added once for each channel"),
        Mutation("bias-wrong-axes", "out", with_bias(lambda a: a["w"][0].size * a["b"]),
                 "the bias is added once for each number of the window"),
        Mutation("bias-wrong-axes", "out", with_bias(lambda a: a["w"][0, 0].size * a["b"]),
                 "the bias is added once for each position of the window"),
        Mutation("bias-wrong-axes", "out", with_bias(lambda a: a["b"][:1]), "every filter gets the first bias"),
        Mutation("bias-wrong-axes", "out", with_bias(lambda a: -a["b"]), "the bias is subtracted"),
        Mutation("channels-mixed", "out", _some_channels(slice(0, 1)), "only the first channel is used"),
        Mutation("channels-mixed", "out", _some_channels(slice(-1, None)), "only the last channel is used"),
        Mutation("channels-mixed", "out", _overwritten_channels, "only the last channel is used, and no bias"),
        Mutation("reshape-order", "out", _folded, "the matrix of products is folded in the wrong order"),
        Mutation("wrong-window", "out", _unpadded, "the image is not padded"),
    ]  # fmt: skip
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
    crops = ((zero, zero, "from the corner at the top left"), (double, double, "the corner at the bottom right"),
             (zero, whole, "rows from the top"), (whole, zero, "columns from the left"),
             (double, whole, "the last rows"), (whole, double, "the last columns"),
             (zero, double, "rows from the top, the last columns"))  # fmt: skip
    return [
        Mutation("pad-not-cropped", "dx", uncropped(True, True), "dx has the size of the padded image"),
        Mutation("pad-not-cropped", "dx", uncropped(True, False), "only the columns are cropped"),
        Mutation("pad-not-cropped", "dx", uncropped(False, True), "only the rows are cropped"),
        *(Mutation("pad-cropped-wrong-side", "dx", _dx_cropped(t, l), f"what is cut out: {w}") for t, l, w in crops),
        Mutation("overwrite-overlap", "dx", _dx_assigned("window"), "each window replaces what was there"),
        Mutation("overwrite-overlap", "dx", _dx_assigned("last filter"), "the last filter of each window stays"),
        Mutation("overwrite-overlap", "dx", lambda a, d: _only_filter(a, d, -1), "the last filter replaces the others"),
        *(Mutation(mistake, "dx", _dx(**options), words) for mistake, options, words in _WALKS
          if "corner" not in options),
        Mutation("channels-mixed", "dx", lambda a, d: _only_filter(a, d, 0), "only the first filter is used"),
        Mutation("channels-mixed", "dx", _dx_sum_of_channels, "every channel gets the sum over channels"),
        Mutation("channels-mixed", "dx", _dx_one_channel(0), "only the first channel is written"),
        Mutation("channels-mixed", "dx", _dx_one_channel(-1), "only the last channel is written"),
    ]  # fmt: skip


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

    walks = [w for w in _WALKS if not {"flip", "swap"} & set(w[1])]
    return [
        Mutation("overwrite-overlap", "dw", one_window, "the last window of the last sample stays"),
        Mutation("overwrite-overlap", "dw", one_sample, "the last sample replaces the others"),
        Mutation("overwrite-overlap", "dw", lambda a, d: Way(a).dw(d, assign=True), "the last window stays"),
        *(Mutation(mistake, "dw", _dw(**options), words) for mistake, options, words in walks),
        Mutation("kernel-flipped", "dw", flipped((2, 3)), "dw is turned in both axes"),
        Mutation("kernel-flipped", "dw", flipped((2,)), "dw is turned upside down"),
        Mutation("kernel-flipped", "dw", flipped((3,)), "dw is turned left to right"),
        Mutation("swapped-height-width", "dw", transposed, "rows and columns of dw are exchanged"),
        Mutation("channels-mixed", "dw", same_for_channels, "every channel gets the sum over channels"),
        Mutation("channels-mixed", "dw", first_channel_everywhere, "every channel gets that of the first"),
        Mutation("channels-mixed", "dw", same_for_filters, "every filter gets the sum over filters"),
        Mutation("wrong-window", "dw", lambda a, d: Way(a | {"conv_param": {**a["conv_param"], "pad": 0}}).dw(d),
                 "the windows are cut from the image without its padding"),
    ]  # fmt: skip


MUTATIONS = [*forward_mutations(), *backward_mutations()]
