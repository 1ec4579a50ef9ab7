from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from handgrad import reference


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).normal(3.0, 2.0, size=(6, 4))


def test_training_gives_mean_beta_and_deviation_gamma(x: np.ndarray) -> None:
    gamma, beta = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 11.0, 12.0, 13.0])
    out, _ = reference.batchnorm_forward_naive(x, gamma, beta, {"mode": "train", "eps": 0})
    np.testing.assert_allclose(out.mean(axis=0), beta, atol=1e-14)
    np.testing.assert_allclose(out.std(axis=0), gamma, rtol=1e-14)


def test_running_statistics_start_from_zero_and_move_by_momentum(x: np.ndarray) -> None:
    bn_param = {"mode": "train", "momentum": 0.75}
    reference.batchnorm_forward_naive(x, np.ones(4), np.zeros(4), bn_param)
    np.testing.assert_allclose(bn_param["running_mean"], 0.25 * x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(bn_param["running_var"], 0.25 * x.var(axis=0), rtol=1e-14)
    reference.batchnorm_forward_naive(2 * x, np.ones(4), np.zeros(4), bn_param)
    np.testing.assert_allclose(bn_param["running_mean"], (0.75 * 0.25 + 0.5) * x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(bn_param["running_var"], (0.75 * 0.25 + 1.0) * x.var(axis=0), rtol=1e-14)


def test_momentum_is_nine_tenths_by_default(x: np.ndarray) -> None:
    bn_param = {"mode": "train"}
    reference.batchnorm_forward_naive(x, np.ones(4), np.zeros(4), bn_param)
    np.testing.assert_allclose(bn_param["running_mean"], 0.1 * x.mean(axis=0), rtol=1e-13)


def test_running_statistics_of_the_caller_are_replaced_not_overwritten(x: np.ndarray) -> None:
    mean, var = np.zeros(4), np.ones(4)
    bn_param = {"mode": "train", "running_mean": mean, "running_var": var}
    reference.batchnorm_forward_naive(x, np.ones(4), np.zeros(4), bn_param)
    assert not mean.any()
    assert (var == 1).all()
    assert bn_param["running_mean"] is not mean


def test_running_statistics_have_the_dtype_of_x(x: np.ndarray) -> None:
    bn_param = {"mode": "train", "momentum": np.float64(0.9), "eps": np.float64(1e-5)}
    out, _ = reference.batchnorm_forward_naive(
        x.astype(np.float32), np.ones(4, np.float32), np.zeros(4, np.float32), bn_param
    )
    assert out.dtype == bn_param["running_mean"].dtype == bn_param["running_var"].dtype == np.float32


def test_testing_uses_the_running_statistics_and_leaves_them(x: np.ndarray) -> None:
    bn_param = {"mode": "test", "running_mean": np.full(4, 3.0), "running_var": np.full(4, 4.0), "eps": 0.0}
    before = dict(bn_param)
    out, _ = reference.batchnorm_forward_naive(x, np.ones(4), np.zeros(4), bn_param)
    np.testing.assert_allclose(out, (x - 3) / 2, rtol=1e-14)
    assert bn_param == before
    bare = {"mode": "test", "eps": 1.0}
    out, _ = reference.batchnorm_forward_naive(x, np.ones(4), np.zeros(4), bare)
    np.testing.assert_array_equal(out, x)
    assert bare == {"mode": "test", "eps": 1.0}


@pytest.mark.parametrize("mode", ["train", "test"])
def test_backward_goes_by_the_forward_that_made_the_cache(x: np.ndarray, mode: str) -> None:
    dout = np.random.default_rng(1).normal(size=x.shape)
    bn_param = {"mode": mode, "running_mean": np.ones(4), "running_var": np.full(4, 2.0)}
    _, cache = reference.batchnorm_forward_naive(x, np.ones(4), np.zeros(4), bn_param)
    expected = reference.batchnorm_backward_naive(dout, cache)
    other = {"train": "test", "test": "train"}[mode]
    bn_param.update(mode=other, running_mean=np.zeros(4), running_var=np.full(4, 9.0))
    for mine, theirs in zip(reference.batchnorm_backward_naive(dout, cache), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_an_empty_batch_leaves_the_running_statistics() -> None:
    for layer, shape in (("batchnorm", (0, 4)), ("spatial_batchnorm", (0, 4, 2, 3))):
        bn_param = {"mode": "train", "running_mean": np.full(4, 5.0)}
        getattr(reference, f"{layer}_forward_naive")(np.zeros(shape), np.ones(4), np.zeros(4), bn_param)
        assert bn_param["running_mean"].tolist() == [5.0] * 4
        assert set(bn_param) == {"mode", "running_mean"}


def test_another_mode_is_refused(x: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^bn_param\['mode'\] must be 'train' or 'test', got 'training'$"):
        reference.batchnorm_forward_naive(x, np.ones(4), np.zeros(4), {"mode": "training"})


def test_a_nan_stays_in_its_feature(x: np.ndarray) -> None:
    x[2, 1] = np.nan
    out, _ = reference.batchnorm_forward_naive(x, np.ones(4), np.zeros(4), {"mode": "train"})
    np.testing.assert_array_equal(np.isnan(out).all(axis=0), [False, True, False, False])
    np.testing.assert_array_equal(np.isnan(out).any(axis=0), [False, True, False, False])


def test_one_example_is_its_own_mean() -> None:
    out, cache = reference.batchnorm_forward_naive(
        np.array([[3.0, 4.0]]), np.ones(2), np.array([5.0, 6.0]), {"mode": "train"}
    )
    assert out.tolist() == [[5.0, 6.0]]
    dx, _, dbeta = reference.batchnorm_backward_naive(np.ones((1, 2)), cache)
    assert (dx.tolist(), dbeta.tolist()) == ([[0.0, 0.0]], [1.0, 1.0])


@pytest.mark.parametrize("layer", ["batchnorm", "layernorm"])
def test_a_large_mean_does_not_swallow_the_variance(layer: str) -> None:
    x = 1e8 + np.arange(9.0).reshape(3, 3)
    settings = {"mode": "train"} if layer == "batchnorm" else {}
    out, cache = getattr(reference, f"{layer}_forward_naive")(x, np.ones(3), np.zeros(3), settings)
    near, near_cache = getattr(reference, f"{layer}_forward_naive")(
        x - 1e8, np.ones(3), np.zeros(3), settings
    )
    np.testing.assert_allclose(out, near, rtol=1e-12, atol=1e-14)
    dout = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0], [2.0, 1.0, -1.0]])
    backward = getattr(reference, f"{layer}_backward_naive")
    np.testing.assert_allclose(
        backward(dout, cache)[0], backward(dout, near_cache)[0], rtol=1e-12, atol=1e-14
    )


def test_default_eps_is_that_of_pytorch(x: np.ndarray) -> None:
    small = 1e-3 * x  # so small that eps matters
    tensor = torch.tensor(small)
    out, _ = reference.layernorm_forward_naive(small, np.ones(4), np.zeros(4), {})
    np.testing.assert_allclose(out, F.layer_norm(tensor, (4,)).numpy(), rtol=1e-12)
    out, _ = reference.batchnorm_forward_naive(small, np.ones(4), np.zeros(4), {"mode": "train"})
    np.testing.assert_allclose(out, F.batch_norm(tensor, None, None, training=True).numpy(), rtol=1e-12)


def test_group_norm_gradients_have_the_shapes_of_gamma_and_beta() -> None:
    x = np.random.default_rng(0).normal(size=(2, 4, 3, 2))
    flat, deep = np.arange(1.0, 5.0), np.arange(1.0, 5.0).reshape(1, 4, 1, 1)
    out, cache = reference.spatial_groupnorm_forward_naive(x, flat, deep, 2, {})
    dx, dgamma, dbeta = reference.spatial_groupnorm_backward_naive(x**2, cache)
    assert (dx.shape, dgamma.shape, dbeta.shape) == (x.shape, (4,), (1, 4, 1, 1))
    turned, _ = reference.spatial_groupnorm_forward_naive(x, deep, flat, 2, {})
    np.testing.assert_array_equal(out, turned)


def test_group_norm_with_one_group_is_layer_norm_of_the_image() -> None:
    x = np.random.default_rng(0).normal(size=(2, 4, 3, 2))
    out, _ = reference.spatial_groupnorm_forward_naive(x, np.ones(4), np.zeros(4), 1, {})
    flat, _ = reference.layernorm_forward_naive(x.reshape(2, -1), np.ones(24), np.zeros(24), {})
    np.testing.assert_allclose(out.reshape(2, -1), flat, rtol=1e-13, atol=1e-14)
