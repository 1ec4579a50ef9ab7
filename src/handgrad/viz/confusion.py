"""Which classes a net takes for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.viz.figures import TITLE_CHARACTER, Colours, new_figure, style
from handgrad.viz.images import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NAMES = 40  # classes above which every second name, third, ... is written
_LONGEST_NAME = 20  # characters
_MOST_NUMBERS = 20  # classes above which the counts would be too small to read


def count_confusions(y: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count how often class i was taken for class j.

    Parameters
    ----------
    y, predicted : ndarray (N,) of whole numbers
        Right and predicted classes, from 0 to below `num_classes`.
    num_classes : int
        K.

    Returns
    -------
    counts : ndarray (K, K)
        ``counts[i, j]`` images of class i were put in class j.

    Examples
    --------
    >>> count_confusions(np.array([0, 0, 1]), np.array([0, 1, 1]), num_classes=2)
    array([[1, 1],
           [0, 1]])
    """
    y, predicted = np.asarray(y), np.asarray(predicted)
    if y.ndim != 1 or y.shape != predicted.shape:
        raise ValueError(
            f"y and predicted must have the same shape (N,), got {y.shape} and {predicted.shape}"
        )
    for name, labels in (("y", y), ("predicted", predicted)):
        if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
            raise ValueError(
                f"{name} must lie from 0 to below {num_classes}, got {labels.min()} to {labels.max()}"
            )
    return np.bincount(y * num_classes + predicted, minlength=num_classes**2).reshape(
        num_classes, num_classes
    )


def confusion_matrix(
    y: np.ndarray,
    predicted: np.ndarray,
    class_names: Sequence[str] | None = None,
    title: str = "Confusion matrix",
    theme: str = "light",
) -> Figure:
    """Draw how often each class was taken for each, a row for each right class.

    Parameters
    ----------
    y, predicted : ndarray (N,) of whole numbers
    class_names : sequence of K str, optional
        Default: the numbers up to the largest in `y` and `predicted`.
    title : str
    theme : 'light' or 'dark'

    Returns
    -------
    matplotlib.figure.Figure
        The shade of a cell is its share of the row; the number is the count, up to 20 classes.
    """
    y, predicted = np.asarray(y), np.asarray(predicted)
    if class_names is None:
        class_names = [str(k) for k in range(int(max(y.max(initial=0), predicted.max(initial=0))) + 1)]
    counts = count_confusions(y, predicted, len(class_names))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [shortened(name, _LONGEST_NAME) for name in class_names]
    with style(theme) as colours:
        figure = new_figure(*_size(names, title))
        axes = figure.add_subplot(anchor="W")
        axes.imshow(shares, cmap=_ramp(colours), vmin=0, vmax=1)
        axes.set(title=title, xlabel="predicted", ylabel="right class")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        every = -(-len(names) // _MOST_NAMES)
        ticks = np.arange(0, len(names), every)
        axes.set_xticks(ticks, names[::every], rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(ticks, names[::every])
        if len(names) <= _MOST_NUMBERS:
            _write_counts(axes, counts, shares, colours.text_on_ramp)
    return figure


def _size(names: Sequence[str], title: str) -> tuple[float, float]:
    """Return width and height in inches: a matrix, and room for the longest name on the left and below."""
    matrix = min(max(0.38 * len(names), 1.4), 7.5)
    letters = max(map(len, names), default=0)
    left = 0.6 + 0.085 * letters
    return left + max(matrix, TITLE_CHARACTER * len(title)), 0.9 + 0.065 * letters + matrix


def _ramp(colours: Colours) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("handgrad", colours.ramp)


def _write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray, colours: tuple[str, str]) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = colours[int(shares[row, column] > 0.5)]
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
