# ruff: noqa: F841 - what a solution does not use, an edit of it may
"""Update rules, worked out: each returns the next parameter and keeps its memory in `state`."""

from __future__ import annotations

from ..edits.variants import Worked
from ._np import Param, np


def _sgd(w: np.ndarray, g: np.ndarray, config: Param, state: Param) -> np.ndarray:
    lr = config["learning_rate"]
    "from here on"
    next_w = w - lr * g
    return next_w


def _momentum(w: np.ndarray, g: np.ndarray, config: Param, state: Param) -> np.ndarray:
    lr, mu, v = config["learning_rate"], config["momentum"], state.get("v", np.zeros(w.shape))
    old = v
    "from here on"
    v = mu * v - lr * g
    next_w = w + v
    state["v"] = v
    return next_w


def _nesterov(w: np.ndarray, g: np.ndarray, config: Param, state: Param) -> np.ndarray:
    lr, mu, old = config["learning_rate"], config["momentum"], state.get("v", np.zeros(w.shape))
    "from here on"
    v = mu * old - lr * g
    next_w = w - mu * old + (1 + mu) * v
    state["v"] = v
    return next_w


def _nesterov_look_ahead(w: np.ndarray, g: np.ndarray, config: Param, state: Param) -> np.ndarray:
    lr, mu, old = config["learning_rate"], config["momentum"], state.get("v", np.zeros(w.shape))
    "from here on"
    v = mu * old - lr * g
    next_w = w + mu * v - lr * g
    state["v"] = v
    return next_w


def _adagrad(w: np.ndarray, g: np.ndarray, config: Param, state: Param) -> np.ndarray:
    lr, eps, cache = config["learning_rate"], config["epsilon"], state.get("cache", np.zeros(w.shape))
    old = cache
    "from here on"
    cache = cache + g**2
    next_w = w - lr * g / (np.sqrt(cache) + eps)
    state["cache"] = cache
    return next_w


def _rmsprop(w: np.ndarray, g: np.ndarray, config: Param, state: Param) -> np.ndarray:
    lr, eps, decay = config["learning_rate"], config["epsilon"], config["decay_rate"]
    cache = old = state.get("cache", np.zeros(w.shape))
    "from here on"
    cache = decay * cache + (1 - decay) * g**2
    next_w = w - lr * g / (np.sqrt(cache) + eps)
    state["cache"] = cache
    return next_w


def _adadelta(w: np.ndarray, g: np.ndarray, config: Param, state: Param) -> np.ndarray:
    lr, eps, decay = config["learning_rate"], config["epsilon"], config["decay_rate"]
    cache, moved = state.get("cache", np.zeros(w.shape)), state.get("moved", np.zeros(w.shape))
    "from here on"
    cache = decay * cache + (1 - decay) * g**2
    delta = np.sqrt(moved + eps) / np.sqrt(cache + eps) * g
    next_w = w - lr * delta
    moved = decay * moved + (1 - decay) * delta**2
    state["cache"] = cache
    state["moved"] = moved
    return next_w


def _adam(w: np.ndarray, g: np.ndarray, config: Param, state: Param) -> np.ndarray:
    lr, eps, beta1, beta2 = (config[k] for k in ("learning_rate", "epsilon", "beta1", "beta2"))
    t, m, v = state.get("t", 0), state.get("m", np.zeros(w.shape)), state.get("v", np.zeros(w.shape))
    "from here on"
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    next_w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    state["t"] = t
    state["m"] = m
    state["v"] = v
    return next_w


def _adam_folded(w: np.ndarray, g: np.ndarray, config: Param, state: Param) -> np.ndarray:
    lr, eps, beta1, beta2 = (config[k] for k in ("learning_rate", "epsilon", "beta1", "beta2"))
    t, m, v = state.get("t", 0), state.get("m", np.zeros(w.shape)), state.get("v", np.zeros(w.shape))
    "from here on"
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    root = np.sqrt(1 - beta2**t)
    rate = lr * root / (1 - beta1**t)
    next_w = w - rate * m / (np.sqrt(v) + eps * root)
    state["t"] = t
    state["m"] = m
    state["v"] = v
    return next_w


