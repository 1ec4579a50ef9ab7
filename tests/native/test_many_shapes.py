"""Ten thousand random shapes through the native kernels: no wrong number, no crash, no memory left behind."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
from tolerances import assert_close

import handgrad
from handgrad import backend, layers

EACH = 10_000 // 4


def whole(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


def image(rng: np.random.Generator, most: int) -> tuple[int, ...]:
    """Few large and many small sides; now and then no image at all."""
    return (
        whole(rng, 0 if rng.random() < 0.05 else 1, 4),
        whole(rng, 1, most),
        whole(rng, 1, 19),
        whole(rng, 1, 19),
    )


def conv(rng: np.random.Generator, dtype: type) -> tuple[Any, Any, list[Any], int]:
    n, c, h, w = image(rng, 40)
    pad = (whole(rng, 0, 3), whole(rng, 0, 3))
    window = (min(h + 2 * pad[0], whole(rng, 1, 5)), min(w + 2 * pad[1], whole(rng, 1, 5)))
    filters = rng.normal(size=(whole(rng, 1, 40), c, *window)).astype(dtype)
    x, b = rng.normal(size=(n, c, h, w)).astype(dtype), rng.normal(size=len(filters)).astype(dtype)
    settings = {"stride": (whole(rng, 1, 3), whole(rng, 1, 3)), "pad": pad}
    return (
        layers.conv_forward,
        layers.conv_backward,
        [x, filters, b, settings],
        c * window[0] * window[1] * n * h * w,
    )


def pool(rng: np.random.Generator, dtype: type) -> tuple[Any, Any, list[Any], int]:
    n, c, h, w = image(rng, 9)
    # Few values, so that many windows hold ties.
    x = rng.integers(-3, 4, size=(n, c, h, w)).astype(dtype)
    window = {"pool_height": whole(rng, 1, h), "pool_width": whole(rng, 1, w), "stride": whole(rng, 1, 4)}
    kind = ("max", "avg")[whole(rng, 0, 1)]
    return (
        getattr(layers, f"{kind}_pool_forward"),
        getattr(layers, f"{kind}_pool_backward"),
        [x, window],
        h * w,
    )


def norm(rng: np.random.Generator, dtype: type) -> tuple[Any, Any, list[Any], int]:
    n, c, h, w = image(rng, 24)
    h, w = max(3, h), max(3, w)  # two numbers of nearly one size lose their digits in every tier
    x = (rng.normal(size=(n, c, h, w)) * 3 + whole(rng, -20, 20)).astype(dtype)
    gamma, beta = rng.normal(size=c).astype(dtype), rng.normal(size=c).astype(dtype)
    if rng.random() < 0.5:
        mode = {"mode": "train" if n * h * w > 1 else "test"}
        args = [x, gamma, beta, mode]
        return layers.spatial_batchnorm_forward, layers.spatial_batchnorm_backward, args, n * h * w
    groups = int(rng.choice([g for g in range(1, c + 1) if c % g == 0]))
    shape = (1, c, 1, 1)
    args = [x, gamma.reshape(shape), beta.reshape(shape), groups, {}]
    return layers.spatial_groupnorm_forward, layers.spatial_groupnorm_backward, args, n * c * h * w


def block(rng: np.random.Generator, dtype: type) -> tuple[Any, Any, list[Any], int]:
    _, _, (x, w, b, settings), length = conv(rng, dtype)
    settings["stride"] = 1
    out = [x.shape[2 + a] + 2 * settings["pad"][a] - w.shape[2 + a] + 1 for a in (0, 1)]
    window = {"pool_height": min(2, out[0]), "pool_width": min(2, out[1]), "stride": 2}
    return layers.conv_relu_pool_forward, layers.conv_relu_pool_backward, [x, w, b, settings, window], length


def results(forward: Any, backward: Any, args: list[Any], tier: str) -> list[np.ndarray]:
    with handgrad.use_backend(tier):
        out, cache = forward(*[dict(arg) if isinstance(arg, dict) else arg for arg in args])
        dout = np.random.default_rng(1).normal(size=out.shape).astype(out.dtype)
        gradients = backward(dout, cache)
    return [out, *(gradients if isinstance(gradients, tuple) else (gradients,))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "sensitivity"),
    [(conv, 1), (pool, 1), (norm, 40), (block, 1)],  # means of norms are many times what is left without them
)
def test_ten_thousand_random_shapes(family, sensitivity):
    rng = np.random.default_rng(2026)
    before = backend.extension.memory_info()["in_use"]
    for number in range(EACH):
        dtype = (np.float32, np.float64)[whole(rng, 0, 1)]
        forward, backward, args, length = family(rng, dtype)
        native, numpy = (results(forward, backward, args, tier) for tier in ("native", "numpy"))
        for ours, right in zip(native, numpy, strict=True):
            assert_close(
                ours, right, length, sensitivity, f"{family.__name__} {number}, {[np.shape(a) for a in args]}"
            )
    del native, numpy, ours, right, args
    gc.collect()
    assert backend.extension.memory_info()["in_use"] == before
