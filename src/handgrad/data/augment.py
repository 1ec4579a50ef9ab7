"""Augmentation: functions of (batch, generator) that return a new batch of the same shape and dtype.

Each function here makes one::

    augment = compose(flip(), padded_crop(4), cutout(8))
    batch = augment(batch, rng)           # batch (N, C, H, W); rng a numpy.random.Generator

They are meant for raw pixels, before the mean is subtracted: uint8 from 0 to 255, results rounded and kept in
that range. Floats are taken as they are and nothing is clipped. The input batch is never changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from handgrad._errors import nearest
from handgrad._numbers import whole_number
from handgrad.data.placed import Augmentation, Place, alternating_flip, augmented, check_batch


def flip(p: float = 0.5) -> Augmentation:
    """Mirror each image left to right with probability `p`.

    Raises
    ------
    ValueError
        When `p` is not from 0 to 1.

    Examples
    --------
    >>> always = flip(p=1)
    >>> always(np.array([[[[1, 2, 3]]]]), np.random.default_rng(0))
    array([[[[3, 2, 1]]]])
    """
    p = _number("p", p, 0, 1)

    def apply(batch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        check_batch(batch)
        chosen = rng.random(len(batch)) < p
        out = batch.copy()
        out[chosen] = batch[chosen, :, :, ::-1]
        return out

    return apply


def padded_crop(pad: int = 4, mode: str = "zero") -> Augmentation:
    """Pad each image on all sides, then cut a window of the old size out at a random place.

    Parameters
    ----------
    pad : int
        Pixels added on each side, at least 1. Each of the (2 pad + 1)^2 places is equally likely.
    mode : {"zero", "reflect"}
        What the border is filled with: zeros, or the image mirrored about its edge pixels.

    Raises
    ------
    ValueError
        When `pad` is below 1, `mode` is another word, or, at a call, a reflected border is not narrower
        than the image.

    References
    ----------
    Lee et al., "Deeply-Supervised Nets", AISTATS 2015, arXiv:1409.5185; He et al., "Deep Residual Learning
    for Image Recognition", CVPR 2016, arXiv:1512.03385 (pad 4 on CIFAR-10).
    """
    pad = whole_number("pad", pad, least=1)
    if mode not in ("zero", "reflect"):
        raise ValueError(f"mode has no option {mode!r}{nearest(mode, ['zero', 'reflect'])}")

    def apply(batch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        N, _, H, W = check_batch(batch)
        if mode == "reflect" and pad >= min(H, W):
            raise ValueError(
                f"pad must be below the image's height and width ({H}, {W}) to reflect, got {pad}"
            )
        row, column = rng.integers(0, 2 * pad + 1, size=(2, N))
        border = ((0, 0), (0, 0), (pad, pad), (pad, pad))
        padded = np.pad(batch, border, mode="constant" if mode == "zero" else "reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (H, W), axis=(2, 3))
        return windows[np.arange(N), :, row, column]

    return apply


def cutout(size: int = 8, fill: float | None = None) -> Augmentation:
    """Hide a square of each image.

    Parameters
    ----------
    size : int
        Side of the square in pixels, at least 1. Its centre is any pixel of the image, so that a part of
        the square may lie outside.
    fill : float, optional
        The value that hides. None takes the mean colour of each image: the paper fills with 0 after
        the mean is subtracted, and 0 before it would be black.

    References
    ----------
    DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017,
    arXiv:1708.04552.
    """
    size = whole_number("size", size, least=1)

    def apply(batch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        N, _, H, W = check_batch(batch)
        top = rng.integers(0, H, size=(N, 1, 1, 1)) - size // 2
        left = rng.integers(0, W, size=(N, 1, 1, 1)) - size // 2
        rows, columns = np.arange(H)[:, None], np.arange(W)
        hidden = (rows >= top) & (rows < top + size) & (columns >= left) & (columns < left + size)
        value = batch.mean(axis=(2, 3), keepdims=True) if fill is None else np.asarray(fill)
        return np.where(hidden, _like(value, batch.dtype), batch)

    return apply


def colour(brightness: float = 0.2, contrast: float = 0.2, saturation: float = 0.2) -> Augmentation:
    """Change brightness, contrast and saturation of each image, in this order.

    Parameters
    ----------
    brightness, contrast, saturation : float
        From 0 to 1. Each image draws a factor from [1 - value, 1 + value]: brightness multiplies the
        pixels, contrast the distance from the image's mean grey, saturation the distance of each pixel
        from its own grey. Grey is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), and the mean of the
        channels where there are not three.

    References
    ----------
    Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012,
    change colours to the same end by other means; Howard, "Some Improvements on Deep Convolutional Neural
    Network Based Image Classification", 2013, arXiv:1312.5402, introduced these three.
    """
    amounts = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    reach = np.array([_number(name, value, 0, 1) for name, value in amounts.items()])

    def apply(batch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        N = check_batch(batch)[0]
        kind = np.float64 if batch.dtype == np.float64 else np.float32
        factors = 1 + reach[:, None] * rng.uniform(-1, 1, size=(3, N))
        bright, contrasty, saturated = factors.astype(kind)[:, :, None, None, None]
        out = batch * bright
        mean = _grey(out).mean(axis=(2, 3), keepdims=True)
        out = mean + contrasty * (out - mean)
        grey = _grey(out)
        return _like(grey + saturated * (out - grey), batch.dtype)

    return apply


def compose(*augmentations: Augmentation) -> Augmentation:
    """Apply several augmentations, one after the other."""

    def apply(batch: np.ndarray, rng: np.random.Generator, place: Place | None = None) -> np.ndarray:
        for augmentation in augmentations:
            batch = augmented(augmentation, batch, rng, place)
        return batch

    apply.needs_place = any(getattr(each, "needs_place", False) for each in augmentations)  # type: ignore[attr-defined]
    return apply


_FACTORIES: dict[str, Callable[[float | None], Augmentation]] = {
    "flip": lambda value: flip() if value is None else flip(value),
    "alternating_flip": lambda value: _without_number("alternating_flip", value, alternating_flip),
    "crop": lambda value: padded_crop() if value is None else padded_crop(_whole("crop", value)),
    "reflect_crop": lambda value: padded_crop(
        4 if value is None else _whole("reflect_crop", value), "reflect"
    ),
    "cutout": lambda value: cutout() if value is None else cutout(_whole("cutout", value)),
    "colour": lambda value: colour() if value is None else colour(value, value, value),
}
_FACTORIES["color"] = _FACTORIES["colour"]


def parse(text: str) -> Augmentation:
    """Make augmentations from a text, as the command line writes them.

    Parameters
    ----------
    text : str
        Names with an optional number, separated by commas: ``flip`` (probability), ``alternating_flip``,
        ``crop`` (padding of zeros), ``reflect_crop`` (mirrored padding), ``cutout`` (side), ``colour`` (all
        three amounts).

    Raises
    ------
    ValueError
        When a name is not known or its number is out of range.

    Examples
    --------
    >>> augment = parse("flip, crop4, cutout8, colour0.1")
    >>> parse("crp4")
    Traceback (most recent call last):
        ...
    ValueError: augment has no option 'crp4'; did you mean 'crop'?
    """
    return compose(*[_parse_one(part.strip()) for part in text.split(",")])


def _parse_one(part: str) -> Augmentation:
    match = re.fullmatch(r"([a-z_]+)(\d+\.?\d*|\.\d+)?", part)
    name, value = (match[1], match[2]) if match else (part, None)
    if name not in _FACTORIES:
        raise ValueError(f"augment has no option {part!r}{nearest(name, set(_FACTORIES) - {'color'})}")
    try:
        return _FACTORIES[name](None if value is None else float(value))
    except ValueError as error:
        raise ValueError(f"augment {part!r}: {error}") from None


def _without_number(name: str, value: float | None, make: Callable[[], Augmentation]) -> Augmentation:
    if value is not None:
        raise ValueError(f"{name} takes no number, got {value}")
    return make()


def _whole(name: str, value: float) -> int:
    if not value.is_integer():
        raise ValueError(f"{name} must be a whole number, got {value}")
    return int(value)


def _number(name: str, value: float, low: float, high: float) -> float:
    if not isinstance(value, (int, float, np.number)) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, got {value}")
    return float(value)


def _grey(batch: np.ndarray) -> np.ndarray:
    if batch.shape[1] != 3:
        return batch.mean(axis=1, keepdims=True)
    return 0.299 * batch[:, :1] + 0.587 * batch[:, 1:2] + 0.114 * batch[:, 2:]


def _like(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Cast computed values to the batch's dtype: whole numbers are rounded and kept in range, not wrapped."""
    if dtype.kind == "f":
        return values.astype(dtype)
    bounds = np.iinfo(dtype)
    return np.clip(np.rint(values), bounds.min, bounds.max).astype(dtype)
