"""The checklist: one verdict and one sentence for each point, and the findings among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from handgrad.checking.report import Finding, Report
from handgrad.checking.training.words import HINTS, RANK, TITLES

RIGHT, WRONG, SKIPPED = "right", "wrong", "not examined"

_CAUSE_FIRST = "what stands first is often the cause of what follows: mend it, and ask again"


class TrainingFinding(Finding):
    """A finding with a title of the training doctor's own vocabulary."""

    @property
    def title(self) -> str:
        """What is wrong, in words."""
        return TITLES[self.mistake]


@dataclass(frozen=True)
class Check:
    """One point of the checklist.

    Attributes
    ----------
    name : str
        What was looked at.
    verdict : {'right', 'wrong', 'not examined'}
    sentence : str
        What was seen, with figures, or why it could not be looked at.
    finding : Finding or None
    """

    name: str
    verdict: str
    sentence: str
    finding: Finding | None = None

    def __str__(self) -> str:
        return f"{self.verdict:>12}  {self.name}: {self.sentence}"


def passed(name: str, sentence: str) -> Check:
    """Return a point that is right."""
    return Check(name, RIGHT, sentence)


def skipped(name: str, reason: str) -> Check:
    """Return a point that was not examined."""
    return Check(name, SKIPPED, reason)


def failed(name: str, mistake: str, where: str, evidence: str, severity: str = "wrong") -> Check:
    """Return a point that is wrong, with its finding."""
    found = TrainingFinding(mistake, where, evidence, HINTS[mistake], severity)
    return Check(name, WRONG, evidence, found)


@dataclass
class TrainingReport(Report):
    """A report with the whole checklist.

    Attributes
    ----------
    checks : list of Check
        In the order in which they were made. `findings` holds those of the wrong ones, causes before what
        they lead to.
    """

    checks: list[Check] = field(default_factory=list)

    def add(self, check: Check) -> None:
        """Add a point of the checklist, and order the findings anew."""
        self.checks.append(check)
        found = [check.finding for check in self.checks if check.finding is not None]
        self.findings = sorted(found, key=lambda each: RANK[each.mistake])
        self.notes = [_CAUSE_FIRST] if len(found) > 1 else []

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON."""
        points = [{"name": c.name, "verdict": c.verdict, "sentence": c.sentence} for c in self.checks]
        return super().to_dict() | {"checks": points}

    def text(self, *, colour: bool = False) -> str:
        """Return the report for a person: findings first, then the checklist."""
        lines = [super().text(colour=colour), "", "Checklist:"]
        return "\n".join([*lines, *(f"  {check}" for check in self.checks)])
