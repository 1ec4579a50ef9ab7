from __future__ import annotations

import numpy as np
import pytest

from handgrad.data import Standardize, preprocess


@pytest.fixture
def X():
    return np.random.default_rng(0).integers(0, 256, size=(70, 3, 4, 5), dtype=np.uint8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize(("per", "axes"), [("image", 0), ("channel", (0, 2, 3))])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.int64])
def test_fit(X, monkeypatch, per, axes, scale, dtype, kind):
    monkeypatch.setattr(preprocess, "_BLOCK", 16)  # several blocks, the last of them shorter
    prepare = Standardize.fit(X.astype(kind), per, scale, dtype)
    mean = X.mean(axis=axes, keepdims=True, dtype=np.float64)
    std = X.std(axis=axes, keepdims=True, dtype=np.float64) if scale else 1.0
    np.testing.assert_allclose(prepare.mean, mean[0], rtol=1e-6)
    out = prepare(X[:7].astype(kind))
    assert out.dtype == dtype
    tolerance = 1e-4 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(out, (X[:7] - mean) / std, atol=tolerance)


def test_the_batch_is_not_changed(X):
    for batch in (X, X.astype(np.float32), X.astype(np.float64)):
        batch.flags.writeable = False
        before = batch.copy()
        assert not np.shares_memory(Standardize.fit(X, scale=True)(batch), batch)
        np.testing.assert_array_equal(batch, before)


def test_a_float_batch_is_not_promoted(X):
    assert Standardize.fit(X, dtype=np.float32)(X.astype(np.float64)).dtype == np.float32


def test_constant_pixels_keep_their_scale():
    X = np.zeros((5, 1, 2, 2), np.uint8)
    X[:, 0, 0, 0] = [1, 2, 3, 4, 5]
    out = Standardize.fit(X, scale=True)(X)
    assert np.isfinite(out).all()
    assert out[:, 0, 1, 1].tolist() == [0] * 5


@pytest.mark.parametrize("scale", [False, True])
def test_arrays_make_it_again(X, scale):
    prepare = Standardize.fit(X, "channel", scale, np.float64)
    arrays = prepare.arrays()
    assert set(arrays) == ({"mean", "std"} if scale else {"mean"})
    again = Standardize.from_arrays(arrays)
    np.testing.assert_array_equal(again(X), prepare(X))
    assert again.dtype == prepare.dtype == np.float64


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda X: Standardize.fit(X[:0]),
            r"X must have shape \(N, C, H, W\) with N at least 1, got \(0, 3, 4, 5\)",
        ),
        (
            lambda X: Standardize.fit(X[0]),
            r"X must have shape \(N, C, H, W\) with N at least 1, got \(3, 4, 5\)",
        ),
        (lambda X: Standardize.fit(X, per="images"), "per has no option 'images'; did you mean 'image'"),
        (lambda X: Standardize.fit(X, dtype=np.uint8), "dtype must be float32 or float64, got .*uint8"),
        (lambda X: Standardize.fit(X * np.float32(np.nan)), "X must be finite, got nan or infinity"),
        (lambda X: Standardize.fit(np.array([np.inf, -np.inf]).reshape(2, 1, 1, 1)), "X must be finite"),
        (lambda X: Standardize([np.nan]), "mean must be finite, got nan or infinity"),
        (lambda X: Standardize(0.0, np.inf), "std must be finite"),
        (lambda X: Standardize(0.0, [[[0.0]]]), r"std must be above 0, got 0\.0"),
        (
            lambda X: Standardize.fit(X)(X[:, :, :3]),
            r"batch must have images of shape \(3, 4, 5\), got \(3, 3, 5\)",
        ),
        (
            lambda X: Standardize.fit(X)(X[:, :1]),
            r"batch must have images of shape \(3, 4, 5\), got \(1, 4, 5\)",
        ),
    ],
)
def test_bad_input(X, make, text):
    with pytest.raises((TypeError, ValueError), match=text):
        make(X)
