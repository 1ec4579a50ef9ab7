from __future__ import annotations

import numpy as np
import pytest

from handgrad.data import augment

DTYPES = [np.uint8, np.float32, np.float64]
ALL = {
    "flip": augment.flip(),
    "crop": augment.padded_crop(2),
    "reflected crop": augment.padded_crop(2, "reflect"),
    "cutout": augment.cutout(3),
    "filled cutout": augment.cutout(3, fill=7),
    "colour": augment.colour(0.4, 0.4, 0.4),
    "all": augment.parse("flip, crop2, cutout3, colour0.3"),
}


def images(dtype=np.uint8, n=40, shape=(3, 8, 9)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(n, *shape)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("apply", ALL.values(), ids=ALL)
class TestAny:
    def test_shape_and_dtype_stay_and_the_input_too(self, apply, dtype):
        batch = images(dtype)
        batch.flags.writeable = False
        before = batch.copy()
        out = apply(batch, np.random.default_rng(1))
        assert (out.shape, out.dtype) == (batch.shape, batch.dtype)
        assert not np.shares_memory(out, batch)
        assert not np.array_equal(out, batch)
        np.testing.assert_array_equal(batch, before)

    def test_the_generator_decides(self, apply, dtype):
        first, again = (apply(images(dtype), np.random.default_rng(1)) for _ in range(2))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, apply(images(dtype), np.random.default_rng(2)))

    def test_an_empty_batch(self, apply, dtype):
        assert apply(images(dtype, n=0), np.random.default_rng(1)).shape == (0, 3, 8, 9)

    def test_any_memory_order(self, apply, dtype):
        batch = images(dtype)
        expected = apply(batch, np.random.default_rng(1))
        for other in (np.asfortranarray(batch), np.ascontiguousarray(batch[::-1])[::-1]):
            got = apply(other, np.random.default_rng(1))
            np.testing.assert_allclose(got, expected, atol=1e-3)

    def test_no_images(self, apply, dtype):
        with pytest.raises(ValueError, match=r"batch must have shape \(N, C, H, W\), got \(3, 8, 9\)"):
            apply(images(dtype)[0], np.random.default_rng(1))


class TestFlip:
    def test_each_image_is_flipped_or_not(self):
        batch = images(n=400)
        out = augment.flip(0.25)(batch, np.random.default_rng(0))
        flipped = [np.array_equal(new, old[:, :, ::-1]) for new, old in zip(out, batch, strict=True)]
        same = [np.array_equal(new, old) for new, old in zip(out, batch, strict=True)]
        assert all(a != b for a, b in zip(flipped, same, strict=True))
        assert 60 < sum(flipped) < 140

    def test_never_and_always(self):
        batch = images()
        np.testing.assert_array_equal(augment.flip(0)(batch, np.random.default_rng(0)), batch)
        np.testing.assert_array_equal(augment.flip(1)(batch, np.random.default_rng(0)), batch[..., ::-1])


class TestCrop:
    @pytest.mark.parametrize("mode", ["zero", "reflect"])
    def test_every_place_is_a_window_of_the_padded_image(self, mode):
        batch = images(n=300)
        padded = np.pad(
            batch, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="constant" if mode == "zero" else "reflect"
        )
        out = augment.padded_crop(1, mode)(batch, np.random.default_rng(0))
        places = []
        for new, old in zip(out, padded, strict=True):
            found = [
                (row, column)
                for row in range(3)
                for column in range(3)
                if np.array_equal(new, old[:, row : row + 8, column : column + 9])
            ]
            assert len(found) == 1
            places += found
        counts = [places.count(place) for place in set(places)]
        assert len(counts) == 9
        assert min(counts) > 15

    def test_a_border_as_wide_as_the_image(self):
        augment.padded_crop(8)(images(), np.random.default_rng(0))
        with pytest.raises(
            ValueError, match=r"below the image's height and width \(8, 9\) to reflect, got 8"
        ):
            augment.padded_crop(8, "reflect")(images(), np.random.default_rng(0))


