"""Single layers of Handgrad, forward and backward."""

from __future__ import annotations

import os

from cases import arrays
from serve import Step, serve

import handgrad
from handgrad import layers

CONV = {"stride": 1, "pad": 1}
POOL = {"pool_height": 2, "pool_width": 2, "stride": 2}


def make(case: str, variant: str) -> Step:
    layer, a = arrays(case)
    forward, backward = {
        "conv": (lambda: layers.conv_forward(a["x"], a["w"], a["b"], CONV), layers.conv_backward),
        "block": (
            lambda: layers.conv_relu_pool_forward(a["x"], a["w"], a["b"], CONV, POOL),
            layers.conv_relu_pool_backward,
        ),
        "bn": (
            lambda: layers.spatial_batchnorm_forward(a["x"], a["gamma"], a["beta"], {"mode": "train"}),
            layers.spatial_batchnorm_backward,
        ),
        "pool": (lambda: layers.max_pool_forward(a["x"], POOL), layers.max_pool_backward),
        "relu": (lambda: layers.relu_forward(a["x"]), layers.relu_backward),
        "affine": (lambda: layers.affine_forward(a["x"], a["w"], a["b"]), layers.affine_backward),
    }[layer]

    def step() -> float:
        out, cache = forward()
        gradients = backward(a["dout"], cache)
        dx = gradients[0] if isinstance(gradients, tuple) else gradients
        return float(out.flat[0]) + float(dx.flat[-1])

    return step


if __name__ == "__main__":
    handgrad.set_num_threads(int(os.environ["BENCH_THREADS"]))
    serve({"Handgrad": handgrad.__version__}, make, ["native"])
