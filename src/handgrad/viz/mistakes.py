"""Images that a net got wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from handgrad._numbers import whole_number
from handgrad.viz.images import image_grid, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confident_mistakes(y: np.ndarray, scores: np.ndarray, count: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Find the images that a net put in a wrong class, the most confident ones first.

    Parameters
    ----------
    y : ndarray (N,)
        The right classes.
    scores : ndarray (N, K)
        Scores before softmax.
    count : int
        At most so many.

    Returns
    -------
    indices : ndarray (M,)
        M of `count` or less; equal ones in the order of the images.
    probabilities : ndarray (M,)
        What softmax gives the wrong class.

    Examples
    --------
    >>> scores = np.log([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> indices, probabilities = confident_mistakes(np.array([0, 0, 0]), scores)
    >>> indices, probabilities
    (array([2, 1]), array([0.8, 0.6]))
    """
    y, scores = np.asarray(y), np.asarray(scores)
    if scores.ndim != 2 or y.shape != scores.shape[:1]:
        raise ValueError(f"scores must have shape (N, K) and y (N,), got {scores.shape} and {y.shape}")
    count = whole_number("count", count, least=1)
    predicted = scores.argmax(axis=1)
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    confidence = shifted.max(axis=1) / shifted.sum(axis=1)
    wrong = np.flatnonzero(predicted != y)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]
    return wrong, confidence[wrong]


def mistakes(
    images: np.ndarray,
    y: np.ndarray,
    scores: np.ndarray,
    class_names: Sequence[str] | None = None,
    count: int = 20,
    columns: int = 5,
    theme: str = "light",
) -> Figure:
    """Draw the most confident mistakes of a net, each with its number, what it is, and what the net said.

    Parameters
    ----------
    images : ndarray (N, C, H, W)
        As for `image_grid`.
    y : ndarray (N,)
    scores : ndarray (N, K)
    class_names : sequence of K str, optional
        Default: the numbers.
    count, columns : int
    theme : 'light' or 'dark'

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When there is no mistake to draw.
    """
    indices, probabilities = confident_mistakes(y, scores, count)
    if len(indices) == 0:
        raise ValueError("there is no mistake to draw: every image is in its class")
    names = [str(k) for k in range(scores.shape[1])] if class_names is None else list(class_names)
    predicted = scores[indices].argmax(axis=1)
    labels = [
        f"{shortened(f'{i}: {names[y[i]]}', 15)}\nas {shortened(names[said])} {probability:.0%}"
        for i, said, probability in zip(indices, predicted, probabilities, strict=True)
    ]
    title = "Most confident mistakes"
    return image_grid(images[indices], labels, columns=columns, title=title, tile=1.15, theme=theme)
