"""Training that is stopped and resumed is training that was not stopped, to the last bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training.toys import Dropped, Linear, Normed, blobs, scale, solver

from handgrad.data import augment
from handgrad.data.preprocess import Standardize
from handgrad.models import FullyConnectedNet
from handgrad.training import CheckpointError, Lookahead, Solver, load_checkpoint, resume
from handgrad.training.optim import RULES
from handgrad.training.optim_config import OF_ALL


def everything(ours: Solver) -> dict[str, Any]:
    """All that a run leaves, as plain values that can be compared with ==."""
    return plain(resume.capture(ours))


def plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def full(folder: Path, **settings: Any) -> Solver:
    """A run with everything in it that has a state."""
    X = blobs()["X_train"]
    defaults = {
        "update_rule": "adam",
        "optim_config": {"learning_rate": 0.01},
        "lr_decay": 0.9,
        "schedule": "warm_up(4)+cosine",
        "augment": augment.compose(
            augment.flip(), augment.alternating_flip(), augment.padded_crop(1, "reflect"), augment.colour()
        ),
        "preprocess": Standardize.fit(X, scale=True, dtype=np.float64),
        "ema": 0.8,
        "lookahead": Lookahead(every=3, alpha=0.4, power=2),
        "param_config": {"b*": {"lr_factor": 3}, "gamma": {"freeze_after": 2}},
        "clip_norm": 0.5,
        "clip_value": 0.1,
        "background": True,
        "recalibrate": 3,
        "num_snapshots": 4,
        "num_train_samples": 20,
        "num_val_samples": 15,
        "checkpoint_name": folder,
        "checkpoint_every": 4,
    }
    return solver(Normed(), **defaults | settings)


@pytest.mark.parametrize("stop", [1, 2, 6, 8, 13, 17, 18, 20])
def test_b6_resume_is_exact_wherever_it_stops(tmp_path: Path, stop: int) -> None:
    """At the first iteration, in mid epoch, at an epoch's end, at the end and beyond it."""
    whole = full(tmp_path / "whole")
    whole.train(22)
    full(tmp_path / "parts").train(stop)
    resumed = full(tmp_path / "parts", resume=True)
    assert resumed.iteration == stop
    resumed.train(22 - stop)
    whole._take_up_last()
    resumed._take_up_last()
    assert everything(resumed) == everything(whole)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_resumes(tmp_path: Path, rule: str) -> None:
    whole = solver(update_rule=rule)
    whole.train()
    solver(update_rule=rule, checkpoint_name=tmp_path).train(8)
    resumed = solver(update_rule=rule, checkpoint_name=tmp_path, resume=True)
    resumed.train()
    assert everything(resumed) == everything(whole)


@pytest.mark.parametrize("kind", ["PCG64", "MT19937", "Philox", "SFC64"])
def test_every_kind_of_generator_resumes(tmp_path: Path, kind: str) -> None:
    def model() -> Dropped:
        net = Dropped()
        net.rng = np.random.Generator(getattr(np.random, kind)(3))
        return net

    whole = solver(model())
    whole.train()
    solver(model(), checkpoint_name=tmp_path).train(8)
    resumed = solver(model(), checkpoint_name=tmp_path, resume=True)
    resumed.train()
    assert resumed.loss_history == whole.loss_history


def test_float32_nets_of_ours_resume(tmp_path: Path) -> None:
    def net() -> FullyConnectedNet:
        return FullyConnectedNet([20, 10], 48, 3, 0.3, "batchnorm", reg=0.1, weight_scale=0.1, seed=0)

    whole = solver(net(), update_rule="adamw")
    whole.train()
    solver(net(), update_rule="adamw", checkpoint_name=tmp_path).train(9)
    resumed = solver(net(), update_rule="adamw", checkpoint_name=tmp_path, resume=True)
    resumed.train()
    assert everything(resumed) == everything(whole)


