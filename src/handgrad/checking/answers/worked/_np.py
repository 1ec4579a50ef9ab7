"""What every worked solution needs."""

from typing import Any

import numpy as np

Arrays = dict[str, Any]
Param = dict[str, Any]

__all__ = ["Arrays", "Param", "np"]
