"""The courses' parameter dictionaries, each parsed once, here.

=============  =====================================================  ==================================
dictionary     keys                                                   defaults
=============  =====================================================  ==================================
conv_param     stride, pad                                            1, 0
pool_param     pool_height, pool_width, stride                        stride: the window (windows tile)
bn_param       mode, eps, momentum, running_mean, running_var         mode has none; 1e-5, 0.9, zeros
ln_param       eps                                                    1e-5
gn_param       eps                                                    1e-5
dropout_param  p, mode, seed, rng                                     p and mode have none
=============  =====================================================  ==================================

Stride and pad are a whole number or a pair (height, width); an integral float such as
``(filter_size - 1) / 2`` counts as a whole number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from handgrad._errors import check_known
from handgrad._numbers import finite_number, fraction, whole_number
from handgrad.layers.checks import check_shape

Pair = tuple[int, int]
MODES = ("train", "test")


class ConvParam(NamedTuple):
    """Stride and pad of a convolution, each (height, width)."""

    stride: Pair
    pad: Pair


class PoolParam(NamedTuple):
    """Window and stride of a pooling, each (height, width)."""

    window: Pair
    stride: Pair


class BnParam(NamedTuple):
    """Batch norm's settings; the statistics have shape (D,) and the dtype of x."""

    mode: str
    eps: float
    momentum: float
    running_mean: np.ndarray
    running_var: np.ndarray


class DropoutParam(NamedTuple):
    """Dropout's settings; `source` seeds the mask or draws it."""

    p: float
    mode: str
    source: int | np.random.Generator | None


def conv(conv_param: Mapping[str, Any]) -> ConvParam:
    """Parse ``{'stride': 1, 'pad': 0}``."""
    _options("conv_param", conv_param, ("stride", "pad"))
    return ConvParam(
        _pair("conv_param['stride']", conv_param.get("stride", 1), least=1),
        _pair("conv_param['pad']", conv_param.get("pad", 0), least=0),
    )


def pool(pool_param: Mapping[str, Any]) -> PoolParam:
    """Parse ``{'pool_height': 2, 'pool_width': 2, 'stride': 2}``."""
    _options("pool_param", pool_param, ("pool_height", "pool_width", "stride"))
    window = (
        whole("pool_param['pool_height']", _needed("pool_param", pool_param, "pool_height"), least=1),
        whole("pool_param['pool_width']", _needed("pool_param", pool_param, "pool_width"), least=1),
    )
    return PoolParam(window, _pair("pool_param['stride']", pool_param.get("stride", window), least=1))


def batchnorm(bn_param: Mapping[str, Any], features: int, dtype: np.dtype) -> BnParam:
    """Parse ``{'mode': 'train', 'eps': 1e-5, 'momentum': 0.9, 'running_mean': ..., 'running_var': ...}``."""
    _options("bn_param", bn_param, BnParam._fields)
    return BnParam(
        mode("bn_param", bn_param),
        _eps("bn_param", bn_param),
        fraction("bn_param['momentum']", bn_param.get("momentum", 0.9), include_one=True),
        _statistic(bn_param, "running_mean", features, dtype),
        _statistic(bn_param, "running_var", features, dtype),
    )


def eps_only(where: str, param: Mapping[str, Any]) -> float:
    """Parse ``{'eps': 1e-5}``, the settings of layer norm and group norm."""
    _options(where, param, ("eps",))
    return _eps(where, param)


def dropout(dropout_param: Mapping[str, Any]) -> DropoutParam:
    """Parse ``{'p': 0.5, 'mode': 'train', 'seed': 123}``; `rng` may stand for `seed`."""
    _options("dropout_param", dropout_param, ("p", "mode", "seed", "rng"))
    p = fraction("dropout_param['p']", _needed("dropout_param", dropout_param, "p"), include_one=False)
    seed = dropout_param.get("seed")
    rng = dropout_param.get("rng")
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(f"dropout_param['rng'] must be a numpy.random.Generator, got {type(rng).__name__}")
    return DropoutParam(p, mode("dropout_param", dropout_param), rng if seed is None else seed)


def divisor(name: str, value: Any, channels: int) -> int:
    """Return a whole number that divides the channels: group norm's G, maxout's pieces."""
    number = whole(name, value, least=1)
    if channels % number:
        raise ValueError(f"{name} must divide the {channels} channels of x, got {number}")
    return number


def mode(where: str, param: Mapping[str, Any]) -> str:
    """Return the mode, 'train' or 'test'."""
    given = _needed(where, param, "mode")
    if given not in MODES:
        raise ValueError(f"{where}['mode'] must be 'train' or 'test', got {given!r}")
    return str(given)


def _options(where: str, param: Any, known: tuple[str, ...]) -> None:
    if type(param) is not dict and not isinstance(param, Mapping):  # the latter takes longer than all else
        raise TypeError(f"{where} must be a dictionary, got {type(param).__name__}")
    check_known(where, param, known)


def _needed(where: str, param: Mapping[str, Any], key: str) -> Any:
    if key not in param:
        raise ValueError(f"{where} needs {key!r}, got {sorted(param)}")
    return param[key]


def whole(name: str, value: Any, *, least: int) -> int:
    """Return `value` as an int of at least `least`; an integral float counts, 1.5 is a ValueError."""
    if type(value) is int and value >= least:  # the usual case, in a tenth of the time of what follows
        return value
    if isinstance(value, float | np.floating):
        if not float(value).is_integer():
            raise ValueError(f"{name} must be a whole number, got {value!r}")
        value = int(value)
    return whole_number(name, value, least)


def _pair(name: str, value: Any, *, least: int) -> Pair:
    if type(value) is not int and isinstance(value, tuple | list | np.ndarray) and np.ndim(value) == 1:
        if len(value) != 2:
            raise ValueError(f"{name} must be a whole number or a pair (height, width), got {value!r}")
        return whole(name, value[0], least=least), whole(name, value[1], least=least)
    number = whole(name, value, least=least)
    return number, number


def _eps(where: str, param: Mapping[str, Any]) -> float:
    eps = finite_number(f"{where}['eps']", param.get("eps", 1e-5))
    if eps < 0:
        raise ValueError(f"{where}['eps'] must not be negative, got {eps}")
    return eps


def _statistic(bn_param: Mapping[str, Any], key: str, features: int, dtype: np.dtype) -> np.ndarray:
    given = bn_param.get(key)
    if given is None:
        return np.zeros(features, dtype)
    statistic = np.asarray(given)
    check_shape(f"bn_param[{key!r}]", statistic, (features,), "(one number a feature)")
    return statistic.astype(dtype, copy=False)