def test_a_run_resumed_from_another_folder_leaves_that_one_alone(tmp_path: Path) -> None:
    solver(checkpoint_name=tmp_path / "old").train(8)
    before = sorted(path.name for path in (tmp_path / "old").iterdir())
    ours = solver(checkpoint_name=tmp_path / "new", resume=tmp_path / "old")
    ours.train()
    assert sorted(path.name for path in (tmp_path / "old").iterdir()) == before
    assert load_checkpoint(tmp_path / "new").iteration == 18


def test_true_begins_afresh_where_there_is_nothing_and_a_path_does_not(tmp_path: Path) -> None:
    ours = solver(checkpoint_name=tmp_path, resume=True)
    assert ours.iteration == 0
    with pytest.raises(
        CheckpointError, match=f"there is no checkpoint at '{tmp_path}': it has no state.json"
    ):
        solver(resume=tmp_path)


def test_a_finished_run_gets_its_best_parameters_again(tmp_path: Path) -> None:
    settings = {"optim_config": {"learning_rate": 2.0}, "num_epochs": 8}
    ours = solver(Normed(), checkpoint_name=tmp_path, **settings)
    ours.train()
    again = solver(Normed(), resume=tmp_path, **settings)
    again.train()
    np.testing.assert_array_equal(again.model.params["W"], ours.model.params["W"])
    assert not np.array_equal(again.model.params["W"], again._last[0]["W"])


def test_a_finished_run_can_be_made_longer(tmp_path: Path) -> None:
    longer = solver(Normed(), num_epochs=5)
    longer.train()
    solver(Normed(), num_epochs=2, checkpoint_name=tmp_path).train()
    resumed = solver(Normed(), num_epochs=5, resume=tmp_path)
    resumed.train()
    assert resumed.loss_history == longer.loss_history


KILLED = """
import sys, time
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from training.test_resume import full
last = int(sys.argv[2]) + 3  # where it waits to be killed, if it was not before
hold = lambda record: time.sleep(600 if record["iteration"] == last else 0.01)
full(Path(sys.argv[1]), num_epochs=4, logger=hold).train()
"""


@pytest.mark.parametrize("wait_for", [4, 12])
def test_kill_9_in_mid_epoch(tmp_path: Path, wait_for: int) -> None:
    """Another process is killed while it trains, some time after a checkpoint in the middle of an epoch."""
    folder, path = tmp_path / "run", str(Path(__file__).parents[1])
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder), str(wait_for), path])
    try:
        deadline = time.monotonic() + 300
        while not list(folder.glob(f"arrays-{wait_for}-*")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.001)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    resumed = full(folder, num_epochs=4, resume=True)
    assert resumed.iteration in (
        wait_for - 4,
        wait_for,
    )  # killed before, or after state.json named the arrays
    resumed.train()
    whole = full(tmp_path / "whole", num_epochs=4)
    whole.train()
    for ours in (whole, resumed):
        ours._take_up_last()
    assert everything(resumed) == everything(whole)


