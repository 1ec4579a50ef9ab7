"""Sixth batch, by an author who never saw the doctor: update rules, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "sgd_momentum",
    "forward",
    "state-not-kept",
    "The new velocity is never written back into config, so that every step starts again from "
    "the old velocity.",
)
def momentum_velocity_not_kept():
    def sgd_momentum(w, dw, config=None):
        if config is None:
            config = {}
        config.setdefault("learning_rate", 1e-2)
        config.setdefault("momentum", 0.9)
        config.setdefault("velocity", np.zeros_like(w))
        v = config["velocity"]
        v = config["momentum"] * v - config["learning_rate"] * dw
        next_w = w + v
        return next_w, config

    return sgd_momentum


@buggy(
    "sgd_nesterov_momentum",
    "forward",
    "look-ahead-missing",
    "V_prev is only another name for v, which is then updated in place, so that the old "
    "velocity is lost and v_prev equals the new one.",
)
def nesterov_velocity_aliased():
    def sgd_nesterov_momentum(w, dw, config=None):
        if config is None:
            config = {}
        config.setdefault("learning_rate", 1e-2)
        config.setdefault("momentum", 0.9)
        v = np.array(config.get("velocity", np.zeros_like(w)))
        mu, lr = config["momentum"], config["learning_rate"]
        v_prev = v
        v *= mu
        v -= lr * dw
        next_w = w - mu * v_prev + (1 + mu) * v
        config["velocity"] = v
        return next_w, config

    return sgd_nesterov_momentum


@buggy(
    "rmsprop",
    "forward",
    "state-stale",
    "The step divides by the root of the old cache; the cache is only updated afterwards.",
)
def rmsprop_steps_by_old_cache():
    def rmsprop(w, dw, config=None):
        if config is None:
            config = {}
        lr = config.setdefault("learning_rate", 1e-2)
        decay = config.setdefault("decay_rate", 0.99)
        eps = config.setdefault("epsilon", 1e-8)
        cache = config.setdefault("cache", np.zeros_like(w))
        next_w = w - lr * dw / (np.sqrt(cache) + eps)
        config["cache"] = decay * cache + (1 - decay) * dw**2
        return next_w, config

    return rmsprop


@buggy(
    "rmsprop",
    "forward",
    "decay-reversed",
    "Decay_rate and 1 - decay_rate are exchanged: the new squared gradient gets decay_rate "
    "and the old cache 1 - decay_rate.",
)
def rmsprop_decay_swapped():
    def rmsprop(w, dw, config=None):
        config = {} if config is None else config
        for key, value in (("learning_rate", 1e-2), ("decay_rate", 0.99), ("epsilon", 1e-8)):
            config.setdefault(key, value)
        config.setdefault("cache", np.zeros_like(w))
        rho = config["decay_rate"]
        config["cache"] = (1 - rho) * config["cache"] + rho * np.square(dw)
        step = config["learning_rate"] * dw / (config["epsilon"] + config["cache"] ** 0.5)
        return w - step, config

    return rmsprop


@buggy(
    "adam",
    "forward",
    "t-not-advanced",
    "T is incremented only after the bias correction, which therefore uses t - 1 (and divides "
    "by zero in the very first step).",
)
def adam_t_raised_late():
    def adam(w, dw, config=None):
        if config is None:
            config = {}
        config.setdefault("learning_rate", 1e-3)
        config.setdefault("beta1", 0.9)
        config.setdefault("beta2", 0.999)
        config.setdefault("epsilon", 1e-8)
        config.setdefault("m", np.zeros_like(w))
        config.setdefault("v", np.zeros_like(w))
        config.setdefault("t", 0)
        b1, b2, t = config["beta1"], config["beta2"], config["t"]
        config["m"] = b1 * config["m"] + (1 - b1) * dw
        config["v"] = b2 * config["v"] + (1 - b2) * dw**2
        mt = config["m"] / (1 - b1**t)
        vt = config["v"] / (1 - b2**t)
        config["t"] = t + 1
        next_w = w - config["learning_rate"] * mt / (np.sqrt(vt) + config["epsilon"])
        return next_w, config

    return adam


@buggy(
    "adam",
    "forward",
    "corrected-twice",
    "The bias-corrected moments are written back into config as m and v, so that the next "
    "step corrects them a second time.",
)
def adam_keeps_corrected():
    def adam(w, dw, config=None):
        if config is None:
            config = {}
        lr = config.setdefault("learning_rate", 1e-3)
        beta1 = config.setdefault("beta1", 0.9)
        beta2 = config.setdefault("beta2", 0.999)
        eps = config.setdefault("epsilon", 1e-8)
        m = config.get("m", np.zeros_like(w))
        v = config.get("v", np.zeros_like(w))
        t = config.get("t", 0) + 1
        m = beta1 * m + (1 - beta1) * dw
        v = beta2 * v + (1 - beta2) * (dw * dw)
        m = m / (1 - beta1**t)
        v = v / (1 - beta2**t)
        next_w = w - lr * m / (np.sqrt(v) + eps)
        config.update(m=m, v=v, t=t)
        return next_w, config

    return adam


@buggy(
    "adam",
    "forward",
    "root-missing",
    "The step divides by the corrected second moment itself; the square root is missing.",
)
def adam_without_root():
    def adam(w, dw, config=None):
        config = config if config is not None else {}
        defaults = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 0}
        defaults["m"] = np.zeros_like(w)
        defaults["v"] = np.zeros_like(w)
        for k, d in defaults.items():
            config.setdefault(k, d)
        config["t"] += 1
        config["m"] = config["beta1"] * config["m"] + (1 - config["beta1"]) * dw
        config["v"] = config["beta2"] * config["v"] + (1 - config["beta2"]) * dw**2
        m_unbias = config["m"] / (1 - config["beta1"] ** config["t"])
        v_unbias = config["v"] / (1 - config["beta2"] ** config["t"])
        next_w = w - config["learning_rate"] * m_unbias / (v_unbias + config["epsilon"])
        return next_w, config

    return adam