class TestCutout:
    def test_a_square_is_hidden_and_nothing_else(self):
        batch = images(n=500) // 2 + 1  # no zeros
        out = augment.cutout(4, fill=0)(batch, np.random.default_rng(0))
        sizes = set()
        for new, old in zip(out, batch, strict=True):
            hidden = (new == 0).all(axis=0)
            rows, columns = np.flatnonzero(hidden.any(axis=1)), np.flatnonzero(hidden.any(axis=0))
            assert hidden[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
            np.testing.assert_array_equal(new[:, ~hidden], old[:, ~hidden])
            sizes.add((len(rows), len(columns)))
        assert max(sizes) == (4, 4)
        assert (2, 2) in sizes  # centred on a corner

    def test_the_mean_colour_hides(self):
        batch = np.zeros((1, 3, 4, 4), np.uint8)
        batch[0, 1] = 99
        batch[0, 2, :2] = 101
        out = augment.cutout(9)(batch, np.random.default_rng(0))
        assert out[0, :, 0, 0].tolist() == [0, 99, 50]  # 50.5 to the even neighbour

    def test_larger_than_the_image(self):
        assert (augment.cutout(99, fill=5)(images(), np.random.default_rng(0)) == 5).all()


class TestColour:
    def factors(self, seed=0, n=40):
        return 1 + 0.5 * np.random.default_rng(seed).uniform(-1, 1, size=(3, n))

    def test_brightness(self):
        batch = images(np.float64)
        out = augment.colour(0.5, 0, 0)(batch, np.random.default_rng(0))
        np.testing.assert_allclose(out, batch * self.factors()[0][:, None, None, None])

    def test_contrast_keeps_the_mean_grey(self):
        batch = images(np.float64)
        out = augment.colour(0, 0.5, 0)(batch, np.random.default_rng(0))
        weights = np.array([0.299, 0.587, 0.114])[:, None, None]
        np.testing.assert_allclose(
            (out * weights).sum(axis=1).mean(axis=(1, 2)), (batch * weights).sum(axis=1).mean(axis=(1, 2))
        )
        np.testing.assert_allclose(out.std(axis=(1, 2, 3)) / batch.std(axis=(1, 2, 3)), self.factors()[1])

    def test_saturation_keeps_the_grey_of_each_pixel(self):
        batch = images(np.float64)
        out = augment.colour(0, 0, 0.5)(batch, np.random.default_rng(0))
        weights = np.array([0.299, 0.587, 0.114])[:, None, None]
        np.testing.assert_allclose((out * weights).sum(axis=1), (batch * weights).sum(axis=1))
        difference = (out[:, 0] - out[:, 1]) / (batch[:, 0] - batch[:, 1] + 1e-300)
        np.testing.assert_allclose(np.median(difference, axis=(1, 2)), self.factors()[2])

    def test_uint8_stops_at_its_ends(self):
        batch = np.full((50, 3, 2, 2), 250, np.uint8)
        batch[:, :, 0] = 3
        out = augment.colour(1, 1, 1)(batch, np.random.default_rng(0)).astype(int)
        assert (out[:, :, 1] >= out[:, :, 0] - 1).all()  # what wraps around would turn bright into dark
        assert out.max() == 255

    @pytest.mark.parametrize("channels", [1, 4])
    def test_other_numbers_of_channels(self, channels):
        batch = images(np.float64, shape=(channels, 4, 4))
        assert augment.colour()(batch, np.random.default_rng(0)).shape == batch.shape

    def test_against_the_same_in_uint8(self):
        as_float = augment.colour()(images(np.float64), np.random.default_rng(0))
        as_uint8 = augment.colour()(images(), np.random.default_rng(0))
        np.testing.assert_allclose(as_uint8, np.clip(as_float, 0, 255), atol=0.501)


class TestCompose:
    def test_in_order(self):
        out = augment.compose(augment.flip(1), augment.cutout(99, fill=1), augment.flip(1))(
            images(), np.random.default_rng(0)
        )
        assert (out == 1).all()

    def test_parse_is_compose(self):
        rngs = [np.random.default_rng(3) for _ in range(2)]
        composed = augment.compose(
            augment.flip(0.3), augment.padded_crop(4), augment.cutout(8), augment.colour(0.1, 0.1, 0.1)
        )
        parsed = augment.parse("flip0.3,crop4,cutout8,color.1")
        np.testing.assert_array_equal(parsed(images(), rngs[0]), composed(images(), rngs[1]))


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: augment.flip(1.5), ValueError, r"p must be from 0 to 1, got 1\.5"),
        (lambda: augment.flip("half"), TypeError, "p must be a number, got 'half'"),
        (lambda: augment.flip(np.nan), ValueError, "p must be from 0 to 1, got nan"),
        (lambda: augment.padded_crop(0), ValueError, "pad must be at least 1, got 0"),
        (lambda: augment.padded_crop(1.5), TypeError, r"pad must be a whole number, got 1\.5"),
        (lambda: augment.padded_crop(1, "reflct"), ValueError, "mode has no option 'reflct'; did you"),
        (lambda: augment.cutout(-2), ValueError, "size must be at least 1, got -2"),
        (lambda: augment.colour(contrast=2), ValueError, "contrast must be from 0 to 1, got 2"),
        (lambda: augment.parse("flop"), ValueError, "augment has no option 'flop'; did you mean 'flip'"),
        (lambda: augment.parse("zoom2"), ValueError, "no option 'zoom2'; known: alternating_flip, colour"),
        (lambda: augment.parse("flip,,crop"), ValueError, "augment has no option ''"),
        (lambda: augment.parse("flip2"), ValueError, r"augment 'flip2': p must be from 0 to 1, got 2\.0"),
        (lambda: augment.parse("crop1.5"), ValueError, r"'crop1\.5': crop must be a whole number, got 1\.5"),
        (lambda: augment.parse("cutout0"), ValueError, "augment 'cutout0': size must be at least 1, got 0"),
        (lambda: augment.parse("crop-4"), ValueError, "augment has no option 'crop-4'; did you mean 'crop'"),
    ],
)  # fmt: skip
def test_bad_options(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_alternating_flip_shows_each_image_both_ways_in_two_epochs():
    batch = np.arange(200 * 3 * 2 * 4, dtype=np.uint8).reshape(200, 3, 2, 4)
    flips, indices = augment.alternating_flip(), np.arange(1000, 1200)
    first, second, third = (flips(batch, None, augment.Place(indices, epoch, seed=7)) for epoch in (4, 5, 6))
    mirrored = np.array([not np.array_equal(a, b) for a, b in zip(first, batch, strict=True)])
    assert 70 < mirrored.sum() < 130
    np.testing.assert_array_equal(second[mirrored], batch[mirrored])
    np.testing.assert_array_equal(second[~mirrored], batch[~mirrored, :, :, ::-1])
    np.testing.assert_array_equal(first, third)


def test_alternating_flip_does_not_depend_on_the_batch_and_differs_between_seeds():
    batch = np.random.default_rng(0).integers(0, 255, (64, 1, 1, 9), dtype=np.uint8)
    flips, indices = augment.compose(augment.flip(0), augment.alternating_flip()), np.arange(64)
    rng = np.random.default_rng(0)
    whole = flips(batch, rng, augment.Place(indices, 0, seed=1))
    part = flips(batch[20:30], rng, augment.Place(indices[20:30], 0, seed=1))
    np.testing.assert_array_equal(part, whole[20:30])
    assert not np.array_equal(flips(batch, rng, augment.Place(indices, 0, seed=2)), whole)


def test_alternating_flip_says_that_it_needs_to_know_the_images():
    with pytest.raises(ValueError, match="needs to know which images"):
        augment.parse("alternating_flip, crop2")(np.zeros((1, 3, 4, 4)), np.random.default_rng(0))
    with pytest.raises(ValueError, match="alternating_flip takes no number"):
        augment.parse("alternating_flip2")
