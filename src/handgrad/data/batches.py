"""Batches: one permutation an epoch, cut into nearly equal parts.

Every image is seen exactly once an epoch. Drawing each batch afresh from all images, as the course code does,
shows 63 % of them in an epoch, some of those several times.
"""

from __future__ import annotations

import numpy as np

from handgrad._numbers import whole_number


def batches_per_epoch(n: int, batch_size: int) -> int:
    """Return ceil(n / batch_size).

    Parameters
    ----------
    n : int
        Number of training images.
    batch_size : int
        Largest number of images in a batch, from 1 to n.

    Raises
    ------
    TypeError, ValueError
        When `batch_size` is no whole number, or out of range.

    Examples
    --------
    >>> batches_per_epoch(49000, 500)
    98
    """
    n = whole_number("the number of training images", n, least=1)
    batch_size = whole_number("batch_size", batch_size, least=1)
    if batch_size > n:
        raise ValueError(f"batch_size must be at most the number of training images ({n}), got {batch_size}")
    return -(-n // batch_size)


def epoch_order(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return the order (n,) of one epoch: a permutation, drawn from `rng`."""
    return rng.permutation(n)


def cut(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Cut the order of an epoch into batches.

    Parameters
    ----------
    order : numpy.ndarray
        Indices (n,).
    batch_size : int

    Returns
    -------
    list of numpy.ndarray
        ceil(n / batch_size) views of `order`, in order, none longer than `batch_size`. Their lengths
        differ by at most one, so there is no runt batch at the end whose few images would carry the
        weight of many and upset batch normalisation.

    Notes
    -----
    A run that stops in mid epoch goes on from two things, `order` and the number of batches done:
    ``cut(order, batch_size)[done:]`` is what is left.

    Examples
    --------
    >>> [len(part) for part in cut(np.arange(10), 4)]
    [4, 3, 3]
    """
    return np.array_split(order, batches_per_epoch(len(order), batch_size))


def epoch_batches(n: int, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the batches of one epoch: `epoch_order`, `cut` into index arrays.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sorted(np.concatenate(epoch_batches(5, 2, rng)).tolist())
    [0, 1, 2, 3, 4]
    """
    number = batches_per_epoch(n, batch_size)  # before a number is drawn from `rng`
    return np.array_split(epoch_order(n, rng), number)
