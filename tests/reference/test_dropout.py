from __future__ import annotations

import numpy as np
import pytest

from handgrad import reference


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [0.0, 0.3, 0.75])
def test_the_mask_is_drawn_by_the_one_agreed_call(dtype: type, p: float) -> None:
    x = np.asfortranarray(np.random.default_rng(0).normal(size=(40, 30)).astype(dtype))
    out, (_, mask) = reference.dropout_forward_naive(x, {"p": p, "mode": "train", "seed": 5})
    agreed = ((np.random.default_rng(5).random(x.shape) >= p) / (1 - p)).astype(dtype)
    np.testing.assert_array_equal(mask, agreed)
    np.testing.assert_array_equal(out, x * agreed)
    assert mask.dtype == dtype


def test_p_is_the_probability_to_drop_and_the_mean_stays() -> None:
    out, _ = reference.dropout_forward_naive(np.ones((100, 100)), {"p": 0.2, "mode": "train", "seed": 0})
    assert np.mean(out == 0) == pytest.approx(0.2, abs=0.02)
    assert out.mean() == pytest.approx(1.0, abs=0.02)


def test_a_generator_draws_where_there_is_no_seed() -> None:
    x = np.ones((4, 5))
    dropout_param = {"p": 0.5, "mode": "train", "rng": np.random.default_rng(9)}
    first, _ = reference.dropout_forward_naive(x, dropout_param)
    second, _ = reference.dropout_forward_naive(x, dropout_param)
    rng = np.random.default_rng(9)
    np.testing.assert_array_equal(first, 2.0 * (rng.random((4, 5)) >= 0.5))
    np.testing.assert_array_equal(second, 2.0 * (rng.random((4, 5)) >= 0.5))


def test_a_seed_wins_over_the_generator_and_leaves_it() -> None:
    rng = np.random.default_rng(9)
    before = rng.bit_generator.state
    dropout_param = {"p": 0.5, "mode": "train", "rng": rng, "seed": 0}
    first, _ = reference.dropout_forward_naive(np.ones(50), dropout_param)
    second, _ = reference.dropout_forward_naive(np.ones(50), dropout_param)
    np.testing.assert_array_equal(first, second)
    assert rng.bit_generator.state == before


def test_the_global_generator_is_not_touched() -> None:
    before = np.random.get_state(legacy=False)["state"]  # noqa: NPY002 - the one under test
    reference.dropout_forward_naive(np.ones(50), {"p": 0.5, "mode": "train", "seed": 0})
    after = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    assert before["pos"] == after["pos"]
    np.testing.assert_array_equal(before["key"], after["key"])


def test_testing_copies() -> None:
    x = np.arange(6.0).reshape(2, 3)
    out, cache = reference.dropout_forward_naive(x, {"p": 0.5, "mode": "test"})
    np.testing.assert_array_equal(out, x)
    assert not np.shares_memory(out, x)
    dx = reference.dropout_backward_naive(x, cache)
    np.testing.assert_array_equal(dx, x)
    assert not np.shares_memory(dx, x)


def test_a_dropped_nan_is_not_hidden() -> None:
    out, (_, mask) = reference.dropout_forward_naive(
        np.full(20, np.nan), {"p": 0.5, "mode": "train", "seed": 0}
    )
    assert (mask == 0).any()
    assert np.isnan(out).all()


def test_another_mode_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^dropout_param\['mode'\] must be 'train' or 'test', got 'eval'$"):
        reference.dropout_forward_naive(np.ones(3), {"p": 0.5, "mode": "eval", "seed": 0})


def test_a_draw_of_exactly_p_is_kept() -> None:
    p = np.random.default_rng(5).random(8)[2]
    out, _ = reference.dropout_forward_naive(np.ones(8), {"p": p, "mode": "train", "seed": 5})
    assert out[2] == pytest.approx(1 / (1 - p))
