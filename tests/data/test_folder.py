from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from handgrad import data

COLOURS = {"blue": (0, 0, 200), "green": (0, 200, 0), "red": (200, 0, 0)}


def draw(path, colour, size=(40, 20)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def pictures(tmp_path):
    """Three classes of ten images in several formats and sizes."""
    formats = ["png", "jpg", "BMP", "gif", "webp"]
    for name, colour in COLOURS.items():
        for k in range(10):
            draw(tmp_path / f"pictures/{name}/{k}.{formats[k % 5]}", colour, size=(20 + k, 40 - k))
    return tmp_path / "pictures"


def assert_colours(got_X, got_y, names):
    for image, label in zip(got_X, got_y, strict=True):
        np.testing.assert_allclose(image.mean(axis=(1, 2)), COLOURS[names[label]], atol=4)


def test_class_folders(pictures):
    got = data.load_folder(pictures, size=(16, 12), validation=0.2)
    assert got.class_names == ("blue", "green", "red")
    assert (got.name, got.source) == ("pictures", str(pictures))
    assert got.X_train.shape == (24, 3, 16, 12)
    assert got.X_val.shape == (6, 3, 16, 12)
    assert got.X_test.shape == (0, 3, 16, 12)
    assert got.X_train.dtype == np.uint8
    assert got.y_train.dtype == got.y_test.dtype == np.int64
    assert np.bincount(got.y_val).tolist() == [2, 2, 2]
    assert_colours(got.X_train, got.y_train, got.class_names)
    assert_colours(got.X_val, got.y_val, got.class_names)


def test_the_seed_chooses_what_is_set_aside(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        for k in range(20):
            draw(tmp_path / f"{name}/{k:02}.png", tuple(rng.integers(0, 256, 3).tolist()))
    first, again, other = (data.load_folder(tmp_path, 8, 0.25, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.X_val, again.X_val)
    assert not np.array_equal(first.X_val, other.X_val)
    everything = {image.tobytes() for image in np.concatenate([first.X_train, first.X_val])}
    assert len(everything) == 40


def test_small_classes_keep_an_image_to_train_on(tmp_path):
    for name in ("a", "b"):
        draw(tmp_path / f"{name}/1.png", (1, 2, 3))
    got = data.load_folder(tmp_path, validation=0.9)
    assert (len(got.X_train), len(got.X_val)) == (2, 0)
    assert len(data.load_folder(tmp_path, validation=0).X_val) == 0


def test_train_val_and_test(pictures, tmp_path):
    for part in ("train", "val", "test"):
        (tmp_path / "parts").mkdir(exist_ok=True)
        for name, colour in COLOURS.items():
            for k in range({"train": 4, "val": 2, "test": 3}[part]):
                draw(tmp_path / f"parts/{part}/{name}/{k}.png", colour)
    got = data.load_folder(tmp_path / "parts", size=8, validation=0.5)
    assert [len(X) for X in (got.X_train, got.X_val, got.X_test)] == [12, 6, 9]
    assert_colours(got.X_test, got.y_test, got.class_names)
    draw(tmp_path / "parts/test/violet/1.png", (1, 1, 1))
    with pytest.raises(
        ValueError, match="test must hold the class folders blue, green, red, but differs in 'violet'"
    ):
        data.load_folder(tmp_path / "parts")


def test_hidden_and_other_files_are_ignored(pictures):
    (pictures / ".git").mkdir()
    (pictures / "notes.txt").write_text("x")
    (pictures / "red/.DS_Store").write_text("x")
    (pictures / "red/._1.png").write_text("x")
    (pictures / "red/Thumbs.db").write_text("x")
    assert len(data.load_folder(pictures, validation=0).X_train) == 30


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda p: (p / "red/broken.png").write_text("x"),
            "broken.png must be an image that can be read: not an image",
        ),
        (lambda p: (p / "red/empty.jpg").touch(), "empty.jpg must be an image that can be read"),
        (lambda p: (p / "violet").mkdir(), r"violet must hold at least one image \(\.png, .*\), got none"),
    ],
)
def test_bad_folders(pictures, change, text):
    change(pictures)
    with pytest.raises(ValueError, match=text):
        data.load_folder(pictures)


