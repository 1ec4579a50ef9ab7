"""Inverted dropout: draws are NumPy's, so that a seed gives the same mask in every tier.

Those of PCG64, the generator of `numpy.random.default_rng`, are made by the kernel on all threads
(`native/kernels/pcg.h`), those of others by NumPy itself.
"""

from __future__ import annotations

import numpy as np

from handgrad.backend import extension
from handgrad.backend.native_ops.arrays import c_order, empty

__all__ = ["dropout_backward", "dropout_forward"]

# Below it NumPy has drawn before the generator's state is read and set.
FEW = 2048


def dropout_forward(x: np.ndarray, p: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return out and the mask, 0 with probability p and else 1 / (1 - p)."""
    out, mask = empty(x.shape, x.dtype), empty(x.shape, x.dtype)
    source = rng.bit_generator
    if type(source) is np.random.PCG64 and x.size >= FEW:
        _draw(c_order(x), p, source, out, mask)
    else:
        uniform = empty(x.shape, np.dtype(np.float64))
        rng.random(out=uniform)
        extension.dropout_forward(c_order(x), uniform, p, out, mask)
    return out, mask


def dropout_backward(dout: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return dx."""
    dx = empty(dout.shape, dout.dtype)
    extension.multiply(c_order(dout), c_order(mask), dx)
    return dx


def _draw(x: np.ndarray, p: float, source: np.random.PCG64, out: np.ndarray, mask: np.ndarray) -> None:
    """Draw x.size numbers from `source` and leave it as NumPy's random() would."""
    with source.lock:
        before = source.state
        state, increment = (divmod(before["state"][name], 1 << 64) for name in ("state", "inc"))
        extension.dropout_pcg64(x, state, increment, p, out, mask)
        source.advance(x.size)
        if before["has_uint32"]:  # half a draw of whole numbers, which random() keeps and advance() does not
            source.state = before | {"state": source.state["state"]}
