"""Batch norm's running statistics, measured anew for the weights that a model has now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from handgrad.training import model_state


def recalibrate(model: Any, batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
    """Let the running statistics be the plain mean of those of some batches.

    Running statistics lag behind weights that move, and averaged weights (`ema`, lookahead, a mean of
    several nets) were never used to measure any: the mean of their statistics is not the statistics of
    their mean.

    Parameters
    ----------
    model : object
        With ``bn_params``, the courses' list of dictionaries, and ``loss(X, y)``, whose gradients are not
        used. Its parameters, and its generator ``rng``, stay as they are.
    batches : iterable of (X, y)
        Training images as the model gets them, and their labels. Without any, nothing is changed.

    References
    ----------
    Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018; Wu and
    Johnson, "Rethinking 'Batch' in BatchNorm", 2021 (PreciseBN).

    Examples
    --------
    >>> from handgrad.models import ConvNet
    >>> net = ConvNet("affine4 - bn - relu - affine", input_dim=(1, 2, 2), num_classes=2, seed=0)
    >>> X, y = np.random.default_rng(0).standard_normal((6, 1, 2, 2)), np.array([0, 1, 0, 1, 0, 1])
    >>> recalibrate(net, [(X[:3], y[:3]), (X[3:], y[3:])])
    >>> hidden = X.reshape(6, 4).astype(np.float32) @ net.params["W1"] + net.params["b1"]
    >>> bool(np.allclose(net.bn_params[0]["running_mean"], hidden.mean(axis=0), atol=1e-6))
    True
    """
    bn_params = model_state.bn_params(model)
    generator = model_state.rest(model).generator
    momenta = [bn_param.get("momentum") for bn_param in bn_params]
    try:
        for i, (X, y) in enumerate(batches):
            # With this momentum the running mean is that of all batches so far.
            for bn_param in bn_params:
                bn_param["momentum"] = i / (i + 1)
            model.loss(X, y)
    finally:
        for bn_param, momentum in zip(bn_params, momenta, strict=True):
            bn_param.pop("momentum", None)
            bn_param.update({} if momentum is None else {"momentum": momentum})
        model_state.set_rest(model, model_state.Rest(model_state.statistics(model), generator))


@contextmanager
def recalibrated(model: Any, batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[None]:
    """Let the model have recalibrated running statistics for a while."""
    before = model_state.statistics(model)
    try:
        recalibrate(model, batches)
        yield
    finally:
        model_state.set_statistics(model, before)
