"""Moments that a convolution takes of its output while it writes it, and batch norm with them."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import assert_close

from handgrad import _native, layers
from handgrad.backend.native_ops.conv import conv_with_moments

# x, w, stride, pad. Winograd takes 16 channels and 3 x 3 windows of stride 1 in float32: tiles that hang over
# the image, strips that are not whole, blocks within an image and across images, images in bands.
CASES = [
    ((2, 20, 13, 11), (17, 20, 3, 3), (1, 1), (1, 1)),
    ((1, 16, 5, 5), (16, 16, 3, 3), (1, 1), (0, 0)),
    ((1, 16, 4, 40), (35, 16, 3, 3), (1, 1), (2, 1)),
    ((70, 16, 8, 8), (33, 16, 3, 3), (1, 1), (1, 1)),
    ((1, 32, 130, 170), (16, 32, 3, 3), (1, 1), (1, 1)),
    ((3, 5, 9, 30), (7, 5, 5, 3), (2, 2), (2, 2)),
    ((2, 3, 40, 37), (5, 3, 3, 3), (1, 2), (0, 1)),
    ((1, 2, 90, 91), (300, 2, 2, 2), (1, 1), (1, 1)),
    ((40, 3, 2, 2), (4, 3, 2, 2), (1, 1), (0, 0)),
    ((1, 4, 1, 1), (3, 4, 1, 1), (1, 1), (0, 0)),
]
DTYPES = (np.float32, np.float64)
EPS = 1e-3
each_isa = pytest.mark.parametrize("isa", _native.isas())
each_dtype = pytest.mark.parametrize("dtype", DTYPES)
each_case = pytest.mark.parametrize("case", CASES, ids=str)


pytestmark = pytest.mark.usefixtures("native_tier")


def arrays(case, dtype: type) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    shape, filters = case[:2]
    return tuple(rng.normal(size=s).astype(dtype) for s in (shape, filters, filters[:1]))


def assert_moments_of(out: np.ndarray, moments: np.ndarray) -> None:
    """Against those of `out` in float64. Rounding may cost digits of the spread, never of the mean."""
    rows = np.moveaxis(out.astype(np.float64), 1, 0).reshape(out.shape[1], -1)
    mean = rows.mean(axis=1)
    squares = ((rows - mean[:, None]) ** 2).sum(axis=1)
    of_mean = 64 * np.finfo(np.float64).eps * abs(mean)
    spread = np.sqrt(squares / rows.shape[1])
    tolerance = 64 * np.finfo(out.dtype).eps
    assert (abs(moments[0] - mean) <= tolerance * spread + of_mean).all()
    assert (
        abs(moments[1] - squares) <= tolerance * squares + rows.shape[1] * of_mean * (spread + of_mean)
    ).all()


@each_isa
@each_dtype
@each_case
@pytest.mark.parametrize("offset", [0, 1000])
def test_moments(isa, dtype, case, offset):
    """With an offset E[y^2] - E[y]^2 would lose all digits of float32."""
    _native.set_isa(isa)
    x, w, b = arrays(case, dtype)
    b += (offset * (1 + np.arange(len(b)) % 7)).astype(dtype)
    for threads in (1, 3):
        _native.set_num_threads(threads)
        out, moments = conv_with_moments(x, w, b, *case[2:])
        assert_moments_of(out, moments)
        again = conv_with_moments(x, w, b, *case[2:])
        np.testing.assert_array_equal(moments, again[1])  # bit for bit
        np.testing.assert_array_equal(out, layers.conv_forward(x, w, b, _param(case))[0])


@each_isa
@pytest.mark.parametrize("case", CASES[:5], ids=str)
def test_moments_without_winograd(isa, case):
    _native.set_isa(isa)
    _native.set_winograd(False)
    assert_moments_of(*conv_with_moments(*arrays(case, np.float32), *case[2:]))


@each_isa
@pytest.mark.parametrize("place", [0, -1], ids=["first", "last"])
def test_an_image_far_from_the_others(isa, place):
    """It gives the sums their centre, or lies a long way off it."""
    _native.set_isa(isa)
    for case in (CASES[3], CASES[5], CASES[8]):
        x, w, b = arrays(case, np.float32)
        x[place] += 1e5
        assert_moments_of(*conv_with_moments(x, abs(w), b, *case[2:]))


@each_isa
def test_outputs_that_are_all_alike_have_no_spread(isa):
    _native.set_isa(isa)
    for case in CASES:
        x, w, _ = arrays(case, np.float32)
        b = np.arange(1, len(w) + 1, dtype=np.float32) / 3
        moments = conv_with_moments(0 * x, w, b, *case[2:])[1]
        np.testing.assert_array_equal(moments, [b.astype(np.float64), 0 * b])


def _param(case) -> dict[str, object]:
    return {"stride": case[2], "pad": case[3]}


def sandwich(case, x, w, b) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Convolution, batch norm and relu in one call and in three: out and the running statistics."""
    gamma, beta = np.linspace(0.5, 2, len(w), dtype=x.dtype), np.linspace(-1, 1, len(w), dtype=x.dtype)
    params = [{"mode": "train", "eps": EPS} for _ in range(2)]
    one, _ = layers.conv_bn_relu_forward(x, w, b, _param(case), gamma, beta, params[0])
    steps, _ = layers.conv_forward(x, w, b, _param(case))
    steps, _ = layers.spatial_batchnorm_forward(steps, gamma, beta, params[1])
    steps, _ = layers.relu_forward(steps)
    results = []
    for out, param in zip((one, steps), params, strict=True):
        results.append({"out": out} | {name: param[name] for name in ("running_mean", "running_var")})
    return results[0], results[1]


