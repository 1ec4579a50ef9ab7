"""Writing the answer-free doctor into a folder, for teachers to hand out: NumPy is all it needs."""

from __future__ import annotations

import json
import os
from pathlib import Path

from handgrad._files import atomic_write

from .words import HINTS, TITLES

FILES = (
    "report",
    "sandbox",
    "case",
    "cases",
    "cases_images",
    "cases_rows",
    "complex_step",
    "subject",
    "derivative",
    "geography",
    "contract",
    "discover",
    "examination",
    "own_derivative",
    "sweep",
    "examine",
    "rules",
    "doctor",
)
LAUNCHER = '''"""Check the layers in a Python file by laws that need no reference.

    python check.py mylayers.py [--layer NAME] [--json]

Exit status: 0 all right, 1 findings, 2 misuse. Needs Python 3.11 or later and NumPy.
"""

import argparse
import json
import sys

from doctor_without_answers.doctor import check_module
from doctor_without_answers.report import show


def main() -> int:
    parser = argparse.ArgumentParser(description="Say which laws the layers in a file break.")
    parser.add_argument("path", help="a Python file or folder with functions such as conv_forward")
    parser.add_argument("--layer", help="check this layer, loss or rule only")
    parser.add_argument("--course", help="stanford: dropout's p is the probability to keep")
    parser.add_argument("--json", action="store_true", help="print the reports as JSON")
    options = parser.parse_args()
    try:
        reports = check_module(options.path, options.layer, answers=False, course=options.course)
    except ValueError as error:
        print(f"check.py: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps([report.to_dict() for report in reports], indent=2))
    else:
        show(reports)
    return int(any(report.verdict != "right" for report in reports))


if __name__ == "__main__":
    sys.exit(main())
'''
PACKAGE = '"""The gradient doctor without its answers: laws only, no reference and no backward pass."""\n'


def words_of_laws(text: str) -> str:
    """Return a module of the words of those mistakes that `text` tells; the others would be a catalogue."""
    told = {mistake for mistake in TITLES if f'"{mistake}"' in text}
    kept = {
        name: {m: words[m] for m in sorted(told)} for name, words in (("TITLES", TITLES), ("HINTS", HINTS))
    }
    lines = [f"{name} = {json.dumps(words, indent=4, ensure_ascii=False)}" for name, words in kept.items()]
    return '"""What the laws tell, in words."""\n\n' + "\n\n".join(lines) + "\n"


def export_checker(folder: str | os.PathLike[str]) -> Path:
    """Write a checker without answers: ``python FOLDER/check.py mylayers.py``.

    It holds no backward pass, no reference and no catalogue of mistakes: forward is held to laws, and
    backward to the derivative of the learner's own forward.

    Parameters
    ----------
    folder : path
        Made when it is not there; must be empty or an earlier export.

    Returns
    -------
    launcher : Path
        The script to run.

    Raises
    ------
    ValueError
        When the folder holds something else.
    """
    target = Path(folder)
    package = target / "doctor_without_answers"
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not package.is_dir())):
        raise ValueError(
            f"the folder to export to must be empty or an earlier export, got {os.fspath(folder)!r}"
        )
    source = Path(__file__).parent
    (package / "laws").mkdir(parents=True, exist_ok=True)
    atomic_write(package / "__init__.py", PACKAGE)
    files = [*(source / f"{name}.py" for name in FILES), *sorted((source / "laws").glob("*.py"))]
    texts = {file.relative_to(source): file.read_text(encoding="utf-8") for file in files}
    for name, text in texts.items():
        atomic_write(package / name, text)
    atomic_write(package / "words.py", words_of_laws("\n".join(texts.values())))
    atomic_write(target / "check.py", LAUNCHER)
    return target / "check.py"