class TestCtrlC:
    def test_it_takes_effect_after_the_iteration_and_a_checkpoint(self, tmp_path: Path) -> None:
        whole = full(tmp_path / "whole")
        whole.train()

        def press(record: dict) -> None:
            if record["event"] == "iteration" and record["iteration"] == 12:
                os.kill(os.getpid(), signal.SIGINT)  # before the check of accuracy at the epoch's end

        pressed = full(tmp_path / "run", logger=press, checkpoint_every=100)
        with pytest.raises(KeyboardInterrupt):
            pressed.train()
        assert len(pressed.val_acc_history) == 1 + 2
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        resumed = full(tmp_path / "run", resume=True, checkpoint_every=4)
        assert resumed.iteration == 12
        resumed.train()
        assert everything(resumed) == everything(whole)

    def test_a_second_one_takes_effect_at_once(self) -> None:
        class Pressed(Linear):
            def loss(self, X, y=None):
                if y is not None:
                    os.kill(os.getpid(), signal.SIGINT)
                    os.kill(os.getpid(), signal.SIGINT)
                return super().loss(X, y)

        ours = solver(Pressed())
        with pytest.raises(KeyboardInterrupt):
            ours.train()
        assert ours.iteration == 0

    @pytest.mark.parametrize("when", ["loss", "accuracy"])
    def test_an_interrupt_that_is_not_held_leaves_a_run_that_can_go_on(
        self, tmp_path: Path, when: str
    ) -> None:
        """As in a program whose own handler raises it in the middle of a step, or of a check."""
        armed = True

        class Interrupted(Normed):
            def loss(self, X, y=None):
                nonlocal armed
                result = super().loss(X, y)
                if armed and ours.iteration == 6 and (y is None) == (when == "accuracy"):
                    armed = False
                    raise KeyboardInterrupt
                return result

        whole = full(tmp_path / "whole")
        whole.train()
        ours = full(tmp_path / "run")
        ours.model = Interrupted()
        with pytest.raises(KeyboardInterrupt):
            ours.train()
        resumed = full(tmp_path / "run", resume=True)
        assert resumed.iteration == 6
        resumed.train()
        assert everything(resumed) == everything(whole)

    def test_a_program_keeps_its_own_handler(self) -> None:
        caught = []
        before = signal.signal(signal.SIGINT, lambda *_: caught.append(1))
        try:
            ours = solver(logger=lambda record: os.kill(os.getpid(), signal.SIGINT))
            ours.train(2)
        finally:
            signal.signal(signal.SIGINT, before)
        assert len(caught) == 1 + 2 + 1  # start, two iterations, accuracy
        assert ours.iteration == 2


DIFFERENT = [
    ({"batch_size": 12}, "was written with batch_size=10, but this Solver has 12"),
    ({"update_rule": "sgd_momentum"}, "was written with optim_config="),
    (
        {"optim_config": {"learning_rate": 0.1}},
        r"optim_config=\{'learning_rate': 0.05, 'weight_decay': 0.0, .*\}, but this Solver has",
    ),
    ({"lr_decay": 0.5}, "was written with lr_decay=1.0, but this Solver has 0.5"),
    (
        {"schedule": "cosine"},
        r"written with schedule='constant', but this Solver has 'cosine\(final=0.0\)'",
    ),
    ({"ema": 0.9}, "was written with ema=None, but this Solver has 0.9"),
    ({"data": blobs(n=61)}, r"was written with training data of labels_crc32=\d+, but these have \d+"),
    ({"data": blobs(seed=1)}, r"was written with training data of labels_crc32"),
    ({"model": Linear(features=48, classes=4)}, r"parameter 'W' with shape \(48, 3\) and float64, but this"),
    (
        {"model": Linear(dtype=np.float32)},
        r"shape \(48, 3\) and float64, but this model's has \(48, 3\) and float32",
    ),
    ({"model": Normed()}, "has no parameter 'gamma', which this model has"),
    ({"model": Dropped()}, "holds no state of model.rng, but this model has one"),
    (
        {"preprocess": Standardize(np.zeros((3, 4, 4)), dtype=np.float64)},
        "was written with another preprocess: 'mean' differs",
    ),
]


@pytest.mark.parametrize(("change", "message"), DIFFERENT)
def test_a_checkpoint_of_another_run_is_refused_and_nothing_is_changed(
    tmp_path: Path, change: dict, message: str
) -> None:
    solver(checkpoint_name=tmp_path).train(8)
    model = change.get("model", Linear())
    before = {name: w.copy() for name, w in model.params.items()}
    with pytest.raises(CheckpointError, match=message) as refusal:
        solver(**{"model": model} | change, resume=tmp_path)
    assert str(refusal.value).startswith(f"checkpoint '{tmp_path}' ")
    for name, w in model.params.items():
        np.testing.assert_array_equal(w, before[name])


def test_models_that_say_what_they_are_must_be_alike(tmp_path: Path) -> None:
    def net(**settings: Any) -> FullyConnectedNet:
        return FullyConnectedNet([20], 48, 3, **settings)

    solver(net(reg=0.1, seed=0), checkpoint_name=tmp_path).train(2)
    with pytest.raises(CheckpointError, match=r"by a model with reg=0.1, but this one has 0.2"):
        solver(net(reg=0.2, seed=0), resume=tmp_path)
    solver(net(reg=0.1, seed=7), resume=tmp_path)  # another beginning is no other model


