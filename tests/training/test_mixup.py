"""Mixup in a run: what the model gets, and that it resumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training.test_resume import everything
from training.toys import Linear, solver

from handgrad.models import ConvNet
from handgrad.training import CheckpointError


def net(loss: str = "softmax") -> ConvNet:
    return ConvNet(
        f"affine8 - relu - affine - {loss}", input_dim=(3, 4, 4), num_classes=3, dtype=float, seed=0
    )


def test_the_loss_of_soft_labels_is_the_mean_of_both_losses() -> None:
    """The paper's two ways to write it down."""
    ours = solver(net(), mixup=1.0)
    ours._batches.num_classes = 3
    X, soft = ours._batches.at(0, ours._seed)
    loss, grads = net().loss(X, soft)
    share = soft.max(axis=1)
    first, second = soft.argmax(axis=1), np.argsort(soft, axis=1)[:, -2]
    expected, dW = 0.0, np.zeros_like(grads["W1"])
    for n in range(len(X)):
        for label, weight in ((first[n], share[n]), (second[n], 1 - share[n])):
            one, its = net().loss(X[n : n + 1], np.array([label]))
            expected += weight * one / len(X)
            dW += weight * its["W1"] / len(X)
    assert loss == pytest.approx(expected)
    np.testing.assert_allclose(grads["W1"], dW, atol=1e-12)


def test_it_trains_and_the_labels_of_accuracy_stay_as_they_are() -> None:
    ours = solver(net(), mixup=0.4, optim_config={"learning_rate": 0.3}, num_epochs=20)
    ours.train()
    assert ours.best_val_acc > 0.6
    assert ours.loss_history != solver(net(), num_epochs=1).loss_history


def test_it_resumes(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"mixup": 0.4, "background": True}
    whole = solver(net(), **settings)
    whole.train()
    solver(net(), checkpoint_name=tmp_path, **settings).train(8)
    resumed = solver(net(), resume=tmp_path, **settings)
    resumed.train()
    assert everything(resumed) == everything(whole)
    with pytest.raises(CheckpointError, match=r"written with mixup=0.4, but this Solver has None"):
        solver(net(), resume=tmp_path)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="mixup must be above 0, got 0"):
        solver(mixup=0)
    for model in (net("svm"), Linear()):
        with pytest.raises(
            ValueError, match=r"mixup needs a model whose loss takes soft labels \(N, K\), as "
        ):
            solver(model, mixup=0.4)


def test_the_model_is_as_it_was_after_it_was_asked_whether_it_takes_soft_labels() -> None:
    asked = ConvNet("affine8 - bn - relu - dropout - affine", (3, 4, 4), 3, seed=0)
    solver(asked, mixup=0.4)
    assert "running_mean" not in asked.bn_params[0]
    fresh = ConvNet("affine8 - bn - relu - dropout - affine", (3, 4, 4), 3, seed=0)
    assert asked.rng.bit_generator.state == fresh.rng.bit_generator.state


def test_without_it_labels_are_whole_numbers() -> None:
    class Seeing(Linear):
        def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
            assert y is None or y.dtype.kind == "i"
            return super().loss(X, y)

    solver(Seeing()).train(2)
