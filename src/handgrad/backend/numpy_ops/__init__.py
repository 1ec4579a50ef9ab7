"""The vectorised tier: NumPy alone, no Python loop over images, channels or pixels.

It takes arrays that the layers have checked: one floating dtype, right shapes, parsed settings. Forward
returns ``(out, kept)``, where `kept` is what backward needs beside the inputs; backward returns the
gradients in the order of the inputs.
"""

from typing import Any

from handgrad.backend.numpy_ops.activation import *  # noqa: F403
from handgrad.backend.numpy_ops.affine import *  # noqa: F403
from handgrad.backend.numpy_ops.conv import *  # noqa: F403
from handgrad.backend.numpy_ops.dropout import *  # noqa: F403
from handgrad.backend.numpy_ops.loss import *  # noqa: F403
from handgrad.backend.numpy_ops.norm import *  # noqa: F403
from handgrad.backend.numpy_ops.pool import *  # noqa: F403
from handgrad.backend.numpy_ops.residual import *  # noqa: F403
from handgrad.backend.numpy_ops.update import *  # noqa: F403

NAME = "numpy"
BLOCKS: dict[tuple[str, ...], Any] = {}  # layers are computed one after the other
