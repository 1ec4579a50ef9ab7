"""Two drawn pictures, to look at what filters do where no photograph is at hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Distances (H, W) from the edge of a figure, in widths of the picture: below 0 inside.
Distance = np.ndarray
Place = Callable[[float, float], tuple[np.ndarray, np.ndarray]]


def cat(side: int = 200) -> np.ndarray:
    """Return the face of a cat, uint8 (3, side, side)."""
    canvas = _Canvas(side, (0.66, 0.80, 0.72))
    canvas.stripes((0.60, 0.74, 0.66), 0.05)
    fur, dark, pink = (0.86, 0.55, 0.25), (0.55, 0.30, 0.12), (0.93, 0.62, 0.62)
    for x in (-1, 1):
        ear = canvas.triangle(0.5 + 0.34 * x, 0.14, 0.5 + 0.06 * x, 0.36, 0.5 + 0.345 * x, 0.5)
        canvas.fill(ear, fur)
        canvas.fill(ear + 0.035, pink)
    face = canvas.ellipse(0.5, 0.57, 0.37, 0.32)
    canvas.fill(face, fur)
    for at, y, turn in ((0.5, 0.3, 0.0), (0.42, 0.31, 0.12), (0.58, 0.31, -0.12)):
        canvas.fill(np.maximum(canvas.bar(at, y, 0.014, 0.06, turn), face), dark)
    for x in (-1, 1):
        canvas.fill(canvas.ellipse(0.5 + 0.15 * x, 0.52, 0.075, 0.06), (0.80, 0.86, 0.35))
        canvas.fill(canvas.ellipse(0.5 + 0.15 * x, 0.52, 0.022, 0.055), (0.06, 0.06, 0.08))
        canvas.fill(canvas.ellipse(0.5 + 0.07 * x, 0.70, 0.095, 0.07), (0.97, 0.91, 0.84))
        for tilt in (-0.16, 0.0, 0.16):
            canvas.fill(
                canvas.bar(0.5 + 0.27 * x, 0.69 + 0.3 * tilt, 0.15, 0.004, tilt * x), (0.98, 0.97, 0.94)
            )
    canvas.fill(canvas.triangle(0.45, 0.62, 0.55, 0.62, 0.5, 0.68), pink)
    return canvas.pixels()


def boat(side: int = 200) -> np.ndarray:
    """Return a sailing boat before the evening sun, uint8 (3, side, side)."""
    canvas = _Canvas(side, (0.98, 0.78, 0.50))
    canvas.shade((0.35, 0.50, 0.80))
    canvas.fill(canvas.ellipse(0.74, 0.56, 0.13, 0.13), (0.98, 0.42, 0.25))
    canvas.fill(canvas.below(0.64), (0.13, 0.33, 0.52))
    for i, (x, y) in enumerate(((0.2, 0.72), (0.75, 0.7), (0.5, 0.93), (0.85, 0.86), (0.15, 0.88))):
        canvas.fill(canvas.bar(x, y, 0.06 + 0.01 * i, 0.006, 0.0), (0.45, 0.63, 0.78))
    hull = np.maximum(canvas.ellipse(0.44, 0.68, 0.28, 0.13), canvas.below(0.68))
    canvas.fill(hull, (0.45, 0.16, 0.12))
    canvas.fill(canvas.bar(0.44, 0.40, 0.009, 0.29, 0.0), (0.25, 0.15, 0.10))
    canvas.fill(canvas.triangle(0.46, 0.14, 0.46, 0.62, 0.72, 0.62), (0.97, 0.95, 0.90))
    canvas.fill(canvas.triangle(0.42, 0.20, 0.42, 0.62, 0.22, 0.62), (0.80, 0.20, 0.20))
    return canvas.pixels()


class _Canvas:
    """A square of one colour that figures are painted on, their edges as soft as a pixel."""

    def __init__(self, side: int, colour: tuple[float, float, float]) -> None:
        self._y, self._x = (np.mgrid[:side, :side] + 0.5) / side
        self._image = np.empty((3, side, side))
        self._image[:] = _column(colour)
        self._side = side

    def fill(self, distance: Distance, colour: tuple[float, float, float]) -> None:
        cover = np.clip(0.5 - distance * self._side, 0, 1)
        self._image += cover * (_column(colour) - self._image)

    def shade(self, top: tuple[float, float, float]) -> None:
        self._image += np.clip(1 - self._y / 0.7, 0, 1) * (_column(top) - self._image)

    def stripes(self, colour: tuple[float, float, float], width: float) -> None:
        self.fill(np.abs(self._x % (2 * width) - width) - width / 2, colour)

    def ellipse(self, x: float, y: float, a: float, b: float) -> Distance:
        u, v = (self._x - x) / a, (self._y - y) / b
        return (np.hypot(u, v) - 1) * min(a, b)

    def bar(self, x: float, y: float, half_width: float, half_height: float, turn: float) -> Distance:
        dx, dy = self._x - x, self._y - y
        u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        return np.maximum(np.abs(u) - half_width, np.abs(v) - half_height)

    def below(self, y: float) -> Distance:
        return y - self._y

    def triangle(self, ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> Distance:
        corners = [(ax, ay), (bx, by), (cx, cy)]
        turn = np.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
        edges = []
        for (px, py), (qx, qy) in zip(corners, corners[1:] + corners[:1], strict=True):
            ex, ey = qx - px, qy - py
            edges.append(turn * (ey * (self._x - px) - ex * (self._y - py)) / np.hypot(ex, ey))
        return np.maximum.reduce(edges)

    def pixels(self) -> np.ndarray:
        return np.floor(np.clip(self._image, 0, 1) * 255 + 0.5).astype(np.uint8)


def _column(colour: tuple[float, float, float]) -> np.ndarray:
    return np.array(colour).reshape(3, 1, 1)
