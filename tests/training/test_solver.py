from __future__ import annotations

import numpy as np
import pytest
from training.toys import Dropped, Linear, Normed, blobs, scale, solver

from handgrad.data import augment
from handgrad.models import FullyConnectedNet, ThreeLayerConvNet
from handgrad.training import DivergenceError, Solver, load_checkpoint
from handgrad.training.optim import RULES


class Seen(Linear):
    """Remembers the labels and images that it was trained with."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[np.ndarray] = []

    def loss(self, X, y=None):
        if y is not None:
            self.batches.append(X)
        return super().loss(X, y)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_trains_a_students_model(rule: str) -> None:
    config = {"learning_rate": {"adadelta": 20.0, "adam": 0.01, "adamw": 0.01, "sgd": 0.1}.get(rule, 0.05)}
    ours = solver(update_rule=rule, optim_config=config, num_epochs=6)
    ours.train()
    assert ours.best_val_acc > 0.8
    assert ours.loss_history[-1] < ours.loss_history[0] / 2


def test_the_defaults_of_a_rule_are_its_own() -> None:
    assert solver(update_rule="adam", optim_config=None).optim_configs["W"]["learning_rate"] == 1e-3
    defaults = {"learning_rate": 1e-2, "weight_decay": 0.0, "l2": 0.0, "clip_value": 0.0}
    assert solver(optim_config={}).optim_configs["b"] == defaults


def test_histories() -> None:
    ours = solver(num_epochs=3)
    ours.train()
    assert len(ours.loss_history) == ours.iteration == ours.num_iterations == 18
    assert len(ours.train_acc_history) == len(ours.val_acc_history) == 1 + 3
    assert ours.epoch == 3
    assert ours.best_val_acc == max(ours.val_acc_history)


def test_the_best_parameters_are_in_the_model_at_the_end() -> None:
    ours = solver(Normed(), optim_config={"learning_rate": 2.0}, num_epochs=8)  # too fast: up and down
    ours.train()
    assert ours.val_acc_history[-1] < ours.best_val_acc
    assert ours.check_accuracy(ours.X_val, ours.y_val) == ours.best_val_acc
    for name, w in ours.model.params.items():
        np.testing.assert_array_equal(w, ours.best_params[name])
        assert w is not ours.best_params[name]


def test_the_first_of_equally_good_parameters_is_kept() -> None:
    ours = solver(optim_config={"learning_rate": 0.0}, num_epochs=2)
    ours.train(1)
    first = ours.best_params["W"]
    ours.train()
    assert len(set(ours.val_acc_history)) == 1
    assert ours.best_params["W"] is first


def test_there_are_best_parameters_where_accuracy_is_zero() -> None:
    data = blobs()
    data["y_train"] %= 2
    data["y_val"][:] = 2  # a class that nothing teaches
    ours = solver(data=data, optim_config={"learning_rate": 0.5}, num_epochs=2)
    ours.model.params["b"][2] = -9
    ours.train(1)
    assert ours.val_acc_history == [0]
    assert set(ours.best_params) == {"W", "b"}
    ours.train()
    assert set(ours.model.params) == {"W", "b"}


def test_b4_parameters_and_state_keep_their_dtype() -> None:
    """A model in float32 on float64 images gives float64 gradients."""
    for dtype in (np.float32, np.float64):
        ours = solver(Linear(dtype=dtype), update_rule="adam", ema=0.9, lr_decay=0.9)
        assert ours.model.loss(scale(ours.X_train), ours.y_train)[1]["W"].dtype == np.float64
        ours.train()
        arrays = [*ours.model.params.values(), *ours.best_params.values(), ours.optim_configs["W"]["m"]]
        assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_b4_a_rule_of_ones_own_cannot_change_the_dtype() -> None:
    seen = []

    def rule(w, dw, config):
        seen.append(dw.dtype)
        return w - np.float64(0.1) * dw.astype(np.float64), config

    ours = solver(Linear(dtype=np.float32), update_rule=rule, optim_config=None)
    ours.train(2)
    assert {w.dtype for w in ours.model.params.values()} == set(seen) == {np.dtype(np.float32)}


def test_b5_best_parameters_come_with_their_running_statistics() -> None:
    ours = solver(Normed(), optim_config={"learning_rate": 1.0}, num_epochs=8)
    ours.train()
    assert ours.val_acc_history[-1] < ours.best_val_acc
    running = ours.model.bn_params[0]
    np.testing.assert_array_equal(running["running_mean"], ours.best_bn_params[0]["running_mean"])
    assert not np.array_equal(running["running_mean"], ours._last[1][0]["running_mean"])
    assert ours.check_accuracy(ours.X_val, ours.y_val) == ours.best_val_acc


def test_b7_an_epoch_visits_every_image_once() -> None:
    data = blobs(n=47)
    data["X_train"] = np.arange(47 * 48).reshape(47, 3, 4, 4) / 1e4  # every image is another one
    seen = Seen()
    ours = solver(seen, data, batch_size=10, num_epochs=2, preprocess=None)
    ours.train()
    sizes = [len(batch) for batch in seen.batches]
    assert sizes == [10, 10, 9, 9, 9] * 2
    epochs = [np.concatenate(part)[:, 0, 0, 0] for part in (seen.batches[:5], seen.batches[5:])]
    for firsts in epochs:
        np.testing.assert_array_equal(np.sort(firsts), data["X_train"][:, 0, 0, 0])
    assert not np.array_equal(*epochs)


def test_seeds() -> None:
    losses = {}
    for seed in (0, 1, np.random.default_rng(0)):
        ours = solver(Dropped(), seed=seed)
        ours.train()
        losses[str(seed)] = ours.loss_history
    assert losses["0"] != losses["1"]
    assert losses["0"] == losses[str(np.random.default_rng(0))]
    again = []
    for _ in range(2):
        np.random.seed(231)  # noqa: NPY002 - as at the top of a course's notebook
        ours = solver(seed=None)
        ours.train()
        again.append(ours.loss_history)
    assert again[0] == again[1]


def test_asking_for_accuracy_does_not_change_the_run() -> None:
    plain, asked = solver(num_train_samples=20), solver(num_train_samples=20)
    plain.train()
    for _ in range(asked.num_iterations):
        asked.step()
        asked.check_accuracy(asked.X_train, asked.y_train, num_samples=7)
    assert asked.train_acc_history == plain.train_acc_history
    assert asked.loss_history == plain.loss_history


def test_accuracy_draws_no_image_twice() -> None:
    ours = solver()
    drawn = []

    class Spy(Linear):
        def loss(self, X, y=None):
            drawn.append(X)
            return super().loss(X, y)

    ours.model, ours.preprocess = Spy(), None
    X = np.arange(50 * 48.0).reshape(50, 3, 4, 4)
    ours.check_accuracy(X, np.zeros(50, int), num_samples=45, batch_size=20)
    assert [len(batch) for batch in drawn] == [20, 20, 5]
    assert len(np.unique(np.concatenate(drawn)[:, 0, 0, 0])) == 45


def test_lr_decay_and_schedule_multiply() -> None:
    rates = []
    ours = solver(
        num_epochs=2,
        lr_decay=0.5,
        schedule="warm_up(3)",
        logger=lambda record: rates.append(record.get("learning_rate")),
    )
    ours.train()
    seen = [rate for rate in rates if rate is not None]
    assert seen == pytest.approx(0.05 * np.array([1 / 3, 2 / 3, 1, 1, 1, 1, *[0.5] * 6]))
    assert ours.optim_configs["W"]["learning_rate"] == pytest.approx(0.05 / 4)


def test_a_schedule_sees_the_step_and_the_whole_run() -> None:
    seen = []
    ours = solver(num_epochs=2, schedule=lambda step, total: seen.append((step, total)) or 1.0)
    ours.train(5)
    ours.train()
    assert seen == [(t, 12) for t in range(12)]


def test_augment_comes_before_preprocess_and_only_in_training() -> None:
    calls = []

    def twist(batch, rng):
        assert batch.dtype == np.uint8
        assert isinstance(rng, np.random.Generator)
        calls.append(len(batch))
        return augment.compose(augment.flip(), augment.padded_crop(1))(batch, rng)

    ours = solver(augment=twist, num_epochs=1)
    ours.train()
    assert calls == [10] * 6
    assert ours.X_train.dtype == np.uint8


def test_data_is_not_changed() -> None:
    data = blobs()
    before = {name: array.copy() for name, array in data.items()}
    for array in data.values():
        array.flags.writeable = False
    solver(data=data, augment=augment.flip()).train()
    for name, array in data.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_rule_of_ones_own() -> None:
    def signs(w, dw, config=None):
        config = config or {}
        config.setdefault("learning_rate", 0.01)
        config["count"] = config.get("count", 0) + 1
        w -= config["learning_rate"] * np.sign(dw)  # in place, as some students do
        return w, config

    ours = solver(update_rule=signs, optim_config=None, lr_decay=0.5, num_epochs=4)
    ours.train()
    assert ours.optim_configs["W"] == {"learning_rate": 0.01 / 16, "count": 24}
    assert ours.best_val_acc > 0.8


def test_a_rule_may_change_its_own_learning_rate() -> None:
    def annealed(w, dw, config=None):
        config["learning_rate"] *= 0.9
        return w - config["learning_rate"] * dw, config

    ours = solver(update_rule=annealed, optim_config={"learning_rate": 1.0}, num_epochs=1)
    ours.train(3)
    assert ours.optim_configs["b"]["learning_rate"] == pytest.approx(0.9**3)


def test_train_in_parts_is_train() -> None:
    whole, parts = solver(Normed()), solver(Normed())
    whole.train()
    for n in (0, 1, 7, 3, None):
        parts.train(n)
    assert parts.loss_history == whole.loss_history
    assert parts.val_acc_history == whole.val_acc_history
    for name in whole.model.params:
        np.testing.assert_array_equal(parts.model.params[name], whole.model.params[name])


def test_train_goes_on_from_the_last_parameters_not_from_the_best() -> None:
    settings = {"optim_config": {"learning_rate": 0.8}, "num_epochs": 4}
    straight, stopped = solver(Normed(), **settings), solver(Normed(), **settings)
    straight.train(24 + 5)
    stopped.train()
    assert stopped.model.params["W"] is not stopped._last[0]["W"]
    stopped.train()  # at the end there is nothing to do
    stopped.train(5)
    assert stopped.loss_history == straight.loss_history
    np.testing.assert_array_equal(stopped._last[0]["W"], straight._last[0]["W"])


def test_no_epochs() -> None:
    ours = solver(num_epochs=0)
    ours.train()
    assert ours.loss_history == []
    assert ours.iteration == 0


def test_step_returns_the_loss() -> None:
    ours = solver()
    assert [ours.step() for _ in range(7)] == ours.loss_history
    assert len(ours.val_acc_history) == 2


@pytest.mark.parametrize(
    "net",
    [
        lambda: FullyConnectedNet([20], 48, 3, 0.2, "batchnorm", weight_scale=0.1, seed=0),
        lambda: ThreeLayerConvNet((3, 4, 4), 8, 3, 20, 3, weight_scale=0.1, use_batchnorm=True, seed=0),
    ],
)
def test_our_models_train(net) -> None:
    ours = solver(net(), update_rule="adam", optim_config={"learning_rate": 0.003}, num_epochs=20)
    ours.train()
    assert ours.best_val_acc >= 0.75
    assert np.mean(ours.loss_history[-6:]) < np.mean(ours.loss_history[:6]) / 1.8
    assert {w.dtype for w in ours.model.params.values()} == {np.dtype(np.float32)}


class TestDivergence:
    def test_a_loss_of_nan_stops_the_run_before_it_harms(self) -> None:
        class Late(Normed):
            def loss(self, X, y=None):
                result = super().loss(X, y)
                return result if y is None or ours.iteration < 7 else (np.nan, result[1])

        ours = solver(Late(), optim_config={"learning_rate": 0.1})
        ours.train(7)
        before = {name: w.copy() for name, w in ours.model.params.items()}
        mean, rng = ours.model.bn_params[0]["running_mean"].copy(), ours.model.rng.bit_generator.state
        message = r"loss is nan at iteration 8: lower learning_rate \(now 0.1\), or check"
        with pytest.raises(DivergenceError, match=message):
            ours.train()
        assert len(ours.loss_history) == ours.iteration == 7
        for name, w in ours.model.params.items():
            np.testing.assert_array_equal(w, before[name])
        np.testing.assert_array_equal(ours.model.bn_params[0]["running_mean"], mean)
        assert ours.model.rng.bit_generator.state == rng

    @pytest.mark.parametrize("bad", [4, 6])  # in mid epoch, and where accuracy is checked first
    def test_gradients_of_infinity_are_found_before_a_checkpoint(self, tmp_path, bad: int) -> None:
        class Late(Linear):
            def loss(self, X, y=None):
                result = super().loss(X, y)
                if y is not None and ours.iteration == bad - 1:
                    result[1]["b"][1] = np.inf
                return result

        ours = solver(Late(), checkpoint_name=tmp_path / "run", checkpoint_every=2)
        with pytest.raises(DivergenceError, match=f"b holds nan or infinity at iteration {bad}: lower"):
            ours.train()
        assert load_checkpoint(tmp_path / "run").iteration == bad - 2


BAD_DATA = [
    ({"X_train": None}, TypeError, "X_train must be a NumPy array, got NoneType"),
    ({"y_val": [0, 1]}, TypeError, "y_val must be a NumPy array, got list"),
    ({"X_train": np.zeros((0, 3, 4, 4)), "y_train": np.zeros(0, int)}, ValueError, "at least one image"),
    (
        {"X_val": np.zeros((0, 3, 4, 4)), "y_val": np.zeros(0, int)},
        ValueError,
        "X_val must hold at least one",
    ),
    ({"y_train": np.zeros(59, int)}, ValueError, r"y_train must hold one label per image \(60\), got 59"),
    ({"y_train": np.zeros((60, 1), int)}, ValueError, r"y_train must have shape \(N,\), got \(60, 1\)"),
    ({"y_train": np.zeros(60)}, TypeError, "y_train must hold whole numbers, got dtype float64"),
    ({"y_train": np.full(60, -1)}, ValueError, "y_train must hold labels from 0, got -1 at index 0"),
    ({"X_val": np.zeros((20, 3, 5, 5))}, ValueError, r"X_val must hold images of the shape of X_train's"),
    ({"X_train": np.full((60, 3, 4, 4), np.nan)}, ValueError, "X_train must be finite, got nan"),
    ({"X_val": np.full((20, 3, 4, 4), np.inf)}, ValueError, "X_val must be finite, got inf"),
    ({"X_train": np.full((60, 3, 4, 4), "a")}, TypeError, "X_train must hold real numbers"),
]


@pytest.mark.parametrize(("change", "kind", "message"), BAD_DATA)
def test_wrong_data(change: dict, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        solver(data=blobs() | change)


def test_data_that_lacks_a_part() -> None:
    data = blobs()
    del data["X_val"]
    with pytest.raises(ValueError, match="data must hold X_train, y_train, X_val, y_val, but has no X_val"):
        solver(data=data)
    with pytest.raises(TypeError, match=r"data must be a dict with X_train, .*, got list"):
        solver(data=[1])


@pytest.mark.parametrize("part", ["train", "val"])
def test_labels_above_the_models_scores(part: str) -> None:
    data = blobs()
    data[f"y_{part}"][4] = 3
    with pytest.raises(ValueError, match=f"y_{part} must hold labels from 0 to 2, got 3 at index 4"):
        solver(data=data).train()


BAD_SETTINGS = [
    ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
    (
        {"batch_size": 61},
        ValueError,
        r"batch_size must be at most the number of training images \(60\), got 61",
    ),
    ({"batch_size": 10.0}, TypeError, "batch_size must be a whole number, got 10.0"),
    ({"num_epochs": -1}, ValueError, "num_epochs must not be negative, got -1"),
    ({"num_epochs": True}, TypeError, "num_epochs must be a whole number, got True"),
    ({"print_every": 0}, ValueError, "print_every must be at least 1, got 0"),
    ({"num_train_samples": 0}, ValueError, "num_train_samples must be at least 1, got 0"),
    ({"num_val_samples": "all"}, TypeError, "num_val_samples must be a whole number, got 'all'"),
    ({"checkpoint_every": 0}, ValueError, "checkpoint_every must be at least 1, got 0"),
    ({"lr_decay": 0}, ValueError, "lr_decay must be above 0, got 0"),
    ({"lr_decay": "x"}, ValueError, "lr_decay must be a finite number, got 'x'"),
    ({"ema": 1.0}, ValueError, r"ema must lie in \[0, 1\), got 1.0"),
    ({"update_rule": "sdg"}, ValueError, "update_rule has no option 'sdg'; did you mean 'sgd'?"),
    ({"optim_config": {"lr": 1}}, ValueError, "optim_config of sgd has no option 'lr'"),
    ({"optim_config": {"learning_rat": 1}}, ValueError, "did you mean 'learning_rate'?"),
    ({"optim_config": {"learning_rate": "1"}}, ValueError, "learning_rate must be a finite number, got '1'"),
    ({"optim_config": 0.1}, TypeError, "optim_config must be a dict or None, got 0.1"),
    ({"schedule": "cosin"}, ValueError, "schedule has no option 'cosin'; did you mean 'cosine'?"),
    ({"schedule": 0.1}, TypeError, "schedule must be a text or a function, got 0.1"),
    ({"augment": "flip"}, TypeError, "augment must be a function or None, got 'flip'"),
    ({"preprocess": 3}, TypeError, "preprocess must be a function or None, got 3"),
    ({"logger": 3}, TypeError, "logger must be a function of one record, or several, got 3"),
    ({"seed": -1}, ValueError, "seed must not be negative, got -1"),
    ({"resume": True}, ValueError, "resume=True needs checkpoint_name"),
    ({"resume": 1}, TypeError, "resume must be a folder's name, got 1"),
    ({"checkpoint_name": 3}, TypeError, "checkpoint_name must be a folder's name, got 3"),
    (
        {"update_rule": lambda w, dw, config: (w, config), "optim_config": None, "schedule": "cosine"},
        ValueError,
        r"schedule needs optim_config\['learning_rate'\] where update_rule is not one of ours",
    ),
]


@pytest.mark.parametrize(("settings", "kind", "message"), BAD_SETTINGS)
def test_wrong_settings(settings: dict, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        solver(**settings)


def test_unknown_settings() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'learning_rate'"):
        Solver(Linear(), blobs(), learning_rate=0.1)


def changed(**changes) -> Linear:
    model = Linear()
    vars(model).update(changes)
    return model


BAD_MODELS = [
    (object(), r"model must have a dict of parameters, model.params, got object with none"),
    (changed(params={}), r"model must have a dict of parameters, model.params, got Linear with \{\}"),
    (changed(loss=None), r"model must have a method loss\(X, y=None\), got Linear without"),
    (changed(params={"W": [1.0]}), r"model.params\['W'\] must be a NumPy array, got list"),
    (changed(params={"W": np.arange(3)}), r"model.params\['W'\] must be float32 or float64, got int64"),
]


@pytest.mark.parametrize(("model", "message"), BAD_MODELS)
def test_wrong_models(model: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        solver(model)


class Wrong(Linear):
    """A model whose loss does what it is told."""

    def __init__(self, give) -> None:
        super().__init__()
        self.give = give

    def loss(self, X, y=None):
        result = super().loss(X, y)
        return result if y is None else self.give(*result)


BAD_LOSSES = [
    (lambda loss, g: loss, TypeError, r"model.loss\(X, y\) must return \(loss, grads\), got float64"),
    (lambda loss, g: (loss, [g]), TypeError, r"must return \(loss, grads\), got tuple"),
    (lambda loss, g: (np.ones(3), g), TypeError, r"the loss of model.loss\(X, y\) must be one number, got"),
    (lambda loss, g: ("1", g), TypeError, "must be one number, got '1'"),
    (lambda loss, g: (loss, {"W": g["W"]}), ValueError, "each parameter, but has none for 'b'"),
    (
        lambda loss, g: (loss, g | {"W": g["W"].T}),
        ValueError,
        r"grads\['W'\] must have the shape of its parameter, \(48, 3\), got \(3, 48\)",
    ),
    (
        lambda loss, g: (loss, g | {"b": g["b"][None]}),
        ValueError,
        r"grads\['b'\] must have the shape of its parameter, \(3,\), got \(1, 3\)",
    ),
    (lambda loss, g: (loss, g | {"b": None}), TypeError, r"grads\['b'\] must be an array .*, got NoneType"),
    (lambda loss, g: (loss, g | {"b": g["b"] * 1j}), TypeError, r"grads\['b'\] .*, got dtype complex128"),
    (lambda loss, g: (np.inf, g), DivergenceError, "loss is inf at iteration 1"),
]


@pytest.mark.parametrize(("give", "kind", "message"), BAD_LOSSES)
def test_a_loss_that_does_not_keep_to_the_protocol(give, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        solver(Wrong(give)).train()


def test_gradients_of_more_than_the_parameters_are_no_harm() -> None:
    solver(Wrong(lambda loss, g: (np.float32(loss), g | {"X": np.zeros(3)}))).train()


@pytest.mark.parametrize("scores", [None, np.zeros(2), np.zeros((3, 3)), (np.zeros((2, 3)), 1)])
def test_scores_that_are_none(scores: object) -> None:
    with pytest.raises(
        ValueError, match=r"model.loss\(X\) without labels must return scores of shape \(2, K\)"
    ):
        solver(changed(loss=lambda X, y=None: scores)).train()


@pytest.mark.parametrize(
    ("rule", "kind", "message"),
    [
        (lambda w, dw, config: w, TypeError, r"update_rule must return \(next_w, config\), got ndarray"),
        (lambda w, dw, config: (w, None), TypeError, r"update_rule must return \(next_w, config\)"),
        (lambda w, dw, config: (w[:1], config), ValueError, r"must return 'W' with its shape, \(48, 3\)"),
    ],
)
def test_rules_that_do_not_keep_to_their_form(rule, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        solver(update_rule=rule).train()


@pytest.mark.parametrize(("factor", "shown"), [(None, "None"), (np.nan, "nan"), ("1", "'1'")])
def test_schedules_that_give_no_number(factor: object, shown: str) -> None:
    with pytest.raises(ValueError, match=f"the factor of schedule must be a finite number, got {shown}"):
        solver(schedule=lambda step, total_steps: factor).train()


def test_lr_decay_of_a_rule_without_a_learning_rate() -> None:
    ours = solver(update_rule=lambda w, dw, config: (w, config), optim_config=None, lr_decay=0.9)
    with pytest.raises(ValueError, match=r"lr_decay needs config\['learning_rate'\]"):
        ours.train()


def test_wrong_questions_for_accuracy() -> None:
    ours = solver()
    with pytest.raises(ValueError, match="X must hold at least one sample"):
        ours.check_accuracy(ours.X_val[:0], ours.y_val[:0])
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        ours.check_accuracy(ours.X_val, ours.y_val, batch_size=0)
    with pytest.raises(ValueError, match=r"y must hold one label per image \(20\), got 19"):
        ours.check_accuracy(ours.X_val, ours.y_val[1:])
    with pytest.raises(ValueError, match="num_iterations must not be negative, got -1"):
        ours.train(-1)
