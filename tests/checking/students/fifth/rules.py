# ruff: noqa: C408 - left as it was handed in
"""Fifth batch, by an author who never saw the doctor: update rules, wrong."""

from __future__ import annotations

import numpy as np
from checking.students.student import buggy


@buggy(
    "adam",
    "forward",
    "t-not-advanced state-not-kept",
    "The advanced t is not stored in config, so every step is bias-corrected like the first.",
)
def adam_forgets_t():
    def adam(w, dw, config=None):
        config = {} if config is None else config
        config.setdefault("learning_rate", 1e-3)
        config.setdefault("beta1", 0.9)
        config.setdefault("beta2", 0.999)
        config.setdefault("epsilon", 1e-8)
        config.setdefault("m", np.zeros_like(w))
        config.setdefault("v", np.zeros_like(w))
        config.setdefault("t", 0)

        b1, b2, t = config["beta1"], config["beta2"], config["t"]
        t += 1
        config["m"] = b1 * config["m"] + (1 - b1) * dw
        config["v"] = b2 * config["v"] + (1 - b2) * dw**2
        mhat = config["m"] / (1 - b1**t)
        vhat = config["v"] / (1 - b2**t)
        next_w = w - config["learning_rate"] * mhat / (np.sqrt(vhat) + config["epsilon"])
        return next_w, config

    return adam


@buggy(
    "sgd_momentum",
    "forward",
    "state-aliased",
    "The weights are added to the velocity in place after it was stored, so the stored velocity "
    "becomes the new weights.",
)
def momentum_velocity_is_weights():
    def sgd_momentum(w, dw, config=None):
        if config is None:
            config = {}
        config.setdefault("learning_rate", 1e-2)
        config.setdefault("momentum", 0.9)
        v = config.get("velocity", np.zeros_like(w))

        v = config["momentum"] * v - config["learning_rate"] * dw
        config["velocity"] = v
        v += w
        return v, config

    return sgd_momentum


@buggy(
    "sgd_momentum",
    "forward",
    "second-call-differs",
    "Without a config the module's one default dict is used itself, not a copy, so all "
    "parameters share a single velocity.",
)
def momentum_shared_default():
    DEFAULTS = {"learning_rate": 1e-2, "momentum": 0.9}

    def sgd_momentum(w, dw, config=None):
        if config is None:
            config = DEFAULTS
        lr = config.get("learning_rate", 1e-2)
        mu = config.get("momentum", 0.9)
        velocity = config.get("velocity")
        if velocity is None or velocity.shape != w.shape:
            velocity = np.zeros_like(w)
        velocity = mu * velocity - lr * dw
        config["velocity"] = velocity
        return w + velocity, config

    return sgd_momentum


@buggy(
    "rmsprop",
    "forward",
    "state-stale",
    "The step divides by the root of the old cache, read before it is updated with this step's gradient.",
)
def rmsprop_old_cache():
    def rmsprop(w, dw, config=None):
        """Divide by a running average of recent gradient magnitudes."""
        if config is None:
            config = {}
        lr = config.setdefault("learning_rate", 1e-2)
        rho = config.setdefault("decay_rate", 0.99)
        eps = config.setdefault("epsilon", 1e-8)

        g2 = config.get("cache", np.zeros_like(w))
        new_g2 = rho * g2 + (1.0 - rho) * dw * dw
        config["cache"] = new_g2
        next_w = w - lr / (np.sqrt(g2) + eps) * dw
        return next_w, config

    return rmsprop


@buggy(
    "rmsprop",
    "forward",
    "decay-reversed",
    "decay_rate and 1 - decay_rate are exchanged in the moving average of the squared gradients.",
)
def rmsprop_decay_exchanged():
    def rmsprop(w, dw, config=None):
        if config is None:
            config = {}
        lr = config.setdefault("learning_rate", 1e-2)
        decay = config.setdefault("decay_rate", 0.99)
        eps = config.setdefault("epsilon", 1e-8)
        config.setdefault("cache", np.zeros_like(w))

        config["cache"] += decay * (np.square(dw) - config["cache"])
        next_w = w - lr * dw / (np.sqrt(config["cache"]) + eps)
        return next_w, config

    return rmsprop


@buggy(
    "adam",
    "forward",
    "bias-correction-missing state-not-kept",
    "The bias-corrected first moment is what is stored in config, so later steps average and "
    "correct an already corrected value.",
)
def adam_stores_corrected():
    def adam(w, dw, config=None):
        if config is None:
            config = dict()
        lr = config.get("learning_rate", 1e-3)
        beta1 = config.get("beta1", 0.9)
        beta2 = config.get("beta2", 0.999)
        eps = config.get("epsilon", 1e-8)
        t = config.get("t", 0) + 1

        m = beta1 * config.get("m", np.zeros(w.shape)) + (1 - beta1) * dw
        v = beta2 * config.get("v", np.zeros(w.shape)) + (1 - beta2) * (dw * dw)
        m = m / (1 - beta1**t)
        step = lr * m / (np.sqrt(v / (1 - beta2**t)) + eps)

        config.update(learning_rate=lr, beta1=beta1, beta2=beta2, epsilon=eps, m=m, v=v, t=t)
        return w - step, config

    return adam