def test_a_truncated_picture(pictures):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "png")
    (pictures / "red/short.png").write_bytes(buffer.getvalue()[:3000])
    with pytest.raises(ValueError, match=r"red/short\.png must be an image that can be read: ."):
        data.load_folder(pictures)


def test_too_few_classes(tmp_path):
    with pytest.raises(ValueError, match="must hold at least two class folders, got none"):
        data.load_folder(tmp_path)
    draw(tmp_path / "cat/1.png", (1, 1, 1))
    with pytest.raises(ValueError, match="must hold at least two class folders, got cat"):
        data.load_folder(tmp_path)


def test_bad_arguments(pictures):
    with pytest.raises(
        FileNotFoundError, match=r"path must name a folder with a folder for each class, got '.*nope'"
    ):
        data.load_folder(pictures / "nope")
    with pytest.raises(ValueError, match="validation must be from 0 to below 1, got 1"):
        data.load_folder(pictures, validation=1)
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        data.load_folder(pictures, size=0)
    with pytest.raises(TypeError, match=r"size must be a whole number, got \(1, 2, 3\)"):
        data.load_folder(pictures, size=(1, 2, 3))


class TestImage:
    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK"])
    def test_every_mode_is_rgb(self, tmp_path, mode):
        path = tmp_path / ("image.tif" if mode == "CMYK" else "image.png")
        Image.new("L", (6, 5), 255).convert(mode).save(path)
        got = data.load_image(path, (5, 6))
        assert (got.shape, got.dtype) == ((3, 5, 6), np.uint8)
        assert got.flags.c_contiguous
        assert got.min() == 255

    @pytest.mark.parametrize("file", ["image.png", "image.tif"])
    def test_sixteen_bits_become_eight(self, tmp_path, file):
        grey = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
        Image.fromarray(grey).save(tmp_path / file)
        assert data.load_image(tmp_path / file, (1, 5))[1].tolist() == [[0, 0, 1, 128, 255]]

    def test_floats_are_refused(self, tmp_path):
        Image.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "image.tif")
        with pytest.raises(
            ValueError, match=r"image\.tif must be an image that can be read: its pixels are floats"
        ):
            data.load_image(tmp_path / "image.tif")

    def test_same_size_is_exact(self, tmp_path):
        pixels = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "image.png")
        np.testing.assert_array_equal(
            data.load_image(tmp_path / "image.png", (7, 9)), pixels.transpose(2, 0, 1)
        )

    def test_shrinking_averages(self, tmp_path):
        stripes = np.zeros((64, 64, 3), np.uint8)
        stripes[::2] = 200
        Image.fromarray(stripes).save(tmp_path / "image.png")
        assert abs(data.load_image(tmp_path / "image.png", 8).astype(int) - 100).max() < 8

    def test_a_camera_that_was_turned(self, tmp_path):
        image = Image.new("RGB", (20, 10))
        image.paste((255, 0, 0), (0, 0, 10, 10))
        exif = image.getexif()
        exif[0x0112] = 6  # the right side of the sensor was up
        image.save(tmp_path / "image.png", exif=exif)
        got = data.load_image(tmp_path / "image.png", (20, 10))
        assert got[0, 4].mean() > 250
        assert got[0, 15].mean() < 5

    def test_what_is_no_image(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"path must name an image file, got '.*nothing\.png'"):
            data.load_image(tmp_path / "nothing.png")
        with pytest.raises(FileNotFoundError, match="path must name an image file"):
            data.load_image(tmp_path)
        (tmp_path / "text.png").write_text("hello")
        with pytest.raises(
            ValueError, match=r"text\.png must be an image that can be read: not an image format"
        ):
            data.load_image(tmp_path / "text.png")
