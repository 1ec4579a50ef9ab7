"""Preprocessing: uint8 batches in, floats of one dtype out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from handgrad._errors import nearest
from handgrad._numbers import float_dtype

_BLOCK = 512  # images cast to float64 in one go (12 MB of 3x32x32)
_AXES = {"image": (0,), "channel": (0, 2, 3)}


class Standardize:
    """Subtract a mean and, where one is given, divide by a standard deviation.

    Parameters
    ----------
    mean : array_like
        The mean image (C, H, W), or (C, 1, 1): what broadcasts against an image.
    std : array_like, optional
        Likewise, above 0. None leaves the scale.
    dtype : float32 or float64
        What comes out, and what the subtraction is done in.

    Raises
    ------
    ValueError
        When mean or std is not finite, std is not above 0, or dtype is another.

    Examples
    --------
    >>> prepare = Standardize(mean=[[[127.0]]], std=[[[2.0]]])
    >>> prepare(np.full((1, 1, 1, 2), 128, dtype=np.uint8))
    array([[[[0.5, 0.5]]]], dtype=float32)
    """

    def __init__(
        self,
        mean: np.typing.ArrayLike,
        std: np.typing.ArrayLike | None = None,
        dtype: np.typing.DTypeLike = np.float32,
    ) -> None:
        self.dtype = float_dtype(dtype)
        self.mean = _finite("mean", mean, self.dtype)
        self.std = None if std is None else _finite("std", std, self.dtype)
        if self.std is not None and not (self.std > 0).all():
            raise ValueError(f"std must be above 0, got {self.std.min()}")

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Return ``(batch - mean) / std`` as a new array of `dtype`; `batch` (N, C, H, W) is not changed.

        Raises
        ------
        ValueError
            When the mean image does not fit the batch.
        """
        try:
            fits = np.broadcast_shapes(batch.shape[1:], self.mean.shape) == batch.shape[1:]
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(f"batch must have images of shape {self.mean.shape}, got {batch.shape[1:]}")
        out = np.subtract(batch, self.mean, dtype=self.dtype, casting="unsafe")
        if self.std is not None:
            out /= self.std
        return out

    @classmethod
    def fit(
        cls,
        X: np.ndarray,
        per: Literal["image", "channel"] = "image",
        scale: bool = False,
        dtype: np.typing.DTypeLike = np.float32,
    ) -> Standardize:
        """Measure mean and standard deviation of training images.

        Parameters
        ----------
        X : numpy.ndarray
            Images (N, C, H, W), N at least 1.
        per : {"image", "channel"}
            One mean for every pixel, the courses' mean image (C, H, W); or one for every channel (C, 1, 1).
        scale : bool
            Measure the standard deviation too. Where it is 0, all images being equal there, 1 stands in
            for it.
        dtype : float32 or float64

        Returns
        -------
        Standardize
            Measured in float64, block by block, without a float copy of X.

        Raises
        ------
        ValueError
            When X is empty, not of that shape, or not finite, or `per` is another word.
        """
        if per not in _AXES:
            raise ValueError(f"per has no option {per!r}{nearest(per, _AXES)}")
        if X.ndim != 4 or len(X) == 0:
            raise ValueError(f"X must have shape (N, C, H, W) with N at least 1, got {X.shape}")
        axes = _AXES[per]
        count = len(X) if per == "image" else X.size // X.shape[1]
        with np.errstate(invalid="ignore"):  # infinities of both signs; refused in the next line
            mean = sum(block.sum(axis=axes, keepdims=True)[0] for block in _blocks(X)) / count
        if not np.isfinite(mean).all():
            raise ValueError("X must be finite, got nan or infinity")
        if not scale:
            return cls(mean, dtype=dtype)
        square = sum(((block - mean) ** 2).sum(axis=axes, keepdims=True)[0] for block in _blocks(X))
        std = np.sqrt(square / count)
        return cls(mean, np.where(std == 0, 1.0, std), dtype)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what a checkpoint keeps: mean and, if there is one, std, in their dtype."""
        return {"mean": self.mean} if self.std is None else {"mean": self.mean, "std": self.std}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Standardize:
        """Make again what `arrays` was taken from, bit for bit."""
        return cls(arrays["mean"], arrays.get("std"), arrays["mean"].dtype)


def _finite(name: str, values: np.typing.ArrayLike, dtype: np.dtype) -> np.ndarray:
    array = np.array(values, dtype=dtype)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got nan or infinity")
    return array


def _blocks(X: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(X), _BLOCK):
        yield X[start : start + _BLOCK].astype(np.float64)
