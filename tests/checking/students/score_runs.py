"""Run the training doctor on every run and print how it did.

``PYTHONPATH=src:tests python -m checking.students.score_runs``

A verdict is right when the first finding has a word that the run's label accepts, and for a healthy run when
there is no finding.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from checking.students.runs import RUNS, Run
from handgrad.checking import examine_model


class Result(NamedTuple):
    """What the training doctor said about one run."""

    run: Run
    verdict: str
    found: tuple[str, ...]
    seconds: float

    @property
    def right(self) -> bool:
        if self.run.verdicts:
            return bool(self.found) and self.found[0] in self.run.verdicts
        return self.verdict == "right" and not self.found


def examine(run: Run) -> Result:
    """Let the training doctor see a run."""
    model, data, settings = run.make()
    begin = time.perf_counter()
    with np.errstate(all="ignore"):
        settings = {name: settings[name] for name in ("update_rule", "optim_config")}
        report = examine_model(model, data, **settings)
    found = tuple(finding.mistake for finding in report.findings)
    return Result(run, report.verdict, found, time.perf_counter() - begin)


def table(results: list[Result]) -> str:
    """Return a line for each run, and the totals, as text."""
    lines = [
        f"{'ok' if r.right else 'NO':4}{r.run.name:24}{' | '.join(sorted(r.run.verdicts)) or 'healthy':60}"
        f"{', '.join(r.found) or r.verdict} ({r.seconds:.1f} s)"
        for r in results
    ]
    sick = [r for r in results if r.run.verdicts]
    alarms = sum(not r.right for r in results if not r.run.verdicts)
    lines.append(f"{sum(r.right for r in sick)} of {len(sick)} sabotages named, {alarms} false alarms")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table([examine(run) for run in RUNS]))
