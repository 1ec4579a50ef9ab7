"""A run with every trick on, killed -9 at the worst of moments, goes on to the same bits.

The process kills itself, so that the moment is known: in the middle of a step, on the thread that prepares
the next batch, and while a checkpoint is written.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from training.test_resume import everything
from training.toys import blobs

from handgrad.data import Standardize, augment
from handgrad.models import ConvNet
from handgrad.training import Lookahead, Solver

SPEC = (
    "conv2-8(pad=0) - gelu - conv3-8(bias=no) - bn(gamma=no, momentum=0.6) - relu - globalpool - "
    "dropout0.2 - affine"
)


def run(folder: Path, **more: object) -> Solver:
    """24 iterations, 6 an epoch; a checkpoint after every fifth: nearly all in mid epoch."""
    data = blobs()
    prepare = Standardize.fit(data["X_train"], per="channel", scale=True)
    net = ConvNet(SPEC, (3, 4, 4), 3, init="dirac", label_smoothing=0.1, seed=0)
    net.whiten(prepare(data["X_train"]))
    return Solver(
        net,
        data,
        update_rule="sgd_nesterov_momentum",
        optim_config={"learning_rate": 0.05, "momentum": 0.85, "weight_decay": 0.02},
        param_config={
            "W1": {"freeze_after": 0},
            "b1": {"freeze_after": 2},
            "beta*": {"lr_factor": 8, "weight_decay": 0},
        },
        schedule="triangle(0.23, 0.2, 0.07)",
        augment=augment.parse("alternating_flip, reflect_crop1, cutout1"),
        preprocess=prepare,
        ema=0.9,
        lookahead=Lookahead(every=3, alpha=0.3, power=3),
        mixup=0.3,
        image_side={0: 3, 2: 4},
        recalibrate=2,
        num_snapshots=3,
        clip_norm=1.0,
        background=True,
        batch_size=10,
        num_epochs=4,
        seed=3,
        verbose=False,
        checkpoint_name=folder,
        checkpoint_every=5,
        **more,
    )


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from training.test_kill import run

def killing(function, call):
    calls = 0
    def counted(*arguments, **settings):
        nonlocal calls
        calls += 1
        result = function(*arguments, **settings)
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return counted

ours = run(Path(sys.argv[1]))
moment = sys.argv[2]
if moment == "step":  # after backward, before the update; accuracy is asked for through another door
    loss, scores = killing(ours.model.loss, 18), ours.model.loss
    ours.model.loss = lambda X, y=None: scores(X) if y is None else loss(X, y)
elif moment == "batch":
    ours._batches.at = killing(ours._batches.at, 14)
else:  # the arrays of the fourth checkpoint are there, its state.json is not
    from handgrad.training import checkpoint
    checkpoint.atomic_write = killing(checkpoint.atomic_write, 2 * 3 + 1)
ours.train()
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Solver:
    """The run that was not stopped."""
    ours = run(tmp_path_factory.mktemp("whole"))
    ours.train()
    ours._take_up_last()
    return ours


@pytest.mark.parametrize(("moment", "goes_on_after"), [("step", 10), ("batch", 10), ("checkpoint", 15)])
def test_kill_9(tmp_path: Path, whole: Solver, moment: str, goes_on_after: int) -> None:
    arguments = [str(tmp_path), moment, str(Path(__file__).parents[1])]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    resumed = run(tmp_path, resume=True)
    assert resumed.iteration == goes_on_after
    resumed.train()
    resumed._take_up_last()
    assert everything(resumed) == everything(whole)


def test_every_trick_is_on(whole: Solver) -> None:
    """None of them may be one that does nothing in this run."""
    tricks = (
        "augment",
        "ema",
        "lookahead",
        "param_config",
        "mixup",
        "image_side",
        "recalibrate",
        "clip_norm",
    )
    assert all(getattr(whole, name) for name in (*tricks, "num_snapshots", "background"))
    X, soft = whole._batches.at(3, whole._seed)
    assert X.shape == (10, 3, 3, 3)
    assert (np.sort(soft, axis=1)[:, -1] < 1).any()
    assert len(whole.snapshots) == 3
    slow = whole._averages.lookahead.params
    assert not np.array_equal(slow["W2"], whole._averages.average.params["W2"])
