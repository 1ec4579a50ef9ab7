"""Which classes a net takes for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.viz.figures import Colours, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
        The shade of a cell is its share of the row; the number is the count.
    """
    y, predicted = np.asarray(y), np.asarray(predicted)
    if class_names is None:
        class_names = [str(k) for k in range(int(max(y.max(initial=0), predicted.max(initial=0))) + 1)]
    counts = count_confusions(y, predicted, len(class_names))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(9.0, 2.0 + 0.38 * len(class_names))
    with style(theme) as colours:
        figure = new_figure(side, side)
        axes = figure.add_subplot()
        axes.imshow(shares, cmap=_ramp(colours), vmin=0, vmax=1)
        axes.set(title=title, xlabel="predicted", ylabel="right class")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        ticks = np.arange(len(class_names))
        axes.set_xticks(ticks, class_names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(ticks, class_names)
        if len(class_names) <= _MOST_NUMBERS:
            _write_counts(axes, counts, shares, colours.text_on_ramp)
    return figure


def _ramp(colours: Colours) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("handgrad", colours.ramp)


def _write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray, colours: tuple[str, str]) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = colours[int(shares[row, column] > 0.5)]
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
