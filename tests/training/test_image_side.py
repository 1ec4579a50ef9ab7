"""Progressive resizing: small images at first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training.test_resume import everything
from training.toys import blobs, scale, solver

from handgrad.data import Standardize
from handgrad.data.resize import resize
from handgrad.models import ConvNet
from handgrad.training import CheckpointError


class Seeing(ConvNet):
    """Remembers the shapes of what it was trained on, and evaluated on."""

    def __init__(self) -> None:
        super().__init__("conv3-4 - bn - relu - globalpool - affine", (3, 4, 4), 3, dtype=np.float64, seed=0)
        self.trained: list[tuple[int, ...]] = []
        self.judged: set[tuple[int, ...]] = set()

    def config(self) -> dict[str, Any]:
        return super().config() | {"model": "Seeing"}

    def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
        if y is None:
            self.judged.add(X.shape[1:])
        else:
            self.trained.append(X.shape[1:])
        return super().loss(X, y)


def test_sides_by_epoch_in_training_and_all_of_the_image_in_evaluation() -> None:
    ours = solver(Seeing(), image_side={1: 3, 0: 2})
    ours.model.judged.clear()  # each side was tried once
    ours.train()
    assert ours.model.trained == [(3, 2, 2)] * 6 + [(3, 3, 3)] * 12
    assert ours.model.judged == {(3, 4, 4)}


def test_before_the_first_epoch_named_images_stay_and_resizing_comes_after_preprocess() -> None:
    mean_image = Standardize.fit(blobs()["X_train"], dtype=np.float64)
    plain, ours = (solver(Seeing(), preprocess=mean_image, image_side=s)._batches for s in (None, {1: 3}))
    np.testing.assert_array_equal(ours.at(5, 0)[0], plain.at(5, 0)[0])
    np.testing.assert_array_equal(ours.at(6, 0)[0], resize(plain.at(6, 0)[0], 3))


def test_it_resumes(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"image_side": {0: 2, 2: 4}, "background": True}
    whole = solver(Seeing(), **settings)
    whole.train()
    solver(Seeing(), checkpoint_name=tmp_path, **settings).train(8)
    resumed = solver(Seeing(), resume=tmp_path, **settings)
    resumed.train()
    assert everything(resumed) == everything(whole)
    with pytest.raises(CheckpointError, match=r"written with image_side=\{'0': 2, '2': 4\}, but this Solver"):
        solver(Seeing(), resume=tmp_path)


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ([4], TypeError, r"image_side must be a dict from epochs to sides or None, got \[4\]"),
        ({-1: 4}, ValueError, "an epoch of image_side must not be negative, got -1"),
        ({0: 0}, ValueError, "a side of image_side must be at least 1, got 0"),
        ({0: 2.5}, TypeError, "a side of image_side must be a whole number, got 2.5"),
    ],
)
def test_what_is_refused(given: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        solver(Seeing(), image_side=given)


def test_images_that_are_none_and_nets_that_do_not_take_them() -> None:
    data = {key: a[:, :, :3] if key.startswith("X") else a for key, a in blobs().items()}
    with pytest.raises(ValueError, match=r"image_side needs square images .* of shape \(60, 3, 3, 4\)"):
        solver(data=data, image_side={0: 2})
    flat = ConvNet("conv3-4 - relu - affine", (3, 4, 4), 3, seed=0)
    with pytest.raises(
        ValueError, match=r"image_side has 2, which the model does not take: X must have shape"
    ):
        solver(flat, image_side={0: 2}, preprocess=scale)
