"""The nets in PyTorch: eager in both layouts with fused Adam, and compiled."""

from __future__ import annotations

import os

import torch
import torch.nn.functional as F
from serve import Step, serve
from spec import LEARNING_RATE, NETS, REG, batch, weights
from torch import nn


class Affine(nn.Module):
    """x W + b, with W (D, M) as here."""

    def __init__(self, params: dict) -> None:
        super().__init__()
        self.W, self.b = (nn.Parameter(torch.tensor(params[name])) for name in "Wb")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addmm(self.b, x.flatten(1), self.W)


def layer(kind: str, params: dict, spatial: bool) -> nn.Module:
    if kind.startswith("conv"):
        f, c, size, _ = params["W"].shape
        conv = nn.Conv2d(c, f, size, padding=size // 2)
        conv.weight.data, conv.bias.data = torch.tensor(params["W"]), torch.tensor(params["b"])
        return conv
    if kind == "bn":
        return (nn.BatchNorm2d if spatial else nn.BatchNorm1d)(len(params["gamma"]), momentum=0.1)
    return {"relu": nn.ReLU, "pool": lambda: nn.MaxPool2d(2)}[kind]() if kind != "affine" else Affine(params)


def make(net: str, variant: str) -> Step:
    X, y = (torch.tensor(array) for array in batch(net))
    layers, spatial = [], True
    for (kind, _), params in zip(NETS[net][1], weights(net), strict=True):
        spatial = spatial and kind != "affine"
        layers.append(layer(kind, params, spatial))
    model = nn.Sequential(*layers)
    if "channels_last" in variant:
        model, X = model.to(memory_format=torch.channels_last), X.to(memory_format=torch.channels_last)
    decayed = [p for name, p in model.named_parameters() if p.ndim > 1]
    others = [p for name, p in model.named_parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": REG}, {"params": others}]
    adam = torch.optim.Adam(groups, lr=LEARNING_RATE, fused=True)
    run = torch.compile(model) if "compiled" in variant else model

    def step() -> float:
        adam.zero_grad()
        loss = F.cross_entropy(run(X), y)
        loss.backward()
        adam.step()
        return loss.item()

    return step


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ["BENCH_THREADS"]))
    variants = ["eager", "eager, channels_last", "compiled", "compiled, channels_last"]
    serve({"PyTorch": torch.__version__}, make, variants)