def test_other_kinds_of_generator_and_numbers_of_layers(tmp_path: Path) -> None:
    solver(Normed(), checkpoint_name=tmp_path).train(2)
    other = Normed()
    other.rng = np.random.Generator(np.random.MT19937(0))
    with pytest.raises(CheckpointError, match=r"holds the state of a PCG64, but model.rng is a MT19937"):
        solver(other, resume=tmp_path)
    other = Normed()
    other.bn_params.append({})
    with pytest.raises(
        CheckpointError, match=r"running statistics of 1 batch-norm layers, .* this model has 2"
    ):
        solver(other, resume=tmp_path)
    with pytest.raises(CheckpointError, match="has parameter 'gamma', which this model lacks"):
        solver(Dropped(), resume=tmp_path)


def change_state(folder: Path, change: Any) -> None:
    path = folder / "state.json"
    header = json.loads(path.read_text())
    change(header["state"])
    path.write_text(json.dumps(header))


def test_a_checkpoint_older_than_settings_of_the_rule_had_their_defaults(tmp_path: Path) -> None:
    """Runs that began before rules had l2 and clip_value go on."""
    whole, first = solver(), solver(checkpoint_name=tmp_path)
    whole.train(8)
    first.train(5)

    def make_older(state: Any) -> None:
        for config in (state["settings"]["optim_config"], *state["optim_configs"].values()):
            for key in OF_ALL:
                del config[key]

    change_state(tmp_path, make_older)
    second = solver(resume=tmp_path)
    second.train(3)
    np.testing.assert_array_equal(second.model.params["W"], whole.model.params["W"])
    with pytest.raises(CheckpointError, match=r"'l2': 0.0, .*, but this Solver has .*'l2': 0.5"):
        solver(resume=tmp_path, optim_config={"learning_rate": 0.05, "l2": 0.5})


TWISTS = [
    lambda state: state.pop("params"),
    lambda state: state.pop("seed"),
    lambda state: state.update(params=[1, 2]),
    lambda state: state.update(params={"W": 1, "b": 2}),
    lambda state: state.update(iteration="seven"),
    lambda state: state.update(loss_history=None),
    lambda state: state.update(optim_configs={"W": {}}),
    lambda state: state.update(optim_configs=7),
    lambda state: state.update(settings={}),
    lambda state: state.update(statistics=None),
    lambda state: state.update(model_generator={"bit_generator": "PCG64"}),
    lambda state: state.update(best_params=None),
    lambda state: state.update(average={"params": {}}),
    lambda state: state.update(data="none"),
    lambda state: state.update(preprocess=[3]),
]


@pytest.mark.parametrize("twist", TWISTS)
def test_a_state_that_makes_no_sense_is_one_sentence_and_nothing_is_changed(
    tmp_path: Path, twist: Any
) -> None:
    solver(Normed(), checkpoint_name=tmp_path).train(8)
    change_state(tmp_path, twist)
    model = Normed()
    before = plain(model.params), model.rng.bit_generator.state, dict(model.bn_params[0])
    with pytest.raises(CheckpointError, match=f"checkpoint '{tmp_path}'") as refusal:
        solver(model, resume=tmp_path)
    assert "\n" not in str(refusal.value)
    assert (plain(model.params), model.rng.bit_generator.state, dict(model.bn_params[0])) == before


def test_scale_is_a_preprocess_without_arrays(tmp_path: Path) -> None:
    solver(preprocess=scale, checkpoint_name=tmp_path).train(1)
    assert load_checkpoint(tmp_path).preprocess is None


def test_parameters_are_in_c_order_as_a_checkpoint_gives_them_back() -> None:
    """The memory order of a matrix decides in which order a product of it is summed."""
    ours = solver(
        update_rule=lambda w, dw, config: (np.asfortranarray(w - 0.1 * dw), config), optim_config=None
    )
    ours.train(1)
    assert ours.model.params["W"].flags.c_contiguous
