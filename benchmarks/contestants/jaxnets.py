"""The nets in JAX: a jitted step over NHWC, pooling as a reshape, donated parameters."""

from __future__ import annotations

import os

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=true"
import jax
import jax.numpy as jnp
import numpy as np
from serve import Step, serve
from spec import LEARNING_RATE, NETS, REG, batch, weights


def make(net: str, variant: str) -> Step:
    X, y = batch(net)
    x, labels = jnp.asarray(X.transpose(0, 2, 3, 1)), jnp.asarray(y)
    params = [{name: jnp.asarray(_to_hwio(w)) for name, w in p.items()} for p in weights(net)]

    def loss_of(params: list) -> jax.Array:
        h = x
        for (kind, _), p in zip(NETS[net][1], params, strict=True):
            h = _layer(kind, p, h)
        return -jnp.take_along_axis(jax.nn.log_softmax(h), labels[:, None], axis=1).mean()

    def step(state: tuple) -> tuple:
        params, m, v, t = state
        loss, grads = jax.value_and_grad(loss_of)(params)
        grads = [
            {k: g + REG * p[k] if k == "W" else g for k, g in gs.items()}
            for gs, p in zip(grads, params, strict=True)
        ]
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
        c1, c2 = 1 - 0.9**t, 1 - 0.999**t
        params = jax.tree.map(
            lambda p, m, v: p - LEARNING_RATE * (m / c1) / (jnp.sqrt(v / c2) + 1e-8), params, m, v
        )
        return loss, (params, m, v, t + 1)

    jitted = jax.jit(step, donate_argnums=0)
    zeros = jax.tree.map(jnp.zeros_like, params)
    state = [(params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.float32(1))]

    def run() -> float:
        loss, state[0] = jitted(state[0])
        jax.block_until_ready(state[0])
        return float(loss)

    return run


def _to_hwio(w: np.ndarray) -> np.ndarray:
    return w.transpose(2, 3, 1, 0) if w.ndim == 4 else w


def _layer(kind: str, p: dict, h: jax.Array) -> jax.Array:
    if kind[:4] == "conv":
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(h, p["W"], (1, 1), "SAME", dimension_numbers=numbers) + p["b"]
    if kind == "affine":
        flat = h.transpose(0, 3, 1, 2).reshape(len(h), -1) if h.ndim == 4 else h
        return flat @ p["W"] + p["b"]
    if kind == "relu":
        return jax.nn.relu(h)
    if kind == "pool":
        n, a, b, c = h.shape
        return h.reshape(n, a // 2, 2, b // 2, 2, c).max((2, 4))
    axes = tuple(range(h.ndim - 1))
    mean, variance = h.mean(axes), h.var(axes)
    return (h - mean) / jnp.sqrt(variance + 1e-5) * p["gamma"] + p["beta"]


if __name__ == "__main__":
    serve({"JAX": jax.__version__}, make, ["jit, NHWC"])
