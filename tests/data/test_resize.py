from __future__ import annotations

import numpy as np
import pytest
import torch

from handgrad.data.resize import resize

X = np.random.default_rng(0).standard_normal((2, 3, 12, 12))


@pytest.mark.parametrize("side", [1, 2, 5, 6, 11, 13, 24])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pytorch_with_antialiasing(side: int, dtype: type) -> None:
    ours = resize(X.astype(dtype), side)
    theirs = torch.nn.functional.interpolate(
        torch.tensor(X.astype(dtype)), size=(side, side), mode="bilinear", antialias=True
    )
    assert ours.dtype == dtype
    assert ours.flags.c_contiguous
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5 if dtype is np.float32 else 1e-12)


def test_a_flat_image_stays_flat_and_its_own_size_is_no_work() -> None:
    assert resize(X, 12) is X
    np.testing.assert_allclose(resize(np.full((1, 2, 9, 9), 0.7), 4), 0.7)


def test_images_that_are_not_square_become_so() -> None:
    assert resize(X[:, :, :7], 5).shape == (2, 3, 5, 5)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="side must be at least 1, got 0"):
        resize(X, 0)
    with pytest.raises(ValueError, match=r"batch must have shape \(N, C, H, W\), got \(3, 12, 12\)"):
        resize(X[0], 5)


def test_whole_numbers_become_float32() -> None:
    small = resize((X * 40 + 128).astype(np.uint8), 5)
    assert small.dtype == np.float32
    assert not np.array_equal(small, small.round())
