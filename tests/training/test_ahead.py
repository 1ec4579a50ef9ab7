"""Batches prepared on a second thread: the same numbers, errors that surface, and no threads left."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training.test_resume import everything, full
from training.toys import Linear, solver

from handgrad.data import augment
from handgrad.training.ahead import Ahead


def helpers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("handgrad batch")]


def wait_for_helpers() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("handgrad batch"):
            thread.join(60)


def test_it_works_one_call_ahead_on_another_thread() -> None:
    made: list[tuple[int, bool]] = []

    def make(t: int) -> int:
        made.append((t, threading.current_thread() is threading.main_thread()))
        return 10 * t

    ahead = Ahead(make)
    assert ahead.get(0, last=2) == 0
    wait_for_helpers()
    assert made == [(0, True), (1, False)]
    assert [ahead.get(1, last=2), ahead.get(2, last=2)] == [10, 20]
    assert made == [(0, True), (1, False), (2, False)]
    assert helpers() == []


def test_what_was_prepared_in_vain_is_dropped() -> None:
    ahead = Ahead(lambda t: t)
    assert [ahead.get(t, last=99) for t in (0, 1, 7, 8, 8, 3)] == [0, 1, 7, 8, 8, 3]


def test_an_error_is_raised_where_its_result_is_asked_for() -> None:
    def make(t: int) -> int:
        if t == 1:
            raise ValueError("no batch today")
        return t

    ahead = Ahead(make)
    assert ahead.get(0, last=9) == 0
    wait_for_helpers()
    with pytest.raises(ValueError, match="no batch today"):
        ahead.get(1, last=9)
    assert ahead.get(2, last=2) == 2


def test_a_run_is_the_same_to_the_last_bit(tmp_path: Path) -> None:
    plain, ours = full(tmp_path / "plain", background=False), full(tmp_path / "ours", background=True)
    plain.train(13)
    ours.train(13)
    assert everything(ours) == everything(plain)
    ours.train()
    assert helpers() == []


def test_steps_beyond_the_end_and_single_steps() -> None:
    plain, ours = solver(), solver(background=True)
    plain.train(22)
    for _ in range(22):
        ours.step()
    assert ours.loss_history == plain.loss_history


def test_a_failing_augmentation_ends_the_run_at_its_iteration_and_it_can_go_on() -> None:
    armed = True

    def failing(batch: np.ndarray, rng: np.random.Generator, place: Any) -> np.ndarray:
        nonlocal armed
        if armed and place.epoch == 1:
            armed = False
            raise RuntimeError("the disk is gone")
        return batch

    failing.needs_place = True  # type: ignore[attr-defined]
    ours, plain = solver(augment=failing, background=True), solver()
    with pytest.raises(RuntimeError, match="the disk is gone"):
        ours.train()
    assert ours.iteration == 6
    wait_for_helpers()
    assert helpers() == []
    ours.train()
    plain.train()
    assert ours.loss_history == plain.loss_history


def test_a_failing_step_leaves_no_thread_and_no_stale_batch() -> None:
    class Failing(Linear):
        def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
            if y is not None and ours.iteration == 4 and armed.pop():
                raise RuntimeError("out of memory")
            return super().loss(X, y)

    armed = [False, True]
    settings = {"augment": augment.flip(), "background": True}
    ours, plain = solver(Failing(), **settings), solver(augment=augment.flip())
    with pytest.raises(RuntimeError, match="out of memory"):
        ours.train()
    wait_for_helpers()
    assert helpers() == []
    ours.train()
    plain.train()
    assert ours.loss_history == plain.loss_history
