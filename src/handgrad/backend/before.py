"""What is done to a gradient and to its parameter before an update rule, in the rule's own pass."""

from __future__ import annotations

import math
from typing import NamedTuple


class Before(NamedTuple):
    """The numbers of what comes before a rule; each default changes nothing. NaN stays NaN.

    ``g = scale * clip(dw, -limit, limit)``, ``g = clip(g + l2 * w, -clip_value, clip_value)``,
    ``w = shrink * w``; then the rule, with g for dw.

    Attributes
    ----------
    limit, scale : float
        The clipping of all gradients together: by value, then the factor that brings their norm down.
    l2 : float
        Strength of an L2 penalty ``0.5 * l2 * sum(w**2)``.
    clip_value : float
        The largest number in the gradient, the penalty's included.
    shrink : float
        The factor of decoupled weight decay.
    """

    limit: float = math.inf
    scale: float = 1.0
    l2: float = 0.0
    clip_value: float = math.inf
    shrink: float = 1.0


NOTHING = Before()
