"""Loss and accuracy in the course of training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.viz.figures import Colours, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class _History(NamedTuple):
    loss_epochs: np.ndarray
    losses: np.ndarray
    check_epochs: np.ndarray
    train_acc: np.ndarray
    val_acc: np.ndarray


def curves(history: Any, stacked: bool = False, theme: str = "light") -> Figure:
    """Draw the loss of every iteration, and the accuracies on training and validation images.

    Parameters
    ----------
    history : Solver, or an iterable of log records
        A `handgrad.training.Solver`, or the records that one gave its logger (the lines of a run's
        ``log.jsonl``, each parsed).
    stacked : bool
        One below the other, for a narrow page, in place of side by side.
    theme : 'light' or 'dark'

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When the history is empty: nothing was trained yet.
    """
    found = _from_records(history) if isinstance(history, Iterable) else _from_solver(history)
    if len(found.losses) == 0:
        raise ValueError("history must hold at least one iteration, got none")
    with style(theme) as colours:
        figure = new_figure(*((5.2, 6.0) if stacked else (9.0, 3.6)))
        upper, lower = figure.subplots(*((2, 1) if stacked else (1, 2)))
        _draw_loss(upper, found, colours)
        _draw_accuracy(lower, found, colours)
    return figure


def _draw_loss(axes: Axes, history: _History, colours: Colours) -> None:
    x, y = history.loss_epochs, history.losses
    smooth = _smooth(y)
    axes.plot(x, y, color=colours.first, alpha=0.25, linewidth=0.8, label="each batch")
    axes.plot(x, smooth, color=colours.first, linewidth=1.8, label="smoothed")
    # A few spikes must not flatten the rest.
    axes.set_ylim(min(0.0, float(y.min())), 1.05 * float(max(np.quantile(y, 0.995), smooth.max())))
    axes.set(title="Training loss", xlabel="epoch", xlim=(0, None))
    axes.legend(loc="upper right")


def _draw_accuracy(axes: Axes, history: _History, colours: Colours) -> None:
    x, val = history.check_epochs, history.val_acc
    dots: dict[str, Any] = {"marker": "o" if len(x) <= 40 else "", "markersize": 3}
    axes.plot(x, history.train_acc, color=colours.second, linestyle="--", label="training", **dots)
    axes.plot(x, val, color=colours.first, label="validation", **dots)
    axes.set(title="Accuracy", xlabel="epoch", xlim=(0, None), ylim=(0, 1))
    axes.yaxis.set_major_formatter("{x:.0%}")
    if len(val):
        best = int(np.argmax(val))
        ring: dict[str, Any] = {"marker": "o", "markersize": 9, "fillstyle": "none", "linestyle": ""}
        axes.plot(
            x[best], val[best], color=colours.first, label=f"best: {val[best]:.1%}", clip_on=False, **ring
        )
    axes.legend(loc="lower right")


def _smooth(y: np.ndarray) -> np.ndarray:
    """Return the mean over a window around each point, some fiftieth of the run, cut off at the ends."""
    half = len(y) // 100
    total = np.concatenate([[0.0], np.cumsum(y)])
    i = np.arange(len(y))
    start, stop = np.maximum(i - half, 0), np.minimum(i + half + 1, len(y))
    smooth: np.ndarray = (total[stop] - total[start]) / (stop - start)
    return smooth


def _from_solver(solver: Any) -> _History:
    per_epoch = solver.iterations_per_epoch
    n = len(solver.loss_history)
    # Solver checks after the first iteration, each epoch and the last one.
    checks = sorted({1, *range(per_epoch, n + 1, per_epoch), solver.num_iterations} & set(range(1, n + 1)))
    checks = checks[: len(solver.val_acc_history)]
    return _History(
        np.arange(1, n + 1) / per_epoch,
        np.array(solver.loss_history, dtype=float),
        np.array(checks) / per_epoch,
        np.array(solver.train_acc_history, dtype=float),
        np.array(solver.val_acc_history, dtype=float),
    )


def _from_records(records: Iterable[Mapping[str, Any]]) -> _History:
    records = list(records)
    steps = [record for record in records if record["event"] == "iteration"]
    checks = [record for record in records if record["event"] == "accuracy"]
    return _History(
        np.array([_epochs(record) for record in steps]),
        np.array([record["loss"] for record in steps], dtype=float),
        np.array([_epochs(record) for record in checks]),
        np.array([record["train_acc"] for record in checks], dtype=float),
        np.array([record["val_acc"] for record in checks], dtype=float),
    )


def _epochs(record: Mapping[str, Any]) -> float:
    """Return the point in the run in epochs, such as 1.5."""
    return float(record["iteration"] * record["num_epochs"] / record["num_iterations"])
