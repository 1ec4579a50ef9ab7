"""Our tiers beside PyTorch: one convolution, and one training step of the courses' net.

python benchmarks/layers.py [--rounds 15] [--out results/2026-11-21.md]
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from protocol import interleave, machine, table

import handgrad
from handgrad.layers import conv_backward, conv_forward
from handgrad.models import ThreeLayerConvNet
from handgrad.training import optim


def convolution(rounds: int) -> str:
    """The courses' shape: x (100, 3, 31, 31), w (25, 3, 3, 3), stride 2, pad 1, float64, both passes."""
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(100, 3, 31, 31)), rng.normal(size=(25, 3, 3, 3)), rng.normal(size=25)
    tensors = [torch.tensor(array, requires_grad=True) for array in (x, w, b)]
    dout = rng.normal(size=(100, 25, 16, 16))
    tdout = torch.tensor(dout)

    def ours(backend: str):
        with handgrad.use_backend(backend):
            out, cache = conv_forward(x, w, b, {"stride": 2, "pad": 1})
            return out, conv_backward(dout, cache)

    def theirs():
        out = F.conv2d(*tensors, stride=2, padding=1)
        return out, torch.autograd.grad(out, tensors, tdout)

    right, gradients = theirs()
    for backend in ("numpy", "reference"):
        out, ours_gradients = ours(backend)
        np.testing.assert_allclose(out, right.detach(), rtol=1e-9, atol=1e-9)
        for ours_gradient, gradient in zip(ours_gradients, gradients, strict=True):
            np.testing.assert_allclose(ours_gradient, gradient, rtol=1e-9, atol=1e-9)
    times = interleave({"PyTorch": theirs, "handgrad, NumPy tier": lambda: ours("numpy")}, rounds)
    times |= interleave({"handgrad, loops": lambda: ours("reference")}, 3)
    return table("Convolution, forward and backward: x (100,3,31,31), w (25,3,3,3), stride 2, float64", times)


def training_step(rounds: int) -> str:
    """Net A of the courses: conv7-32 - relu - pool - affine500 - relu - affine10, batch 50, Adam, float32."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3, 32, 32)).astype(np.float32)
    y = rng.integers(0, 10, 50)
    net = ThreeLayerConvNet(num_filters=32, filter_size=7, hidden_dim=500, seed=0)
    twin = {name: torch.tensor(param.copy(), requires_grad=True) for name, param in net.params.items()}
    tX, ty = torch.tensor(X), torch.tensor(y)
    adam = torch.optim.Adam(twin.values(), lr=1e-3)
    configs: dict[str, dict] = {name: {"learning_rate": 1e-3} for name in net.params}

    def loss_of_twin():
        h = F.max_pool2d(F.relu(F.conv2d(tX, twin["W1"], twin["b1"], padding=3)), 2)
        h = F.relu(h.flatten(1) @ twin["W2"] + twin["b2"])
        return F.cross_entropy(h @ twin["W3"] + twin["b3"], ty)

    def ours():
        loss, grads = net.loss(X, y)
        for name, grad in grads.items():
            net.params[name], configs[name] = optim.adam(net.params[name], grad, configs[name])
        return loss

    def theirs():
        adam.zero_grad()
        loss = loss_of_twin()
        loss.backward()
        adam.step()
        return loss.item()

    np.testing.assert_allclose([ours() for _ in range(3)], [theirs() for _ in range(3)], rtol=1e-4)
    return table(
        "Training step: conv7-32 - relu - pool - affine500 - relu - affine10, batch 50, Adam, float32",
        interleave({"PyTorch (eager)": theirs, "handgrad, NumPy tier": ours}, rounds),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", help="file to write; default: the terminal")
    options = parser.parse_args()
    conditions = machine(
        PyTorch=torch.__version__, threads=f"PyTorch {torch.get_num_threads()}, BLAS default"
    )
    text = "\n".join([convolution(options.rounds), training_step(options.rounds), conditions])
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write(text)
    print(text)


if __name__ == "__main__":
    main()
