"""What a finished run came to: figures and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handgrad.cli.verdict import verdict

if TYPE_CHECKING:
    import numpy as np


def summarize(records: Sequence[Mapping[str, Any]], val_loss: float, num_classes: int) -> dict[str, Any]:
    """Return the result of a run from its log and the best net's loss on the validation images."""
    checks = [record for record in records if record["event"] == "accuracy"]
    train_acc, val_acc = ([record[name] for record in checks] for name in ("train_acc", "val_acc"))
    epochs = [record["epoch"] for record in checks]
    best = max(range(len(checks)), key=val_acc.__getitem__)
    return {
        "val_accuracy": val_acc[best],
        "val_loss": val_loss,
        "train_accuracy": train_acc[best],
        "best_epoch": epochs[best],
        "epochs": epochs[-1],
        "steps": checks[-1]["iteration"],
        "seconds": seconds(records),
        "verdict": verdict(train_acc, val_acc, epochs, num_classes),
    }


def seconds(records: Sequence[Mapping[str, Any]]) -> float:
    """Return how long a run has trained: each part's clock began anew with its start record.

    Examples
    --------
    >>> begin = {"event": "start", "seconds": 0.0}
    >>> seconds([begin, {"event": "iteration", "seconds": 5.0}, begin, {"event": "accuracy", "seconds": 2.0}])
    7.0
    """
    total = latest = 0.0
    for record in records:
        if record["event"] == "start":
            total, latest = total + latest, 0.0
        latest = record["seconds"]
    return round(total + latest, 3)


def figures(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names and texts of the figures that people want to see."""
    return [
        ("validation accuracy", f"{result['val_accuracy']:.1%}"),
        ("training accuracy", f"{result['train_accuracy']:.1%}"),
        ("validation loss", f"{result['val_loss']:.3f}"),
        ("best epoch", f"{result['best_epoch']} of {result['epochs']}"),
        ("time", duration(result["seconds"])),
    ]


def duration(seconds: float) -> str:
    """Return a time in words.

    Examples
    --------
    >>> duration(7.25), duration(75), duration(760), duration(3700)
    ('7.2 s', '1 min 15 s', '13 min', '1 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 600:
        return "{} min {} s".format(*divmod(round(seconds), 60))
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else "{} h {} min".format(*divmod(minutes, 60))


def per_class(y: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]) -> list[dict[str, Any]]:
    """Return for each class its images and the part of them that was recognised (None without any)."""
    return [
        {
            "class": name,
            "images": int((y == k).sum()),
            "accuracy": float((predicted[y == k] == k).mean()) if (y == k).any() else None,
        }
        for k, name in enumerate(class_names)
    ]
