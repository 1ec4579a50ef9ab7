"""The runs are what they say: healthy ones learn, and of each sabotage plain eyes see the trace."""

from __future__ import annotations

import numpy as np
import pytest
from checking.students.runs import HEALTHY, RUNS, SABOTAGED, Made, Run
from handgrad.training import DivergenceError, Solver

TRY = next(run for run in HEALTHY if run.name == "healthy_two_layer")


def first(made: Made) -> tuple[float, dict[str, np.ndarray]]:
    model, data, _ = made
    with np.errstate(all="ignore"):
        return model.loss(data["X_train"][:100], data["y_train"][:100])


def fails_to_learn(made: Made) -> bool:
    return not learns(made)


def learns(made: Made) -> bool:
    model, data, settings = made
    solver = Solver(model, data, num_epochs=12, verbose=False, seed=0, **settings)
    try:
        with np.errstate(all="ignore"):
            solver.train()
    except DivergenceError:
        return False
    return solver.check_accuracy(data["X_val"], data["y_val"]) > 0.8


def first_loss_is_off(made: Made) -> bool:
    return abs(first(made)[0] - np.log(10)) > 1


def penalty_is_without_effect(made: Made) -> bool:
    model = made[0]
    little = first(made)[0]
    model.reg = 100.0
    return bool(np.isclose(first(made)[0], little, rtol=1e-5))


def most_of_one_class(made: Made) -> bool:
    return np.bincount(made[1]["y_train"]).max() > 0.8 * len(made[1]["y_train"])


def mean_beside_zero(made: Made) -> bool:
    X = made[1]["X_train"]
    return abs(X.mean()) > X.std()


def images_in_both_parts(made: Made) -> bool:
    data = made[1]
    seen = {image.tobytes() for image in data["X_train"]}
    return any(image.tobytes() in seen for image in data["X_val"])


def hidden_units_sleep(made: Made) -> bool:
    model, data, _ = made
    rows = data["X_train"].reshape(len(data["X_train"]), -1)
    return bool(np.mean(rows @ model.params["W1"] + model.params["b1"] > 0) < 0.01)


def hidden_units_saturate(made: Made) -> bool:
    model, data, _ = made
    rows = data["X_train"].reshape(len(data["X_train"]), -1)
    return bool(np.mean(np.abs(rows @ model.params["W1"]) > 5) > 0.8)


def not_a_number(made: Made) -> bool:
    return bool(np.isnan(first(made)[0]))


def first_layer_gets_nothing(made: Made) -> bool:
    return not first(made)[1]["W1"].any()


def prediction_depends_on_companions(made: Made) -> bool:
    model, data, _ = made
    first(made)
    alone, among = model.loss(data["X_val"][:2]), model.loss(data["X_val"])[:2]
    return not np.allclose(alone, among, atol=1e-3)


def no_running_statistics(made: Made) -> bool:
    first(made)
    return "running_mean" not in getattr(made[0], "bn_params", [{"running_mean": 0}])[0]


def training_ignores_companions(made: Made) -> bool:
    model, data, _ = made
    losses = [model.loss(data["X_train"][i : i + 1], data["y_train"][i : i + 1])[0] for i in range(10)]
    whole = model.loss(data["X_train"][:10], data["y_train"][:10])[0]
    return "bn_params" in vars(model) and bool(np.isclose(np.mean(losses), whole, rtol=1e-4))


def gradients_are_float64(made: Made) -> bool:
    return any(g.dtype == np.float64 for g in first(made)[1].values())


TRACES = {
    "labels_shuffled": fails_to_learn,
    "labels_one_row_off": fails_to_learn,
    "all_one_label": most_of_one_class,
    "one_class_rules": most_of_one_class,
    "not_centred": mean_beside_zero,
    "validation_leak": images_in_both_parts,
    "rate_too_large": fails_to_learn,
    "rate_too_small": fails_to_learn,
    "dead_relus": hidden_units_sleep,
    "saturated_tanh": hidden_units_saturate,
    "saturated_sigmoid": hidden_units_saturate,
    "nan_layer": not_a_number,
    "penalty_forgotten": penalty_is_without_effect,
    "penalty_not_in_loss": penalty_is_without_effect,
    "weights_too_big": first_loss_is_off,
    "loss_summed": first_loss_is_off,
    "first_layer_frozen": first_layer_gets_nothing,
    "climbs": fails_to_learn,
    "bn_always_train": prediction_depends_on_companions,
    "bn_always_test": training_ignores_companions,
    "bn_recreated": no_running_statistics,
    "float64_drift": gradients_are_float64,
}


@pytest.mark.parametrize("run", SABOTAGED, ids=str)
def test_a_sabotage_leaves_its_trace_and_a_healthy_run_has_none(run: Run) -> None:
    assert TRACES[run.name](run.make())
    assert not TRACES[run.name](TRY.make())


@pytest.mark.parametrize("run", [r for r in HEALTHY if r.name != "healthy_course_recipe"], ids=str)
def test_a_healthy_run_learns(run: Run) -> None:
    assert learns(run.make())


def test_there_are_enough() -> None:
    assert len(SABOTAGED) >= 20
    assert len(HEALTHY) >= 6
    assert len({run.name for run in RUNS}) == len(RUNS)
