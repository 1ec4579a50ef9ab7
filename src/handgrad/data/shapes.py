"""Shapes: ten classes of drawn 32x32 colour images, made on the spot, so that a data set is always there.

Every image shows one figure at a random place, size, angle and stretch, in random colours, with stripes and
shading on figure and background, and noise. Where the figure is does not tell what it is, and no pixel does:
a linear classifier gets some 45 % right, the courses' ThreeLayerConvNet 85 % after five epochs of 10,000.

The pixels of a seed are the same on every machine. Per pixel only + - * / sqrt floor min max are used, which
IEEE 754 rounds in one way; sine and cosine are taken once an image, in float64, and of the generator only
uniform numbers are drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from handgrad._numbers import whole_number
from handgrad.data.dataset import Dataset, float_arrays

CLASS_NAMES = ("circle", "square", "triangle", "star", "cross", "ring", "frame", "crescent", "heart", "arrow")
SIZE = 32

# A block has its own generator and is always drawn whole: the first images of a part do not depend on
# how many follow, and the arrays of one block (1 MB each) stay in the cache.
_BLOCK = 250
_PARTS = {"train": 0, "val": 1, "test": 2}


def load_shapes(
    num_training: int = 10000, num_validation: int = 1000, num_test: int = 1000, seed: int = 0
) -> Dataset:
    """Draw the data set.

    Parameters
    ----------
    num_training, num_validation, num_test : int
        Images in each part. The parts are drawn from streams of their own: neither the number of images
        of another part nor of this one changes its first images.
    seed : int
        The same seed gives the same pixels, on every machine.

    Returns
    -------
    Dataset
        uint8 images (N, 3, 32, 32) and int64 labels (N,); classes are as frequent as each other.

    Examples
    --------
    >>> data = load_shapes(num_training=20, num_validation=10, num_test=10)
    >>> data.X_train.shape, data.X_train.dtype.name, data.class_names[0]
    ((20, 3, 32, 32), 'uint8', 'circle')
    """
    X_train, y_train = _part("train", whole_number("num_training", num_training), seed)
    X_val, y_val = _part("val", whole_number("num_validation", num_validation), seed)
    X_test, y_test = _part("test", whole_number("num_test", num_test), seed)
    return Dataset(
        "shapes", X_train, y_train, X_val, y_val, X_test, y_test, CLASS_NAMES, f"drawn from seed {seed}"
    )


def get_shapes_data(
    num_training: int = 10000,
    num_validation: int = 1000,
    num_test: int = 1000,
    subtract_mean: bool = True,
    seed: int = 0,
    dtype: np.typing.DTypeLike = np.float32,
) -> dict[str, np.ndarray]:
    """Return `load_shapes` as the six arrays of the courses, as `get_CIFAR10_data` does.

    Examples
    --------
    >>> data = get_shapes_data(num_training=30, num_validation=10, num_test=10)
    >>> sorted(data), data["X_train"].dtype.name
    (['X_test', 'X_train', 'X_val', 'y_test', 'y_train', 'y_val'], 'float32')
    """
    numbers = (num_training, num_validation, num_test)
    return float_arrays(load_shapes(*numbers, seed).split(*numbers), subtract_mean, dtype)


def _part(part: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    seed = whole_number("seed", seed)
    X = np.empty((count, 3, SIZE, SIZE), dtype=np.uint8)
    y = np.empty(count, dtype=np.int64)
    for block, start in enumerate(range(0, count, _BLOCK)):
        images, labels = _draw_block(np.random.default_rng([seed, _PARTS[part], block]))
        X[start : start + _BLOCK] = images[: count - start]
        y[start : start + _BLOCK] = labels[: count - start]
    return X, y


def _draw_block(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(_BLOCK) % len(CLASS_NAMES)
    labels = labels[np.argsort(rng.random(_BLOCK))]
    cover = _coverage(rng, labels)[:, None]
    background, figure = _colours(rng)
    background = background + _shading(rng, 0.2)
    figure = figure + _shading(rng, 0.2)
    image = background + cover * (figure - background) + _noise(rng)
    pixels = np.floor(np.clip(image, 0, 1) * np.float32(255) + np.float32(0.5))
    return pixels.astype(np.uint8), labels


def _uniform(rng: np.random.Generator, low: float, high: float, *shape: int) -> np.ndarray:
    return low + (high - low) * rng.random((_BLOCK, *shape))


def _per_image(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).reshape(_BLOCK, *values.shape[1:], 1, 1)


_ROW, _COLUMN = np.meshgrid(
    *[np.arange(SIZE, dtype=np.float32) - np.float32((SIZE - 1) / 2)] * 2, indexing="ij"
)


def _coverage(rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    """Part of each pixel (B, 32, 32) that the figure covers, from the signed distance of its centre."""
    radius = _uniform(rng, 8.5, 12.5)
    angle = _uniform(rng, -0.4, 0.4)
    stretch = np.sqrt(_uniform(rng, 0.8, 1.25))
    reach = 1.1 * (15.5 - radius)  # a little of the figure may be outside
    row = _ROW - _per_image(reach * _uniform(rng, -1, 1))
    column = _COLUMN - _per_image(reach * _uniform(rng, -1, 1))
    cos, sin = np.cos(angle) / radius, np.sin(angle) / radius
    u = _per_image(cos * stretch) * column + _per_image(sin * stretch) * row
    v = _per_image(cos / stretch) * row - _per_image(sin / stretch) * column
    distance = np.empty_like(u)
    for label, name in enumerate(CLASS_NAMES):
        chosen = labels == label
        distance[chosen] = _DISTANCES[name](u[chosen], v[chosen])
    return np.clip(np.float32(0.5) - distance * _per_image(radius), 0, 1)


def _colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Background and figure colours (B, 3, 1, 1): any hues, brightness at least 0.3 apart."""
    dark = _uniform(rng, 0.1, 0.45)
    bright = dark + _uniform(rng, 0.3, 0.45)
    figure_is_bright = rng.random(_BLOCK) < 0.95
    brightness = np.stack(
        [np.where(figure_is_bright, dark, bright), np.where(figure_is_bright, bright, dark)]
    )
    hue = _uniform(rng, -0.25, 0.25, 2, 3)
    hue -= (hue[..., :1] + hue[..., 1:2] + hue[..., 2:]) / 3
    return _per_image(brightness[0][:, None] + hue[:, 0]), _per_image(brightness[1][:, None] + hue[:, 1])


