from __future__ import annotations

import numpy as np
import pytest

from handgrad import reference


def test_numbers_of_the_course() -> None:
    x = np.linspace(-0.1, 0.5, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    w = np.linspace(-0.2, 0.3, 3 * 3 * 4 * 4).reshape(3, 3, 4, 4)
    b = np.linspace(-0.1, 0.2, 3)
    out, _ = reference.conv_forward_naive(x, w, b, {"stride": 2, "pad": 1})
    correct = [
        [
            [[-0.08759809, -0.10987781], [-0.18387192, -0.2109216]],
            [[0.21027089, 0.21661097], [0.22847626, 0.23004637]],
            [[0.50813986, 0.54309974], [0.64082444, 0.67101435]],
        ],
        [
            [[-0.98053589, -1.03143541], [-1.19128892, -1.24695841]],
            [[0.69108355, 0.66880383], [0.59480972, 0.56776003]],
            [[2.36270298, 2.36904306], [2.38090835, 2.38247847]],
        ],
    ]
    np.testing.assert_allclose(out, correct, rtol=0, atol=5e-9)


@pytest.mark.parametrize(
    ("size", "filter_size", "stride", "pad", "expected"),
    [(5, 2, 2, 0, 2), (6, 3, 2, 0, 2), (7, 3, 3, 1, 3), (4, 4, 9, 0, 1), (31, 3, 2, 1, 16), (3, 3, 1, 2, 5)],
)
def test_a_stride_that_does_not_divide_floors(
    size: int, filter_size: int, stride: int, pad: int, expected: int
) -> None:
    x, w = np.zeros((1, 1, size, 20)), np.zeros((1, 1, filter_size, 1))
    out, _ = reference.conv_forward_naive(x, w, np.zeros(1), {"stride": (stride, 20), "pad": (pad, 0)})
    assert out.shape == (1, 1, expected, 1)


def test_what_no_window_reaches_gets_no_gradient() -> None:
    x, w = np.ones((1, 1, 5, 6)), np.ones((1, 1, 2, 2))
    out, cache = reference.conv_forward_naive(x, w, np.zeros(1), {"stride": (3, 4)})
    dx, _, _ = reference.conv_backward_naive(np.ones(out.shape), cache)
    assert dx[0, 0].tolist() == [
        [1, 1, 0, 0, 1, 1],
        [1, 1, 0, 0, 1, 1],
        [0] * 6,
        [1, 1, 0, 0, 1, 1],
        [1, 1, 0, 0, 1, 1],
    ]


def test_overlapping_windows_add_up() -> None:
    x, w = np.ones((1, 1, 1, 4)), np.ones((1, 1, 1, 2))
    out, cache = reference.conv_forward_naive(x, w, np.zeros(1), {})
    dx, dw, db = reference.conv_backward_naive(np.ones(out.shape), cache)
    assert (dx.ravel().tolist(), dw.ravel().tolist(), db.tolist()) == ([1, 2, 2, 1], [3, 3], [3])


def test_whole_floats_and_pairs_are_settings() -> None:
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(1, 2, 5, 5)), rng.normal(size=(2, 2, 3, 3)), rng.normal(size=2)
    plain, _ = reference.conv_forward_naive(x, w, b, {"stride": 2, "pad": 1})
    for stride, pad in [(2.0, (3 - 1) / 2), ((2, 2), (1, 1)), ([2, 2.0], np.int64(1))]:
        out, cache = reference.conv_forward_naive(x, w, b, {"stride": stride, "pad": pad})
        np.testing.assert_array_equal(out, plain)
        assert reference.conv_backward_naive(out, cache)[0].shape == x.shape


@pytest.mark.parametrize("value", [1.5, np.nan, np.inf])
def test_a_fraction_is_refused(value: float) -> None:
    x, w, b = np.zeros((1, 1, 5, 5)), np.zeros((1, 1, 2, 2)), np.zeros(1)
    with pytest.raises(ValueError, match=rf"^conv_param\['pad'\] must be a whole number, got {value}$"):
        reference.conv_forward_naive(x, w, b, {"pad": value})


def test_nan_reaches_its_windows_only() -> None:
    x = np.zeros((1, 1, 1, 5))
    x[0, 0, 0, 3] = np.nan
    out, _ = reference.conv_forward_naive(x, np.ones((1, 1, 1, 2)), np.zeros(1), {})
    np.testing.assert_array_equal(np.isnan(out[0, 0, 0]), [False, False, True, True])
