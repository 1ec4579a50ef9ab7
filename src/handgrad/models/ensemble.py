"""Several models as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Ensemble:
    """The average of several models' class probabilities.

    Parameters
    ----------
    models : sequence
        Anything with ``loss(X) -> scores (N, K)``, all with the same classes.

    Raises
    ------
    ValueError
        When there is no model.

    Notes
    -----
    Averages what softmax makes of each model's scores, since scores of different nets have different
    scales. The scores of the ensemble are the logarithms of the averages, so that the softmax loss of
    them is the ensemble's own.

    Examples
    --------
    >>> import numpy as np
    >>> from handgrad.models import TwoLayerNet
    >>> pair = Ensemble([TwoLayerNet(input_dim=4, num_classes=3, seed=s) for s in (0, 1)])
    >>> pair.loss(np.zeros((2, 4))).shape
    (2, 3)
    """

    def __init__(self, models: Sequence[Any]) -> None:
        self.models = list(models)
        if not self.models:
            raise ValueError("models must hold at least one model, got none")
        self.params: dict[str, np.ndarray] = {}

    def loss(self, X: np.ndarray, y: None = None) -> np.ndarray:
        """Return the scores (N, K): logarithms of the averaged probabilities.

        Raises
        ------
        TypeError
            When labels are given: an ensemble is not trained, its models are.
        ValueError
            When the models do not agree on the number of classes.
        """
        if y is not None:
            raise TypeError("an Ensemble has no gradients: train its models one by one")
        probabilities = [_softmax(model.loss(X)) for model in self.models]
        shapes = sorted({p.shape for p in probabilities})
        if len(shapes) > 1:
            raise ValueError(f"the models must have the same classes, got scores of shapes {shapes}")
        mean = sum(probabilities[1:], start=probabilities[0]) / len(probabilities)
        return np.log(np.maximum(mean, np.finfo(mean.dtype).tiny))


def _softmax(scores: np.ndarray) -> np.ndarray:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