def _adamw(w: np.ndarray, g: np.ndarray, config: Param, state: Param) -> np.ndarray:
    lr, eps, beta1, beta2 = (config[k] for k in ("learning_rate", "epsilon", "beta1", "beta2"))
    decay = config["weight_decay"]
    t, m, v = state.get("t", 0), state.get("m", np.zeros(w.shape)), state.get("v", np.zeros(w.shape))
    "from here on"
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    next_w = w - lr * m_hat / (np.sqrt(v_hat) + eps) - lr * decay * w
    state["t"] = t
    state["m"] = m
    state["v"] = v
    return next_w


_GROUPS = tuple(
    frozenset(names.split())
    for names in (
        "v old g",
        "cache old",
        "beta1 beta2",
        "m m_hat g",
        "v v_hat",
        "m v",
        "cache moved",
        "delta g",
        "lr decay",
        "w next_w",
        "v next_w",
        "mu lr",
    )
)
_ROLES = (
    ("late|line", "t", "*", "t-not-advanced"),
    ("late", "m|v|cache|moved", "m_hat|v_hat|next_w|delta", "state-stale"),
    ("late|line", "state*", "*", "state-not-kept"),
    ("line", "m_hat|v_hat", "*", "bias-correction-missing"),
    ("dropped call", "*", "sqrt", "root-missing"),
    ("inside", "*", "sqrt", "epsilon-inside-root"),
    ("term|sign|constant|times|plus", "t", "*", "t-not-advanced"),
    ("*", "m_hat|v_hat|root|rate", "*", "bias-correction-missing"),
    ("factor|name", "next_w", "root|eps|eps [*] root", "epsilon-inside-root"),
    ("name", "state[[]*", "*_hat|m|v|v_hat|m_hat", "state-not-kept"),
    ("name", "state[[]*", "*", "state-not-kept"),
    ("name|exchange", "*", "*_hat", "bias-correction-missing"),
    ("ignored|factor|name|exchange|times|twice|plus", "*", "lr", "learning-rate-missing"),
    ("term|name|times|sign", "*", "eps", "epsilon-inside-root"),
    ("call", "*", "sqrt", "root-missing"),
    ("ignored|name|exchange", "m|v|cache|moved|everywhere", "beta?|decay|lr|mu", "decay-reversed"),
    (
        "factor|sign|constant|term|plus|times|twice",
        "m|cache|moved|v",
        "*beta*|*decay*|1|*mu*",
        "decay-reversed",
    ),
    ("term|factor|sign", "next_w", "*decay*", "regularisation-missing"),
    ("sign", "v", "*", "momentum-sign"),
    ("sign", "next_w", "v|mu*|lr*|(1 + mu)*", "momentum-sign"),
    ("name", "next_w|delta", "cache>old|moved>*|v>old", "state-stale"),
    ("name", "state[[]*", "*>next_w|*>w", "state-aliased"),
    ("name|exchange", "*", "v|old|m|g|cache|moved|delta|w|next_w", "step-differs"),
    ("sign|turned", "*", "*", "sign"),
)
_DEFAULTS = {
    "lr": (1e-2, 1e-3),
    "mu": (0.9,),
    "decay": (0.99, 0.9),
    "beta1": (0.9,),
    "beta2": (0.999,),
    "eps": (1e-8, 1e-7),
}
SOLUTIONS = {
    name: tuple(Worked(one, _GROUPS, {}, _ROLES, _DEFAULTS) for one in solutions)
    for name, solutions in {
        "sgd": (_sgd,),
        "sgd_momentum": (_momentum,),
        "sgd_nesterov_momentum": (_nesterov, _nesterov_look_ahead),
        "adagrad": (_adagrad,),
        "rmsprop": (_rmsprop,),
        "adadelta": (_adadelta,),
        "adam": (_adam, _adam_folded),
        "adamw": (_adamw,),
    }.items()
}
