"""Calls of the registry's layers with arrays in them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

import handgrad
from handgrad import backend
from handgrad.layers.registry import Layer, Pick, Shape

# Every tier but the reference; the native one once for each instruction set that runs here.
ISAS = tuple(backend.extension.isas()) if backend.extension else ()
TIERS = ("numpy", *(f"native-{isa}" for isa in ISAS))


@contextmanager
def computing(tier: str) -> Iterator[None]:
    """Let one of TIERS, or the reference, compute until the block ends."""
    name, _, isa = tier.partition("-")
    before = backend.extension.isa() if isa else None
    with handgrad.use_backend(name):
        try:
            if isa:
                backend.extension.set_isa(isa)
            yield
        finally:
            if isa:
                backend.extension.set_isa(before)


DTYPES = (np.float32, np.float64)


def _fortran(array: np.ndarray) -> np.ndarray:
    return np.asfortranarray(array)


def _strided(array: np.ndarray) -> np.ndarray:
    holder = np.full(tuple(2 * side for side in array.shape), np.nan, array.dtype)
    view = holder[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def _reversed(array: np.ndarray) -> np.ndarray:
    backwards = tuple(slice(None, None, -1) for _ in array.shape)
    return np.ascontiguousarray(array[backwards])[backwards]


def _read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


ORDERS = {
    "C": np.ascontiguousarray,
    "Fortran": _fortran,
    "strided": _strided,
    "reversed": _reversed,
    "read-only": _read_only,
}


@dataclass
class Case:
    """A layer, its arrays by name and the other arguments of the call."""

    layer: Layer
    arrays: dict[str, np.ndarray]
    settings: dict[str, Any]
    dout: np.ndarray

    @property
    def length(self) -> int:
        """No sum in the layer is longer than this."""
        return sum(array.size for array in self.arrays.values())

    def run(self, tier: str, **replaced: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the output and the gradient of each array."""
        with computing(tier):
            out, cache = self.forward(**replaced)
            return out, self.gradients(cache)

    def forward(self, **replaced: np.ndarray) -> tuple[np.ndarray, Any]:
        return self.layer.forward(**self.arrays | replaced, **copy.deepcopy(self.settings))

    def gradients(self, cache: Any, dout: np.ndarray | None = None) -> dict[str, np.ndarray]:
        gradients = self.layer.backward(self.dout if dout is None else dout, cache)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        assert len(gradients) == len(self.arrays)
        return dict(zip(self.arrays, gradients, strict=True))


def make(
    layer: Layer, pick: Pick, dtype: type = np.float64, ties: bool = False, batch: int | None = None
) -> Case:
    """Return a case with arrays drawn from a seed that `pick` chooses, multiples of 1/2 for `ties`."""
    shapes, settings = layer.example(pick)
    if batch is not None:
        shapes = shapes | {"x": (batch, *shapes["x"][1:])}
    rng = np.random.default_rng(pick(0, 2**31))
    arrays = {name: _draw(rng, shape, ties).astype(dtype) for name, shape in shapes.items()}
    with handgrad.use_backend("reference"):
        out, _ = layer.forward(**arrays, **copy.deepcopy(settings))
    return Case(layer, arrays, settings, _draw(rng, out.shape, ties).astype(dtype))


def _draw(rng: np.random.Generator, shape: Shape, ties: bool) -> np.ndarray:
    values = rng.normal(size=shape)
    return np.round(2 * values) / 2 if ties else values


def settled(case: Case) -> bool:
    """Whether a change of the inputs by a hundred thousandth hardly moves the gradients.

    Near a kink (a sign, a maximum) two tiers may rightly land on its two sides, so such a draw shows
    nothing. Only the reference is asked.
    """
    rng = np.random.default_rng(0)
    moved = {
        name: (array * (1 + 1e-5 * rng.uniform(-1, 1, array.shape))).astype(array.dtype)
        for name, array in case.arrays.items()
    }
    before, after = case.run("reference")[1], case.run("reference", **moved)[1]
    return all(
        np.max(np.abs(before[name] - after[name]), initial=0)
        <= 1e-2 * max(1.0, np.max(np.abs(before[name]), initial=0))
        for name in before
    )