def _shading(rng: np.random.Generator, strength: float) -> np.ndarray:
    """Stripes and a slope (B, 1, 32, 32) in directions of their own."""
    stripes = np.abs(_phase(rng, 1 / 12, 1 / 3.5) % 1 - np.float32(0.5)) - np.float32(0.25)
    slope = _phase(rng, 1 / 48, 1 / 32) - np.float32(0.5)
    texture = _per_image(_uniform(rng, 0, 2 * strength)) * stripes
    return (texture + _per_image(_uniform(rng, 0, strength)) * slope)[:, None]


def _phase(rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    """A ramp (B, 32, 32) that rises by a random number of units per pixel, in a random direction."""
    frequency, angle = _uniform(rng, low, high), _uniform(rng, 0, 2 * np.pi)
    ramp = _per_image(frequency * np.cos(angle)) * _COLUMN + _per_image(frequency * np.sin(angle)) * _ROW
    return ramp + _per_image(_uniform(rng, 0, 1))


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Nearly Gaussian noise (B, 3, 32, 32): the sum of four random bytes, which is exact."""
    shape = (4, _BLOCK, 3, SIZE, SIZE)
    dice = np.frombuffer(rng.bytes(int(np.prod(shape))), dtype=np.uint8).reshape(shape)
    total = dice[0].astype(np.int16) + dice[1] + dice[2] + dice[3] - 510
    strength = _uniform(rng, 0.01, 0.07, 1) / 147.8  # the standard deviation of the sum
    return total * _per_image(strength)


# Signed distances in units of the figure's radius: below 0 inside. Exact near the outline, which is all that
# smooth edges need. The figures overlap much in area, which alone should not name the class.


def _disc(u: np.ndarray, v: np.ndarray, radius: float) -> np.ndarray:
    return np.sqrt(u * u + v * v) - np.float32(radius)


def _box(u: np.ndarray, v: np.ndarray, width: float, height: float) -> np.ndarray:
    return np.maximum(np.abs(u) - np.float32(width), np.abs(v) - np.float32(height))


def _half_planes(u: np.ndarray, v: np.ndarray, count: int, inner: float) -> list[np.ndarray]:
    """Distances to the lines that touch a circle of radius `inner` in `count` even directions."""
    angles = 2 * np.pi * np.arange(count) / count
    return [u * np.float32(np.cos(a)) + v * np.float32(np.sin(a)) - np.float32(inner) for a in angles]


def _circle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return _disc(u, v, 0.85)


def _square(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return _box(u, v, 0.76, 0.76)


def _triangle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    # Turned so that it stands on a side (v points down).
    return np.maximum.reduce(_half_planes(v, u, 3, 0.52))


def _star(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    # A pentagram is where at most one of its five lines has the point on the far side.
    return np.sort(np.stack(_half_planes(v, u, 5, 0.4)), axis=0)[-2]


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.minimum(_box(u, v, 1.0, 0.3), _box(u, v, 0.3, 1.0))


def _ring(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.abs(_disc(u, v, 0.8)) - np.float32(0.2)


def _frame(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.abs(_box(u, v, 0.7, 0.7)) - np.float32(0.18)


def _crescent(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(_disc(u, v, 1.0), -_disc(u - np.float32(0.5), v, 0.8))


def _heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    # A square on its corner, with a half disc on each of its upper sides.
    side, turn = 0.56, np.float32(np.sqrt(0.5))
    a, b = (v + u) * turn, (v - u) * turn
    lobes = np.minimum(_disc(a, b + np.float32(side), side), _disc(a + np.float32(side), b, side))
    return np.minimum(_box(a, b, side, side), lobes)


def _arrow(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    # Upwards: the tip of the head at v = -1, the end of the shaft at v = 0.95.
    slopes = (np.abs(u) - v - np.float32(1)) * np.float32(np.sqrt(0.5))
    head = np.maximum(slopes, v + np.float32(0.02))
    return np.minimum(head, _box(u, v - np.float32(0.4), 0.3, 0.55))


_DISTANCES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "cross": _cross,
    "ring": _ring,
    "frame": _frame,
    "crescent": _crescent,
    "heart": _heart,
    "arrow": _arrow,
}
