"""The recipe of cifar10_fast.py in PyTorch, on the same batches, to stand beside it.

    python examples/cifar10_fast_pytorch.py [--data FOLDER] [--seed 0]

The same layers, first weights, order, augmentation and sides of images, loss, schedule and lookahead;
channels_last, which is PyTorch's faster layout here, and bfloat16 by autocast, which is to it what medium
precision is to Handgrad (--precision highest leaves it out).
"""

from __future__ import annotations

import json
import time

import torch
from cifar10_fast import (
    AUGMENT,
    BATCH,
    BIAS_EPOCHS,
    EPOCHS,
    IMAGE_SIDE,
    LABEL_SMOOTHING,
    LEARNING_RATE,
    LOOKAHEAD,
    MOMENTUM,
    REG,
    SCHEDULE,
    make,
)
from recording import images, options
from torch import nn
from torch.nn import functional as F

from handgrad.data import augment
from handgrad.models import ConvNet
from handgrad.training.feeding import Batches
from handgrad.training.schedules import get_schedule


class Residual(nn.Sequential):
    """Layers whose input is added to their output."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + super().forward(x)


def build(net: ConvNet) -> nn.Sequential:
    """Return the same layers with the same weights."""
    layers: list[nn.Module] = []
    for name in net.layer_names:
        kind, layer = name.rstrip("0123456789"), net.layer(name)
        if kind == "conv":
            W = torch.from_numpy(net.params[layer.parameters[0]].copy())
            bias = len(layer.parameters) > 1
            conv = nn.Conv2d(
                W.shape[1],
                W.shape[0],
                W.shape[2],
                padding=W.shape[2] // 2 if W.shape[2] > 2 else 0,
                bias=bias,
            )
            conv.weight.data = W
            if bias:
                nn.init.zeros_(conv.bias)
            layers.append(conv)
        elif kind == "bn":
            norm = nn.BatchNorm2d(layer.outputs[0], momentum=0.4)
            norm.weight.requires_grad = False
            layers.append(norm)
        elif kind == "gelu":
            layers.append(nn.GELU())
        elif kind == "pool":
            layers.append(nn.MaxPool2d(3 if layer.outputs[1] == 1 else 2))
        elif kind == "res":
            layers[-3:] = [Residual(*layers[-3:])]  # a convolution, its norm, its gelu
        elif kind == "affine":
            head = nn.Linear(256, 10, bias=False)
            head.weight.data = torch.from_numpy(net.params[layer.parameters[0]].T.copy())
            layers += [nn.Flatten(), head]
    layers[0].weight.requires_grad = False
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


@torch.no_grad()
def accuracy(model: nn.Module, X: torch.Tensor, y: torch.Tensor, views: bool) -> float:
    """Return the accuracy in test mode, of the image alone or of it mirrored and moved, too."""
    model.eval()

    def mirrored(batch: torch.Tensor) -> torch.Tensor:
        return (model(batch) + model(batch.flip(3))) / 2

    right = 0
    for batch, labels in zip(X.split(250), y.split(250), strict=True):
        if views:
            padded = F.pad(batch, (1, 1, 1, 1), mode="reflect")
            moved = [padded[:, :, i : i + 32, i : i + 32] for i in (0, 2)]
            scores = (2 * mirrored(batch) + mirrored(moved[0]) + mirrored(moved[1])) / 4
        else:
            scores = model(batch)
        right += int((scores.argmax(1) == labels).sum())
    model.train()
    return right / len(y)


def main() -> None:
    """Train, and print accuracy and time."""
    chosen = options("cifar10_fast_pytorch", "cifar10_fast.py in PyTorch", epochs=EPOCHS, precision="medium")
    torch.set_num_threads(chosen.threads or torch.get_num_threads())
    data, standardize = images(chosen)
    model = build(make(standardize(data["X_train"][:5_000]), chosen.seed))
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    norms = {f"{name}.bias" for name, layer in model.named_modules() if isinstance(layer, nn.BatchNorm2d)}
    rates = (LEARNING_RATE, 64 * LEARNING_RATE)
    groups = [
        {
            "params": [p for n, p in named if n not in norms and p.ndim > 1],
            "lr": rates[0],
            "weight_decay": REG,
        },
        {"params": [p for n, p in named if n not in norms and p.ndim == 1], "lr": rates[0]},
        {"params": [p for n, p in named if n in norms], "lr": rates[1]},
    ]
    optimizer = torch.optim.SGD(groups, lr=LEARNING_RATE, momentum=MOMENTUM, nesterov=True, fused=True)
    changes = augment.parse(AUGMENT)
    batches = Batches(
        data["X_train"],
        data["y_train"],
        min(BATCH, chosen.images),
        changes,
        standardize,
        image_side=IMAGE_SIDE,
    )
    total, schedule = chosen.epochs * batches.per_epoch, get_schedule(SCHEDULE)
    state = [v for v in model.state_dict().values() if v.dtype.is_floating_point]
    slow = [v.clone() for v in state]
    start, busy = time.perf_counter(), time.process_time()
    for step in range(total):
        if step == BIAS_EPOCHS * batches.per_epoch:
            model[0].bias.requires_grad = False
        X, y = batches.at(step, chosen.seed)
        for group, rate in zip(optimizer.param_groups, (rates[0], rates[0], rates[1]), strict=True):
            group["lr"] = rate * schedule(step, total)
        images_, labels = (
            torch.from_numpy(X).contiguous(memory_format=torch.channels_last),
            torch.from_numpy(y),
        )
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=chosen.precision == "medium"):
            scores = model(images_).float() * 0.1111
        loss = F.cross_entropy(scores, labels, label_smoothing=LABEL_SMOOTHING)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if (step + 1) % LOOKAHEAD.every == 0:
            for kept, now in zip(slow, state, strict=True):
                kept.lerp_(now.detach(), LOOKAHEAD.part(step + 1, total))
                now.detach().copy_(kept)
        if (step + 1) % batches.per_epoch == 0:
            print(f"epoch {(step + 1) // batches.per_epoch}: loss {loss.item():.4f}", flush=True)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    for kept, now in zip(slow, state, strict=True):
        now.detach().copy_(kept)
    record: dict[str, object] = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "precision": chosen.precision,
        "epochs": chosen.epochs,
        "seconds": round(seconds, 1),
        "processor seconds": round(busy, 1),
    }
    for part in ("val", "test") if chosen.test else ("val",):
        X, y = torch.from_numpy(standardize(data[f"X_{part}"])), torch.from_numpy(data[f"y_{part}"])
        record[f"{part} accuracy"] = accuracy(model, X, y, views=False)
        record[f"{part} accuracy, mirrored and moved"] = accuracy(model, X, y, views=True)
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "record.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
