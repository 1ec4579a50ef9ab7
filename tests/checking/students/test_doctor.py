"""The gradient doctor against the suite: what it must catch, what it must name, when it must be silent."""

from __future__ import annotations

import pytest
from checking.students.score import Result, examine, table
from checking.students.suite import STUDENTS


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return [examine(student) for student in STUDENTS]


def buggy(results: list[Result]) -> list[Result]:
    return [r for r in results if r.student.buggy]


def test_no_bug_is_missed(results: list[Result]) -> None:
    assert [str(r.student) for r in buggy(results) if not r.caught] == []


def test_nine_of_ten_bugs_are_named_in_the_first_finding(results: list[Result]) -> None:
    named = sum(r.named for r in buggy(results))
    assert named >= 0.9 * len(buggy(results)), table(results)


def test_without_answers_85_of_100_bugs_are_caught(results: list[Result]) -> None:
    caught = sum(r.caught_by_laws for r in buggy(results))
    assert caught >= 0.85 * len(buggy(results)), table(results)


def test_nothing_right_is_called_wrong(results: list[Result]) -> None:
    assert [str(r.student) for r in results if r.false_alarm] == []
