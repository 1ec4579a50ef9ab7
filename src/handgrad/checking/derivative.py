"""Derivatives of a learner's own forward that can be trusted.

By complex steps where forward goes through them, exact to rounding. Else by central differences at
several steps with Richardson extrapolation. How the error changes with the step tells what it is:

==============  ==================================================================
smooth          two differences part like h^2, so that extrapolation removes it
kink            the slopes to the left and to the right part, however small h is
noise           the differences part more and more as h falls (rounding)
==============  ==================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .cases import Args
from .complex_step import STEP, ComplexArray, complex_array, complex_numpy
from .sandbox import Failure
from .subject import Layer

FIRST_STEP = 2e-3
HALVINGS = 4


class Slope(NamedTuple):
    """A derivative along one direction, an estimate of its error, and what the error is."""

    value: np.ndarray
    error: float
    kind: str


def differences(
    f: Callable[[float], np.ndarray], step: float = FIRST_STEP, halvings: int = HALVINGS
) -> Slope:
    """Differentiate f at 0 by central differences and Richardson extrapolation (Ridders' scheme).

    Parameters
    ----------
    f : callable
        From a number t to an array.
    step : float
        The largest step; it is halved `halvings` times.

    Examples
    --------
    >>> slope = differences(lambda t: np.exp(np.array([t])))
    >>> slope.value.round(10), slope.kind
    (array([1.]), 'smooth')
    >>> differences(lambda t: np.abs(np.array([t]))).kind
    'kink'
    """
    middle = np.asarray(f(0.0))
    steps = [step / 2**k for k in range(halvings + 1)]
    table: list[list[np.ndarray]] = []
    bends = []
    best, error = np.zeros_like(middle, dtype=float), np.inf
    for k, h in enumerate(steps):
        above, below = np.asarray(f(h)), np.asarray(f(-h))
        row = [(above - below) / (2 * h)]
        bends.append(_largest((above - 2 * middle + below) / h))
        for j in range(1, k + 1):
            row.append(row[j - 1] + (row[j - 1] - table[k - 1][j - 1]) / (4**j - 1))
            change = max(_largest(row[j] - row[j - 1]), _largest(row[j] - table[k - 1][j - 1]))
            if change <= error:
                best, error = row[j], change
        table.append(row)
    return Slope(best, error, _kind(bends, best, error, middle, steps[-1]))


def _kind(bends: list[float], best: np.ndarray, error: float, middle: np.ndarray, last: float) -> str:
    scale = max(_largest(best), 1e-12)
    rounding = 64 * float(np.finfo(float).eps) * max(_largest(middle), 1e-300) / last
    if bends[-1] > max(1e-4 * scale, rounding) and bends[-1] > 0.7 * bends[-2]:
        return "kink"  # the second difference over h would halve with h if f were smooth
    return "noise" if error > 1e-3 * scale and error > rounding else "smooth"


def _largest(values: np.ndarray) -> float:
    return float(np.max(np.abs(values), initial=0.0))


@dataclass
class Differentiator:
    """Derivatives of one subject's forward at one case's arguments.

    Attributes
    ----------
    method : str
        'complex step' or 'differences', decided by a trial along one direction: a complex step that
        disagrees with smooth differences has lost a part on its way and is not used.
    """

    subject: Layer
    args: Args
    method: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        """Decide the method."""
        names = [n for n, v in self.args.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
        rng = np.random.default_rng(11)
        direction = {name: rng.standard_normal(self.args[name].shape) for name in names}
        self.method = "differences"
        try:
            exact = self._complex(direction)
        except Failure as failure:
            self.why = failure.evidence()
            return
        slope = differences(lambda t: self._moved(direction, t), halvings=3)
        scale = max(_largest(slope.value), _largest(exact), 1e-12)
        if slope.kind != "smooth" or _largest(exact - slope.value) <= max(1e-5 * scale, 10 * slope.error):
            self.method = "complex step"
        else:
            self.why = "the complex step lost a part of the derivative on its way"

    def along(self, direction: dict[str, np.ndarray]) -> Slope:
        """Return the derivative of forward's output along a direction of some of its arrays."""
        if self.method == "complex step":
            return Slope(self._complex(direction), 0.0, "smooth")
        return differences(lambda t: self._moved(direction, t))

    def gradient(self, name: str, dout: np.ndarray) -> np.ndarray:
        """Return the gradient of ``sum(dout * out)`` for one array, number by number."""
        array = self.args[name]
        gradient = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            direction = np.zeros(array.shape)
            direction[index] = 1.0
            gradient[index] = np.sum(dout * self.along({name: direction}).value)
        return gradient

    def _moved(self, direction: dict[str, np.ndarray], t: float) -> np.ndarray:
        args = _copied(self.args)
        for name, vector in direction.items():
            args[name] = args[name] + t * vector
        return np.array(self.subject.value(args), dtype=float)

    def _complex(self, direction: dict[str, np.ndarray]) -> np.ndarray:
        args = _copied(self.args)
        for name, value in args.items():
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                args[name] = complex_array(value)
        for name, vector in direction.items():
            args[name] = args[name] + 1j * STEP * vector
        with complex_numpy(self.subject.functions):
            out = self.subject.value(args)
        if out.dtype.kind != "c":
            raise Failure("derivative", "the output is not complex", "")
        plain = out.view(np.ndarray) if isinstance(out, ComplexArray) else np.asarray(out)
        return plain.imag / STEP


def _copied(args: Args) -> dict[str, Any]:
    return {
        name: value.copy(order="K") if isinstance(value, np.ndarray) else _dict_copied(value)
        for name, value in args.items()
    }


def _dict_copied(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in value.items()}
