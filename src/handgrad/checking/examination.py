"""The state of one examination: what was run, what was found, and how findings are ranked."""

from __future__ import annotations

from dataclasses import dataclass, field

from .cases import Case
from .report import Finding, finding
from .subject import Layer, Run

_PROPERTIES = (
    ("N1", "fails-for-N1"),
    ("nondividing", "fails-for-nondividing-stride"),
    ("nonsquare", "fails-for-nonsquare"),
    ("C!=F", "fails-for-C-not-F"),
)
# What is named goes first; then for which shapes it fails; then manners; then what has no name.
_LAST = {
    **dict.fromkeys(
        ("fails-for-N1", "fails-for-nondividing-stride", "fails-for-nonsquare", "fails-for-C-not-F"), 1
    ),
    **dict.fromkeys(
        ("raises", "result-aliases-input", "dtype-lost", "global-random-touched", "fails-for-fortran"), 2
    ),
    **dict.fromkeys(("input-changed", "second-call-differs", "cache-not-enough"), 2),
    "not-a-number": 3,
    "wrong-unknown": 4,
    "forward-wrong": 4,
}


@dataclass
class Examination:
    """The state of one examination."""

    subject: Layer
    layer: str | None
    cases: list[Case]
    answers: bool
    seed: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    named: set[str] = field(default_factory=set)

    def add(self, mistake: str, where: str, evidence: str, hint: str = "", severity: str = "wrong") -> None:
        """Note a finding; the same mistake in a further output is told with the first."""
        for k, old in enumerate(self.findings):
            if old.mistake == mistake and mistake not in ("raises", "factor"):
                if where not in old.where.split(", "):
                    self.findings[k] = Finding(
                        mistake, f"{old.where}, {where}", old.evidence, old.hint, old.severity
                    )
                return
        self.findings.append(finding(mistake, where, evidence, hint, severity))

    def importance(self, one: Finding) -> tuple[int, bool]:
        """Put what is named before what is not, and what is certain before what is doubtful."""
        rank = 0 if one.mistake in self.named else _LAST.get(one.mistake, 0)
        return rank, one.severity == "doubtful"


def property_of(bad: list[Run], good: list[Run]) -> str:
    """Return the mistake whose property all bad cases have and no good one, or ''."""
    for name, mistake in _PROPERTIES:
        if all(name in r.case.properties for r in bad) and not any(name in r.case.properties for r in good):
            return mistake
    return ""
