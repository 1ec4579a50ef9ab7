"""Run the gradient doctor on every submission and print how it did.

``PYTHONPATH=src:tests python -m checking.students.score [part of a name or a family ...]``

Caught: the verdict is not 'right'. Named: the first finding has a word that the label accepts. By laws:
caught by the mode that knows no answers. A false alarm: a right submission whose verdict is not 'right' in
one of the modes. Below the table stands what was missed, misnamed or accused wrongly.
"""

from __future__ import annotations

import inspect
import sys
import time
from dataclasses import dataclass
from typing import Any

from checking.students.student import Student
from checking.students.suite import (
    FIFTH,
    FIRST,
    FOURTH,
    LOSSES,
    RULES,
    SECOND,
    SIXTH,
    STUDENTS,
    THIRD,
    family,
)
from handgrad import checking

BATCHES = {
    "first batch": FIRST,
    "second batch": SECOND,
    "third batch": THIRD,
    "fourth batch": FOURTH,
    "fifth batch": FIFTH,
    "sixth batch": SIXTH,
    "all": STUDENTS,
}


@dataclass(frozen=True)
class Result:
    """What the doctor said about one submission, with answers and by laws alone."""

    student: Student
    verdict: str
    found: tuple[str, ...]
    verdict_by_laws: str
    found_by_laws: tuple[str, ...]
    seconds: float

    @property
    def caught(self) -> bool:
        return self.verdict in ("wrong", "doubtful", "broken")

    @property
    def named(self) -> bool:
        return self.caught and self.found[:1] != () and self.found[0] in self.student.mistakes

    @property
    def caught_by_laws(self) -> bool:
        return self.verdict_by_laws in ("wrong", "doubtful", "broken")

    @property
    def false_alarm(self) -> bool:
        return not self.student.buggy and {self.verdict, self.verdict_by_laws} != {"right"}


def examine(student: Student) -> Result:
    """Let the doctor see a submission in both modes."""
    begin = time.perf_counter()
    verdict, found = _diagnose(student, answers=True)
    seconds = time.perf_counter() - begin
    return Result(student, verdict, found, *_diagnose(student, answers=False), seconds)


def _diagnose(student: Student, *, answers: bool) -> tuple[str, tuple[str, ...]]:
    try:
        report = _report(student, answers)
    except Exception as error:  # a doctor who falls ill has missed the patient
        return "crash", (f"{type(error).__name__}: {error}",)
    return report.verdict, tuple(finding.mistake for finding in report.findings)


def _report(student: Student, answers: bool) -> Any:
    if student.like in LOSSES:
        check = checking.check_loss
    elif student.like in RULES:
        check = checking.check_rule
    else:
        return checking.check(student.forward, student.backward, like=student.like, answers=answers)
    options = {"answers": answers} if "answers" in inspect.signature(check).parameters else {}
    return check(student.forward, like=student.like, **options)


def table(results: list[Result]) -> str:
    """Return the table by family, the totals and the misses, as text."""
    headings = list(dict.fromkeys(family(r.student) for r in results))
    lines = [f"{'family':20}{'bugs':>6}{'caught':>8}{'named':>7}{'by laws':>9}{'right':>7}{'alarms':>8}"]
    lines += [_row(name, [r for r in results if family(r.student) == name]) for name in headings]
    for name, batch in BATCHES.items():
        lines.append(_row(name, [r for r in results if r.student in batch]))
    lines += ["", *_misses(results)]
    slowest = max(results, key=lambda r: r.seconds)
    total = sum(r.seconds for r in results)
    lines.append(f"{total:.1f} s with answers; slowest {slowest.student}, {slowest.seconds:.1f} s")
    return "\n".join(lines)


def _row(name: str, results: list[Result]) -> str:
    buggy = [r for r in results if r.student.buggy]
    caught, named, laws = (sum(getattr(r, k) for r in buggy) for k in ("caught", "named", "caught_by_laws"))
    alarms = sum(r.false_alarm for r in results)
    right = len(results) - len(buggy)
    return f"{name:20}{len(buggy):6}{caught:8}{named:7}{laws:9}{right:7}{alarms:8}"


def _misses(results: list[Result]) -> list[str]:
    lines = []
    for r in results:
        expected, got = " | ".join(sorted(r.student.mistakes)), ", ".join(r.found[:3]) or "nothing"
        if r.false_alarm:
            by_laws = ", ".join(r.found_by_laws[:3]) or "nothing"
            lines.append(
                f"FALSE ALARM  {r.student}: {r.verdict} ({got}); by laws {r.verdict_by_laws} ({by_laws})"
            )
        elif r.student.buggy and not r.caught:
            lines.append(f"MISSED       {r.student}: expected {expected}, got {r.verdict} ({got})")
        elif r.student.buggy and not r.named:
            lines.append(f"misnamed     {r.student}: expected {expected}, got {got}")
        if r.student.buggy and not r.caught_by_laws:
            hope = "visible" if r.student.visible_to_laws else "hardly visible"
            lines.append(f"not by laws  {r.student} ({hope}): expected {expected}, got {r.verdict_by_laws}")
    return sorted(lines)


def main(words: list[str]) -> None:
    """Examine all submissions, or those whose name or family holds one of the words."""
    chosen = [s for s in STUDENTS if not words or any(w in s.name or w in family(s) for w in words)]
    print(table([examine(student) for student in chosen]))


if __name__ == "__main__":
    main(sys.argv[1:])
