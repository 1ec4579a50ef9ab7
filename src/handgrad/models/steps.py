"""The steps of a network: what `ConvNet` runs forward, and in reverse order backward.

A step has ``forward(x, params) -> (out, cache)`` and ``backward(dout, cache, grads) -> dx``, which adds the
gradients of its parameters to `grads` by their names.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad import backend, layers

Arrays = dict[str, np.ndarray]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """A layer of `handgrad.layers`, or a sandwich of several.

    Attributes
    ----------
    name : str
        Such as 'conv1'; of a sandwich 'conv1-bn1-relu1'.
    text : str
        Of the notation, such as 'conv3-64'.
    function : str
        ``{function}_forward`` and ``{function}_backward`` compute it.
    arguments : tuple
        What forward takes after x: the name of a parameter, an array that is not trained (whole numbers,
        which join the type of x), or a setting. Backward returns a gradient for each name and array.
    inputs, outputs : tuple of int
        Shape of a sample of x and of out.
    parts : tuple of Layer
        The layers of a sandwich, in order; empty for a single layer.
    """

    name: str
    text: str
    function: str
    arguments: tuple[Any, ...]
    inputs: Shape
    outputs: Shape
    parts: tuple[Layer, ...] = ()

    @property
    def parameters(self) -> list[str]:
        """The names of its parameters."""
        return [argument for argument in self.arguments if isinstance(argument, str)]

    def forward(
        self, x: np.ndarray, params: Arrays, keep: bool = True, seen: Arrays | None = None
    ) -> tuple[np.ndarray, Any]:
        """Return out and the cache."""
        # Looked up at each call, so that a learner's function can stand in (`handgrad.use_layer`).
        function = getattr(layers, f"{self.function}_forward")
        return function(x, *(params[a] if isinstance(a, str) else a for a in self.arguments))

    def backward(
        self, dout: np.ndarray, cache: Any, grads: Arrays, need_dx: bool = True, seen: Arrays | None = None
    ) -> Any:
        """Return dx, or None without `need_dx` where the layer can leave it out."""
        function = getattr(layers, f"{self.function}_backward")
        arrays = [a for a in self.arguments if isinstance(a, str | np.ndarray)]
        if not arrays:
            return function(dout, cache)
        can_skip = self.function.startswith(("conv", "affine"))
        dx, *found = function(dout, cache, **({} if need_dx or not can_skip else {"need_dx": False}))
        grads.update({a: found[i] for i, a in enumerate(arrays) if isinstance(a, str)})
        return dx


@dataclass(frozen=True)
class Scale:
    """Multiplication by a fixed number: ``out = factor * x``."""

    name: str
    text: str
    factor: float
    outputs: Shape

    @property
    def parameters(self) -> list[str]:
        """None."""
        return []

    @property
    def inputs(self) -> Shape:
        """Shape of a sample of x."""
        return self.outputs

    def forward(
        self, x: np.ndarray, params: Arrays, keep: bool = True, seen: Arrays | None = None
    ) -> tuple[np.ndarray, None]:
        """Return out."""
        return x * self.factor, None

    def backward(
        self, dout: np.ndarray, cache: None, grads: Arrays, need_dx: bool = True, seen: Arrays | None = None
    ) -> np.ndarray:
        """Return dx."""
        return dout * self.factor


class Residual:
    """Two ways from x to out, whose results are added: ``out = main(x) + shortcut(x)``.

    Parameters
    ----------
    name, text : str
    main, shortcut : Chain
        A chain without steps hands x on.
    inputs, outputs : tuple of int

    Notes
    -----
    He et al., "Deep residual learning for image recognition", CVPR 2016.
    """

    def __init__(
        self, name: str, text: str, main: Chain, shortcut: Chain, inputs: Shape, outputs: Shape
    ) -> None:
        self.name, self.text = name, text
        self.main, self.shortcut = main, shortcut
        self.inputs, self.outputs = inputs, outputs

    @property
    def parameters(self) -> list[str]:
        """The names of its parameters."""
        return self.main.parameters + self.shortcut.parameters

    def forward(
        self, x: np.ndarray, params: Arrays, keep: bool = True, seen: Arrays | None = None
    ) -> tuple[np.ndarray, Any]:
        """Return out, and the caches of both ways."""
        main, main_caches = self.main.forward(x, params, keep, seen)
        shortcut, shortcut_caches = self.shortcut.forward(x, params, keep, seen)
        return backend.ops().add(main, shortcut), (main_caches, shortcut_caches)

    def backward(
        self, dout: np.ndarray, cache: Any, grads: Arrays, need_dx: bool = True, seen: Arrays | None = None
    ) -> Any:
        """Return dx: both ways send a gradient back to x, and they add up."""
        main_caches, shortcut_caches = cache
        dshortcut = self.shortcut.backward(dout, shortcut_caches, grads, need_dx, seen)
        dmain = self.main.backward(dout, main_caches, grads, need_dx, seen)
        return backend.ops().add(dmain, dshortcut) if need_dx else None


Step = Layer | Scale | Residual


class Chain:
    """Steps one after the other.

    Parameters
    ----------
    steps : sequence of Step
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = list(steps)

    def first_trained(self, frozen: Collection[str] = ()) -> int:
        """Return the number of the first step with parameters beyond the `frozen` ones.

        Without `need_dx` backward ends there. It is the number of steps where there is none.
        """
        for number, step in enumerate(self.steps):
            if any(name not in frozen for name in step.parameters):
                return number
        return len(self.steps)

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters, in order."""
        return [name for step in self.steps for name in step.parameters]

    @property
    def layers(self) -> list[Step]:
        """Every step in the order of computation, those of a residual block before the block."""
        found: list[Step] = []
        for step in self.steps:
            inner = step.main.layers + step.shortcut.layers if isinstance(step, Residual) else []
            found += [*inner, step]
        return found

    @property
    def names(self) -> list[str]:
        """The names of `layers`."""
        return [step.name for step in self.layers]

    def forward(
        self, x: np.ndarray, params: Arrays, keep: bool = True, seen: Arrays | None = None
    ) -> tuple[np.ndarray, list[Any]]:
        """Return the last step's out and the caches of all; none are kept without `keep`.

        `seen` gets the output of each step by its name.
        """
        caches = []
        for step in self.steps:
            x, cache = step.forward(x, params, keep, seen)
            if keep:
                caches.append(cache)
            del cache  # it must not outlive this step where it is not kept
            if seen is not None:
                seen[step.name] = x
        return x, caches

    def backward(
        self,
        dout: np.ndarray,
        caches: list[Any],
        grads: Arrays,
        need_dx: bool = True,
        seen: Arrays | None = None,
        frozen: Collection[str] = (),
    ) -> Any:
        """Return dx; without `need_dx` end at the first step whose parameters are not all `frozen`.

        `caches` is empty afterwards: what a step has used is free for the steps before it. `seen` gets the
        gradient of each step's output by its name.
        """
        last = 0 if need_dx else self.first_trained(frozen)
        for number in reversed(range(last, len(self.steps))):
            step = self.steps[number]
            if seen is not None:
                seen[step.name] = dout
            dout = step.backward(dout, caches.pop(), grads, need_dx or number > last, seen)
        caches.clear()
        return dout
