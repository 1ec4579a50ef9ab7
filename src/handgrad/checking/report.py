"""What the doctor says: findings, a report for one function, and how they are printed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from .words import HINTS, TITLES

WEIGHT = {"broken": 3, "wrong": 2, "doubtful": 1}
_COLOUR = {"right": "32", "wrong": "31", "broken": "31", "doubtful": "33"}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    mistake : str
        An id such as ``'mean-term-missing'``; `handgrad.checking.words` lists them all.
    where : str
        Which output, and where in it.
    evidence : str
        One line with shape and figure.
    hint : str
        What to look at; never the code.
    severity : {'wrong', 'doubtful', 'broken'}
    """

    mistake: str
    where: str
    evidence: str
    hint: str = ""
    severity: str = "wrong"

    @property
    def title(self) -> str:
        """What is wrong, in words."""
        return TITLES.get(self.mistake, self.mistake)

    def __str__(self) -> str:
        return f"{self.where}: {self.title}. {self.evidence}"


def finding(mistake: str, where: str, evidence: str, hint: str = "", severity: str = "wrong") -> Finding:
    """Return a finding with the usual hint of its mistake where none is given."""
    return Finding(mistake, where, evidence, hint or HINTS.get(mistake, ""), severity)


@dataclass
class Report:
    """The doctor's answer for one function or one forward and backward pair.

    Attributes
    ----------
    name : str
    findings : list of Finding
        Most important first.
    notes : list of str
        What is worth knowing and is no mistake: a choice at a kink, a setting that is refused.
    """

    name: str
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """'right', 'wrong', 'doubtful' or 'broken': the gravest finding decides.

        'broken' means that the function could not be judged.
        """
        return max((f.severity for f in self.findings), key=WEIGHT.__getitem__, default="right")

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "findings": [asdict(f) | {"title": f.title} for f in self.findings],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return self.text()

    def text(self, *, colour: bool = False) -> str:
        """Return the report for a person."""
        paint = _painter(colour)
        lines = [f"{paint(self.name, '1')}: {paint(self.verdict, _COLOUR[self.verdict])}"]
        for number, found in enumerate(self.findings, 1):
            lines.append(f"  {number}. {paint(f'{found.where}: {found.title}', '1')}  [{found.mistake}]")
            lines.append(f"     {found.evidence}")
            if found.hint:
                lines.append(f"     {paint('hint:', '36')} {found.hint}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)


def _painter(colour: bool) -> Any:
    return (lambda text, code: f"\033[{code}m{text}\033[0m") if colour else (lambda text, code: text)


def show(reports: Iterable[Report], stream: Any = None) -> None:
    """Print reports and a closing line, in colour on a terminal."""
    stream = stream or sys.stdout
    reports = list(reports)
    colour = bool(getattr(stream, "isatty", lambda: False)())
    for report in reports:
        print(report.text(colour=colour), file=stream)
    bad = sum(report.verdict != "right" for report in reports)
    count = f"{len(reports)} function{'s' if len(reports) != 1 else ''} checked"
    print(f"{count}: {'all right' if not bad else f'{bad} with findings'}", file=stream)
