"""Pruning: which images are left out, that the gradient stays unbiased, and that a run resumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training.test_resume import everything
from training.toys import Linear, blobs, solver

from handgrad.layers import softmax_losses
from handgrad.models import ConvNet
from handgrad.training import CheckpointError
from handgrad.training.pruning import Pruning


def net(loss: str = "softmax") -> ConvNet:
    return ConvNet(
        f"affine8 - bn - relu - affine - {loss}", input_dim=(3, 4, 4), num_classes=3, dtype=float, seed=0
    )


class Seeing:
    """A net that notes the images and weights that it gets."""

    def __init__(self) -> None:
        self.net = net()
        self.params, self.bn_params, self.rng = self.net.params, self.net.bn_params, self.net.rng
        self.seen: list[tuple[np.ndarray, np.ndarray]] = []

    @property
    def sample_losses(self) -> np.ndarray:
        return self.net.sample_losses

    def loss(self, X: np.ndarray, y: Any = None, weights: Any = None) -> Any:
        if y is not None:
            self.seen.append((X, weights))
        return self.net.loss(X, y, weights)


def learned(share: float) -> tuple[Pruning, np.ndarray]:
    """Nine of twelve images are learned."""
    pruning, all_of_them = Pruning(share, 12), np.arange(12)
    pruning.saw(all_of_them, np.where(all_of_them % 4 == 0, 3.0, 0.1))
    return pruning, all_of_them


def test_the_expected_gradient_is_that_of_all_images() -> None:
    pruning, batch = learned(0.6)
    rng, total, draws = np.random.default_rng(0), np.zeros(12), 20_000
    for _ in range(draws):
        chosen, weights = pruning.choose(batch, rng, done=0.5)
        total[chosen] += weights
    # The variance of a weight is share / (1 - share) = 1.5: four standard errors are 0.035.
    np.testing.assert_allclose(total / draws, 1, atol=0.035)


def test_hard_images_always_stay_and_of_the_others_a_share_goes() -> None:
    pruning, batch = learned(0.6)
    rng, kept = np.random.default_rng(0), []
    for _ in range(2000):
        chosen, weights = pruning.choose(batch, rng, done=0.0)
        assert {0, 4, 8} <= set(chosen)
        np.testing.assert_array_equal(weights, np.where(chosen % 4 == 0, 1, 2.5))
        kept.append(len(chosen) - 3)
    assert np.mean(kept) == pytest.approx(0.4 * 9, rel=0.03)


def test_unseen_images_stay() -> None:
    pruning, rng = Pruning(0.9, 6), np.random.default_rng(0)
    for _ in range(20):
        assert len(pruning.choose(np.arange(6), rng, done=0.0)[0]) == 6
    pruning.saw(np.array([1, 2]), np.array([0.5, 0.1]))
    for _ in range(20):
        assert {0, 3, 4, 5} <= set(pruning.choose(np.arange(6), rng, done=0.0)[0])


def test_at_the_end_all_are_seen_and_count_the_same() -> None:
    pruning, batch = learned(0.9)
    for done, whole in ((7 / 8, True), (0.99, True), (0.87, False)):
        chosen, weights = pruning.choose(batch, np.random.default_rng(0), done)
        assert (len(chosen) == 12) is whole
        if whole:
            np.testing.assert_array_equal(weights, 1)


def test_one_image_stays_where_all_would_go() -> None:
    pruning, _ = learned(0.999)
    chosen, weights = pruning.choose(np.array([1, 2, 3]), np.random.default_rng(0), done=0.0)
    assert len(chosen) == len(weights) == 1


def test_a_run_leaves_images_out_and_learns() -> None:
    model = Seeing()
    ours = solver(model, prune=0.6, num_epochs=16, optim_config={"learning_rate": 0.3})
    ours.train()
    trained = model.seen[1:]  # the first asked whether the model takes weights
    sizes = [len(X) for X, _ in trained]
    assert sizes[:6] == [10] * 6  # the first epoch sees all
    assert sizes[-12:] == [10] * 12  # and so do the last two of sixteen
    assert np.mean(sizes[6:-12]) < 8
    assert ours.best_val_acc > 0.6


def test_the_losses_are_those_of_the_images() -> None:
    ours, data = solver(net(), prune=0.5, augment=None), blobs()
    ours.step()
    batch = ours._batches.indices(0, ours._seed)
    fresh = net()
    fresh.loss(ours.preprocess(data["X_train"][batch]), data["y_train"][batch], np.ones(10))
    np.testing.assert_array_equal(ours._pruning.losses[batch], fresh.sample_losses)
    assert np.isinf(np.delete(ours._pruning.losses, batch)).all()


def test_it_resumes(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"prune": 0.6, "num_epochs": 5}
    whole = solver(net(), **settings)
    whole.train()
    solver(net(), checkpoint_name=tmp_path, **settings).train(15)
    resumed = solver(net(), resume=tmp_path, **settings)
    resumed.train()
    assert everything(resumed) == everything(whole)
    np.testing.assert_array_equal(resumed._pruning.losses, whole._pruning.losses)
    with pytest.raises(CheckpointError, match=r"written with prune=0.6, but this Solver has None"):
        solver(net(), resume=tmp_path)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match=r"prune must lie in \[0, 1\), got 1"):
        solver(net(), prune=1)
    with pytest.raises(ValueError, match="prune and mixup do not go together"):
        solver(net(), prune=0.5, mixup=0.2)
    with pytest.raises(ValueError, match="prune and background do not go together"):
        solver(net(), prune=0.5, background=True)
    for model in (net("svm"), Linear()):
        with pytest.raises(ValueError, match=r"prune needs a model with loss\(X, y, weights\) and sample_"):
            solver(model, prune=0.5)


def test_the_model_is_as_it_was_after_it_was_asked_whether_it_takes_weights() -> None:
    asked = net()
    solver(asked, prune=0.5)
    assert "running_mean" not in asked.bn_params[0]


def test_weights_of_a_net_are_those_of_its_loss() -> None:
    """A sample that counts twice is a sample that is there twice."""
    model = ConvNet("affine8 - relu - affine", (3, 4, 4), 3, dtype=float, seed=0, label_smoothing=0.1)
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((4, 3, 4, 4)), np.array([0, 2, 1, 1])
    twice = np.array([0, 1, 1, 2, 3, 3, 3])
    loss, grads = model.loss(X, y, np.array([1.0, 2.0, 1.0, 3.0]))
    expected, their_grads = model.loss(X[twice], y[twice])
    assert loss == pytest.approx(expected, rel=1e-12)
    for name in grads:
        np.testing.assert_allclose(grads[name], their_grads[name], rtol=1e-9, atol=1e-12)
    scores = model.loss(X)
    np.testing.assert_array_equal(model.sample_losses, softmax_losses(scores, y, label_smoothing=0.1))
