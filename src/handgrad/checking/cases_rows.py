"""The calls of layers over rows, of losses, and of norms."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Args, Case, Maker, Shape, properties


def affine(m: Maker) -> list[Case]:
    """Return the cases of affine."""
    shapes = (((3, 2, 4), 5), ((4, 5), 5), ((2, 3, 2, 2), 4), ((4, 4), 4), ((1, 6), 3))
    return [affine_case(m, x, columns) for x, columns in shapes]


def affine_case(m: Maker, x: Shape, columns: int) -> Case:
    """Return an affine layer."""
    d = int(np.prod(x[1:]))
    args: Args = {"x": m.array(*x), "w": m.array(d, columns), "b": m.array(columns, shift=1.0)}
    names = {"N1": x[0] == 1, "N!=D": d != columns, "N=D": d == columns}
    return Case(args, properties(*(k for k, v in names.items() if v)))


def elementwise(m: Maker, **settings: Any) -> list[Case]:
    """Return the cases of elementwise."""
    kink = np.array([[0.0, -1.0, 2.0], [1.0, 0.0, -2.0]])
    return [
        Case({"x": m.array(4, 5, scale=2.0), **settings}),
        Case({"x": m.array(2, 3, 2, 4), **settings}),
        Case({"x": m.array(1, 6), **settings}, properties("N1")),
        Case({"x": kink, **settings}, properties("ties"), smooth=False),
        Case({"x": np.array(_LARGE), **settings}, properties("large"), smooth=False),
    ]


_LARGE = [[-800.0, -30.0, -7.5, 800.0], [7.5, 30.0, 100.0, -100.0]]  # where exp overflows, and clips show


def prelu(m: Maker) -> list[Case]:
    """Return the cases of prelu."""
    slopes = np.array([0.25, -0.5, 0.75])
    return [
        Case({"x": m.array(4, 3), "alpha": slopes}),
        Case({"x": m.array(2, 3, 2, 4), "alpha": slopes.copy()}),
        Case({"x": m.array(1, 3), "alpha": slopes.copy()}, properties("N1")),
    ]


def maxout(m: Maker) -> list[Case]:
    """Return the cases of maxout."""
    return [
        Case({"x": m.array(4, 6), "pieces": 2}),
        Case({"x": m.array(2, 6, 3, 2), "pieces": 3}),
        Case({"x": m.array(1, 4), "pieces": 2}, properties("N1")),
        Case({"x": m.ties(3, 6), "pieces": 3}, properties("ties"), smooth=False),
    ]


def bn_args(m: Maker, x: Shape, **settings: Any) -> Args:
    """Return the arguments of batch norm."""
    features = x[1]
    scales = np.linspace(0.5, 2.0, features).reshape(features, *(1 for _ in x[2:]))
    images = m.array(*x) * scales + np.linspace(-1.0, 3.0, features).reshape(scales.shape)
    return {"x": images, **scale_args(m, features), "bn_param": {"mode": "train", **settings}}


def scale_args(m: Maker, features: int) -> Args:
    """Return gamma and beta."""
    return {"gamma": m.array(features, scale=0.5, shift=1.5), "beta": m.array(features)}


def _running(features: int) -> Args:
    steps = np.arange(1.0, features + 1)
    return {"running_mean": steps / 4, "running_var": steps / 2 + 0.25}


def norm_cases(m: Maker, shapes: list[Shape]) -> list[Case]:
    """Return the cases of norm cases."""
    first, second, third, last = shapes
    test = bn_args(m, first, eps=0.25, momentum=0.75, **_running(first[1]))
    test["bn_param"]["mode"] = "test"
    few = [*(["N1"] if last[0] == 1 else []), *alike(last)]
    return [
        Case(bn_args(m, first, eps=0.25, momentum=0.75, **_running(first[1])), properties(*alike(first))),
        Case(bn_args(m, second), properties("no running", *alike(second))),
        Case(bn_args(m, third, eps=0.5, momentum=0.9), properties("no running", *alike(third))),
        Case(bn_args(m, last, eps=1e-3, momentum=0.5, **_running(last[1])), properties(*few)),
        Case(test, properties("test"), backward=False),
    ]


def alike(shape: Shape) -> list[str]:
    """Return whether samples and features are as many."""
    return ["N=D" if shape[0] == shape[1] else "N!=D"]


def batchnorm(m: Maker) -> list[Case]:
    """Return the cases of batchnorm."""
    return norm_cases(m, [(5, 4), (6, 3), (4, 4), (3, 5)])


def spatial_batchnorm(m: Maker) -> list[Case]:
    """Return the cases of spatial batchnorm."""
    return norm_cases(m, [(2, 3, 4, 5), (3, 2, 3, 3), (2, 2, 3, 4), (1, 3, 3, 3)])


def layernorm(m: Maker) -> list[Case]:
    """Return the cases of layernorm."""
    cases = []
    for shape, settings in (
        ((4, 5), {"eps": 0.25}),
        ((3, 6), {}),
        ((4, 4), {"eps": 0.5}),
        ((1, 5), {"eps": 0.1}),
    ):
        x = m.array(*shape) * np.linspace(0.5, 2.0, shape[0])[:, None] + np.arange(shape[0])[:, None]
        args = {"x": x, **scale_args(m, shape[1]), "ln_param": dict(settings)}
        cases.append(Case(args, properties(*(["N1"] if shape[0] == 1 else []), *alike(shape))))
    return cases


def groupnorm(m: Maker) -> list[Case]:
    """Return the cases of groupnorm."""
    cases = []
    shapes: tuple[tuple[Shape, int], ...] = (
        ((2, 6, 4, 3), 2),
        ((3, 4, 3, 3), 2),
        ((2, 3, 2, 4), 3),
        ((1, 4, 3, 3), 2),
    )
    for (n, c, h, w), groups in shapes:
        x = m.array(n, c, h, w) * np.linspace(0.5, 2.0, c).reshape(c, 1, 1) + np.arange(n).reshape(n, 1, 1, 1)
        scale = {name: array.reshape(1, c, 1, 1) for name, array in scale_args(m, c).items()}
        names = properties(*(["N1"] if n == 1 else []), *(["nonsquare"] if h != w else []))
        cases.append(Case({"x": x, **scale, "G": groups, "gn_param": {"eps": 0.25}}, names))
    return cases


def dropout(m: Maker) -> list[Case]:
    """Return the cases of dropout."""
    param = {"p": 0.25, "mode": "train", "seed": 7}
    x = np.abs(m.array(40, 50)) + 0.5
    test = {"p": 0.25, "mode": "test", "seed": 7}
    unseeded = {"p": 0.25, "mode": "train"}
    return [
        Case({"x": x, "dropout_param": param}),
        Case({"x": x.copy(), "dropout_param": unseeded}, properties("no seed")),
        Case({"x": x[:20].copy(), "dropout_param": param | {"p": 0.6}}),
        Case({"x": x[:1].copy(), "dropout_param": dict(param)}, properties("N1")),
        Case({"x": x[:4].copy(), "dropout_param": test}, properties("test")),
    ]


def softmax(m: Maker) -> list[Case]:
    """Return the cases of softmax."""
    return [
        Case({"x": m.array(4, 5), "y": np.array([3, 0, 2, 4])}),
        Case({"x": m.array(3, 3, scale=2.0), "y": np.array([0, 1, 1])}),
        Case({"x": m.array(6, 4), "y": np.array([2, 0, 1, 2, 3, 2])}),
        Case({"x": m.array(1, 5), "y": np.array([2])}, properties("N1")),
    ]


def svm(m: Maker) -> list[Case]:
    """Return the cases of svm."""
    tied = np.array([[1.0, 2.0, 0.0], [3.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    return [*softmax(m), Case({"x": tied, "y": np.array([0, 0, 2])}, properties("ties"), smooth=False)]


def linear_loss(m: Maker) -> list[Case]:
    """Return the cases of linear loss."""
    cases = []
    for n, d, k, reg in ((4, 6, 5, 0.0), (5, 4, 3, 0.3), (3, 5, 5, 0.7), (1, 4, 3, 0.1)):
        args: Args = {"W": m.array(d, k, scale=0.3), "X": m.array(n, d)}
        args["y"] = m.rng.permutation(np.arange(max(n, k)) % k)[:n]
        names = properties(*(["N1"] if n == 1 else []), *(["reg"] if reg else []))
        cases.append(Case(args | {"reg": reg}, names))
    return cases
