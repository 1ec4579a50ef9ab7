"""A learner's code may do what it likes: the doctor stays silent, in time, and alive."""

from __future__ import annotations

import random
import sys
import threading
import time

import numpy as np
import pytest
from checking.wrong import course

from handgrad.checking import check, sandbox
from handgrad.checking.sandbox import Failure


def raised(function, **options):
    with pytest.raises(Failure) as caught:
        sandbox.call(function, **options)
    return caught.value


def test_results_come_through():
    assert sandbox.call(lambda a, b=2: a + b, 1) == 3


def test_prints_and_warnings_are_swallowed(capsys):
    def talks():
        print("hello")
        print("there", file=sys.stderr)
        np.log(np.zeros(1))
        return input if False else 1

    assert sandbox.call(talks) == 1
    assert capsys.readouterr() == ("", "")


def endless():
    while True:
        pass


def endless_and_deaf():
    while True:
        try:  # noqa: SIM105 - as a learner writes it
            time.sleep(0.01)
        except Exception:
            pass


@pytest.mark.parametrize("function", [endless, endless_and_deaf])
def test_endless_loops_are_stopped(function):
    begin = time.monotonic()
    failure = raised(function, limit=0.2)
    assert failure.kind == "TimeLimit"
    assert "no answer within 0.2 s" in str(failure)
    assert time.monotonic() - begin < 2


def test_endless_loops_are_stopped_in_other_threads():
    caught = []
    thread = threading.Thread(target=lambda: caught.append(raised(endless, limit=0.2)))
    thread.start()
    thread.join(5)
    assert caught[0].kind == "TimeLimit"


def test_no_alarm_is_left_behind():
    sandbox.call(lambda: 1, limit=0.05)
    time.sleep(0.1)


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: sys.exit(3), "SystemExit"),
        (lambda: np.zeros(2) @ np.zeros(3), "ValueError"),
        (lambda: input("name? "), "EOFError"),
        (lambda: endless.missing, "AttributeError"),
    ],
)
def test_errors_become_failures(function, kind):
    assert raised(function).kind == kind


def test_a_failure_knows_its_line():
    def divide():
        return 1 / 0

    assert raised(divide).line.startswith("test_sandbox.py:")
    assert raised(divide).line.endswith("return 1 / 0")


def test_an_interrupt_is_the_users():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sandbox.call(interrupted)


def test_random_state_is_put_back():
    np.random.seed(1)  # noqa: NPY002 - a learner\'s
    random.seed(1)
    expected = np.random.rand(), random.random()  # noqa: NPY002 - a learner\'s
    np.random.seed(1)  # noqa: NPY002 - a learner\'s
    random.seed(1)
    check(course.dropout_forward, course.dropout_backward)
    assert (np.random.rand(), random.random()) == expected  # noqa: NPY002 - a learner\'s


def test_a_slow_function_is_called_once(monkeypatch):
    monkeypatch.setattr(sandbox, "CALL_LIMIT", 0.2)
    monkeypatch.setattr(sandbox.call, "__kwdefaults__", {"limit": 0.2})
    begin = time.monotonic()
    report = check(course.conv_forward_naive, lambda dout, cache: endless(), "conv")
    assert report.findings[0].mistake == "raises"
    assert "no answer within" in report.findings[0].evidence
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (lambda x: x, "forward must return (out, cache), got an array of shape (4, 5)"),
        (lambda x: None, "forward must return (out, cache), got NoneType"),
        (lambda x: (None, x), "forward's out is None"),
        (lambda x: ("text", x), "forward's out must be an array of numbers, got str"),
    ],
)
def test_results_of_the_wrong_kind(forward, words):
    report = check(forward, course.relu_backward, "relu")
    assert report.verdict == "broken"
    assert words in report.findings[0].evidence


def test_too_few_gradients():
    report = check(
        course.affine_forward, lambda dout, cache: course.affine_backward(dout, cache)[:2], "affine"
    )
    assert "backward must return 3 (dx, dw, db), got 2 results" in report.findings[0].evidence
