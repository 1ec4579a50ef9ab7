"""The calls that a layer is tried on: small shapes, each chosen to tell two mistakes apart.

Every setting is one whole number, because learners' code reads it so. Sizes that code could confuse
differ in one case and agree in another: height and width, channels and filters, samples and features.
`properties` of a case say what is special about it, so that "it fails exactly there" can be said.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Args = dict[str, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Case:
    """One call: its arguments by name in the order of the call, and what is special about it.

    `dout` is made for the output that comes. `smooth` is False where inputs sit on a kink or a tie, so
    that there is no one derivative. `backward` is False where only forward is asked for (test mode).
    """

    args: Args
    properties: frozenset[str] = frozenset()
    smooth: bool = True
    backward: bool = True
    arrays: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """List the arrays that have a gradient."""
        names = (n for n, v in self.args.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f")
        object.__setattr__(self, "arrays", tuple(names))

    def copy_args(self) -> Args:
        """Return arguments of its own for one call."""
        return copy.deepcopy(self.args)

    @property
    def words(self) -> str:
        """Shapes and settings, for a line of evidence."""
        words = [f"{name} {self.args[name].shape}" for name in self.arrays[:2]]
        for name, value in self.args.items():
            if isinstance(value, dict):
                words += [f"{k} {v}" for k, v in value.items() if isinstance(v, int | float | str)]
            elif not isinstance(value, np.ndarray):
                words.append(f"{name} {value}")
        return ", ".join(words)


def cases_of(layer: str, seed: int = 0) -> list[Case]:
    """Return the cases of a layer that Handgrad knows, the plainest first."""
    return _MAKERS[layer](_Maker(np.random.default_rng(seed)))


def case_of_conv(rng: np.random.Generator, x: Shape, w: Shape, stride: int, pad: int) -> Case:
    """Return a convolution of any sizes."""
    return _conv_case(_Maker(rng), x, w, stride, pad)


def with_zeros(case: Case) -> Case:
    """Return a case in which every third number of x is 0, as behind a relu."""
    args = case.copy_args()
    args["x"].ravel()[::3] = 0.0
    return Case(args, case.properties | {"zeros"}, case.smooth, case.backward)


def case_of_pool(rng: np.random.Generator, x: Shape, height: int, width: int, stride: int) -> Case:
    """Return a pooling of any sizes."""
    return _pool_case(_Maker(rng).array(*x), height, width, stride)


def shaped_case(layer: str, shape: tuple[int, int], rng: np.random.Generator) -> Case:
    """Return an affine layer or a norm over rows of any size."""
    m = _Maker(rng)
    if layer == "affine":
        return _affine_case(m, shape, int(rng.integers(1, 8)))
    if layer == "layernorm":
        args = {"x": m.array(*shape), **_scale_args(m, shape[1]), "ln_param": {"eps": 0.25}}
        return Case(args, _properties(*_alike(shape)))
    return Case(_bn_args(m, shape, eps=0.25, momentum=0.75), _properties("no running", *_alike(shape)))


def known_layers() -> list[str]:
    """Return the names of all layers that have cases."""
    return list(_MAKERS)


class _Maker:
    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def array(self, *shape: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
        """Draw numbers that keep away from 0, the kink of the relu family."""
        drawn = self.rng.standard_normal(shape)
        return scale * (drawn + 0.05 * np.sign(drawn)) + shift

    def ties(self, *shape: int) -> np.ndarray:
        return self.rng.integers(-1, 3, shape).astype(float)


def _properties(*names: str) -> frozenset[str]:
    return frozenset(names)


def _conv_case(
    m: _Maker, x: Shape, w: Shape, stride: int, pad: int, extra: Callable[[int], Args] | None = None
) -> Case:
    n, c, h, width = x
    sides = [(h + 2 * pad - w[2], width + 2 * pad - w[3])]
    names = {
        "nonsquare": h != width or w[2] != w[3],
        "N1": n == 1,
        "C!=F": c != w[0],
        "nondividing": any(side % stride for side in sides[0]),
        "pad": pad > 0,
        "no pad": pad == 0,
        "stride>1": stride > 1,
        "odd width": (width + 2 * pad) % 2 == 1,
        "odd height": (h + 2 * pad) % 2 == 1,
    }
    args: Args = {"x": m.array(*x), "w": m.array(*w), "b": m.array(w[0], shift=1.0)}
    args["conv_param"] = {"stride": stride, "pad": pad}
    return Case(args | (extra(w[0]) if extra else {}), _properties(*(k for k, v in names.items() if v)))


_CONV = (
    ((2, 3, 5, 6), (4, 3, 3, 2), 1, 1),
    ((2, 3, 5, 6), (4, 3, 3, 2), 2, 1),
    ((2, 3, 5, 5), (2, 3, 3, 3), 1, 1),
    ((3, 2, 6, 7), (4, 2, 3, 2), 2, 0),
    ((2, 2, 5, 5), (2, 2, 3, 3), 2, 1),
    ((1, 2, 5, 5), (3, 2, 3, 3), 1, 1),
    ((2, 3, 6, 6), (3, 3, 3, 3), 2, 1),
    ((2, 2, 4, 4), (3, 2, 3, 3), 1, 2),
)


def _conv(m: _Maker) -> list[Case]:
    return [_conv_case(m, *numbers) for numbers in _CONV]


_POOL = (
    ((2, 3, 4, 6), 2, 2, 2),
    ((2, 2, 5, 7), 3, 2, 1),
    ((2, 3, 4, 4), 2, 2, 2),
    ((2, 3, 5, 5), 3, 3, 2),
    ((2, 3, 5, 6), 2, 3, 2),
    ((1, 3, 4, 4), 2, 2, 2),
    ((2, 2, 5, 5), 2, 2, 3),
    ((2, 2, 5, 5), 2, 2, 2),
)


def _pool_case(x: np.ndarray, height: int, width: int, stride: int, **extra: Any) -> Case:
    n, _, h, w = x.shape
    names = {
        "nonsquare": h != w or height != width,
        "N1": n == 1,
        "overlap": stride < max(height, width),
        "nondividing": bool((h - height) % stride or (w - width) % stride),
        "stride>1": stride > 1,
        "window!=stride": height == width != stride and not (h % height or w % width),
        "ties": not extra.get("smooth", True),
    }
    param = {"pool_height": height, "pool_width": width, "stride": stride}
    return Case({"x": x, "pool_param": param}, _properties(*(k for k, v in names.items() if v)), **extra)


def _avg_pool(m: _Maker) -> list[Case]:
    return [_pool_case(m.array(*shape), *numbers) for shape, *numbers in _POOL]


def _max_pool(m: _Maker) -> list[Case]:
    tied = [_pool_case(m.ties(*shape), *numbers, smooth=False) for shape, *numbers in _POOL[:2]]
    return [*_avg_pool(m), *tied]


def _global_avg_pool(m: _Maker) -> list[Case]:
    square = _properties("nonsquare")
    return [
        Case({"x": m.array(2, 3, 4, 5)}, square),
        Case({"x": m.array(3, 2, 3, 3)}),
        Case({"x": m.array(1, 2, 3, 3)}, _properties("N1")),
    ]


def _affine(m: _Maker) -> list[Case]:
    shapes = (((3, 2, 4), 5), ((4, 5), 5), ((2, 3, 2, 2), 4), ((4, 4), 4), ((1, 6), 3))
    return [_affine_case(m, x, columns) for x, columns in shapes]


def _affine_case(m: _Maker, x: Shape, columns: int) -> Case:
    d = int(np.prod(x[1:]))
    args: Args = {"x": m.array(*x), "w": m.array(d, columns), "b": m.array(columns, shift=1.0)}
    names = {"N1": x[0] == 1, "N!=D": d != columns, "N=D": d == columns}
    return Case(args, _properties(*(k for k, v in names.items() if v)))


def _elementwise(m: _Maker, **settings: Any) -> list[Case]:
    kink = np.array([[0.0, -1.0, 2.0], [1.0, 0.0, -2.0]])
    return [
        Case({"x": m.array(4, 5, scale=2.0), **settings}),
        Case({"x": m.array(2, 3, 2, 4), **settings}),
        Case({"x": m.array(1, 6), **settings}, _properties("N1")),
        Case({"x": kink, **settings}, _properties("ties"), smooth=False),
        Case({"x": np.array(_LARGE), **settings}, _properties("large"), smooth=False),
    ]


_LARGE = [[-800.0, -30.0, -7.5, 800.0], [7.5, 30.0, 100.0, -100.0]]  # where exp overflows, and clips show


def _prelu(m: _Maker) -> list[Case]:
    slopes = np.array([0.25, -0.5, 0.75])
    return [
        Case({"x": m.array(4, 3), "alpha": slopes}),
        Case({"x": m.array(2, 3, 2, 4), "alpha": slopes.copy()}),
        Case({"x": m.array(1, 3), "alpha": slopes.copy()}, _properties("N1")),
    ]


def _maxout(m: _Maker) -> list[Case]:
    return [
        Case({"x": m.array(4, 6), "pieces": 2}),
        Case({"x": m.array(2, 6, 3, 2), "pieces": 3}),
        Case({"x": m.array(1, 4), "pieces": 2}, _properties("N1")),
        Case({"x": m.ties(3, 6), "pieces": 3}, _properties("ties"), smooth=False),
    ]


def _bn_args(m: _Maker, x: Shape, **settings: Any) -> Args:
    features = x[1]
    scales = np.linspace(0.5, 2.0, features).reshape(features, *(1 for _ in x[2:]))
    images = m.array(*x) * scales + np.linspace(-1.0, 3.0, features).reshape(scales.shape)
    return {"x": images, **_scale_args(m, features), "bn_param": {"mode": "train", **settings}}


def _scale_args(m: _Maker, features: int) -> Args:
    return {"gamma": m.array(features, scale=0.5, shift=1.5), "beta": m.array(features)}


def _running(features: int) -> Args:
    steps = np.arange(1.0, features + 1)
    return {"running_mean": steps / 4, "running_var": steps / 2 + 0.25}


def _norm_cases(m: _Maker, shapes: list[Shape]) -> list[Case]:
    first, second, third, last = shapes
    test = _bn_args(m, first, eps=0.25, momentum=0.75, **_running(first[1]))
    test["bn_param"]["mode"] = "test"
    few = [*(["N1"] if last[0] == 1 else []), *_alike(last)]
    return [
        Case(_bn_args(m, first, eps=0.25, momentum=0.75, **_running(first[1])), _properties(*_alike(first))),
        Case(_bn_args(m, second), _properties("no running", *_alike(second))),
        Case(_bn_args(m, third, eps=0.5, momentum=0.9), _properties("no running", *_alike(third))),
        Case(_bn_args(m, last, eps=1e-3, momentum=0.5, **_running(last[1])), _properties(*few)),
        Case(test, _properties("test"), backward=False),
    ]


def _alike(shape: Shape) -> list[str]:
    """Return whether samples and features are as many."""
    return ["N=D" if shape[0] == shape[1] else "N!=D"]


def _batchnorm(m: _Maker) -> list[Case]:
    return _norm_cases(m, [(5, 4), (6, 3), (4, 4), (3, 5)])


def _spatial_batchnorm(m: _Maker) -> list[Case]:
    return _norm_cases(m, [(2, 3, 4, 5), (3, 2, 3, 3), (2, 2, 3, 4), (1, 3, 3, 3)])


def _layernorm(m: _Maker) -> list[Case]:
    cases = []
    for shape, settings in (
        ((4, 5), {"eps": 0.25}),
        ((3, 6), {}),
        ((4, 4), {"eps": 0.5}),
        ((1, 5), {"eps": 0.1}),
    ):
        x = m.array(*shape) * np.linspace(0.5, 2.0, shape[0])[:, None] + np.arange(shape[0])[:, None]
        args = {"x": x, **_scale_args(m, shape[1]), "ln_param": dict(settings)}
        cases.append(Case(args, _properties(*(["N1"] if shape[0] == 1 else []), *_alike(shape))))
    return cases


def _groupnorm(m: _Maker) -> list[Case]:
    cases = []
    shapes: tuple[tuple[Shape, int], ...] = (
        ((2, 6, 4, 3), 2),
        ((3, 4, 3, 3), 2),
        ((2, 3, 2, 4), 3),
        ((1, 4, 3, 3), 2),
    )
    for (n, c, h, w), groups in shapes:
        x = m.array(n, c, h, w) * np.linspace(0.5, 2.0, c).reshape(c, 1, 1) + np.arange(n).reshape(n, 1, 1, 1)
        scale = {name: array.reshape(1, c, 1, 1) for name, array in _scale_args(m, c).items()}
        properties = _properties(*(["N1"] if n == 1 else []), *(["nonsquare"] if h != w else []))
        cases.append(Case({"x": x, **scale, "G": groups, "gn_param": {"eps": 0.25}}, properties))
    return cases


def _dropout(m: _Maker) -> list[Case]:
    param = {"p": 0.25, "mode": "train", "seed": 7}
    x = np.abs(m.array(40, 50)) + 0.5
    test = {"p": 0.25, "mode": "test", "seed": 7}
    unseeded = {"p": 0.25, "mode": "train"}
    return [
        Case({"x": x, "dropout_param": param}),
        Case({"x": x.copy(), "dropout_param": unseeded}, _properties("no seed")),
        Case({"x": x[:20].copy(), "dropout_param": param | {"p": 0.6}}),
        Case({"x": x[:1].copy(), "dropout_param": dict(param)}, _properties("N1")),
        Case({"x": x[:4].copy(), "dropout_param": test}, _properties("test")),
    ]


def _softmax(m: _Maker) -> list[Case]:
    return [
        Case({"x": m.array(4, 5), "y": np.array([3, 0, 2, 4])}),
        Case({"x": m.array(3, 3, scale=2.0), "y": np.array([0, 1, 1])}),
        Case({"x": m.array(6, 4), "y": np.array([2, 0, 1, 2, 3, 2])}),
        Case({"x": m.array(1, 5), "y": np.array([2])}, _properties("N1")),
    ]


def _svm(m: _Maker) -> list[Case]:
    tied = np.array([[1.0, 2.0, 0.0], [3.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    return [*_softmax(m), Case({"x": tied, "y": np.array([0, 0, 2])}, _properties("ties"), smooth=False)]


def _linear_loss(m: _Maker) -> list[Case]:
    cases = []
    for n, d, k, reg in ((4, 6, 5, 0.0), (5, 4, 3, 0.3), (3, 5, 5, 0.7), (1, 4, 3, 0.1)):
        args: Args = {"W": m.array(d, k, scale=0.3), "X": m.array(n, d)}
        args["y"] = m.rng.permutation(np.arange(max(n, k)) % k)[:n]
        properties = _properties(*(["N1"] if n == 1 else []), *(["reg"] if reg else []))
        cases.append(Case(args | {"reg": reg}, properties))
    return cases


def _with_bn(m: _Maker, features: int) -> Args:
    return {**_scale_args(m, features), "bn_param": {"mode": "train", "eps": 0.25, "momentum": 0.75}}


def _affine_bn_relu(m: _Maker) -> list[Case]:
    cases = (_affine_case(m, shape, columns) for shape, columns in (((5, 2, 3), 4), ((4, 5), 5)))
    return [Case(case.args | _with_bn(m, case.args["b"].size), case.properties) for case in cases]


def _conv_bn_relu(m: _Maker) -> list[Case]:
    return [_conv_case(m, *numbers, extra=lambda f: _with_bn(m, f)) for numbers in _CONV[:3]]


def _pool_param(height: int = 2, width: int = 2, stride: int = 2) -> Args:
    return {"pool_param": {"pool_height": height, "pool_width": width, "stride": stride}}


_POOLS = ((2, 2, 2), (2, 2, 1), (3, 2, 2))


def _conv_relu_pool(m: _Maker) -> list[Case]:
    def pooled(pool: tuple[int, int, int]) -> Callable[[int], Args]:
        return lambda f: _pool_param(*pool)

    return [_conv_case(m, *conv, extra=pooled(pool)) for conv, pool in zip(_CONV[:3], _POOLS, strict=True)]


def _conv_bn_relu_pool(m: _Maker) -> list[Case]:
    def pooled(pool: tuple[int, int, int]) -> Callable[[int], Args]:
        return lambda f: _with_bn(m, f) | _pool_param(*pool)

    return [_conv_case(m, *conv, extra=pooled(pool)) for conv, pool in zip(_CONV[:3], _POOLS, strict=True)]


def _conv_relu(m: _Maker) -> list[Case]:
    return [_conv_case(m, *numbers) for numbers in _CONV[:4]]


_MAKERS: dict[str, Callable[[_Maker], list[Case]]] = {
    "affine": _affine,
    "relu": _elementwise,
    "leaky_relu": lambda m: _elementwise(m, alpha=0.125),
    "prelu": _prelu,
    "elu": lambda m: _elementwise(m, alpha=0.75),
    "gelu": _elementwise,
    "sigmoid": _elementwise,
    "tanh": _elementwise,
    "maxout": _maxout,
    "conv": _conv,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": _global_avg_pool,
    "batchnorm": _batchnorm,
    "spatial_batchnorm": _spatial_batchnorm,
    "layernorm": _layernorm,
    "spatial_groupnorm": _groupnorm,
    "dropout": _dropout,
    "affine_relu": _affine,
    "affine_bn_relu": _affine_bn_relu,
    "conv_relu": _conv_relu,
    "conv_bn_relu": _conv_bn_relu,
    "conv_relu_pool": _conv_relu_pool,
    "conv_bn_relu_pool": _conv_bn_relu_pool,
    "softmax_loss": _softmax,
    "svm_loss": _svm,
    "linear_loss": _linear_loss,
}
