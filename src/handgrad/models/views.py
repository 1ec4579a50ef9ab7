"""One model, several looks at each image."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad._errors import nearest


class Views:
    """A model that is shown each image in several ways at test time; its scores are their weighted means.

    Parameters
    ----------
    model : object
        Anything with ``loss(X) -> scores (N, K)`` for images X (N, C, H, W).
    views : {"mirror", "translate"}
        ``"mirror"``: the image and its mirror image. ``"translate"``: these with a weight of 1/2, and both of
        the image moved by one pixel up and left, and down and right, with 1/2; the border is reflected.

    Raises
    ------
    ValueError
        When `views` is another word.

    References
    ----------
    Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, whose two levels these are.

    Examples
    --------
    >>> class LeftPixel:
    ...     def loss(self, X):
    ...         return X[:, 0, 0, :1]
    >>> Views(LeftPixel(), "mirror").loss(np.array([[[[1.0, 2.0]]]]))
    array([[1.5]])
    """

    def __init__(self, model: Any, views: str = "translate") -> None:
        if views not in _VIEWS:
            raise ValueError(f"views has no option {views!r}{nearest(views, _VIEWS)}")
        self.model, self.views = model, views
        self.params: dict[str, np.ndarray] = {}

    def loss(self, X: np.ndarray, y: None = None) -> np.ndarray:
        """Return the scores (N, K): the weighted means over the views.

        Raises
        ------
        TypeError
            When labels are given: views are for test time.
        ValueError
            When X are no images.
        """
        if y is not None:
            raise TypeError("Views has no gradients: train its model")
        X = np.asarray(X)
        if X.ndim != 4:
            raise ValueError(f"X must have shape (N, C, H, W), got {X.shape}")
        return _VIEWS[self.views](self, X)

    def _mirror(self, X: np.ndarray) -> np.ndarray:
        return (self.model.loss(X) + self.model.loss(np.ascontiguousarray(X[..., ::-1]))) / 2

    def _translate(self, X: np.ndarray) -> np.ndarray:
        H, W = X.shape[2:]
        padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
        moved = [np.ascontiguousarray(padded[:, :, i : i + H, i : i + W]) for i in (0, 2)]
        return (2 * self._mirror(X) + self._mirror(moved[0]) + self._mirror(moved[1])) / 4


_VIEWS = {"mirror": Views._mirror, "translate": Views._translate}
