from __future__ import annotations

import numpy as np
import pytest
from training.toys import Linear, Normed, scale, solver

from handgrad.models import ConvNet, FullyConnectedNet
from handgrad.training import Lookahead
from handgrad.training.recalibration import recalibrate


def net() -> ConvNet:
    spec = "conv3-4 - bn(momentum=0.97) - relu - affine9 - bn - relu - dropout - affine"
    return ConvNet(spec, input_dim=(3, 4, 4), num_classes=3, dtype=np.float64, seed=0)


def batches(n: int = 4) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [(2 + rng.standard_normal((8, 3, 4, 4)), rng.integers(0, 3, 8)) for _ in range(n)]


def test_the_statistics_are_the_plain_mean_over_the_batches() -> None:
    """Of the first norm, whose input depends on no other statistics."""
    ours = net()
    recalibrate(ours, batches())
    means, variances = [], []
    for X, _ in batches():
        out = ours.activations(X)["conv1"]
        means.append(out.mean(axis=(0, 2, 3)))
        variances.append(out.var(axis=(0, 2, 3)))
    found = ours.bn_params[0]
    np.testing.assert_allclose(found["running_mean"], np.mean(means, axis=0), rtol=1e-10)
    ratio = found["running_var"] / np.mean(variances, axis=0)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-10)  # 1, or N / (N - 1) by the layer's convention
    assert ratio[0] == pytest.approx(1, abs=0.01)


def test_what_was_there_before_is_forgotten_and_nothing_else_changes() -> None:
    fresh, used = net(), net()
    for X, y in batches(3):
        used.loss(5 * X, y)
    used.rng.bit_generator.state = fresh.rng.bit_generator.state
    state, params = used.rng.bit_generator.state, {name: w.copy() for name, w in used.params.items()}
    recalibrate(fresh, batches())
    recalibrate(used, batches())
    for a, b in zip(fresh.bn_params, used.bn_params, strict=True):
        np.testing.assert_array_equal(a["running_mean"], b["running_mean"])
        np.testing.assert_array_equal(a["running_var"], b["running_var"])
        assert b["momentum"] in (0.97, 0.9)
    assert used.rng.bit_generator.state == state
    for name, w in params.items():
        np.testing.assert_array_equal(used.params[name], w)


def test_a_momentum_that_was_not_there_is_not_there_again() -> None:
    model = FullyConnectedNet([6], 48, 3, normalization="batchnorm", dtype=np.float64, seed=0)
    model.bn_params[0].pop("momentum", None)
    X, y = scale(solver().X_train), solver().y_train
    recalibrate(model, [(X, y)])
    assert "momentum" not in model.bn_params[0]
    recalibrate(model, [])
    hidden = X.reshape(60, -1) @ model.params["W1"] + model.params["b1"]
    np.testing.assert_allclose(model.bn_params[0]["running_mean"], hidden.mean(axis=0))


def test_momentum_comes_back_when_a_batch_fails() -> None:
    ours = net()
    with pytest.raises(ValueError, match="X must have shape"):
        recalibrate(ours, [*batches(1), (np.zeros((2, 3, 5, 5)), np.zeros(2, int))])
    assert [bn_param["momentum"] for bn_param in ours.bn_params] == [0.97, 0.9]


@pytest.mark.parametrize("kept", [{"ema": 0.9}, {"lookahead": Lookahead(4)}, {}], ids=str)
def test_the_solver_evaluates_recalibrated_weights_and_trains_on_as_without(kept: dict) -> None:
    plain, ours = solver(net(), **kept), solver(net(), recalibrate=2, **kept)
    plain.train(12)
    ours.train(12)
    assert ours.loss_history == plain.loss_history
    for a, b in zip(plain.model.bn_params, ours.model.bn_params, strict=True):
        np.testing.assert_array_equal(a["running_mean"], b["running_mean"])
    spare = net()
    spare.params.update(ours.best_params)
    best = ours.val_acc_history.index(ours.best_val_acc)
    at = [1, 6, 12][best]
    recalibrate(spare, ours._batches.some(2, at, ours._seed))
    for found, expected in zip(ours.best_bn_params, spare.bn_params, strict=True):
        np.testing.assert_allclose(found["running_mean"], expected["running_mean"], rtol=1e-12)
    assert (ours.X_val.shape, ours.best_val_acc) == (
        (20, 3, 4, 4),
        np.mean(spare.loss(scale(ours.X_val)).argmax(axis=1) == ours.y_val),
    )


def test_batches_without_augmentation_hold_each_image_at_most_once() -> None:
    found = [y for _, y in solver()._batches.some(99, 3, seed=1)]
    assert sum(map(len, found)) == 60
    some = list(solver()._batches.some(2, 3, seed=1))
    assert [len(y) for _, y in some] == [10, 10]
    np.testing.assert_array_equal(some[0][1], found[0])


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="recalibrate needs a model with batch norm"):
        solver(Linear(), recalibrate=3)
    with pytest.raises(ValueError, match="recalibrate must be at least 1, got 0"):
        solver(Normed(), recalibrate=0)
