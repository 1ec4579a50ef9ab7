"""The weights that a run is judged by: those of the last step, or an average of those of many."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from handgrad.training.ema import Average
from handgrad.training.lookahead import Lookahead


class Averages:
    """What is kept of the weights beside the model, step by step: a moving average, slow weights, or nothing.

    Parameters
    ----------
    model : object
        As it is before the first step.
    ema : float or None
        Decay of the moving average.
    lookahead : Lookahead or None
    """

    def __init__(self, model: Any, ema: float | None, lookahead: Lookahead | None) -> None:
        self.average = None if ema is None else Average(ema)
        self.lookahead = lookahead
        if lookahead is not None:
            lookahead.begin(model)

    def update(self, model: Any, step: int, share: float) -> None:
        """Take in the model after step `step`, counted from 1; lookahead may change its weights.

        `share` of the run is over then.
        """
        if self.lookahead is not None:
            self.lookahead.update(model, step, share)
        if self.average is not None:
            self.average.update(model, step)

    def judged(self, model: Any, step: int) -> AbstractContextManager[None]:
        """Let the model hold the weights that are evaluated after `step` steps."""
        if self.average is not None:
            return self.average.swapped_into(model)
        if self.lookahead is not None and step >= self.lookahead.every:
            return self.lookahead.swapped_into(model)
        return nullcontext()

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps, by name; None where there is none."""
        kept = {"average": self.average, "lookahead": self.lookahead}
        return {
            name: None if each is None else {"params": each.params, "statistics": each.statistics}
            for name, each in kept.items()
        }

    def restore(self, tree: dict[str, Any]) -> None:
        """Take up what a checkpoint kept."""
        for name, each in (("average", self.average), ("lookahead", self.lookahead)):
            if each is not None:
                vars(each).update(tree[name])
