"""What the learning-rate finder saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handgrad.viz.figures import new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def learning_rates(found: Any, title: str = "Loss by learning rate", theme: str = "light") -> Figure:
    """Draw the loss of each step against its learning rate, and the rate that is suggested.

    Parameters
    ----------
    found : handgrad.training.LearningRates
        What `handgrad.training.find_learning_rate` returns.
    title : str
    theme : 'light' or 'dark'

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When no step has a loss that is a number.
    """
    if not len(found.rates):
        raise ValueError("found must hold at least one loss, got none")
    with style(theme) as colours:
        figure = new_figure(6.4, 3.8)
        axes = figure.subplots()
        axes.plot(
            found.rates, found.losses, color=colours.first, alpha=0.3, linewidth=0.8, label="each batch"
        )
        axes.plot(found.rates, found.smoothed, color=colours.first, linewidth=1.8, label="smoothed")
        if found.suggestion is not None:
            label = f"suggestion: {found.suggestion:.2g}"
            axes.axvline(found.suggestion, color=colours.second, linestyle="--", label=label)
        low, first = float(found.smoothed.min()), float(found.smoothed[0])
        top = first + 0.4 * max(first - low, 0.05 * first)  # the last steps may be far beyond
        axes.set(title=title, xscale="log", xlabel="learning rate", ylabel="loss")
        axes.set_ylim(low - 0.1 * (top - low), top)
        axes.legend(loc="lower left")
    return figure
