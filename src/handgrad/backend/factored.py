"""Gradients that are left as two factors, for the update rule to multiply."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad import backend
from handgrad.backend.before import Before

_wanted = ContextVar("factored gradients are wanted", default=False)

# Below these bytes the product stays in the caches anyway; above so many rows multiplying takes so long that
# its way to memory and back hardly counts.
LEAST_BYTES = 4 << 20
MOST_ROWS = 512


@contextmanager
def factored_gradients(wanted: bool = True) -> Iterator[None]:
    """Let backward passes leave the gradients of large affine weights as a `Product`, until the block ends.

    Update rules of `handgrad.training.optim` take a product in the place of a gradient. Their native kernels
    multiply a few of its rows at a time and use them at once, so that the whole gradient, as large as the
    weights, is neither written to memory nor read from it. The numbers are the same but for rounding. For
    weights of 16 MB and 50 rows, gradient and step of Adam take a quarter to a third less time.

    A `Solver` does this by itself, for models of `handgrad.models` and rules of ours, where it clips nothing.

    Parameters
    ----------
    wanted : bool, default True
        False leaves everything as it is.

    Notes
    -----
    It holds for this thread (or task) alone, in the native tier, for up to 512 rows and weights of 4 MB
    or more. Other gradients are arrays as always.

    Examples
    --------
    >>> import handgrad, numpy as np
    >>> from handgrad.models import TwoLayerNet
    >>> from handgrad.training import optim
    >>> net = TwoLayerNet(input_dim=3072, hidden_dim=500, reg=0.1, seed=0)
    >>> with handgrad.factored_gradients():
    ...     loss, grads = net.loss(np.ones((2, 3072)), np.array([0, 1]))
    >>> np.shape(grads["W1"])
    (3072, 500)
    >>> net.params["W1"], config = optim.adam(net.params["W1"], grads["W1"])
    """
    before = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(before)


def pays(x: np.ndarray, w: np.ndarray) -> bool:
    """Return whether the gradient of `w` is to be left as factors: it is wanted, and quicker."""
    return _wanted.get() and w.nbytes >= LEAST_BYTES and len(x) <= MOST_ROWS


@dataclass(frozen=True, eq=False)
class Product:
    """The gradient of an affine layer's weights, not multiplied out: ``dw = x.T @ dout + l2 * w``.

    ``np.asarray`` multiplies it out, anew each time.

    Attributes
    ----------
    x : ndarray (N, D)
        What the layer got, in C order.
    dout : ndarray (N, M)
        The gradient of what it returned, in C order.
    w : ndarray (D, M)
        Its weights.
    l2 : float
        Strength of the penalty whose gradient is part of this one.
    """

    x: np.ndarray
    dout: np.ndarray
    w: np.ndarray
    l2: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """(D, M)."""
        return self.w.shape

    @property
    def ndim(self) -> int:
        """2."""
        return self.w.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the weights."""
        return self.w.dtype

    def with_l2(self, l2: float) -> Product:
        """Return this gradient with that of a penalty ``0.5 * l2 * sum(w**2)`` added."""
        return replace(self, l2=self.l2 + l2)

    def goes_into(self, w: np.ndarray, before: Before) -> bool:
        """Return whether a rule of the tier in use can multiply it in its own pass over `w`."""
        plain = self.l2 == 0 or (w is self.w and before.limit == math.inf and before.scale == 1)
        same = w.shape == self.shape and w.dtype == self.dtype
        return plain and same and backend.get_backend() == "native"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return the gradient as a new array."""
        if copy is False:
            raise ValueError("a product is multiplied out into a new array, so copy=False cannot be had")
        dw = np.empty(self.shape, self.dtype)
        backend.extension.affine_backward_w(self.dout, self.x, dw, np.empty(dw.shape[1:], dw.dtype))
        if self.l2:
            backend.tier("native").add_l2(dw, self.w, self.l2)
        return dw if dtype is None else dw.astype(dtype, copy=False)
