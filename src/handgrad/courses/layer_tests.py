"""Checks of affine, relu, their sandwich, the losses and the fully connected net that print their errors.

Each draws a small example and compares with numerical gradients; none says how a layer is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from handgrad.checking import relative_error
from handgrad.courses.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array

Shelf = Mapping[str, Any]
BOUND = "1e-8"


def layer_tests(of: Shelf) -> dict[str, Callable[..., Any]]:
    """Return the tests of the layers and nets in `of`, each without arguments, and `rel_error`."""
    return {
        "affine_forward_test": lambda: _affine_forward(of),
        "affine_backward_test": lambda: _layer("affine", of, (10, 2, 3), (6, 5), (5,)),
        "relu_forward_test": lambda: _relu_forward(of),
        "relu_backward_test": lambda: _layer("relu", of, (10, 10)),
        "affine_relu_test": lambda: _layer("affine_relu", of, (2, 3, 4), (12, 10), (10,)),
        "svm_loss_test": lambda: _loss("svm_loss", of),
        "softmax_loss_test": lambda: _loss("softmax_loss", of),
        "fc_net_test": lambda: _fc_net(of),
        "rel_error": relative_error,
    }


def _affine_forward(of: Shelf) -> None:
    x = np.linspace(-0.1, 0.5, num=240).reshape(2, 4, 5, 6)
    w = np.linspace(-0.2, 0.3, num=360).reshape(120, 3)
    b = np.linspace(-0.3, 0.1, num=3)
    sums = [[np.sum(row.ravel() * column) + bias for column, bias in zip(w.T, b, strict=True)] for row in x]
    print("affine_forward: the difference should be less than 1e-9")
    print(f"difference: {relative_error(of['affine_forward'](x, w, b)[0], np.array(sums))}")


def _relu_forward(of: Shelf) -> None:
    x = np.linspace(-0.5, 0.5, num=12).reshape(3, 4)
    print("relu_forward: the difference should be less than 1e-9")
    print(f"difference: {relative_error(of['relu_forward'](x)[0], np.maximum(x, 0))}")


def _layer(name: str, of: Shelf, *shapes: tuple[int, ...]) -> None:
    """Compare the backward pass with numerical gradients, for arguments of these shapes."""
    arrays = [np.random.standard_normal(shape) for shape in shapes]  # noqa: NPY002 - follows np.random.seed
    out, cache = of[f"{name}_forward"](*arrays)
    dout = np.random.standard_normal(out.shape)  # noqa: NPY002
    gradients = of[f"{name}_backward"](dout, cache)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    print(f"{name}_backward: the errors should be less than {BOUND}")
    for letter, array, gradient in zip("xwb", arrays, gradients, strict=False):
        numerical = eval_numerical_gradient_array(lambda _: of[f"{name}_forward"](*arrays)[0], array, dout)
        print(f"d{letter} error: {relative_error(numerical, gradient)}")


def _loss(name: str, of: Shelf) -> None:
    x = 0.001 * np.random.standard_normal((50, 10))  # noqa: NPY002
    y = np.arange(50) % 10
    loss, dx = of[name](x, y)
    expected = {"svm_loss": "9", "softmax_loss": "2.3"}[name]
    numerical = eval_numerical_gradient(lambda x: of[name](x, y)[0], x, verbose=False)
    print(f"{name}: the loss should be about {expected} and the error less than 1e-6")
    print(f"loss: {loss}")
    print(f"dx error: {relative_error(numerical, dx)}")


def _fc_net(of: Shelf) -> None:
    X = np.random.standard_normal((2, 15))  # noqa: NPY002
    y = np.array([3, 7])
    for reg in (0.0, 3.14):
        print(f"Running check with reg = {reg}")
        net = of["FullyConnectedNet"](
            [20, 30], input_dim=15, num_classes=10, reg=reg, weight_scale=5e-2, dtype=np.float64
        )
        loss, grads = net.loss(X, y)

        def loss_at(_: np.ndarray, net: Any = net) -> float:
            return float(net.loss(X, y)[0])

        print(f"Initial loss: {loss}")
        for name in sorted(grads):
            numerical = eval_numerical_gradient(loss_at, net.params[name], verbose=False)
            print(f"{name} relative error: {relative_error(numerical, grads[name])}")
