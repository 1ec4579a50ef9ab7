"""The state of one examination: what was run, what was found, and how findings are ranked."""

from __future__ import annotations

from dataclasses import dataclass, field

from .cases import Case
from .report import Finding, finding
from .subject import Layer, Run

# What all wrong cases have and no right one: the mistake that it points at, and the words for it.
_PROPERTIES = (
    ("N1", "fails-for-N1", "a batch of one"),
    ("nondividing", "fails-for-nondividing-stride", "a stride that does not divide"),
    ("nonsquare", "fails-for-nonsquare", "height and width that differ"),
    ("C!=F", "fails-for-C-not-F", "channels and filters that differ in number"),
    ("N!=D", "fails-for-nonsquare", "samples and features that differ in number"),
    ("overlap", "overwrite-overlap", "windows that overlap"),
    (
        "window!=stride",
        "stride-missing",
        "a square window that tiles the image, and a stride of another size",
    ),
    ("zeros", "fails-for-zeros", "zeros in x"),
    ("no seed", "fails-without-seed", "no seed given"),
    ("odd width", "fails-for-odd-size", "an odd padded width"),
    ("odd height", "fails-for-odd-size", "an odd padded height"),
    ("stride>1", "stride-missing", "a stride above 1"),
    ("test", "wrong-at-test", "test mode"),
    ("pad", "fails-with-pad", "padding"),
    ("no pad", "fails-without-pad", "no padding"),
    ("N=D", "fails-for-square", "as many samples as features"),
    ("no running", "fails-at-first", "no running statistics given"),
    ("ties", "fails-at-ties", "ties or a kink"),
    ("large", "fails-for-large", "large numbers"),
)
# What is named goes first; then for which shapes it fails; then manners; then what has no name.
_LAST = {
    **dict.fromkeys(
        (
            "fails-for-N1",
            "fails-for-nondividing-stride",
            "fails-for-nonsquare",
            "fails-for-C-not-F",
            "fails-for-square",
            "fails-without-pad",
            "fails-with-pad",
            "fails-at-first",
            "fails-for-zeros",
            "fails-without-seed",
            "fails-for-odd-size",
            "fails-at-ties",
            "fails-for-large",
            "wrong-at-test",
        ),
        1,
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

    def importance(self, one: Finding) -> tuple[bool, int]:
        """Put what is named before what is not, and what is certain before what is doubtful."""
        rank = 0 if one.mistake in self.named else _LAST.get(one.mistake, 0)
        return one.severity == "doubtful", rank


def property_of(bad: list[Run], good: list[Run]) -> tuple[str, str]:
    """Return the mistake whose property all bad cases have and no good one, and the property in words.

    Both are '' when there is none, or nothing is bad or nothing good.
    """
    if not bad or not good:
        return "", ""
    for name, mistake, words in _PROPERTIES:
        if all(name in r.case.properties for r in bad) and not any(name in r.case.properties for r in good):
            return mistake, f"wrong in the cases with {words} ({len(bad)}), right in the others ({len(good)})"
    return "", ""
