"""The recipe of cifar10_fast.py in PyTorch, on the same images, to stand beside it.

    python examples/cifar10_fast_pytorch.py [--data FOLDER] [--seed 0]

Seed 0: 90.8 % of the test images, with views 91.8 %, after 2,113 s on two threads of a Xeon with AMX, PyTorch
2.13.0 (records/cifar10_fast_pytorch-seed0). One run, an hour after cifar10_fast.py had taken 1,147 s.

The same layers, first weights, order, augmentation, sides and pruning of images, loss, schedule, lookahead;
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
    BIAS_FACTOR,
    EPOCHS,
    IMAGE_SIDE,
    LABEL_SMOOTHING,
    LEARNING_RATE,
    LOOKAHEAD,
    MOMENTUM,
    PRUNE,
    REG,
    SCHEDULE,
    make,
)
from recording import images, options
from torch import nn
from torch.nn import functional as F

from handgrad.data import augment
from handgrad.models import ConvNet
from handgrad.training.feeding import Batches, run_seed
from handgrad.training.pruning import Pruning
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
            head = nn.Linear(layer.inputs[0], 10, bias=False)
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


def sgd(model: nn.Module) -> torch.optim.SGD:
    """Return the update rule: only filters decay, and the norms' biases learn faster."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    norms = {f"{name}.bias" for name, layer in model.named_modules() if isinstance(layer, nn.BatchNorm2d)}
    plain = [(name, p) for name, p in named if name not in norms]
    groups = [
        {"params": [p for _, p in plain if p.ndim > 1], "factor": 1, "weight_decay": REG},
        {"params": [p for _, p in plain if p.ndim == 1], "factor": 1},
        {"params": [p for name, p in named if name in norms], "factor": BIAS_FACTOR},
    ]
    return torch.optim.SGD(groups, lr=LEARNING_RATE, momentum=MOMENTUM, nesterov=True, fused=True)


def train(model: nn.Module, batches: Batches, epochs: int, seed: int, autocast: bool) -> None:
    """Train, and leave the slow weights of lookahead in the model."""
    optimizer, schedule = sgd(model), get_schedule(SCHEDULE)
    pruning = Pruning(PRUNE, len(batches.X))
    total = epochs * batches.per_epoch
    state = [v for v in model.state_dict().values() if v.dtype.is_floating_point]
    slow = [v.clone() for v in state]
    for step in range(total):
        if step == BIAS_EPOCHS * batches.per_epoch:
            model[0].bias.requires_grad = False
        for group in optimizer.param_groups:
            group["lr"] = group["factor"] * LEARNING_RATE * schedule(step, total)
        kept, weights = batches.pruned(pruning, step, seed, done=step / total)
        X, y = batches.of(kept, step, seed)
        batch = torch.from_numpy(X).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            scores = model(batch).float() * 0.1111
        losses = F.cross_entropy(
            scores, torch.from_numpy(y), label_smoothing=LABEL_SMOOTHING, reduction="none"
        )
        loss = (losses * torch.from_numpy(weights).float()).sum() / weights.sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        pruning.saw(kept, losses.detach().numpy())
        if (step + 1) % LOOKAHEAD.every == 0:
            for behind, now in zip(slow, state, strict=True):
                behind.lerp_(now.detach(), LOOKAHEAD.part((step + 1) / total))
                now.detach().copy_(behind)
        if (step + 1) % batches.per_epoch == 0:
            print(f"epoch {(step + 1) // batches.per_epoch}: loss {loss.item():.4f}", flush=True)
    for behind, now in zip(slow, state, strict=True):
        now.detach().copy_(behind)


def main() -> None:
    """Train, and print accuracy and time."""
    chosen = options("cifar10_fast_pytorch", "cifar10_fast.py in PyTorch", epochs=EPOCHS, precision="medium")
    torch.set_num_threads(chosen.threads or torch.get_num_threads())
    data, standardize = images(chosen)
    model = build(make(standardize(data["X_train"][:5_000]), chosen.seed))
    size = min(BATCH, chosen.images)
    changes = augment.parse(AUGMENT)
    batches = Batches(data["X_train"], data["y_train"], size, changes, standardize, image_side=IMAGE_SIDE)
    start, busy = time.perf_counter(), time.process_time()
    train(model, batches, chosen.epochs, run_seed(chosen.seed), autocast=chosen.precision == "medium")
    record: dict[str, object] = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "precision": chosen.precision,
        "epochs": chosen.epochs,
        "seconds": round(time.perf_counter() - start, 1),
        "processor seconds": round(time.process_time() - busy, 1),
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
