"""The sizes of images that a network takes beside the one that it was made for."""

from __future__ import annotations

from typing import Any

from handgrad.models.notation import Spec, SpecError
from handgrad.models.plan import Parameter, plan


class Sizes:
    """Says which images fit a network's parameters.

    A network whose affine layers stand behind ``globalpool`` takes any size that its windows fit into;
    others take those sizes that pooling rounds to the same.

    Parameters
    ----------
    spec : Spec
    num_classes : int
    parameters : dict of Parameter
        Those that the network has.
    """

    def __init__(self, spec: Spec, num_classes: int, parameters: dict[str, Parameter]) -> None:
        self._plan = spec, num_classes
        self._parameters = parameters
        self._known: dict[tuple[int, ...], bool] = {}

    def fit(self, shape: tuple[int, ...]) -> bool:
        """Say whether images of shape (C, H, W) do."""
        if shape not in self._known:
            self._known[shape] = (
                len(shape) == 3 and min(shape) > 0 and self._parameters_for(shape) == self._parameters
            )
        return self._known[shape]

    def _parameters_for(self, shape: Any) -> dict[str, Parameter] | None:
        spec, num_classes = self._plan
        try:
            return plan(spec, shape, num_classes).parameters
        except SpecError:
            return None
