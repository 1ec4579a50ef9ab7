"""Gradient descent, plain and with momentum, each with weight decay: rules of `handgrad.training.optim`.

What all rules have in common is said there.
"""

from __future__ import annotations

import numpy as np

from handgrad import backend
from handgrad.backend.before import NOTHING, Before
from handgrad.training.optim_config import Config, prepare


def sgd(
    w: np.ndarray, dw: np.ndarray, config: Config | None = None, before: Before = NOTHING
) -> tuple[np.ndarray, Config]:
    """Stochastic gradient descent: ``next_w = w - learning_rate * dw``.

    Parameters
    ----------
    w, dw : ndarray, the same shape
        Parameter and gradient of the loss with respect to it.
    config : dict, optional
        ``learning_rate`` (default 1e-2), ``weight_decay`` (0): w is first multiplied by
        ``1 - learning_rate * weight_decay``, apart from the gradient, as in `adamw`.

    Returns
    -------
    next_w : ndarray, shape and dtype of `w`
    config : dict
        What the next call wants.

    References
    ----------
    Robbins and Monro, "A stochastic approximation method", 1951. The decay, here and with momentum: SGDW
    of Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, times the learning rate.

    Examples
    --------
    >>> next_w, config = sgd(np.array([1.0, 2.0]), np.array([0.5, -0.5]), {"learning_rate": 0.1})
    >>> next_w
    array([0.95, 2.05])
    """
    w, dw, config, before = prepare("sgd", w, dw, config, before)
    return backend.ops().sgd(w, dw, config["learning_rate"], before), config


def sgd_momentum(
    w: np.ndarray, dw: np.ndarray, config: Config | None = None, before: Before = NOTHING
) -> tuple[np.ndarray, Config]:
    """Gradient descent with momentum: ``v = momentum * v - learning_rate * dw; next_w = w + v``.

    Parameters
    ----------
    w, dw : ndarray, the same shape
        Parameter and gradient.
    config : dict, optional
        ``learning_rate`` (1e-2), ``momentum`` (0.9; 0 gives `sgd`), ``weight_decay`` (0; as in `sgd`, the
        velocity knows nothing of it); memory ``velocity``, from zeros.

    References
    ----------
    Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.

    Examples
    --------
    >>> w, config = sgd_momentum(np.array([1.0]), np.array([1.0]))
    >>> w, config = sgd_momentum(w, np.array([1.0]), config)
    >>> w, config["velocity"]
    (array([0.971]), array([-0.019]))
    """
    w, dw, config, before = prepare("sgd_momentum", w, dw, config, before)
    settings = config["learning_rate"], config["momentum"]
    next_w, config["velocity"] = backend.ops().sgd_momentum(w, dw, config["velocity"], *settings, before)
    return next_w, config


def sgd_nesterov_momentum(
    w: np.ndarray, dw: np.ndarray, config: Config | None = None, before: Before = NOTHING
) -> tuple[np.ndarray, Config]:
    """Momentum whose gradient is taken at the point where the velocity leads.

    ``v_old = v; v = momentum * v - learning_rate * dw; next_w = w + v + momentum * (v - v_old)``

    `w` is that point; with a constant learning rate this is PyTorch's form.

    Parameters
    ----------
    w, dw : ndarray, the same shape
        Parameter and gradient.
    config : dict, optional
        ``learning_rate`` (1e-2), ``momentum`` (0.9; 0 gives `sgd`), ``weight_decay`` (0; as in `sgd`, the
        velocity knows nothing of it); memory ``velocity``, from zeros.

    References
    ----------
    Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013;
    Bengio et al., "Advances in optimizing recurrent networks", 2013 (this form).

    Examples
    --------
    >>> w, config = sgd_nesterov_momentum(np.array([1.0]), np.array([1.0]))
    >>> w
    array([0.981])
    """
    w, dw, config, before = prepare("sgd_nesterov_momentum", w, dw, config, before)
    settings = config["learning_rate"], config["momentum"]
    next_w, config["velocity"] = backend.ops().sgd_nesterov_momentum(
        w, dw, config["velocity"], *settings, before
    )
    return next_w, config
