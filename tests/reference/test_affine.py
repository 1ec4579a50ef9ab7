from __future__ import annotations

import numpy as np

from handgrad import reference


def test_numbers_of_the_course() -> None:
    x = np.linspace(-0.1, 0.5, 2 * 120).reshape(2, 4, 5, 6)
    w = np.linspace(-0.2, 0.3, 120 * 3).reshape(120, 3)
    b = np.linspace(-0.3, 0.1, 3)
    out, _ = reference.affine_forward_naive(x, w, b)
    np.testing.assert_allclose(
        out, [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]], rtol=1e-8
    )


def test_by_hand() -> None:
    x, w, b = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([5.0])
    out, cache = reference.affine_forward_naive(x, w, b)
    assert out.tolist() == [[16.0]]
    dx, dw, db = reference.affine_backward_naive(np.array([[10.0]]), cache)
    assert (dx.tolist(), dw.tolist(), db.tolist()) == ([[30.0, 40.0]], [[10.0], [20.0]], [10.0])


def test_sums_are_better_than_float32() -> None:
    x = np.full((1, 4), 1e8, dtype=np.float32)
    x[0, 1] = 1.0
    w = np.array([[1.0], [1.0], [-1.0], [0.0]], dtype=np.float32)
    out, _ = reference.affine_forward_naive(x, w, np.zeros(1, dtype=np.float32))
    assert out.tolist() == [[1.0]]
