"""Derivatives of a learner's own forward: exact by complex steps, else by differences."""

from __future__ import annotations

import numpy as np
import pytest
from checking.wrong import course

from handgrad import layers
from handgrad.checking.cases import cases_of
from handgrad.checking.complex_step import complex_array, complex_numpy, poisoned_numpy
from handgrad.checking.derivative import Differentiator, differences
from handgrad.checking.subject import Layer


def forward_of(f):
    return Layer(lambda x: (f(x), x), None)


def derivative(f, x):
    """Return f'(x), number by number, and the method."""
    differ = Differentiator(forward_of(f), {"x": x})
    return differ.along({"x": np.ones(x.shape)}).value, differ.method


X = np.array([[-1.5, -0.2, 0.3], [0.9, 1.1, 2.5]])


@pytest.mark.parametrize(
    ("f", "df"),
    [
        (lambda x: np.maximum(0, x), lambda x: (x > 0) * 1.0),
        (lambda x: np.where(x > 0, x, 0.1 * x), lambda x: np.where(x > 0, 1, 0.1)),
        (lambda x: x * (x > 0), lambda x: (x > 0) * 1.0),
        (lambda x: np.abs(x), np.sign),
        (lambda x: np.tanh(x), lambda x: 1 - np.tanh(x) ** 2),
        (lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
        (lambda x: np.clip(x, -1, 1), lambda x: (np.abs(x) < 1) * 1.0),
        (lambda x: x**3, lambda x: 3 * x**2),
    ],
)
def test_complex_step_is_exact(f, df):
    slope, method = derivative(f, X)
    assert method == "complex step"
    np.testing.assert_allclose(slope, df(X), rtol=1e-14, atol=1e-15)


def test_complex_step_goes_through_buffers_of_numpy():
    def forward(x):
        out = np.zeros(x.shape)
        scratch = np.empty_like(x)
        for i in np.ndindex(x.shape):
            scratch[i] = x[i] ** 2
            out[i] = max(scratch[i], 0.5)
        return out.astype(np.float64), x

    differ = Differentiator(Layer(forward, None), {"x": X})
    assert differ.method == "complex step"
    np.testing.assert_allclose(differ.along({"x": np.ones(X.shape)}).value, 2 * X * (X**2 > 0.5), rtol=1e-14)


@pytest.mark.parametrize("variance", [lambda x: x.var(axis=0), lambda x: np.var(x, axis=0),
                                      lambda x: np.std(x, axis=0) ** 2, lambda x: x.std(0) ** 2])  # fmt: skip
def test_variance_has_no_conjugate(variance):
    slope, method = derivative(lambda x: variance(x) + 0 * x, X)
    assert method == "complex step"
    np.testing.assert_allclose(slope, 0, atol=1e-15)  # moved all together, the variance stays


@pytest.mark.parametrize("layer", ["conv", "max_pool", "batchnorm", "layernorm", "affine", "relu"])
def test_course_layers_go_through_complex_steps(layer):
    name = {"conv": "conv_forward_naive", "max_pool": "max_pool_forward_naive"}.get(layer, f"{layer}_forward")
    case = cases_of(layer)[0]
    assert Differentiator(Layer(getattr(course, name), None), case.args).method == "complex step"


def test_gradient_of_course_convolution_is_that_of_the_reference():
    case = cases_of("conv")[7]
    out, cache = layers.conv_forward(*case.args.values())
    dout = np.random.default_rng(0).standard_normal(out.shape)
    differ = Differentiator(Layer(course.conv_forward_naive, None), case.args)
    for name, true in zip(("x", "w", "b"), layers.conv_backward(dout, cache), strict=True):
        np.testing.assert_allclose(differ.gradient(name, dout), true, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("f", [lambda x: np.array([[float(v) ** 2 for v in row] for row in x]),
                               lambda x: x.real ** 2 if np.isrealobj(x) else np.real(x) ** 2])  # fmt: skip
def test_what_complex_numbers_cannot_pass_goes_by_differences(f):
    slope, method = derivative(f, X)
    assert method == "differences"
    np.testing.assert_allclose(slope, 2 * X, rtol=1e-8)


def test_a_complex_step_that_loses_a_part_is_not_used():
    def forward(x):
        return x * np.asarray([abs(complex(v).real) for v in x.ravel()]).reshape(x.shape), x

    differ = Differentiator(Layer(forward, None), {"x": X})
    assert differ.method == "differences"
    np.testing.assert_allclose(differ.along({"x": np.ones(X.shape)}).value, 2 * np.abs(X), rtol=1e-8)


def test_globals_are_put_back():
    before = dict(vars(course))
    with complex_numpy([course.conv_forward_naive]):
        assert course.np is not before["np"]
        with poisoned_numpy([course.conv_forward_naive]):
            assert np.isnan(course.np.empty(3)).all()
        assert course.np.zeros(3).dtype == complex
    assert course.np is before["np"]


def test_complex_numbers_compare_by_their_real_part():
    a, b = complex_array(np.array([1.0, 2.0])) + 5j, complex_array(np.array([1.5, 1.5]))
    assert (a > b).tolist() == [False, True]
    assert np.maximum(a, b).tolist() == [1.5, 2 + 5j]
    assert abs(-a).tolist() == a.tolist()


# differences: smooth, kink or noise


def test_differences_of_a_smooth_function_are_extrapolated():
    slope = differences(lambda t: np.sin(3 + np.array([t, 2 * t])))
    assert slope.kind == "smooth"
    np.testing.assert_allclose(slope.value, np.cos(3) * np.array([1, 2]), rtol=1e-11)


@pytest.mark.parametrize("f", [np.abs, lambda t: np.maximum(t, 0), lambda t: np.where(t > 0, 3 * t, t)])
def test_a_kink_is_called_a_kink(f):
    assert differences(lambda t: f(np.array([t]))).kind == "kink"


def test_a_kink_beside_the_point_is_no_kink_here():
    slope = differences(lambda t: np.abs(np.array([t + 0.01])))
    assert slope.kind == "smooth"
    np.testing.assert_allclose(slope.value, 1, rtol=1e-12)


def test_rounding_is_called_noise():
    def f(t):
        return np.array([t + 1e-4 * np.sin(1e9 * t)])

    assert differences(f).kind == "noise"


def test_a_broken_derivative_is_seen():
    slope = differences(lambda t: np.exp(np.array([t])))
    assert not np.allclose(slope.value, 1.001, rtol=1e-8)
