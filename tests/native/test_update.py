"""The update kernels through the binding: every instruction set, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import assert_close

from handgrad import _native
from handgrad.backend.before import NOTHING, Before
from handgrad.backend.numpy_ops import update as formulas

# name: number of remembered arrays, settings
RULES = {
    "sgd": (0, (0.1,)),
    "sgd_momentum": (1, (0.1, 0.9)),
    "sgd_nesterov_momentum": (1, (0.1, 0.9)),
    "adagrad": (1, (0.1, 1e-8)),
    "rmsprop": (1, (0.1, 0.99, 1e-8)),
    "adadelta": (2, (1.0, 0.95, 1e-6)),
    "adam": (2, (3, 0.1, 0.9, 0.999, 1e-8)),
}


def arrays(count: int, size: int, dtype: type) -> list[np.ndarray]:
    rng = np.random.default_rng(count)
    return [np.abs(rng.normal(size=size)).astype(dtype) for _ in range(count)]


@pytest.mark.parametrize("isa", _native.isas())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("before", [NOTHING, Before(1.5, 0.7, 0.2, 0.5, 0.9), Before(shrink=0.999)])
def test_every_instruction_set_follows_the_formula(isa, dtype, name, threads, before):
    _native.set_isa(isa)
    _native.set_num_threads(threads)
    memory, settings = RULES[name]
    for size in (0, 1, 15, 17, 100_003):
        given = arrays(2 + memory, size, dtype)
        results = [np.full(size, np.nan, dtype) for _ in range(1 + memory)]
        getattr(_native, name)(*given, *settings, before, *results)
        expected = getattr(formulas, name)(*given, *settings, before)
        for result, right in zip(results, expected if memory else [expected], strict=True):
            assert_close(result, right, 4)
        if name in ("sgd", "sgd_momentum"):
            np.testing.assert_array_equal(results[0], expected[0] if memory else expected)


@pytest.mark.parametrize("name", RULES)
def test_a_step_may_be_taken_in_place(name):
    memory, settings = RULES[name]
    given = arrays(2 + memory, 1000, np.float32)
    expected = getattr(formulas, name)(*given, *settings, NOTHING)
    getattr(_native, name)(*given, *settings, NOTHING, given[0], *given[2:])
    assert_close(given[0], expected[0] if memory else expected, 4)


def factors(n: int, d: int, m: int, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n + d + m)
    return rng.normal(size=(n, d)).astype(dtype), rng.normal(size=(n, m)).astype(dtype)


@pytest.mark.parametrize("isa", _native.isas())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("before", [NOTHING, Before(l2=0.2, clip_value=0.5, shrink=0.9)])
def test_a_gradient_may_come_as_its_factors(isa, dtype, name, before):
    _native.set_isa(isa)
    memory, settings = RULES[name]
    for n, d, m in ((0, 3, 2), (3, 0, 2), (3, 2, 0), (1, 1, 1), (5, 77, 33), (50, 900, 500), (9, 40, 9001)):
        x, dout = factors(n, d, m, dtype)
        w, _, *kept = (array.reshape(d, m) for array in arrays(2 + memory, d * m, dtype))
        expected = getattr(formulas, name)(w, x.T @ dout, *kept, *settings, before)
        by_threads = []
        for threads in (1, 3):
            _native.set_num_threads(threads)
            results = [np.full((d, m), np.nan, dtype) for _ in range(1 + memory)]
            getattr(_native, name)(w, (x, dout), *kept, *settings, before, *results)
            by_threads.append(results)
        for result, other, right in zip(*by_threads, expected if memory else [expected], strict=True):
            np.testing.assert_array_equal(result, other)
            # Where a gradient's terms cancel, a rule that scales by its size makes much of the rounding.
            assert_close(result, right, max(n, 1), 100)


# The products of AMX are not those of slabs.
@pytest.mark.parametrize("isa", sorted(set(_native.isas()) - {"amx"}))
@pytest.mark.parametrize("threads", [1, 2])
def test_factors_give_the_same_bits_as_their_product(isa, threads):
    _native.set_isa(isa)
    _native.set_num_threads(threads)
    for n, d, m in ((50, 900, 500), (200, 600, 300), (7, 3001, 13)):
        x, dout = factors(n, d, m, np.float32)
        dw, db = np.empty((d, m), np.float32), np.empty(m, np.float32)
        _native.affine_backward_w(dout, x, dw, db)
        w, _, first, second = (array.reshape(d, m) for array in arrays(4, d * m, np.float32))
        taken, given = ([np.empty_like(w) for _ in range(3)] for _ in range(2))
        _native.adam(w, dw, first, second, 3, 0.1, 0.9, 0.999, 1e-8, NOTHING, *taken)
        _native.adam(w, (x, dout), first, second, 3, 0.1, 0.9, 0.999, 1e-8, NOTHING, *given)
        for one, other in zip(taken, given, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_step_with_factors_may_be_taken_in_place():
    x, dout = factors(20, 300, 500, np.float32)
    w, velocity = (array.reshape(300, 500) for array in arrays(2, 150_000, np.float32))
    expected = formulas.sgd_momentum(w, x.T @ dout, velocity, 0.1, 0.9, NOTHING)
    _native.sgd_momentum(w, (x, dout), velocity, 0.1, 0.9, NOTHING, w, velocity)
    assert_close(w, expected[0], 20)
    assert_close(velocity, expected[1], 20)


def test_factors_need_the_size_of_w_alone():
    x, dout = factors(2, 5, 4, np.float64)
    w, next_w = np.ones((4, 5)), np.full((4, 5), np.nan)
    _native.sgd(w, (x, dout), 0.1, NOTHING, next_w)
    assert_close(next_w.ravel(), w.ravel() - 0.1 * (x.T @ dout).ravel(), 2)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ((np.ones((2, 4)), np.ones((3, 5))), ValueError),
        ((np.ones((2, 4)), np.ones((2, 6))), ValueError),
        ((np.ones((2, 4)), np.ones((2, 5), np.float32)), TypeError),
        ((np.ones((4, 2)).T, np.ones((2, 5))), TypeError),
        ((np.ones((2, 4)),), TypeError),
        (np.ones(4), ValueError),
    ],
)
def test_factors_must_go_together(wrong, error):
    w, next_w = np.ones((4, 5)), np.full((4, 5), np.nan)
    with pytest.raises(error, match=r"shapes do not go together|incompatible function"):
        _native.sgd(w, wrong, 0.1, NOTHING, next_w)
    assert np.isnan(next_w).all()


@pytest.mark.parametrize("name", RULES)
def test_sizes_and_dtypes_must_go_together(name):
    memory, settings = RULES[name]
    right = arrays(2 + memory, 8, np.float32), [np.empty(8, np.float32) for _ in range(1 + memory)]
    for part, group in enumerate(right):
        for index in range(len(group)):
            for wrong, error in (
                (np.empty(9, np.float32), ValueError),
                (np.empty(8), TypeError),
                (np.empty(16, np.float32)[::2], TypeError),
            ):
                changed = [list(right[0]), list(right[1])]
                changed[part][index] = wrong
                with pytest.raises(error, match=r"arrays of one size|incompatible function"):
                    getattr(_native, name)(*changed[0], *settings, NOTHING, *changed[1])


@pytest.mark.parametrize("wrong", [NOTHING[:4], (*NOTHING, 1.0), None, 1.0, ("a", 1.0, 0.0, 1.0, 1.0)])
def test_what_comes_before_must_be_five_numbers(wrong):
    w, dw, next_w = np.ones(3), np.ones(3), np.empty(3)
    with pytest.raises(TypeError, match="incompatible function"):
        _native.sgd(w, dw, 0.1, wrong, next_w)
