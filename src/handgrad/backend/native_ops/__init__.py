"""The native tier: the compiled kernels, and NumPy for what has none.

It takes what the other tiers take. A family's file here prepares the layout that the kernels ask for
(C order), allocates the results and calls the extension; what it does not name comes from `numpy_ops`.
"""

from handgrad.backend.native_ops.activation import *  # noqa: F403
from handgrad.backend.native_ops.affine import *  # noqa: F403
from handgrad.backend.native_ops.block import BLOCKS as BLOCKS
from handgrad.backend.native_ops.conv import *  # noqa: F403
from handgrad.backend.native_ops.dropout import *  # noqa: F403
from handgrad.backend.native_ops.loss import *  # noqa: F403
from handgrad.backend.native_ops.norm import *  # noqa: F403
from handgrad.backend.native_ops.pool import *  # noqa: F403
from handgrad.backend.native_ops.residual import *  # noqa: F403
from handgrad.backend.native_ops.update import *  # noqa: F403
from handgrad.backend.numpy_ops.activation import maxout_backward as maxout_backward
from handgrad.backend.numpy_ops.activation import maxout_forward as maxout_forward

NAME = "native"
