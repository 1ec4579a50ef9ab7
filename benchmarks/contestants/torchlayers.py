"""Single layers of PyTorch, forward and backward."""

from __future__ import annotations

import os

import torch
import torch.nn.functional as F
from cases import arrays
from serve import Step, serve


def make(case: str, variant: str) -> Step:
    layer, a = arrays(case)
    t = {name: torch.tensor(array, requires_grad=name != "dout") for name, array in a.items()}
    if "channels_last" in variant and t["x"].ndim == 4:
        t = {
            name: tensor.detach()
            .to(memory_format=torch.channels_last if tensor.ndim == 4 else torch.contiguous_format)
            .requires_grad_(name != "dout")
            for name, tensor in t.items()
        }
    forward = {
        "conv": lambda: F.conv2d(t["x"], t["w"], t["b"], padding=1),
        "block": lambda: F.max_pool2d(F.relu(F.conv2d(t["x"], t["w"], t["b"], padding=1)), 2),
        "bn": lambda: F.batch_norm(t["x"], None, None, t["gamma"], t["beta"], training=True),
        "pool": lambda: F.max_pool2d(t["x"], 2),
        "relu": lambda: F.relu(t["x"]),
        "affine": lambda: torch.addmm(t["b"], t["x"], t["w"]),
    }[layer]
    inputs = [tensor for name, tensor in t.items() if name != "dout"]

    def step() -> float:
        out = forward()
        dx = torch.autograd.grad(out, inputs, t["dout"])[0]
        return out.reshape(-1)[0].item() + dx[tuple(s - 1 for s in dx.shape)].item()

    return step


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ["BENCH_THREADS"]))
    serve({"PyTorch": torch.__version__}, make, ["eager", "eager, channels_last"])
