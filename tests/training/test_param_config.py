"""Settings of the update rule for some parameters."""

from __future__ import annotations

import numpy as np
import pytest
from training.toys import Normed, solver

from handgrad.training.optim import adam


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


@pytest.mark.parametrize(
    ("own", "error"),
    [
        ({"gama": {"learning_rate": 1}}, r"param_config\['gama'\] fits no parameter; did you mean 'gamma'"),
        ({"W": {"learning_rat": 1}}, "learning_rat"),
        ({"W": 0.1}, "param_config must be a dict of dicts by pattern"),
        ([("W", {})], "param_config must be a dict of dicts by pattern"),
    ],
)
def test_what_is_refused(own, error) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        solver(Normed(), param_config=own)
