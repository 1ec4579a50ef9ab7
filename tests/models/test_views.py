from __future__ import annotations

import numpy as np
import pytest

from handgrad.models import ConvNet, Views


class Pixel:
    """Scores are the pixels of a row; remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []

    def loss(self, X: np.ndarray) -> np.ndarray:
        self.shown.append(X.copy())
        return X[:, 0, 1, :]


X = np.arange(2 * 1 * 4 * 5, dtype=np.float64).reshape(2, 1, 4, 5) ** 1.5


def test_mirror() -> None:
    scores = Views(Pixel(), "mirror").loss(X)
    np.testing.assert_allclose(scores, (X[:, 0, 1] + X[:, 0, 1, ::-1]) / 2)


def test_translate_shows_six_views_with_the_papers_weights() -> None:
    model = Pixel()
    scores = Views(model, "translate").loss(X)
    assert len(model.shown) == 6
    weights = [1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 8]
    expected = sum(weight * view[:, 0, 1] for weight, view in zip(weights, model.shown, strict=True))
    np.testing.assert_allclose(scores, expected)
    down = model.shown[2]  # the window at the padded image's upper left corner
    np.testing.assert_array_equal(down[:, :, 1:, 1:], X[:, :, :-1, :-1])
    np.testing.assert_array_equal(down[:, :, 0, 1:], X[:, :, 1, :-1])
    np.testing.assert_array_equal(model.shown[4][:, :, :-1, :-1], X[:, :, 1:, 1:])
    for whole, mirrored in zip(model.shown[::2], model.shown[1::2], strict=True):
        np.testing.assert_array_equal(whole[..., ::-1], mirrored)


def test_a_net_sees_views_in_its_own_dtype() -> None:
    net = ConvNet("conv3-4 - relu - globalpool - affine", input_dim=(3, 8, 8), seed=0)
    images = np.random.default_rng(0).standard_normal((3, 3, 8, 8)).astype(np.float32)
    scores = Views(net, "mirror").loss(images)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, Views(net, "mirror").loss(images[..., ::-1]), atol=1e-5)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: Views(Pixel(), "miror"), "views has no option 'miror'; did you mean 'mirror'"),
        (lambda: Views(Pixel()).loss(X, np.array([0, 1])), "Views has no gradients: train its model"),
        (lambda: Views(Pixel()).loss(X[0]), r"X must have shape \(N, C, H, W\), got \(1, 4, 5\)"),
    ],
)
def test_what_is_refused(call, error) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        call()
