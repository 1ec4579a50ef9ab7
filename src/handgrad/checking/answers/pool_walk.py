"""A pooling whose every step can be made wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..cases import Args

Weigh = Callable[..., np.ndarray] | None


class Way:
    """How a pooling walks over its image; every option is one mistake."""

    def __init__(
        self,
        args: Args,
        *,
        step: str = "stride",
        shift: tuple[int, int] = (0, 0),
        left_out: tuple[int, int] = (0, 0),
        grow: tuple[int, int] = (0, 0),
        swap: bool = False,
        stops_early: bool = False,
    ) -> None:
        param = args["pool_param"]
        self.x = args["x"]
        self.window = (param["pool_height"], param["pool_width"])
        self.area = self.window[0] * self.window[1]
        stride = param["stride"]
        h, w = self.x.shape[2:]
        self.sides = ((h - self.window[0]) // stride + 1, (w - self.window[1]) // stride + 1)
        if swap:
            self.window = self.window[::-1]
        self.steps = {
            "stride": (stride, stride),
            "one": (1, 1),
            "row one": (1, stride),
            "column one": (stride, 1),
            "window": self.window,
            "height": (self.window[0], self.window[0]),
            "width": (self.window[1], self.window[1]),
        }[step]
        self.shift, self.left_out, self.stops_early = shift, left_out, stops_early
        self.size = (self.window[0] + grow[0], self.window[1] + grow[1])

    def windows(self) -> Iterator[tuple[int, int, slice, slice]]:
        """Yield output row and column with the rows and columns of the image."""
        for i in range(self.sides[0] - self.left_out[0]):
            for j in range(self.sides[1] - self.left_out[1]):
                top, left = i * self.steps[0] + self.shift[0], j * self.steps[1] + self.shift[1]
                last = [side - window for side, window in zip(self.x.shape[2:], self.window, strict=True)]
                if self.stops_early and (top >= last[0] or left >= last[1]):
                    continue
                if top < 0 or left < 0:
                    continue
                yield i, j, slice(top, top + self.size[0]), slice(left, left + self.size[1])

    def forward(self, reduce: Callable[..., np.ndarray]) -> np.ndarray:
        """Reduce each window to a number."""
        out = np.zeros((*self.x.shape[:2], *self.sides))
        for i, j, rows, columns in self.windows():
            window = self.x[:, :, rows, columns]
            if not window.size:
                raise ValueError("a window outside of the image")
            out[:, :, i, j] = reduce(window, axis=(2, 3))
        return out

    def backward(self, dout: np.ndarray, weigh: Weigh, assign: bool = False) -> np.ndarray:
        """Give each window `weigh(window)` times its number of dout; without it, a share of its area."""
        dx = np.zeros(self.x.shape)
        for i, j, rows, columns in self.windows():
            window = self.x[:, :, rows, columns]
            weight = np.full(window.shape, 1 / self.area) if weigh is None else weigh(window)
            share = weight * dout[:, :, i, j, None, None]
            place = dx[:, :, rows, columns]
            place[...] = share if assign else place + share
        return dx
