"""The nets that contestants train: their layers, first weights and data, from a seed, in NumPy alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# So slow that the nets do not learn their one batch by heart: gradients would become denormal numbers, which
# are slow.
REG, LEARNING_RATE = 1e-4, 1e-7

# name: (batch, layers); a layer is its name and its number of filters or units.
CONV_BN_RELU = [("bn", 0), ("relu", 0)]
NETS: dict[str, tuple[int, list[tuple[str, int]]]] = {
    "A": (50, [("conv7", 32), ("relu", 0), ("pool", 0), ("affine", 500), ("relu", 0), ("affine", 10)]),
    "B": (500, [("conv3", 64), ("relu", 0), ("pool", 0), ("affine", 500), ("relu", 0), ("affine", 10)]),
    "C": (
        512,
        [("conv3", 70), *CONV_BN_RELU, ("pool", 0), ("affine", 500), *CONV_BN_RELU, ("affine", 10)],
    ),
    "D": (
        128,
        [
            *[
                layer
                for filters in (64, 128, 256)
                for layer in [*2 * [("conv3", filters), *CONV_BN_RELU], ("pool", 0)]
            ],
            ("affine", 10),
        ],
    ),
}


def batch(net: str) -> tuple[np.ndarray, np.ndarray]:
    """Return X (N, 3, 32, 32) and y (N,)."""
    rng = np.random.default_rng(0)
    size = NETS[net][0]
    return rng.standard_normal((size, 3, 32, 32), dtype=np.float32), rng.integers(0, 10, size)


def weights(net: str) -> list[dict[str, np.ndarray]]:
    """Return the first weights, layer by layer: conv W (F, C, S, S), affine W (D, M), b; bn gamma, beta."""
    rng = np.random.default_rng(1)
    channels, side, made = 3, 32, []
    for kind, units in NETS[net][1]:
        params: dict[str, np.ndarray] = {}
        if kind.startswith("conv"):
            size = int(kind[4:])
            params = _weights(rng, (units, channels, size, size), channels * size * size)
            channels = units
        elif kind == "affine":
            inputs = channels * side * side
            params = _weights(rng, (inputs, units), inputs)
            channels, side = units, 1
        elif kind == "bn":
            params = {"gamma": np.ones(channels, np.float32), "beta": np.zeros(channels, np.float32)}
        elif kind == "pool":
            side //= 2
        made.append(params)
    return made


def _weights(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> dict[str, np.ndarray]:
    units = shape[1] if len(shape) == 2 else shape[0]
    scale = np.float32(math.sqrt(2 / fan_in))
    return {"W": rng.standard_normal(shape, dtype=np.float32) * scale, "b": np.zeros(units, np.float32)}


def image_layers(net: str) -> dict[tuple[int, int, int, int], list[str]]:
    """Return the kinds of layers beside convolutions that images pass, by the images' shape (N, C, H, W)."""
    size, layers = NETS[net]
    channels, side, found = 3, 32, {}
    for kind, units in layers:
        if kind == "affine":
            break
        if kind.startswith("conv"):
            channels = units
            continue
        kinds = found.setdefault((size, channels, side, side), [])
        if kind not in kinds:
            kinds.append(kind)
        if kind == "pool":
            side //= 2
    return found


def notation(net: str) -> str:
    """Return the net as one line of text."""
    return " - ".join(
        f"{kind}-{units}" if kind[:4] == "conv" else f"{kind}{units or ''}" for kind, units in NETS[net][1]
    )


def gflop(net: str) -> float:
    """Return the multiplications and additions of a step in 1e9, counted as direct convolutions."""
    size, layers = NETS[net]
    channels, side, total, first = 3, 32, 0.0, True
    for kind, units in layers:
        if kind == "pool":
            side //= 2
        if kind.startswith("conv"):
            products: Any = units * channels * int(kind[4:]) ** 2 * side * side
            channels = units
        elif kind == "affine":
            products = channels * side * side * units
            channels, side = units, 1
        else:
            continue
        total += 2 * size * products * (2 if first else 3)
        first = False
    return total / 1e9
