"""Snapshot ensembles: one run, several nets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training.toys import Linear, Normed, scale, solver

from handgrad.models import ConvNet, Ensemble
from handgrad.training import CheckpointError, Lookahead, load_checkpoint, parts


def test_the_weights_at_the_end_of_each_part_are_kept() -> None:
    ours, plain = solver(Normed(), num_snapshots=4), solver(Normed())
    ours.train()
    kept = []
    for t in range(1, 19):
        plain.step()
        kept += [plain.model.params["W"].copy()] if t in (5, 9, 14, 18) else []  # 4.5, 9, 13.5, 18
    assert len(ours.snapshots) == 4
    for (params, _), w in zip(ours.snapshots, kept, strict=True):
        np.testing.assert_array_equal(params["W"], w)
    ours.train(5)
    assert len(ours.snapshots) == 4


def test_snapshots_are_models_of_an_ensemble() -> None:
    ours = solver(Normed(), num_snapshots=3, schedule="cosine_cycles(3)", optim_config={"learning_rate": 1.0})
    ours.train()
    models = ours.snapshot_models()
    X = scale(ours.X_val)
    scores = Ensemble(models).loss(X)
    probabilities = []
    for (params, statistics), model in zip(ours.snapshots, models, strict=True):
        spare = Normed()
        spare.params.update(params)
        spare.bn_params = statistics
        np.testing.assert_array_equal(model.loss(X), spare.loss(X))
        e = np.exp(spare.loss(X))
        probabilities.append(e / e.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(np.exp(scores), np.mean(probabilities, axis=0))
    models[0].params["W"][:] = 0
    assert ours.model.params["W"].any()
    assert ours.snapshots[0][0]["W"].any()


def test_with_ema_the_average_is_kept() -> None:
    ours = solver(Linear(), num_snapshots=1, ema=0.9)
    ours.train()
    np.testing.assert_array_equal(ours.snapshots[0][0]["W"], ours._averages.average.params["W"])


def test_a_checkpoint_keeps_them(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"num_snapshots": 3, "schedule": "cosine_cycles(3)"}
    whole = solver(Normed(), **settings)
    whole.train()
    solver(Normed(), checkpoint_name=tmp_path, **settings).train(8)
    resumed = solver(Normed(), resume=tmp_path, checkpoint_name=tmp_path, **settings)
    assert len(resumed.snapshots) == 1
    resumed.train()
    checkpoint = load_checkpoint(tmp_path)
    spare = Normed()
    for number, (params, statistics) in enumerate(whole.snapshots):
        checkpoint.apply_snapshot(spare, number)
        np.testing.assert_array_equal(spare.params["W"], params["W"])
        np.testing.assert_array_equal(spare.bn_params[0]["running_mean"], statistics[0]["running_mean"])
        np.testing.assert_array_equal(resumed.snapshots[number][0]["W"], params["W"])
    with pytest.raises(CheckpointError, match=r"snapshot 1 of checkpoint .* has parameter 'gamma', which"):
        checkpoint.apply_snapshot(Linear(), 1)


def test_each_part_is_a_run_of_its_own_for_lookahead(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    real = Lookahead.part
    monkeypatch.setattr(Lookahead, "part", lambda self, share: shares.append(share) or real(self, share))
    ours = solver(Linear(), num_snapshots=3, lookahead=Lookahead(every=2, alpha=0.2, power=1))
    ours.train()
    ours.train(2)
    assert shares == [2 / 6, 4 / 6, 1] * 3 + [1]  # of 18 steps, and two beyond the end


def test_each_part_ends_with_all_images() -> None:
    net = ConvNet("affine", input_dim=(3, 4, 4), num_classes=3, dtype=float, seed=0)
    ours, batches = solver(net, num_snapshots=2, prune=0.9, num_epochs=16, batch_size=15), []
    real = net.loss
    net.loss = lambda X, y=None, *rest: (
        (batches.append(len(X)) if y is not None else None) or real(X, y, *rest)
    )
    ours.train()
    sizes = np.array(batches).reshape(2, 8, 4)  # parts, epochs, batches
    assert (sizes[:, 7] == 15).all()
    assert (sizes[:, 2:7].mean(axis=(1, 2)) < 12).all()


def test_the_parts_of_a_run_hold_each_step_once() -> None:
    for total in range(1, 12):
        for number in range(1, 8):
            before, after = zip(*(parts.shares(step, total, number) for step in range(total)), strict=True)
            assert sum(share == 0 for share in before) == sum(share == 1 for share in after) <= number
            assert before[0] == 0
            assert after[-1] == 1
            ends = {parts.begin(n, total, number) for n in range(1, number + 1)}
            assert {step + 1 for step in range(total) if after[step] == 1} == ends - {0}


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="num_snapshots must be at least 1, got 0"):
        solver(num_snapshots=0)
    none = solver(num_epochs=0, num_snapshots=2)
    none.train()
    assert none.snapshots == none.snapshot_models() == []
