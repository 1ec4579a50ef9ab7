"""What holds for every layer of the tier."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
from reference.cases import CASES, Case
from reference.differences import assert_gradient, numerical_gradient

from handgrad import reference

every_case = pytest.mark.parametrize("case", CASES, ids=str)


def loose(case: Case) -> float:
    """Rounding of the difference quotient is 1e-13; curved functions add their fifth derivative."""
    return 1e-8 if "bn" in case.layer or "norm" in case.layer else 1e-10


def run(case: Case, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
    out, cache = case.forward(arrays)
    dout = np.random.default_rng(1).normal(size=out.shape).astype(out.dtype)
    return out, case.backward(dout, cache), dout


@every_case
def test_gradients_are_those_of_numerical_differences(case: Case) -> None:
    arrays = case.arrays()
    _, gradients, dout = run(case, arrays)
    assert len(gradients) == len(arrays)
    for array, gradient in zip(arrays.values(), gradients, strict=True):
        numerical = numerical_gradient(lambda: float(np.sum(case.forward(arrays)[0] * dout)), array)
        assert_gradient(gradient, numerical, loose(case))


@every_case
def test_outputs_and_gradients_are_those_of_pytorch(case: Case) -> None:
    arrays = case.arrays()
    out, gradients, dout = run(case, arrays)
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    torch_out = case.torch(*tensors.values(), *case.settings.values())
    torch_out.backward(torch.tensor(dout))
    np.testing.assert_allclose(out, torch_out.detach().numpy(), rtol=1e-12, atol=1e-13, equal_nan=False)
    for tensor, gradient in zip(tensors.values(), gradients, strict=True):
        assert tensor.grad is not None
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-11, atol=1e-12, equal_nan=False)


@every_case
def test_float32_stays_and_is_rounded_only_at_the_end(case: Case) -> None:
    narrow = case.arrays(np.float32)
    wide = {name: array.astype(np.float64) for name, array in narrow.items()}
    out, gradients, dout = run(case, narrow)
    wide_out, cache = case.forward(wide)
    wide_gradients = case.backward(dout.astype(np.float64), cache)
    layer = getattr(reference, f"{case.layer}_forward_naive")
    sandwich = layer.__module__.endswith(".sandwich")
    for mine, exact in zip((out, *gradients), (wide_out, *wide_gradients), strict=True):
        assert mine.dtype == np.float32
        assert exact.dtype == np.float64
        if sandwich:  # rounds between its layers too
            np.testing.assert_allclose(mine, exact, rtol=1e-5, atol=1e-4, equal_nan=False)
        else:
            np.testing.assert_allclose(mine, exact, rtol=1.2e-7, atol=0, equal_nan=False)


@every_case
@pytest.mark.parametrize("order", ["fortran", "reversed", "strided", "read-only"])
def test_memory_order_does_not_change_a_bit(case: Case, order: str) -> None:
    arrays = case.arrays()
    expected, expected_gradients, dout = run(case, arrays)
    out, cache = case.forward({name: lay_out(array, order) for name, array in arrays.items()})
    gradients = case.backward(lay_out(dout, order), cache)
    for mine, other in zip((out, *gradients), (expected, *expected_gradients), strict=True):
        np.testing.assert_array_equal(mine, other)
        assert mine.flags.c_contiguous


def lay_out(array: np.ndarray, order: str) -> np.ndarray:
    if order == "fortran":
        return np.asfortranarray(array)
    if order == "reversed":
        return np.flip(np.flip(array).copy())
    if order == "strided":
        room = np.full([2 * n for n in array.shape], np.nan)
        view = room[tuple(slice(None, None, 2) for _ in array.shape)]
        view[...] = array
        return view
    array = array.copy()
    array.flags.writeable = False
    return array


@every_case
def test_inputs_are_not_changed(case: Case) -> None:
    arrays = case.arrays()
    before = {name: array.copy() for name, array in arrays.items()}
    out, cache = case.forward(arrays)
    dout = np.ones(out.shape)
    out[...] = 7  # what a caller does to the output must not reach the cache either
    case.backward(dout, cache)
    np.testing.assert_array_equal(dout, np.ones(out.shape))
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])


@every_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_empty_batch_gives_empty_outputs_and_zero_gradients(case: Case, dtype: type) -> None:
    arrays = case.arrays(dtype)
    full_out, _ = case.forward(arrays)
    arrays["x"] = arrays["x"][:0]
    out, gradients, _ = run(case, arrays)
    assert out.shape == (0, *full_out.shape[1:])
    for array, gradient in zip(arrays.values(), gradients, strict=True):
        assert gradient.dtype == dtype
        np.testing.assert_array_equal(gradient, np.zeros(array.shape))


@every_case
def test_nan_in_x_reaches_the_output(case: Case) -> None:
    arrays = case.arrays()
    arrays["x"].flat[0] = np.nan
    out, _ = case.forward(arrays)
    assert np.isnan(out[0]).any()


def test_a_wrong_gradient_is_red() -> None:
    x = np.array([1.0, 2.0])
    numerical = numerical_gradient(lambda: float(np.sum(x**3)), x)
    assert_gradient(3 * x**2, numerical)
    for wrong in (3 * x**2 * (1 + 1e-6), 3 * x**2 * [1, np.nan], np.zeros(2)):
        with pytest.raises(AssertionError):
            assert_gradient(wrong, numerical)


def test_every_function_has_its_case_and_its_partner() -> None:
    losses = {"softmax_loss_naive", "svm_loss_naive"}  # they return their gradient: test_loss.py
    layers = {case.layer for case in CASES}
    pairs = {f"{layer}_{way}_naive" for layer in layers for way in ("forward", "backward")}
    assert set(reference.__all__) == pairs | losses


def test_backward_stands_directly_under_its_forward() -> None:
    for name in reference.__all__:
        if name.endswith("_forward_naive"):
            forward = getattr(reference, name)
            backward = getattr(reference, name.replace("_forward_", "_backward_"))
            assert forward.__module__ == backward.__module__
            source = ast.parse(Path(inspect.getfile(forward)).read_text(encoding="utf-8"))
            public = [node.name for node in source.body if isinstance(node, ast.FunctionDef)]
            public = [function for function in public if not function.startswith("_")]
            assert public[public.index(name) + 1] == backward.__name__


def test_the_folder_imports_numpy_and_itself_only() -> None:
    files = list(Path(reference.__path__[0]).glob("*.py"))
    assert len(files) > 8
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert [alias.name for alias in node.names] == ["numpy"], file
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 1 or node.module == "__future__", file
