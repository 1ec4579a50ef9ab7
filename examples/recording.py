"""What the examples share: options, a run that can go on, and the record that carries the claim.

A run leaves its folder with log.jsonl (every step and check), checkpoint/, curve.png and record.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

import handgrad
from handgrad import viz
from handgrad.backend.precision import PRECISIONS
from handgrad.cli.machine import cpu
from handgrad.data import Standardize, load_cifar10
from handgrad.data.augment import parse
from handgrad.models import Views
from handgrad.training import Solver
from handgrad.training.evaluation import accuracy
from handgrad.training.logging import JsonLines


def options(name: str, claim: str, epochs: int, precision: str | None = None) -> argparse.Namespace:
    """Return the command line of an example; threads and precision are set, None being that in use."""
    parser = argparse.ArgumentParser(description=claim)
    parser.add_argument("--data", help="where CIFAR-10 is (default: as for 'handgrad train')")
    parser.add_argument("--out", type=Path, default=Path("runs") / name, help="folder of the run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--images", type=int, default=49_000, help="train on so many, to try the script")
    parser.add_argument("--threads", type=int, help="threads of native kernels (default: one a core)")
    parser.add_argument("--precision", choices=PRECISIONS, default=precision or handgrad.get_precision())
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--test", action="store_true", help="look at the test images, once all is settled")
    chosen = parser.parse_args()
    handgrad.set_precision(chosen.precision)
    if chosen.threads:
        handgrad.set_num_threads(chosen.threads)
    return chosen


def images(chosen: argparse.Namespace) -> tuple[dict[str, np.ndarray], Standardize]:
    """Return 49,000 training, 1,000 validation and 10,000 test images, and what brings them to mean 0."""
    data = load_cifar10(chosen.data).split(chosen.images, min(1_000, chosen.images))
    return data, Standardize.fit(data["X_train"], scale=True)


def train(
    chosen: argparse.Namespace, net: Any, data: dict[str, np.ndarray], augment: str, **settings: Any
) -> None:
    """Train, and write the record; the accuracies in it are those of the best weights."""
    chosen.out.mkdir(parents=True, exist_ok=True)
    log = chosen.out / "log.jsonl"
    settings["batch_size"] = min(settings["batch_size"], len(data["y_train"]))
    solver = Solver(
        net,
        data,
        num_epochs=chosen.epochs,
        seed=chosen.seed,
        checkpoint_name=chosen.out / "checkpoint",
        resume=chosen.resume,
        logger=JsonLines(log),
        progress=True,
        verbose=False,
        augment=parse(augment),
        **settings,
    )
    start, busy = time.perf_counter(), time.process_time()
    solver.train()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    record = {
        "net": str(net),
        "settings": {name: str(value) for name, value in settings.items() if name != "preprocess"}
        | {"augment": augment},
        "precision": handgrad.get_precision(),
        "seed": chosen.seed,
        "epochs": chosen.epochs,
        "seconds": None if chosen.resume else round(seconds, 1),
        "processor seconds": None if chosen.resume else round(busy, 1),
        "validation accuracy after each epoch": solver.val_acc_history[1:],
        **_accuracies(chosen, net, data, settings["preprocess"]),
        "machine": f"{cpu()}, {handgrad.get_num_threads()} threads, {platform.system()}",
        "versions": {
            "Handgrad": handgrad.__version__,
            "NumPy": np.__version__,
            "Python": platform.python_version(),
        },
    }
    (chosen.out / "record.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    viz.save(viz.curves(records), chosen.out / "curve.png")
    print(json.dumps(record, indent=1))


def _accuracies(
    chosen: argparse.Namespace, net: Any, data: dict[str, np.ndarray], preprocess: Any
) -> dict[str, float]:
    found = {}
    parts = {"validation": "val"} | ({"test": "test"} if chosen.test else {})
    for part, short in parts.items():
        X, y = data[f"X_{short}"], data[f"y_{short}"]
        found[f"{part} accuracy"] = accuracy(net, X, y, 250, preprocess)
        found[f"{part} accuracy, mirrored and moved"] = accuracy(Views(net), X, y, 250, preprocess)
    return found
