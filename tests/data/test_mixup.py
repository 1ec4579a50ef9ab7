from __future__ import annotations

import numpy as np
import pytest

from handgrad.data.mixup import mixup


def batch(n: int = 30, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (n, 3, 4, 4)).astype(dtype), rng.integers(0, 5, n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_each_image_is_mixed_with_another_by_the_share_that_its_label_tells(dtype: type) -> None:
    X, _ = batch(dtype=dtype)
    names = np.arange(30)  # every image a class of its own: labels tell who was mixed with whom
    mixed, soft = mixup(X, names, 30, 1.0, np.random.default_rng(1))
    assert mixed.dtype == (np.float32 if dtype is np.uint8 else dtype)
    np.testing.assert_allclose(soft.sum(axis=1), 1)
    assert ((soft > 0).sum(axis=1) <= 2).all()
    shares = np.sort(soft, axis=1)[:, -1]
    assert len(np.unique(shares[shares < 1].round(12))) == 1
    whole = (soft @ X.reshape(30, -1).astype(np.float64)).reshape(X.shape)
    np.testing.assert_allclose(mixed, whole, rtol=1e-5)


def test_labels_that_are_alike_stay_certain() -> None:
    X, _ = batch()
    soft = mixup(X, np.full(30, 2), 5, 0.3, np.random.default_rng(0))[1]
    np.testing.assert_allclose(soft, np.eye(5)[np.full(30, 2)], atol=1e-15)


def test_shares_follow_the_beta_distribution() -> None:
    X, y = np.zeros((2, 1)), np.array([0, 1])
    shares = []
    for seed in range(2000):
        soft = mixup(X, y, 2, 0.4, np.random.default_rng(seed))[1]
        shares += [soft[0, 0]] if soft[0, 0] not in (0, 1) else []
    assert np.mean(shares) == pytest.approx(0.5, abs=0.03)
    assert np.var(shares) == pytest.approx(1 / (4 * (2 * 0.4 + 1)), abs=0.01)  # that of Beta(0.4, 0.4)


def test_the_generator_decides_and_nothing_given_is_changed() -> None:
    X, y = batch()
    X.flags.writeable = y.flags.writeable = False
    first, again, other = (mixup(X, y, 5, 0.5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
