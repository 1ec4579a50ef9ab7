"""The affine kernels through the binding: numbers on every instruction set, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import assert_close

from handgrad import _native

DTYPES = (np.float32, np.float64)
# Fewer, as many and more than a tile's rows and columns; several blocks along each side.
SHAPES = [
    (1, 1, 1),
    (5, 3, 2),
    (14, 16, 32),
    (15, 17, 33),
    (50, 700, 65),
    (460, 40, 1100),
    (33, 2100, 20),
    (2, 0, 3),
]


def arrays(n: int, d: int, m: int, dtype: type) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {"x": (n, d), "w": (d, m), "b": (m,), "dout": (n, m)}
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def results(a: dict[str, np.ndarray], relu: bool = False) -> dict[str, np.ndarray]:
    """All three products, written over NaN: nothing of the old content may be left."""
    shapes = {"out": a["dout"].shape, "dx": a["x"].shape, "dw": a["w"].shape, "db": a["b"].shape}
    made = {name: np.full(shape, np.nan, a["x"].dtype) for name, shape in shapes.items()}
    _native.affine_forward(a["x"], a["w"], a["b"], made["out"], relu)
    _native.affine_backward_x(a["dout"], a["w"], made["dx"])
    _native.affine_backward_w(a["dout"], a["x"], made["dw"], made["db"])
    return made


@pytest.mark.parametrize("isa", _native.isas())
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_products(isa, dtype, shape, threads):
    _native.set_isa(isa)
    _native.set_num_threads(threads)
    a = arrays(*shape, dtype)
    exact = {name: array.astype(np.float64) for name, array in a.items()}
    out = exact["x"] @ exact["w"] + exact["b"]
    dout = exact["dout"]
    expected = {"out": out, "dx": dout @ exact["w"].T, "dw": exact["x"].T @ dout, "db": dout.sum(axis=0)}
    made = results(a)
    for name, array in made.items():
        assert_close(array, expected[name].astype(dtype), sum(shape), what=name)
    np.testing.assert_array_equal(results(a, relu=True)["out"], np.maximum(made["out"], 0))
    again = results(a)
    for name, array in made.items():
        np.testing.assert_array_equal(array, again[name])  # bit for bit


@pytest.mark.parametrize("isa", _native.isas())
def test_nan_stays_in_its_row_and_goes_through_relu(isa):
    _native.set_isa(isa)
    a = arrays(20, 30, 40, np.float32)
    a["x"][7, 3] = np.nan
    out = results(a, relu=True)["out"]
    assert np.isnan(out[7]).all()
    assert not np.isnan(np.delete(out, 7, axis=0)).any()


@pytest.mark.parametrize("isa", _native.isas())
@pytest.mark.parametrize("value", [np.inf, -np.inf, 3.4e38])
def test_infinite_and_huge_numbers_are_what_they_are_in_every_instruction_set(isa, value):
    _native.set_isa(isa)
    a = {name: np.ones_like(array) for name, array in arrays(40, 64, 48, np.float32).items()}
    a["x"][7, 3] = value
    a["x"][9] = 0
    made = results(a, relu=True)
    expected = {"out": np.maximum(a["x"].astype(np.float64) @ a["w"] + a["b"], 0)}
    expected["dw"] = a["x"].T.astype(np.float64) @ a["dout"]
    for name, exact in expected.items():
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(made[name], exact.astype(np.float32))


@pytest.mark.parametrize("isa", _native.isas())
def test_long_sums_keep_their_digits(isa):
    _native.set_isa(isa)
    a = arrays(33, 5000, 32, np.float32)
    exact = a["x"].astype(np.float64) @ a["w"] + a["b"]
    one_by_one = np.cumsum(a["x"][:, :, None] * a["w"], axis=1)[:, -1] + a["b"]
    assert np.abs(results(a)["out"] - exact).mean() < np.abs(one_by_one - exact).mean() / 2


def call(**changed: np.ndarray) -> None:
    a = arrays(2, 3, 4, np.float32) | {"out": np.empty((2, 4), np.float32)} | changed
    _native.affine_forward(a["x"], a["w"], a["b"], a["out"], False)


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "changed",
    [
        {"x": np.ones((2, 3))},
        {"x": np.ones((2, 3), np.int32)},
        {"x": np.ones((2, 3, 1), np.float32)},
        {"x": np.ones((3, 2), np.float32).T},
        {"x": np.ones((4, 6), np.float32)[::2, ::2]},
        {"x": [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]},
        {"x": None},
        {"b": np.ones((4, 1), np.float32)},
        {"out": np.ones((2, 4))},
        {"out": np.ones((4, 2), np.float32).T},
        {"out": read_only(np.ones((2, 4), np.float32))},
    ],
)
def test_nothing_is_converted(changed):
    with pytest.raises(TypeError, match="incompatible function arguments"):
        call(**changed)


def test_inputs_may_be_read_only():
    call(x=read_only(np.ones((2, 3), np.float32)))


@pytest.mark.parametrize("name", ["w", "b", "out"])
def test_shapes_must_go_together(name):
    wrong = np.ones((9,) if name == "b" else (9, 9), np.float32)
    with pytest.raises(
        ValueError, match=r"^shapes do not go together: x \(N, D\), w \(D, M\), b \(M,\), out \(N, M\)$"
    ):
        call(**{name: wrong})


def test_shapes_must_go_together_backward():
    ones = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match=r"^shapes do not go together: dout"):
        _native.affine_backward_x(ones, ones, np.ones((3, 3), np.float32))
    with pytest.raises(ValueError, match=r"^shapes do not go together: dout"):
        _native.affine_backward_w(ones, ones, np.ones((3, 2), np.float32), np.ones(3, np.float32))