@each_isa
@each_dtype
@each_case
def test_the_sandwich_is_its_layers(isa, dtype, case):
    _native.set_isa(isa)
    one, steps = sandwich(case, *arrays(case, dtype))
    for name, array in one.items():
        assert_close(array, steps[name], one["out"].size, 1 / np.sqrt(EPS), name)


@each_isa
@each_dtype
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_stays_in_its_filter(isa, dtype, number):
    _native.set_isa(isa)
    for case in (CASES[0], CASES[3], CASES[5], CASES[8]):
        x, w, b = arrays(case, dtype)
        b[1] = number
        one, steps = sandwich(case, x, w, b)
        for name, array in one.items():
            np.testing.assert_array_equal(np.isfinite(array), np.isfinite(steps[name]), name)
        assert np.isnan(one["out"][:, 1]).all()
        assert np.isfinite(np.delete(one["out"], 1, axis=1)).all()
        x[0, 0, 0, 0] = number
        assert np.isnan(sandwich(case, x, w, b)[0]["out"]).all()


def test_no_images_have_moments_of_zero():
    for case in (CASES[0], CASES[5], CASES[8]):
        x, w, b = arrays(case, np.float32)
        moments = conv_with_moments(x[:0], w, b, *case[2:])[1]
        np.testing.assert_array_equal(moments, np.zeros((2, len(w))))


@pytest.mark.parametrize(
    ("moments", "error"),
    [
        (np.empty((2, 4)), ValueError),
        (np.empty((3, 5)), ValueError),
        (np.empty((2, 5), np.float32), TypeError),
    ],
)
def test_moments_that_are_refused(moments, error):
    x, w, b = (np.ones(s, np.float32) for s in ((1, 2, 3, 3), (5, 2, 1, 1), (5,)))
    out = np.empty((1, 5, 3, 3), np.float32)
    with pytest.raises(error, match=r"moments \(2, channels\)" if error is ValueError else "moments"):
        _native.conv_forward(x, w, b, (1, 1), (0, 0), False, out, moments)
    y, kept = out.reshape(1, 5, 9), np.empty((4, 5), np.float32)
    with pytest.raises(error, match=r"moments \(2, channels\)" if error is ValueError else "moments"):
        _native.batchnorm_forward(y, b, b, EPS, 0.9, True, False, b, b, 0 * b, 0 * b, kept, 0 * y, moments)


def test_moments_go_with_training():
    y, c, kept = np.ones((1, 5, 9)), np.ones(5), np.empty((4, 5))
    with pytest.raises(ValueError, match="moments go with train"):
        _native.batchnorm_forward(
            y, c, c, EPS, 0.9, False, False, c, c, 0 * c, 0 * c, kept, 0 * y, np.ones((2, 5))
        )
