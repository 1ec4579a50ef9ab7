from __future__ import annotations

import numpy as np
import pytest

from handgrad import viz
from handgrad.training import LearningRates


def found(suggestion: float | None = 0.02) -> LearningRates:
    rates = np.geomspace(1e-5, 1, 30)
    losses = np.linspace(2.3, 1.0, 30) ** 2
    return LearningRates(rates, losses + 0.1, losses, suggestion)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_losses_over_rates_and_the_suggestion(theme: str) -> None:
    (axes,) = viz.learning_rates(found(), theme=theme).axes
    assert axes.get_xscale() == "log"
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), found().losses)
    np.testing.assert_array_equal(axes.lines[1].get_xdata(), found().rates)
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == "suggestion: 0.02"


def test_without_a_suggestion_and_without_losses() -> None:
    (axes,) = viz.learning_rates(found(None)).axes
    assert len(axes.lines) == 2
    none = LearningRates(np.array([]), np.array([]), np.array([]), None)
    with pytest.raises(ValueError, match="found must hold at least one loss, got none"):
        viz.learning_rates(none)
