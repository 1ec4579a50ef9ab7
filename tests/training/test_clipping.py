from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from training.toys import Linear, scale, solver

from handgrad.models import TwoLayerNet
from handgrad.training import clipping
from handgrad.training.optim import RULES


def gradients(dtype: type = np.float64) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"W": rng.standard_normal((5, 4)).astype(dtype), "b": 3 * rng.standard_normal(7).astype(dtype)}


@pytest.mark.parametrize("most", [0.1, 3.0, 1000.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_by_norm_is_that_of_pytorch(most: float, dtype: type) -> None:
    """PyTorch divides by the norm plus 1e-6."""
    grads = gradients(dtype)
    theirs = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in grads.values()]
    for each, g in zip(theirs, grads.values(), strict=True):
        each.grad = torch.tensor(g, dtype=torch.float64)
    norm = torch.nn.utils.clip_grad_norm_(theirs, most)
    assert clipping.global_norm(grads) == pytest.approx(float(norm), rel=1e-6)
    for ours, each in zip(clipping.by_norm(grads, most).values(), theirs, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, each.grad.numpy(), rtol=2e-6)


def test_what_is_short_enough_is_not_touched() -> None:
    grads = gradients()
    assert clipping.by_norm(grads, 100.0) is grads
    assert clipping.by_norm(grads, clipping.global_norm(grads)) is grads


def test_the_direction_stays_and_the_length_is_the_most() -> None:
    grads = gradients()
    clipped = clipping.by_norm(grads, 0.5)
    assert clipping.global_norm(clipped) == pytest.approx(0.5)
    np.testing.assert_allclose(clipped["W"] / clipped["b"][0], grads["W"] / grads["b"][0])


def test_by_value() -> None:
    grads = gradients()
    clipped = clipping.by_value(grads, 0.3)
    for name, g in grads.items():
        np.testing.assert_array_equal(clipped[name], np.clip(g, -0.3, 0.3))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_left_for_the_solver_to_report(bad: float) -> None:
    grads = {"W": np.array([1.0, bad])}
    np.testing.assert_array_equal(clipping.by_norm(grads, 1.0)["W"], grads["W"])


def test_the_solver_clips_by_value_then_by_norm_and_leaves_frozen_ones_out() -> None:
    settings: dict[str, Any] = {
        "clip_norm": 0.01,
        "clip_value": 0.002,
        "optim_config": {"learning_rate": 1.0},
    }
    ours = solver(param_config={"b": {"freeze_after": 0}}, **settings)
    before = {name: w.copy() for name, w in ours.model.params.items()}
    _, grads = ours.model.loss(*ours._batches.at(0, ours._seed))
    expected = clipping.by_norm(clipping.by_value({"W": grads["W"]}, 0.002), 0.01)
    ours.step()
    np.testing.assert_allclose(before["W"] - ours.model.params["W"], expected["W"], atol=1e-15)
    np.testing.assert_array_equal(before["b"], ours.model.params["b"])


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "clip", [{"clip_norm": 0.1}, {"clip_value": 0.01}, {"clip_norm": 0.1, "clip_value": 0.02}]
)
def test_our_rules_clip_in_their_pass_what_others_get_clipped(
    name: str, dtype: type, clip: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The former way, clipped arrays and then the rule, is what a function of the user's gets."""
    config = {"learning_rate": 0.1, "l2": 0.01, "clip_value": 0.015}
    users = solver(
        Linear(dtype=dtype), update_rule=lambda *given: RULES[name](*given), optim_config=config, **clip
    )
    users.train(5)
    monkeypatch.setattr(clipping, "by_value", None)
    monkeypatch.setattr(clipping, "by_norm", None)
    ours = solver(Linear(dtype=dtype), update_rule=name, optim_config=config, **clip)
    ours.train(5)
    assert ours.loss_history == users.loss_history
    for parameter, w in users.model.params.items():
        np.testing.assert_array_equal(ours.model.params[parameter], w)


def test_l2_of_the_rule_is_reg_of_the_model() -> None:
    settings: dict[str, Any] = {"update_rule": "adam", "preprocess": lambda X: scale(X).reshape(len(X), -1)}
    ends = []
    for reg, l2 in ((0.1, 0.0), (0.0, 0.1)):
        net = TwoLayerNet(input_dim=48, hidden_dim=8, num_classes=3, reg=reg, dtype=np.float64, seed=0)
        ours = solver(net, param_config={"W*": {"l2": l2}}, **settings)
        ours.train(10)
        ends.append(ours.model.params)
    for name, w in ends[0].items():
        np.testing.assert_allclose(ends[1][name], w, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_norm_of_large_gradients_is_float64s(order: str) -> None:
    """More numbers than are taken at once; float32 that float32 could not square."""
    g = np.random.default_rng(1).standard_normal((300, 301)).astype(np.float32) * np.float32(1e20)
    right = np.linalg.norm(g.astype(np.float64))
    assert clipping.global_norm({"W": np.asarray(g, order=order)}) == pytest.approx(right, rel=1e-12)
    limited = np.linalg.norm(np.clip(g, -1e19, 1e19).astype(np.float64))
    assert clipping.global_norm({"W": g}, 1e19) == pytest.approx(limited, rel=1e-12)
    assert clipping.global_norm({"W": np.array(-3.0), "b": np.zeros((0, 2))}) == 3


def test_a_wild_gradient_does_not_throw_the_weights_far_away() -> None:

    class Wild(Linear):
        def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
            if y is None:
                return super().loss(X)
            loss, grads = super().loss(X, y)
            wild = 1e6 if ours.iteration == 7 else 1.0
            return loss, {name: wild * dw for name, dw in grads.items()}

    ends = []
    for clip_norm in (None, 1.0):
        ours = solver(Wild(), clip_norm=clip_norm)
        ours.train(8)
        ends.append(np.abs(ours.model.params["W"]).max())
    assert ends[0] > 1000
    assert ends[1] < 0.2


@pytest.mark.parametrize("name", ["clip_norm", "clip_value"])
@pytest.mark.parametrize("value", [0, -1.0])
def test_wrong_settings(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be above 0, got {value}"):
        solver(**{name: value})
