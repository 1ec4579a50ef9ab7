"""Further calls for code that passed the first ones: settings and sizes drawn at random from small ranges.

A fast path that is chosen by a condition (window equal to stride, sizes that divide, no padding) may be
entered by none of the chosen cases.
"""

from __future__ import annotations

import numpy as np

from .cases import Case, case_of_conv, case_of_pool, shaped_case, with_zeros

COUNT = 24
_POOLS = ("max_pool", "avg_pool")
_ROWS = ("affine", "batchnorm", "layernorm")


def further_cases(layer: str, seed: int = 0) -> list[Case]:
    """Return further cases of a layer; none where its settings leave nothing to draw.

    Parameters
    ----------
    layer : str
    seed : int
    """
    rng = np.random.default_rng(100 + seed)
    if layer == "conv":
        return [with_zeros(_conv(rng)) if k % 2 else _conv(rng) for k in range(COUNT)]
    if layer in _POOLS:
        tiles = [_tiling(rng) for _ in range(COUNT // 3)]
        return tiles + [_pool(rng) for _ in range(COUNT - len(tiles))]
    if layer in _ROWS:
        made = [shaped_case(layer, _rows(rng), rng) for _ in range(COUNT // 3)]
        return [with_zeros(case) if k % 2 and layer == "affine" else case for k, case in enumerate(made)]
    return []


def _rows(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(3, 8)), int(rng.integers(1, 8))


def _conv(rng: np.random.Generator) -> Case:
    height, width, stride = (int(rng.integers(1, 4)) for _ in range(3))
    pad = int(rng.integers(0, 3))
    h, w = (int(rng.integers(max(k - 2 * pad, 1), 7)) for k in (height, width))
    n, c, f = (int(rng.integers(1, 4)) for _ in range(3))
    return case_of_conv(rng, (n, c, h, w), (f, c, height, width), stride, pad)


def _pool(rng: np.random.Generator) -> Case:
    height, width, stride = (int(rng.integers(1, 4)) for _ in range(3))
    h, w = int(rng.integers(height, 8)), int(rng.integers(width, 8))
    return case_of_pool(rng, (2, 2, h, w), height, width, stride)


def _tiling(rng: np.random.Generator) -> Case:
    """Draw a square window that divides the image, with any stride."""
    window = int(rng.integers(1, 4))
    h, w = (window * int(rng.integers(1, 4)) for _ in range(2))
    return case_of_pool(rng, (2, 2, h, w), window, window, int(rng.integers(1, 4)))
