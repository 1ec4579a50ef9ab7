"""Single layers at one size, as text: "conv 32 64 16" is the layer, batch, channels and side of the image."""

from __future__ import annotations

import numpy as np

LAYERS = ("conv", "block", "bn", "pool", "relu", "affine")


def arrays(case: str) -> tuple[str, dict[str, np.ndarray]]:
    """Return the layer's name and its arrays: x, w, b or gamma, beta, and dout of the result's shape."""
    layer, *sizes = case.split()
    n, c, side = map(int, sizes)
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    made = {"x": normal(n, c, side, side), "dout": normal(n, c, side, side)}
    if layer in ("conv", "block"):
        filters = 64 if c == 3 else c
        made |= {"w": normal(filters, c, 3, 3) * np.float32(0.05), "b": normal(filters)}
        made["dout"] = normal(n, filters, *(2 * [side if layer == "conv" else side // 2]))
    if layer == "bn":
        made |= {"gamma": normal(c), "beta": normal(c)}
    if layer == "pool":
        made["dout"] = normal(n, c, side // 2, side // 2)
    if layer == "affine":
        made = {"x": normal(n, c * side), "w": normal(c * side, c), "b": normal(c), "dout": normal(n, c)}
    return layer, made
