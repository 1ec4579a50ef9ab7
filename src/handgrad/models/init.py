"""How weights begin: functions ``(shape, rng) -> float64 array``, for (D, M) and (F, C, HH, WW).

The fan-in of a unit is how many numbers it adds up: D, or C * HH * WW; the fan-out of an input is how many
units it reaches: M, or F * HH * WW.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

Shape = tuple[int, ...]
Init = Callable[[Shape, np.random.Generator], np.ndarray]


def he(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Normal with variance 2 / fan-in, with which relu keeps the size of activations.

    He et al., "Delving deep into rectifiers", ICCV 2015.
    """
    return rng.standard_normal(shape) * math.sqrt(2 / fan_in(shape))


def glorot(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Normal with variance 2 / (fan-in + fan-out), for tanh and the like.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010.
    """
    return rng.standard_normal(shape) * math.sqrt(2 / (fan_in(shape) + fan_out(shape)))


def orthogonal(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Units at right angles, each of length sqrt(2) (He's, on average), as far as there are enough inputs.

    Where units outnumber their inputs, the inputs are at right angles. Saxe, McClelland and Ganguli, "Exact
    solutions to the nonlinear dynamics of learning in deep linear neural networks", ICLR 2014.
    """
    inputs, units = fan_in(shape), math.prod(shape) // fan_in(shape)
    q, r = np.linalg.qr(rng.standard_normal((max(inputs, units), min(inputs, units))))
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)  # without it the directions are not evenly spread
    columns = q if inputs >= units else q.T  # (inputs, units)
    columns = columns * math.sqrt(2)
    return columns if len(shape) == 2 else columns.T.reshape(shape)


def dirac(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Filters of which the first hand their channel on as it is; the others, and affine layers, are uniform.

    Those lie within 1 / sqrt(fan-in), small beside the first, as PyTorch begins its layers. Zagoruyko and
    Komodakis, "DiracNets", 2017; in part, as here: Jordan, "94 % on CIFAR-10 in 3.29 seconds on a single
    GPU", 2024.
    """
    bound = 1 / math.sqrt(fan_in(shape))
    w = rng.uniform(-bound, bound, shape)
    if len(shape) == 4:
        channels = min(shape[:2])
        w[:channels] = 0
        w[range(channels), range(channels), shape[2] // 2, shape[3] // 2] = 1
    return w


def fan_in(shape: Shape) -> int:
    """Return how many numbers a unit adds up."""
    return shape[0] if len(shape) == 2 else math.prod(shape[1:])


def fan_out(shape: Shape) -> int:
    """Return how many units an input reaches."""
    return shape[1] if len(shape) == 2 else shape[0] * math.prod(shape[2:])


def whitening(X: np.ndarray, sides: tuple[int, int], eps: float = 5e-4) -> np.ndarray:
    """Return filters that make the patches of images uncorrelated and of one size.

    Parameters
    ----------
    X : ndarray (N, C, H, W)
        Training images, as the network gets them.
    sides : (HH, WW)
        Of a patch.
    eps : float, default 5e-4
        Added to each variance, lest directions that hardly vary be blown up.

    Returns
    -------
    filters : ndarray (2 C HH WW, C, HH, WW), float64
        The eigenvectors of the patches' second moments, each divided by the root of its eigenvalue, the
        greatest first; and all of them again, negated, so that a relu behind them loses nothing.

    Notes
    -----
    Coates and Ng, "Learning feature representations with k-means", 2012; as a fixed first layer: Page, "How
    to train your ResNet", 2019, and Jordan, 2024. No mean is subtracted, as in the latter.
    """
    numbers = X.shape[1] * sides[0] * sides[1]
    moments, count = np.zeros((numbers, numbers)), 0
    for start in range(0, len(X), 100):  # images at once, which bounds the memory of their patches
        images = X[start : start + 100].astype(np.float64)
        views = np.lib.stride_tricks.sliding_window_view(images, sides, axis=(2, 3))
        patches = views.transpose(0, 2, 3, 1, 4, 5).reshape(-1, numbers)
        moments += patches.T @ patches
        count += len(patches)
    variances, directions = np.linalg.eigh(moments / max(1, count))
    filters = (directions / np.sqrt(np.maximum(variances, 0) + eps)).T[::-1]
    # An eigenvector's sign is free; without a rule, rounding would choose it.
    largest = np.take_along_axis(filters, np.abs(filters).argmax(axis=1)[:, None], axis=1)
    filters = (filters * np.sign(largest)).reshape(numbers, X.shape[1], *sides)
    return np.concatenate([filters, -filters])


def whitened(w: np.ndarray, X: np.ndarray, eps: float) -> np.ndarray:
    """Return filters (F, C, HH, WW): as many as there can be whiten patches of X, half of them negated."""
    filters = whitening(X, w.shape[2:], eps)
    numbers = math.prod(w.shape[1:])
    half = min(len(w) // 2, numbers)
    rest = w[2 * half :]
    return np.concatenate([filters[:half], filters[numbers : numbers + half], rest]).astype(w.dtype)


INITS: Mapping[str, Init] = {"he": he, "glorot": glorot, "orthogonal": orthogonal, "dirac": dirac}
"""The ways to begin that a network knows by name."""
