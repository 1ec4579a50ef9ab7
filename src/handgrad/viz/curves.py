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
    found = _read(history, "history")
    with style(theme) as colours:
        figure, upper, lower = _two_axes(stacked)
        _draw_loss(upper, found, colours)
        _draw_accuracy(lower, found, colours)
    return figure


def compare_curves(histories: Mapping[str, Any], stacked: bool = False, theme: str = "light") -> Figure:
    """Draw the smoothed losses and the validation accuracies of several runs, each in a colour of its own.

    Parameters
    ----------
    histories : mapping
        For each name of a run its history, as for `curves`.
    stacked, theme
        As for `curves`.

    Returns
    -------
    matplotlib.figure.Figure
        Rings mark the best accuracies, which stand in the legend, too.

    Raises
    ------
    ValueError
        When there is no run, or one is empty.
    """
    if not histories:
        raise ValueError("histories must hold at least one run, got none")
    found = {name: _read(history, name) for name, history in histories.items()}
    with style(theme) as colours:
        figure, upper, lower = _two_axes(stacked)
        figure.set_figheight(figure.get_figheight() + 0.22 * len(found))
        looks = _looks(colours, len(found))
        for (name, history), look in zip(found.items(), looks, strict=True):
            upper.plot(history.loss_epochs, _smooth(history.losses), **look)
            best = f": best {history.val_acc.max():.1%}" if len(history.val_acc) else ""
            label = _without_middle(name) + best
            lower.plot(history.check_epochs, history.val_acc, label=label, **look)
            _ring_best(lower, history, look["color"])
        upper.set(title="Training loss, smoothed", xlim=(0, None))
        _number_epochs(upper)
        upper.set_ylim(min(0.0, upper.get_ylim()[0]), _loss_ceiling(found.values()))
        _as_accuracy(lower, "Validation accuracy")
        # Below the axes: names of runs are long, and curves may be anywhere.
        figure.legend(*lower.get_legend_handles_labels(), loc="outside lower left")
    return figure


def _without_middle(name: str, limit: int = 41) -> str:
    """Return a name that fits below narrow axes: runs differ at the beginning or at the end of theirs."""
    half = limit // 2
    return name if len(name) <= limit else f"{name[:half]}…{name[-half:]}"


def _two_axes(stacked: bool) -> tuple[Figure, Axes, Axes]:
    figure = new_figure(*((5.2, 6.0) if stacked else (9.0, 3.6)))
    upper, lower = figure.subplots(*((2, 1) if stacked else (1, 2)))
    return figure, upper, lower


def _looks(colours: Colours, count: int) -> list[dict[str, Any]]:
    """Return colours and, where they begin again, another kind of line."""
    several, lines = colours.several, ("-", "--", ":", "-.")
    return [
        {
            "color": several[i % len(several)],
            "linestyle": lines[i // len(several) % len(lines)],
            "linewidth": 1.8,
        }
        for i in range(count)
    ]


def _loss_ceiling(histories: Iterable[_History]) -> float:
    """Return a height that shows every run's losses but its first and largest ones."""
    tops = [float(np.quantile(_smooth(history.losses), 0.98)) for history in histories]
    return 1.05 * max(tops)


def _draw_loss(axes: Axes, history: _History, colours: Colours) -> None:
    x, y = history.loss_epochs, history.losses
    smooth = _smooth(y)
    axes.plot(x, y, color=colours.first, alpha=0.25, linewidth=0.8, label="each batch")
    axes.plot(x, smooth, color=colours.first, linewidth=1.8, label="smoothed")
    # A few spikes must not flatten the rest.
    top = 1.05 * float(max(np.quantile(y, 0.995), smooth.max()))
    axes.set_ylim(min(0.0, float(y.min())), top)
    axes.set(title="Training loss", xlim=(0, None))
    _number_epochs(axes)
    # Where the loss has hardly fallen yet, there is room below it.
    axes.legend(loc="upper right" if smooth[len(y) // 2 :].max() < 0.7 * top else "lower left")


def _draw_accuracy(axes: Axes, history: _History, colours: Colours) -> None:
    x, val = history.check_epochs, history.val_acc
    dots: dict[str, Any] = {"marker": "o" if len(x) <= 40 else "", "markersize": 3}
    axes.plot(x, history.train_acc, color=colours.second, linestyle="--", label="training", **dots)
    axes.plot(x, val, color=colours.first, label="validation", **dots)
    _as_accuracy(axes, "Accuracy")
    if len(val):
        _ring_best(axes, history, colours.first, label=f"best: {val.max():.1%}")
    late = np.concatenate([history.train_acc[len(x) // 2 :], val[len(x) // 2 :]])
    axes.legend(loc="lower right" if late.min(initial=1) > 0.4 else "upper left")


def _number_epochs(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))


def _as_accuracy(axes: Axes, title: str) -> None:
    axes.set(title=title, xlim=(0, None), ylim=(0, 1))
    _number_epochs(axes)
    axes.yaxis.set_major_formatter("{x:.0%}")


def _ring_best(axes: Axes, history: _History, colour: str, **label: Any) -> None:
    if len(history.val_acc):
        best = int(np.argmax(history.val_acc))
        ring: dict[str, Any] = {"marker": "o", "markersize": 9, "fillstyle": "none", "linestyle": ""}
        at = history.check_epochs[best], history.val_acc[best]
        axes.plot(*at, color=colour, clip_on=False, **ring, **label)


def _smooth(y: np.ndarray) -> np.ndarray:
    """Return the mean over a window around each point, some fiftieth of the run, cut off at the ends."""
    half = len(y) // 100
    total = np.concatenate([[0.0], np.cumsum(y)])
    i = np.arange(len(y))
    start, stop = np.maximum(i - half, 0), np.minimum(i + half + 1, len(y))
    smooth: np.ndarray = (total[stop] - total[start]) / (stop - start)
    return smooth


def _read(history: Any, name: str) -> _History:
    found = _from_records(history) if isinstance(history, Iterable) else _from_solver(history)
    if len(found.losses) == 0:
        raise ValueError(f"{name} must hold at least one iteration, got none")
    return found


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
