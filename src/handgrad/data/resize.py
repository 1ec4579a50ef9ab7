"""Images of another size."""

from __future__ import annotations

import functools

import numpy as np

from handgrad._numbers import whole_number


def resize(batch: np.ndarray, side: int) -> np.ndarray:
    """Return square images of another side.

    Each new pixel is a weighted mean of old ones; the weights fall off linearly from its place, over as many
    old pixels as it covers. Smaller images are thus smoothed and not merely thinned out.

    Parameters
    ----------
    batch : ndarray (N, C, H, W)
        Whole numbers become float32.
    side : int
        Of the new images, at least 1.

    Returns
    -------
    ndarray (N, C, side, side)
        Floats; the batch itself where it has that size.

    Raises
    ------
    TypeError, ValueError
        When the batch holds no images, or side is no such number.

    Notes
    -----
    What Pillow and PyTorch call bilinear with antialiasing.

    Examples
    --------
    >>> resize(np.array([[[[0.0, 1.0], [2.0, 3.0]]]]), 1)
    array([[[[1.5]]]])
    """
    side = whole_number("side", side, least=1)
    if batch.ndim != 4:
        raise ValueError(f"batch must have shape (N, C, H, W), got {batch.shape}")
    batch = batch if batch.dtype.kind == "f" else batch.astype(np.float32)
    H, W = batch.shape[2:]
    if (side, side) == (H, W):
        return batch
    rows, columns = (_weights(old, side).astype(batch.dtype) for old in (H, W))
    return np.ascontiguousarray(rows @ (batch @ columns.T))


@functools.lru_cache(maxsize=32)
def _weights(old: int, new: int) -> np.ndarray:
    """Return the weights (new, old) of old pixels in new ones along one axis; each row sums to 1."""
    scale = old / new
    centres = (np.arange(new)[:, None] + 0.5) * scale
    distance = np.abs(np.arange(old) + 0.5 - centres) / max(scale, 1.0)
    weights = np.maximum(0, 1 - distance)
    return weights / weights.sum(axis=1, keepdims=True)
