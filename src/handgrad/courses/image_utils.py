"""Images from files and addresses, and the preprocessing of the courses' pre-trained net."""

from __future__ import annotations

import io
import os
import urllib.error
import urllib.request
from typing import Any

import numpy as np

from handgrad.layers import conv_forward

SQUEEZENET_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
SQUEEZENET_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


def blur_image(X: np.ndarray) -> np.ndarray:
    """Blur images (N, 3, H, W) very gently: each channel with the filter 1 2 1, 2 188 2, 1 2 1 over 200."""
    w = np.zeros((3, 3, 3, 3), X.dtype)
    w[range(3), range(3)] = np.array([[1, 2, 1], [2, 188, 2], [1, 2, 1]]) / 200
    out, _ = conv_forward(X, w, np.zeros(3, X.dtype), {"stride": 1, "pad": 1})
    return out


def preprocess_image(img: np.ndarray) -> np.ndarray:
    """Return an image (H, W, 3) of 0 .. 255 less the mean pixel, over the standard deviation; float32."""
    return (np.asarray(img, np.float32) / np.float32(255) - SQUEEZENET_MEAN) / SQUEEZENET_STD


def deprocess_image(img: np.ndarray, rescale: bool = False) -> np.ndarray:
    """Undo `preprocess_image` to uint8; with `rescale` stretch the values to the whole range."""
    img = img * SQUEEZENET_STD + SQUEEZENET_MEAN
    if rescale and img.max() > img.min():
        img = (img - img.min()) / (img.max() - img.min())
    return np.rint(np.clip(255 * img, 0, 255)).astype(np.uint8)


def imread(file: Any) -> np.ndarray:
    """Read an image file (path or open file) as uint8: (H, W, 3), (H, W, 4) or (H, W)."""
    from PIL import Image

    with Image.open(file) as image:
        return np.array(image.convert("RGB") if image.mode in ("P", "CMYK", "YCbCr") else image)


def imresize(arr: np.ndarray, size: float | tuple[int, int]) -> np.ndarray:
    """Resize a uint8 image to `size`: (height, width), a whole number of per cent, or a fraction."""
    from PIL import Image

    if isinstance(size, tuple | list):
        height, width = (int(side) for side in size)
    else:
        factor = size / 100 if isinstance(size, int) else size
        height, width = (int(side * factor) for side in arr.shape[:2])
    return np.array(Image.fromarray(arr).resize((width, height), Image.Resampling.BILINEAR))


def load_image(filename: str | os.PathLike[str], size: int | None = None) -> np.ndarray:
    """Read an image; with `size` scale it so that its shorter side has that many pixels."""
    image = imread(filename)
    if size is None:
        return image
    sides = np.array(image.shape[:2])
    height, width = (sides * (size / sides.min())).round().astype(int)
    return imresize(image, (height, width))


def image_from_url(url: str) -> np.ndarray | None:
    """Read an image from an address; where that fails print why and return None, as the course does."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return imread(io.BytesIO(answer.read()))
    except urllib.error.URLError as error:
        print("URL Error: ", error.reason, url)
        return None
