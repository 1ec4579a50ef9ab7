"""Update rules, wrong. A check without answers sees states that are lost and steps that go uphill."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "sgd",
    "forward",
    "learning-rate-missing",
    "Reads the learning rate and does not use it.",
)
def sgd_without_rate():
    def sgd(w, dw, config=None):
        if config is None:
            config = {}
        config.setdefault("learning_rate", 1e-2)
        next_w = w - dw
        return next_w, config

    return sgd


@buggy(
    "sgd_momentum",
    "forward",
    "momentum-sign sign",
    "Adds the gradient to the velocity and the velocity to w.",
)
def momentum_goes_uphill():
    def sgd_momentum(w, dw, config=None):
        config = {} if config is None else config
        config.setdefault("learning_rate", 1e-2)
        config.setdefault("momentum", 0.9)
        v = config.get("velocity", np.zeros_like(w))
        v = config["momentum"] * v + config["learning_rate"] * dw
        next_w = w + v
        config["velocity"] = v
        return next_w, config

    return sgd_momentum


@buggy(
    "sgd_momentum",
    "forward",
    "momentum-sign",
    "Mixes the two forms: v - lr dw with the minus before the momentum.",
)
def momentum_brakes():
    def sgd_momentum(w, dw, config=None):
        config = {} if config is None else config
        lr = config.setdefault("learning_rate", 1e-2)
        mu = config.setdefault("momentum", 0.9)
        v = config.get("velocity", np.zeros_like(w))
        v = -mu * v - lr * dw
        config["velocity"] = v
        return w + v, config

    return sgd_momentum


@buggy("sgd_momentum", "forward", "state-not-kept", "Updates a local v and never puts it back into config.")
def momentum_forgets_velocity():
    def sgd_momentum(w, dw, config=None):
        if config is None:
            config = {}
        config.setdefault("learning_rate", 1e-2)
        config.setdefault("momentum", 0.9)
        v = config.get("velocity", np.zeros_like(w))
        v = config["momentum"] * v - config["learning_rate"] * dw
        return w + v, config

    return sgd_momentum


@buggy(
    "sgd_nesterov_momentum",
    "forward",
    "look-ahead-missing momentum-sign",
    "Turns the look-ahead round: v_old - v.",
    laws=False,
)
def nesterov_looks_back():
    def sgd_nesterov_momentum(w, dw, config=None):
        config = {} if config is None else config
        lr, mu = config.setdefault("learning_rate", 1e-2), config.setdefault("momentum", 0.9)
        v_old = config.get("velocity", np.zeros_like(w))
        v = mu * v_old - lr * dw
        config["velocity"] = v
        return w + v + mu * (v_old - v), config

    return sgd_nesterov_momentum


@buggy("rmsprop", "forward", "decay-reversed", "Gives the decay rate to the new gradient.", laws=False)
def rmsprop_decay_reversed():
    def rmsprop(w, dw, config=None):
        if config is None:
            config = {}
        config.setdefault("learning_rate", 1e-2)
        config.setdefault("decay_rate", 0.99)
        config.setdefault("epsilon", 1e-8)
        config.setdefault("cache", np.zeros_like(w))
        d = config["decay_rate"]
        config["cache"] = (1 - d) * config["cache"] + d * dw**2
        next_w = w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"])
        return next_w, config

    return rmsprop


@buggy("rmsprop", "forward", "epsilon-inside-root", "Adds epsilon under the root.", laws=False)
def rmsprop_epsilon_under_root():
    def rmsprop(w, dw, config=None):
        config = config or {}
        lr, decay = config.setdefault("learning_rate", 1e-2), config.setdefault("decay_rate", 0.99)
        eps = config.setdefault("epsilon", 1e-8)
        cache = config.get("cache", np.zeros_like(w))
        cache = decay * cache + (1 - decay) * dw * dw
        config["cache"] = cache
        return w - lr * dw / np.sqrt(cache + eps), config

    return rmsprop


@buggy("adagrad", "forward", "state-not-kept", "Assigns the squared gradient where it is to be added up.")
def adagrad_assigns():
    def adagrad(w, dw, config=None):
        config = {} if config is None else config
        config.setdefault("learning_rate", 1e-2)
        config.setdefault("epsilon", 1e-8)
        config["cache"] = dw**2
        step = config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"])
        return w - step, config

    return adagrad


def adam_config(w, config):
    """The courses' defaults."""
    config = {} if config is None else config
    defaults = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 0}
    for key, value in defaults.items():
        config.setdefault(key, value)
    config.setdefault("m", np.zeros_like(w))
    config.setdefault("v", np.zeros_like(w))
    return config


@buggy("adam", "forward", "bias-correction-missing", "Stops at the first half of the slide.", laws=False)
def adam_without_correction():
    def adam(w, dw, config=None):
        config = adam_config(w, config)
        config["t"] += 1
        config["m"] = config["beta1"] * config["m"] + (1 - config["beta1"]) * dw
        config["v"] = config["beta2"] * config["v"] + (1 - config["beta2"]) * dw**2
        step = config["learning_rate"] * config["m"] / (np.sqrt(config["v"]) + config["epsilon"])
        return w - step, config

    return adam


@buggy("adam", "forward", "t-not-advanced", "Uses t + 1 in the correction and leaves t as it was.")
def adam_time_stands_still():
    def adam(w, dw, config=None):
        config = adam_config(w, config)
        b1, b2, t = config["beta1"], config["beta2"], config["t"] + 1
        config["m"] = b1 * config["m"] + (1 - b1) * dw
        config["v"] = b2 * config["v"] + (1 - b2) * (dw**2)
        mt = config["m"] / (1 - b1**t)
        vt = config["v"] / (1 - b2**t)
        return w - config["learning_rate"] * mt / (np.sqrt(vt) + config["epsilon"]), config

    return adam


@buggy(
    "adam",
    "forward",
    "epsilon-inside-root",
    "Adds epsilon under the root, where it is 1e-4 outside.",
    laws=False,
)
def adam_epsilon_under_root():
    def adam(w, dw, config=None):
        config = adam_config(w, config)
        config["t"] += 1
        m = config["beta1"] * config["m"] + (1 - config["beta1"]) * dw
        v = config["beta2"] * config["v"] + (1 - config["beta2"]) * dw * dw
        config["m"], config["v"] = m, v
        mb = m / (1 - config["beta1"] ** config["t"])
        vb = v / (1 - config["beta2"] ** config["t"])
        return w - config["learning_rate"] * mb / np.sqrt(vb + config["epsilon"]), config

    return adam


@buggy("adam", "forward", "input-changed", "Squares the gradient in place, 'it is not needed any more'.")
def adam_squares_gradient_in_place():
    def adam(w, dw, config=None):
        config = adam_config(w, config)
        b1, b2 = config["beta1"], config["beta2"]
        config["t"] += 1
        config["m"] = b1 * config["m"] + (1 - b1) * dw
        dw *= dw
        config["v"] = b2 * config["v"] + (1 - b2) * dw
        m_hat, v_hat = config["m"] / (1 - b1 ** config["t"]), config["v"] / (1 - b2 ** config["t"])
        return w - config["learning_rate"] * m_hat / (np.sqrt(v_hat) + config["epsilon"]), config

    return adam
