"""Settings that conv and pool share: an int, a whole float or a pair becomes two ints."""

from __future__ import annotations


def pair(param_name: str, param: dict, key: str, default: object = None) -> tuple[int, int]:
    """Read ``param[key]`` as (for the height, for the width).

    Courses write ``(filter_size - 1) / 2``, so a whole float is taken; ``1.5`` is a ValueError.

    >>> pair("conv_param", {"pad": (7 - 1) / 2}, "pad")
    (3, 3)
    """
    value = param[key] if default is None else param.get(key, default)
    rows, columns = value if isinstance(value, (tuple, list)) else (value, value)
    return whole(param_name, key, rows), whole(param_name, key, columns)


def whole(param_name: str, key: str, value: float) -> int:
    """Turn a whole number of any type into an int, and refuse every other number."""
    if value % 1 != 0:
        raise ValueError(f"{param_name}[{key!r}] must be a whole number, got {value!r}")
    return int(value)
