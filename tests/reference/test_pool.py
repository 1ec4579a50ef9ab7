from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from handgrad import reference

TWO = {"pool_height": 2, "pool_width": 2, "stride": 2}


def test_numbers_of_the_course() -> None:
    x = np.linspace(-0.3, 0.4, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    out, _ = reference.max_pool_forward_naive(x, TWO)
    correct = [
        [
            [[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]],
            [[-0.14526316, -0.13052632], [-0.08631579, -0.07157895]],
            [[-0.02736842, -0.01263158], [0.03157895, 0.04631579]],
        ],
        [
            [[0.09052632, 0.10526316], [0.14947368, 0.16421053]],
            [[0.20842105, 0.22315789], [0.26736842, 0.28210526]],
            [[0.32631579, 0.34105263], [0.38526316, 0.4]],
        ],
    ]
    np.testing.assert_allclose(out, correct, rtol=0, atol=5e-9)


@pytest.mark.parametrize("window", [(2, 2), (3, 2), (1, 3)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (3, 3)])
def test_the_first_of_tied_maxima_takes_the_gradient_as_in_pytorch(
    window: tuple[int, int], stride: tuple[int, int]
) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (2, 3, 6, 7)).astype(np.float64)
    pool_param = {"pool_height": window[0], "pool_width": window[1], "stride": stride}
    out, cache = reference.max_pool_forward_naive(x, pool_param)
    dout = rng.normal(size=out.shape)
    tensor = torch.tensor(x, requires_grad=True)
    F.max_pool2d(tensor, window, stride).backward(torch.tensor(dout))
    np.testing.assert_allclose(
        reference.max_pool_backward_naive(dout, cache), tensor.grad.numpy(), rtol=1e-14
    )


def test_nan_counts_as_the_maximum_and_the_first_takes_the_gradient() -> None:
    x = np.array([[[[5.0, np.nan, 0.0, 1.0], [np.nan, 9.0, 2.0, 3.0]]]])
    out, cache = reference.max_pool_forward_naive(x, TWO)
    np.testing.assert_array_equal(out, [[[[np.nan, 3.0]]]])
    dx = reference.max_pool_backward_naive(np.array([[[[7.0, 8.0]]]]), cache)
    assert dx.tolist() == [[[[0.0, 7.0, 0.0, 0.0], [0.0, 0.0, 0.0, 8.0]]]]


@pytest.mark.parametrize("layer", ["max_pool", "avg_pool"])
def test_overlapping_windows_add_up(layer: str) -> None:
    x = np.array([[[[1.0, 5.0, 2.0]]]])
    out, cache = getattr(reference, f"{layer}_forward_naive")(
        x, {"pool_height": 1, "pool_width": 2, "stride": 1}
    )
    dx = getattr(reference, f"{layer}_backward_naive")(np.array([[[[10.0, 20.0]]]]), cache)
    expected = {"max_pool": ([5.0, 5.0], [0, 30, 0]), "avg_pool": ([3.0, 3.5], [5, 15, 10])}[layer]
    assert (out.ravel().tolist(), dx.ravel().tolist()) == expected


@pytest.mark.parametrize("layer", ["max_pool", "avg_pool"])
def test_windows_tile_by_default_and_leave_the_border(layer: str) -> None:
    x = np.ones((1, 1, 5, 7))
    out, cache = getattr(reference, f"{layer}_forward_naive")(x, {"pool_height": 2.0, "pool_width": 3})
    assert out.shape == (1, 1, 2, 2)
    dx = getattr(reference, f"{layer}_backward_naive")(np.ones(out.shape), cache)
    assert dx.sum() == pytest.approx(4)
    assert not dx[0, 0, 4].any()
    assert not dx[0, 0, :, 6].any()


@pytest.mark.parametrize(("key", "value"), [("stride", 0.5), ("pool_height", 2.5), ("pool_width", 1.1)])
def test_a_fraction_is_refused(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^pool_param\['{key}'\] must be a whole number, got {value}$"):
        reference.max_pool_forward_naive(np.zeros((1, 1, 4, 4)), {**TWO, key: value})


def test_means_are_better_than_float32() -> None:
    x = np.array([1e8, 1.0, 1.0, -1e8], dtype=np.float32).reshape(1, 1, 2, 2)
    assert reference.avg_pool_forward_naive(x, TWO)[0].item() == 0.5
    assert reference.global_avg_pool_forward_naive(x)[0].item() == 0.5
