from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import data


@given(st.data())
def test_an_epoch_is_every_image_once(draw):
    n = draw.draw(st.integers(1, 300))
    batch_size = draw.draw(st.integers(1, n))
    batches = data.epoch_batches(n, batch_size, np.random.default_rng(0))
    lengths = [len(batch) for batch in batches]
    assert sorted(np.concatenate(batches).tolist()) == list(range(n))
    assert len(batches) == data.batches_per_epoch(n, batch_size) == -(-n // batch_size)
    assert max(lengths) <= batch_size
    assert max(lengths) - min(lengths) <= 1


def test_the_order_is_drawn_afresh_and_repeats_with_the_seed():
    rng = np.random.default_rng(5)
    first, second = data.epoch_batches(100, 10, rng), data.epoch_batches(100, 10, rng)
    again = data.epoch_batches(100, 10, np.random.default_rng(5))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, again)


def test_the_rest_of_an_epoch():
    order = data.epoch_order(10, np.random.default_rng(1))
    batches = data.epoch_batches(10, 3, np.random.default_rng(1))
    for done in range(5):
        for left, wanted in zip(data.cut(order, 3)[done:], batches[done:], strict=True):
            np.testing.assert_array_equal(left, wanted)


@pytest.mark.parametrize(
    ("n", "batch_size", "error", "text"),
    [
        (100, 500, ValueError, r"batch_size must be at most the number of training images \(100\), got 500"),
        (100, 0, ValueError, "batch_size must be at least 1, got 0"),
        (100, -1, ValueError, "batch_size must be at least 1, got -1"),
        (100, 2.5, TypeError, r"batch_size must be a whole number, got 2\.5"),
        (0, 1, ValueError, "the number of training images must be at least 1, got 0"),
    ],
)
def test_bad_sizes(n, batch_size, error, text):
    rng = np.random.default_rng(0)
    with pytest.raises(error, match=text):
        data.epoch_batches(n, batch_size, rng)
    assert rng.random() == np.random.default_rng(0).random()  # nothing was drawn


def test_numpy_integers_are_whole_numbers():
    assert data.batches_per_epoch(np.int64(10), np.int32(3)) == 4
