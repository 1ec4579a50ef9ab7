"""The nets in TensorFlow: a tf.function over NHWC, as it is, with Adam written out."""

from __future__ import annotations

import os

import tensorflow as tf
from serve import Step, serve
from spec import LEARNING_RATE, NETS, REG, batch, weights


def make(net: str, variant: str) -> Step:
    X, y = batch(net)
    x, labels = tf.constant(X.transpose(0, 2, 3, 1)), tf.constant(y)
    params = [
        {name: tf.Variable(_to_nhwc(net, i, name, w)) for name, w in p.items()}
        for i, p in enumerate(weights(net))
    ]
    names = [(i, name) for i, p in enumerate(params) for name in p]
    flat = [params[i][name] for i, name in names]
    decay = [REG if name == "W" else 0.0 for _, name in names]
    moments = [(tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in flat]
    t = tf.Variable(0.0)

    def forward() -> tf.Tensor:
        h = x
        for (kind, _), p in zip(NETS[net][1], params, strict=True):
            h = _layer(kind, p, h)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, h))

    @tf.function
    def train() -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = forward()
        gradients = tape.gradient(loss, flat)
        t.assign_add(1.0)
        for variable, gradient, reg, (m, v) in zip(flat, gradients, decay, moments, strict=True):
            if reg:
                gradient = gradient + reg * variable
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=tf.pow(0.9, t),
                beta2_power=tf.pow(0.999, t),
                lr=LEARNING_RATE,
                beta1=0.9,
                beta2=0.999,
                epsilon=1e-8,
                grad=gradient,
            )
        return loss

    return lambda: float(train())


def _to_nhwc(net: str, index: int, name: str, w):
    """Turn filters (F, C, S, S) to (S, S, C, F), and the first affine layer's rows to their new places."""
    layers = NETS[net][1]
    if name == "W" and w.ndim == 4:
        return w.transpose(2, 3, 1, 0)
    if name == "W" and index == next(i for i, (kind, _) in enumerate(layers) if kind == "affine"):
        channels = [units for kind, units in layers if kind[:4] == "conv"][-1]
        side = round((len(w) / channels) ** 0.5)
        return w.reshape(channels, side, side, -1).transpose(1, 2, 0, 3).reshape(w.shape)
    return w


def _layer(kind: str, p: dict, h: tf.Tensor) -> tf.Tensor:
    if kind[:4] == "conv":
        return tf.nn.bias_add(tf.nn.conv2d(h, p["W"], 1, "SAME"), p["b"])
    if kind == "affine":
        return tf.nn.bias_add(tf.reshape(h, (h.shape[0], -1)) @ p["W"], p["b"])
    if kind == "relu":
        return tf.nn.relu(h)
    if kind == "pool":
        return tf.nn.max_pool2d(h, 2, 2, "VALID")
    if len(h.shape) == 4:
        return tf.compat.v1.nn.fused_batch_norm(h, p["gamma"], p["beta"], epsilon=1e-5)[0]
    mean, variance = tf.nn.moments(h, [0])
    return tf.nn.batch_normalization(h, mean, variance, p["beta"], p["gamma"], 1e-5)


if __name__ == "__main__":
    tf.config.threading.set_intra_op_parallelism_threads(int(os.environ["BENCH_THREADS"]))
    tf.config.threading.set_inter_op_parallelism_threads(1)
    serve({"TensorFlow": tf.__version__}, make, ["function, NHWC"])
