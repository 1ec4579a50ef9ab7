"""Settings of the update rule for some parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training.toys import Linear, Normed, solver

from handgrad.training import CheckpointError, optim
from handgrad.training.optim import adam
from handgrad.training.param_config import begin, by_name


def test_each_parameter_has_its_own_settings() -> None:
    own = {"W": {"learning_rate": 0.2, "beta1": 0.5}}
    ours = solver(update_rule="adam", optim_config={"learning_rate": 0.1}, param_config=own)
    before = {name: w.copy() for name, w in ours.model.params.items()}
    _, grads = ours.model.loss(*ours._batches.at(0, ours._seed))
    ours.step()
    for name, config in (("W", own["W"]), ("b", {"learning_rate": 0.1})):
        np.testing.assert_array_equal(
            ours.model.params[name], adam(before[name], grads[name], dict(config))[0]
        )


def test_a_learning_rate_of_0_freezes() -> None:
    ours = solver(Normed(), param_config={"W": {"learning_rate": 0}})
    before = {name: w.copy() for name, w in ours.model.params.items()}
    ours.train()
    moved = {name for name, w in ours.model.params.items() if not np.array_equal(w, before[name])}
    assert moved == {"b", "gamma"}


def test_a_later_pattern_wins_and_a_schedule_multiplies_each() -> None:
    own = {"*": {"learning_rate": 1.0}, "W": {"learning_rate": 0.5}}
    ours = solver(Normed(), param_config=own, schedule="step(0.5, factor=0.1)")
    rates = {name: config["learning_rate"] for name, config in ours.optim_configs.items()}
    assert rates == {"W": 0.5, "b": 1.0, "gamma": 1.0}
    before = ours.model.params["b"].copy()
    ours.train()
    assert not np.array_equal(ours.model.params["b"], before)
    assert {n: c["learning_rate"] for n, c in ours.optim_configs.items()} == rates


def test_each_parameter_moves_as_in_a_run_of_its_own_settings() -> None:
    """The first step, where the gradients do not depend on what the others do."""
    ours = solver(
        optim_config={"learning_rate": 0.1},
        param_config={"W": {"weight_decay": 0.5}, "b": {"lr_factor": 3}},
    )
    decayed = solver(optim_config={"learning_rate": 0.1, "weight_decay": 0.5})
    faster = solver(optim_config={"learning_rate": 0.3})
    for each in (ours, decayed, faster):
        each.step()
    np.testing.assert_array_equal(ours.model.params["W"], decayed.model.params["W"])
    np.testing.assert_allclose(ours.model.params["b"], faster.model.params["b"], rtol=1e-12)


def test_a_later_pattern_goes_before_and_factors_do_not_pile_up() -> None:
    names = ["W1", "b1", "W2", "b2"]
    patterns: dict[str, Any] = {"*": {"lr_factor": 2}, "b*": {"lr_factor": 8}, "b2": {"learning_rate": 1.0}}
    configs = begin({"learning_rate": 0.5}, by_name(optim.sgd, patterns, names), names)
    assert [configs[name]["learning_rate"] for name in names] == [1.0, 4.0, 1.0, 8.0]


def test_frozen_parameters_stay_and_their_memory_too() -> None:
    ours = solver(
        Normed(),
        update_rule="adamw",
        param_config={"W": {"freeze_after": 0}, "gamma": {"freeze_after": 2}},
    )
    begun = ours.model.params["W"].copy()
    seen = []
    for _ in range(18):
        ours.step()
        seen.append(ours.model.params["gamma"].copy())
    np.testing.assert_array_equal(ours.model.params["W"], begun)
    assert "m" not in ours.optim_configs["W"]
    assert not np.array_equal(seen[10], seen[11])
    for gamma in seen[12:]:
        np.testing.assert_array_equal(gamma, seen[11])
    assert ours.optim_configs["gamma"]["t"] == 12
    assert ours.optim_configs["b"]["t"] == 18


def test_the_learning_rate_that_is_shown_is_that_of_no_pattern() -> None:
    records: list[dict] = []
    ours = solver(param_config={"W": {"lr_factor": 9}}, logger=records.append)
    ours.train(1)
    rates = [record["learning_rate"] for record in records if record["event"] == "iteration"]
    assert rates == [0.05]


def test_schedules_and_lr_decay_multiply_what_is_there() -> None:
    ours = solver(param_config={"b": {"lr_factor": 4}}, lr_decay=0.5, schedule="cosine")
    ours.train(6)
    assert ours.optim_configs["b"]["learning_rate"] == pytest.approx(0.1)
    assert ours.optim_configs["W"]["learning_rate"] == pytest.approx(0.025)


def test_a_rule_of_ones_own_takes_any_setting() -> None:
    def rule(w, dw, config):
        return w - config["pace"] * dw, config

    ours = solver(update_rule=rule, optim_config={"pace": 0.1}, param_config={"b": {"pace": 0.0}})
    ours.step()
    assert not ours.model.params["b"].any()
    with pytest.raises(ValueError, match=r"lr_factor needs optim_config\['learning_rate'\]"):
        solver(update_rule=rule, optim_config={"pace": 0.1}, param_config={"b": {"lr_factor": 2}})


def test_a_checkpoint_knows_them(tmp_path: Path) -> None:
    settings = {"param_config": {"b": {"lr_factor": 4, "freeze_after": 2}}}
    whole = solver(**settings)
    whole.train()
    solver(checkpoint_name=tmp_path, **settings).train(7)
    resumed = solver(resume=tmp_path, **settings)
    resumed.train()
    assert resumed.loss_history == whole.loss_history
    np.testing.assert_array_equal(resumed.model.params["b"], whole.model.params["b"])
    with pytest.raises(CheckpointError, match=r"written with param_config=\{'b': .*\}, but this .* None"):
        solver(Linear(), resume=tmp_path)


@pytest.mark.parametrize(
    ("own", "error"),
    [
        ({"gama": {"learning_rate": 1}}, r"param_config\['gama'\] fits no parameter; did you mean 'gamma'"),
        ({"W": {"learning_rat": 1}}, r"param_config\['W'\] has no option 'learning_rat'; did you mean"),
        ({"b": {"lr_facto": 2}}, r"param_config\['b'\] has no option 'lr_facto'; did you mean 'lr_factor'"),
        ({"b": {"momentum": 0.9}}, r"param_config\['b'\] has no option 'momentum'"),
        ({"b": {"weight_decay": -1}}, "weight_decay must be 0 or above, got -1"),
        ({"b": {"lr_factor": "x"}}, r"\['b'\]\['lr_factor'\] must be a finite number, got 'x'"),
        ({"b": {"freeze_after": 0.5}}, r"\['freeze_after'\] must be a whole number, got 0.5"),
        ({"b": {"freeze_after": -1}}, r"\['freeze_after'\] must not be negative, got -1"),
        ({3: {}}, r"param_config\[3\] fits no parameter"),
        ({"W": 0.1}, "param_config must be a dict of dicts by pattern"),
        ([("W", {})], "param_config must be a dict of dicts by pattern"),
    ],
)
def test_what_is_refused(own, error) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        solver(Normed(), param_config=own)
