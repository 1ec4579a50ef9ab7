"""Update rules: from a parameter and its gradient to the next parameter.

Every rule has the courses' form ``rule(w, dw, config=None) -> (next_w, config)``. `config` holds the
settings and the rule's memory (velocity, moments, step count) of one parameter; pass back what was
returned. A missing setting takes its default, None begins afresh. The arrays `w` and `dw` are never
changed; memory and result have the dtype of `w`.

Besides its own, every rule has the settings

``l2`` (default 0)
    Strength of an L2 penalty: ``l2 * w`` is added to the gradient, as a model's ``reg`` does, but the penalty
    is not part of the loss. PyTorch calls it weight_decay.
``clip_value`` (0: no clipping)
    Each number of the gradient, the penalty's included, is brought into the range from ``-clip_value`` to
    ``clip_value``. NaN stays NaN.

Both, and decoupled ``weight_decay`` where a rule has it, are part of the one pass over the arrays. So is what
the Solver hands over as `before`, its clipping of all gradients together, which comes first. A gradient may
also be a product that is not multiplied out: `handgrad.factored_gradients`.

All rules raise ValueError or TypeError, naming the key, for an unknown key in `config`, a setting that is
no finite number or lies outside its range, a gradient whose shape is not that of `w`, and a `w` that is
not floating point.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from handgrad import backend
from handgrad._errors import nearest
from handgrad.backend.before import NOTHING, Before
from handgrad.training.optim_config import Config, prepare
from handgrad.training.sgd import sgd, sgd_momentum, sgd_nesterov_momentum

__all__ = [
    "RULES",
    "Rule",
    "adadelta",
    "adagrad",
    "adam",
    "adamw",
    "get_rule",
    "rmsprop",
    "sgd",
    "sgd_momentum",
    "sgd_nesterov_momentum",
]

Rule = Callable[[np.ndarray, np.ndarray, Config | None], tuple[np.ndarray, Config]]


def adagrad(
    w: np.ndarray, dw: np.ndarray, config: Config | None = None, before: Before = NOTHING
) -> tuple[np.ndarray, Config]:
    """Adagrad: each coordinate's step shrinks with the sum of its squared gradients.

    ``cache = cache + dw**2; next_w = w - learning_rate * dw / (sqrt(cache) + epsilon)``

    Parameters
    ----------
    w, dw : ndarray, the same shape
        Parameter and gradient.
    config : dict, optional
        ``learning_rate`` (1e-2), ``epsilon`` (1e-8); memory ``cache``, from zeros.

    References
    ----------
    Duchi, Hazan and Singer, "Adaptive subgradient methods", 2011.

    Examples
    --------
    >>> w, config = adagrad(np.array([1.0, 1.0]), np.array([3.0, -0.01]))
    >>> w.round(6)  # the first step has the same length everywhere
    array([0.99, 1.01])
    """
    w, dw, config, before = prepare("adagrad", w, dw, config, before)
    settings = config["learning_rate"], config["epsilon"]
    next_w, config["cache"] = backend.ops().adagrad(w, dw, config["cache"], *settings, before)
    return next_w, config


def adadelta(
    w: np.ndarray, dw: np.ndarray, config: Config | None = None, before: Before = NOTHING
) -> tuple[np.ndarray, Config]:
    """Adadelta: the step is scaled by the recent steps over the recent gradients.

    ``cache = decay_rate * cache + (1 - decay_rate) * dw**2``,
    ``delta = sqrt(delta_cache + epsilon) / sqrt(cache + epsilon) * dw``,
    ``delta_cache = decay_rate * delta_cache + (1 - decay_rate) * delta**2``,
    ``next_w = w - learning_rate * delta``

    Parameters
    ----------
    w, dw : ndarray, the same shape
        Parameter and gradient.
    config : dict, optional
        ``learning_rate`` (1.0), ``decay_rate`` (0.95), ``epsilon`` (1e-6); memory ``cache`` and
        ``delta_cache``, from zeros.

    References
    ----------
    Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    Examples
    --------
    >>> w, config = adadelta(np.array([1.0]), np.array([1.0]))
    >>> w.round(6)
    array([0.995528])
    """
    w, dw, config, before = prepare("adadelta", w, dw, config, before)
    settings = config["learning_rate"], config["decay_rate"], config["epsilon"]
    next_w, config["cache"], config["delta_cache"] = backend.ops().adadelta(
        w, dw, config["cache"], config["delta_cache"], *settings, before
    )
    return next_w, config


def rmsprop(
    w: np.ndarray, dw: np.ndarray, config: Config | None = None, before: Before = NOTHING
) -> tuple[np.ndarray, Config]:
    """RMSprop: Adagrad with a moving average in place of the sum.

    ``cache = decay_rate * cache + (1 - decay_rate) * dw**2``,
    ``next_w = w - learning_rate * dw / (sqrt(cache) + epsilon)``

    Parameters
    ----------
    w, dw : ndarray, the same shape
        Parameter and gradient.
    config : dict, optional
        ``learning_rate`` (1e-2), ``decay_rate`` (0.99), ``epsilon`` (1e-8); memory ``cache``, from zeros.

    References
    ----------
    Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012.

    Examples
    --------
    >>> w, config = rmsprop(np.array([1.0]), np.array([2.0]))
    >>> w.round(6)
    array([0.9])
    """
    w, dw, config, before = prepare("rmsprop", w, dw, config, before)
    settings = config["learning_rate"], config["decay_rate"], config["epsilon"]
    next_w, config["cache"] = backend.ops().rmsprop(w, dw, config["cache"], *settings, before)
    return next_w, config


def adam(
    w: np.ndarray, dw: np.ndarray, config: Config | None = None, before: Before = NOTHING
) -> tuple[np.ndarray, Config]:
    """Adam: moving averages of the gradient and of its square, both corrected for their start at zero.

    ``t = t + 1; m = beta1 * m + (1 - beta1) * dw; v = beta2 * v + (1 - beta2) * dw**2``,
    ``next_w = w - learning_rate * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + epsilon)``

    Parameters
    ----------
    w, dw : ndarray, the same shape
        Parameter and gradient.
    config : dict, optional
        ``learning_rate`` (1e-3), ``beta1`` (0.9), ``beta2`` (0.999), ``epsilon`` (1e-8); memory ``m`` and
        ``v``, from zeros, and ``t``, the number of steps done, raised before it is used.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", 2015.

    Examples
    --------
    >>> w, config = adam(np.array([1.0]), np.array([123.0]))
    >>> w.round(6), config["t"]
    (array([0.999]), 1)
    """
    w, dw, config, before = prepare("adam", w, dw, config, before)
    return _adam(w, dw, config, before)


def adamw(
    w: np.ndarray, dw: np.ndarray, config: Config | None = None, before: Before = NOTHING
) -> tuple[np.ndarray, Config]:
    """AdamW: Adam whose weight decay is apart from the gradient.

    ``next_w = (1 - learning_rate * weight_decay) * w - (the step of adam)``

    Parameters
    ----------
    w, dw : ndarray, the same shape
        Parameter and gradient.
    config : dict, optional
        The keys of `adam`, and ``weight_decay`` (1e-2; 0 gives `adam`).

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.

    Examples
    --------
    >>> w, config = adamw(np.array([1.0]), np.array([0.0]), {"learning_rate": 0.1, "weight_decay": 0.5})
    >>> w
    array([0.95])
    """
    w, dw, config, before = prepare("adamw", w, dw, config, before)
    return _adam(w, dw, config, before)


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (sgd, sgd_momentum, sgd_nesterov_momentum, adagrad, adadelta, rmsprop, adam, adamw)
}
"""Every rule by its name."""


def get_rule(rule: str | Rule) -> Rule:
    """Return the rule of that name; a function is passed through.

    Raises
    ------
    ValueError
        For an unknown name, with the nearest known one.
    TypeError
        For what is neither a name nor a function.

    Examples
    --------
    >>> get_rule("adam") is adam
    True
    >>> get_rule("sgd_momentom")
    Traceback (most recent call last):
    ValueError: update_rule has no option 'sgd_momentom'; did you mean 'sgd_momentum'?
    """
    if isinstance(rule, str):
        if rule not in RULES:
            raise ValueError(f"update_rule has no option {rule!r}{nearest(rule, RULES)}")
        return RULES[rule]
    if not callable(rule):
        raise TypeError(f"update_rule must be a name or a function, got {rule!r}")
    return rule


def own_name(rule: Rule) -> str | None:
    """Return the name of a rule of this module, None for any other function.

    Examples
    --------
    >>> own_name(adam), own_name(lambda w, dw, config: (w, {}))
    ('adam', None)
    """
    name = getattr(rule, "__name__", "")
    return name if RULES.get(name) is rule else None


def _adam(w: np.ndarray, dw: np.ndarray, config: Config, before: Before) -> tuple[np.ndarray, Config]:
    config["t"] += 1
    settings = [config[key] for key in ("t", "learning_rate", "beta1", "beta2", "epsilon")]
    next_w, config["m"], config["v"] = backend.ops().adam(w, dw, config["m"], config["v"], *settings, before)
    return next_w, config
