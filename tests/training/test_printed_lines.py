"""The courses' lines, to the letter and at their times, against a re-enactment of the courses' loop."""

from __future__ import annotations

import numpy as np
import pytest
from training.toys import Linear, blobs, scale, solver

from handgrad.training.feeding import Batches
from handgrad.training.optim import sgd_momentum


def reenact(seed: int, num_epochs: int, lr_decay: float, print_every: int) -> list[str]:
    """What the courses' Solver does, told in the order of its description, on our order of images."""
    data, model, lines = blobs(), Linear(), []
    X, X_val = scale(data["X_train"]), scale(data["X_val"])
    batches, per_epoch, epoch = Batches(data["X_train"], data["y_train"], 10), 6, 0
    configs = {name: {"learning_rate": 0.05, "momentum": 0.9} for name in model.params}
    total = num_epochs * per_epoch
    for t in range(total):
        chosen = batches.indices(t, seed)
        loss, grads = model.loss(X[chosen], data["y_train"][chosen])
        for name in model.params:
            model.params[name], configs[name] = sgd_momentum(model.params[name], grads[name], configs[name])
        if t % print_every == 0:
            lines.append("(Iteration %d / %d) loss: %f" % (t + 1, total, loss))  # noqa: UP031 - as there
        if (t + 1) % per_epoch == 0:
            epoch += 1
            for config in configs.values():
                config["learning_rate"] *= lr_decay
        if t == 0 or t == total - 1 or (t + 1) % per_epoch == 0:
            right = [
                np.mean(model.loss(images).argmax(axis=1) == labels)
                for images, labels in ((X, data["y_train"]), (X_val, data["y_val"]))
            ]
            lines.append(
                "(Epoch %d / %d) train acc: %f; val_acc: %f" % (epoch, num_epochs, *right)  # noqa: UP031
            )
    return lines


@pytest.mark.parametrize(("num_epochs", "print_every"), [(1, 10), (3, 10), (3, 1), (4, 5)])
def test_the_courses_lines_to_the_letter(capsys, num_epochs: int, print_every: int) -> None:
    ours = solver(
        update_rule="sgd_momentum",
        num_epochs=num_epochs,
        lr_decay=0.7,
        print_every=print_every,
        num_train_samples=None,
        verbose=True,
    )
    ours.train()
    printed = capsys.readouterr()
    assert printed.out.splitlines() == reenact(ours._seed, num_epochs, 0.7, print_every)
    assert printed.err == ""


def test_the_form_of_the_lines(capsys) -> None:
    solver(num_epochs=1, verbose=True).train()
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("(Iteration 1 / 6) loss: 1.")
    assert second.startswith("(Epoch 0 / 1) train acc: 0.")
    assert "; val_acc: 0." in second
    assert all(len(number.split(".")[1]) == 6 for number in (first.split()[-1], second.split()[-1]))


def test_one_iteration_an_epoch_has_no_line_of_epoch_0(capsys) -> None:
    solver(batch_size=60, num_epochs=1, verbose=True).train()
    assert [line[:13] for line in capsys.readouterr().out.splitlines()] == ["(Iteration 1 ", "(Epoch 1 / 1)"]


def test_quiet(capsys) -> None:
    solver(verbose=False).train()
    assert capsys.readouterr().out == ""


def test_a_run_in_parts_prints_the_lines_of_one(capsys) -> None:
    solver(verbose=True).train()
    whole = capsys.readouterr().out
    parts = solver(verbose=True)
    for n in (1, 4, 5, None):
        parts.train(n)
    assert capsys.readouterr().out == whole
