"""A convolution whose every step can be made wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..cases import Args


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
        stops_early: bool = False,
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
        self.stops_early = stops_early

    def windows(self) -> Iterator[tuple[int, int, slice, slice]]:
        """Yield output row and column with the rows and columns of the padded image."""
        last = [side - window for side, window in zip(self.padded.shape[2:], self.window, strict=True)]
        for i in range(self.sides[0] - self.left_out[0]):
            for j in range(self.sides[1] - self.left_out[1]):
                top, left = i * self.steps[0] + self.shift[0], j * self.steps[1] + self.shift[1]
                if self.stops_early and (top >= last[0] or left >= last[1]):
                    continue
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

    def dpadded_by_position(self, dout: np.ndarray) -> np.ndarray:
        """Spread dout one filter position at a time, each replacing what the one before wrote."""
        dpadded = np.zeros(self.padded.shape)
        h, w = (side * step for side, step in zip(self.sides, self.steps, strict=True))
        for p in range(self.window[0]):
            for q in range(self.window[1]):
                share = np.einsum("nfij,fc->ncij", dout, self.w[:, :, p, q])
                dpadded[:, :, p : p + h : self.steps[0], q : q + w : self.steps[1]] = share
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


WALKS: tuple[tuple[str, dict[str, Any], str], ...] = (
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
    ("wrong-window", {"stops_early": True}, "windows that end at the last row or column are left out"),
    ("wrong-window", {"left_out": (1, 0)}, "the last row of windows is left out"),
    ("wrong-window", {"left_out": (0, 1)}, "the last column of windows is left out"),
    ("pad-cropped-wrong-side", {"corner": "top left"}, "all the padding is put below and to the right"),
    ("pad-cropped-wrong-side", {"corner": "bottom right"}, "all the padding is put above and to the left"),
    ("pad-cropped-wrong-side", {"corner": "top"}, "all the padding of rows is put below"),
    ("pad-cropped-wrong-side", {"corner": "left"}, "all the padding of columns is put to the right"),
)
