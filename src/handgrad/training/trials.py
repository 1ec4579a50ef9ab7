"""What only some models can do, tried on two images before a run begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from handgrad.data.resize import resize
from handgrad.training import model_state

Preprocess = Callable[[np.ndarray], np.ndarray]


def sides(model: Any, X: np.ndarray, preprocess: Preprocess | None, wanted: Iterable[int]) -> None:
    """Refuse sides of images that the model does not take.

    Raises
    ------
    ValueError
        Naming the side, with what the model says of it.
    """
    for side in wanted:
        try:
            model.loss(resize(X[:2] if preprocess is None else preprocess(X[:2]), side))
        except Exception as error:
            raise ValueError(f"image_side has {side}, which the model does not take: {error}") from error


def weights(model: Any, X: np.ndarray, y: np.ndarray, preprocess: Preprocess | None) -> None:
    """Refuse a model whose loss takes no weights of samples or does not tell each one's; it stays as it was.

    Raises
    ------
    ValueError
        With what the model says of them.
    """
    what = "prune needs a model with loss(X, y, weights) and sample_losses, as ConvNet with softmax"
    with _asked(model, X, preprocess, what) as images:
        model.loss(images, y[:2], np.ones(len(images)))
        if len(model.sample_losses) != len(images):
            raise ValueError(f"sample_losses holds {len(model.sample_losses)} of {len(images)}")


def soft_labels(model: Any, X: np.ndarray, preprocess: Preprocess | None) -> None:
    """Refuse a model whose ``loss(X, y)`` takes no soft labels, which mixup makes; it stays as it was.

    Raises
    ------
    ValueError
        With what the model says of them.
    """
    what = "mixup needs a model whose loss takes soft labels (N, K), as that of softmax does"
    with _asked(model, X, preprocess, what) as images:
        y = np.zeros_like(model.loss(images), dtype=np.float64)
        y[:, 0] = 1
        model.loss(images, y)


@contextmanager
def _asked(model: Any, X: np.ndarray, preprocess: Preprocess | None, what: str) -> Iterator[np.ndarray]:
    """Give two images as the model gets them, say `what` of an error, and leave the model as it was."""
    images = X[:2] if preprocess is None else preprocess(X[:2])
    rest = model_state.rest(model)
    try:
        yield images
    except Exception as error:
        raise ValueError(f"{what}: {error}") from error
    finally:
        model_state.set_rest(model, rest)
