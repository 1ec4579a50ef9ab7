"""What a training run came to, in words."""

from __future__ import annotations

from collections.abc import Sequence

_GAP = 0.1  # between training and validation accuracy: more is called overfitting
_RISE = 0.01  # of validation accuracy in the last epoch: more is called unfinished


def verdict(
    train_acc: Sequence[float], val_acc: Sequence[float], epochs: Sequence[int], num_classes: int
) -> str:
    """Return the result of a run and what to try next, in two sentences.

    Parameters
    ----------
    train_acc, val_acc : sequence of float
        At each check; at least one.
    epochs : sequence of int
        The whole epochs done at each check.
    num_classes : int

    Examples
    --------
    >>> verdict([0.1, 0.5, 0.9], [0.1, 0.5, 0.6], [0, 1, 2], num_classes=10)
    'Validation accuracy 0.600, best at epoch 2. Training accuracy came to 0.900: it overfits; ...
    """
    best = max(range(len(val_acc)), key=val_acc.__getitem__)
    result = f"Validation accuracy {val_acc[best]:.3f}, best at epoch {epochs[best]}."
    return f"{result} {_advice(train_acc, val_acc, best, num_classes)}"


def _advice(train_acc: Sequence[float], val_acc: Sequence[float], best: int, num_classes: int) -> str:
    train, last = train_acc[best], len(val_acc) - 1
    if val_acc[best] < 1.5 / num_classes:
        return f"That is hardly better than guessing 1 of {num_classes}: try another learning rate."
    if train_acc[last] - val_acc[last] > _GAP:
        return (
            f"Training accuracy came to {train_acc[last]:.3f}: it overfits; try reg, augment or more images."
        )
    if best == last > 0 and val_acc[best] - max(val_acc[:best]) > _RISE:
        return f"Training accuracy is {train:.3f}, and both were still rising: try more epochs."
    if train >= 1 - _GAP:
        return f"Training accuracy is {train:.3f}: there is little left to gain."
    if train - val_acc[best] > _GAP / 2:
        return f"Training accuracy is {train:.3f}: try a larger net, and augment against overfitting."
    return f"Training accuracy is {train:.3f}: it underfits; try a larger net, more epochs or less reg."
