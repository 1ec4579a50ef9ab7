"""The training doctor against the runs: sabotages named first, healthy runs left in peace."""

from __future__ import annotations

import pytest
from checking.students.runs import RUNS
from checking.students.score_runs import Result, examine, table

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return [examine(run) for run in RUNS]


def test_nine_of_ten_sabotages_are_named(results: list[Result]) -> None:
    sick = [r for r in results if r.run.verdicts]
    assert sum(r.right for r in sick) >= 0.9 * len(sick), table(results)


def test_no_healthy_run_is_accused(results: list[Result]) -> None:
    assert [str(r.run) for r in results if not r.run.verdicts and not r.right] == []
