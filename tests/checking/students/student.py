"""What a student handed in: functions under the courses' names, and what a teacher knows about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Function = Callable[..., Any]

_WORDS = """
    pad-not-cropped pad-cropped-wrong-side overwrite-overlap kernel-flipped swapped-height-width
    stride-missing bias-wrong-axes bias-missing channels-mixed ties-all-credited argmax-last wrong-window
    average-not-divided transpose-missing reshape-order mask-inverted mask-missing mask-of-dout
    slope-missing gradient-from-input-not-output derivative-wrong mean-term-missing variance-term-missing
    term-doubled term-sign gamma-missing gamma-without-xhat beta-gradient-wrong variance-unbiased
    eps-misplaced wrong-axes statistics-swapped momentum-reversed running-not-written factor-n
    scaled-twice scale-missing drops-at-test keep-drop-swapped mask-not-used-in-backward mask-redrawn
    mean-missing label-off-by-one log-of-zero gradient-sign one-hot-missing margin-counts-right-class
    margin-zero-counted bias-correction-missing t-not-advanced momentum-sign epsilon-inside-root
    state-not-kept decay-reversed learning-rate-missing factor sign shape-wrong shape-transposed
    input-changed global-random-touched result-aliases-input dtype-lost uninitialised-memory
    fails-for-N1 fails-for-nonsquare fails-for-C-not-F fails-for-fortran fails-for-nondividing-stride
    fails-for-square fails-without-pad fails-with-pad fails-at-first wrong-at-test part-missing
    piece-missing step-differs wrong-strides std-for-variance running-at-test state-stale state-aliased
    root-missing division-missing wrong-padding mask-shared normaliser-missing corrected-twice
    look-ahead-missing wrong-index input-mixed-in another-function part-unused fails-for-odd-size
    one-array regularisation-missing regularisation-doubled
    second-call-differs cache-not-enough not-a-number swapped-outputs wrong-unknown forward-wrong
"""
VOCABULARY = frozenset(_WORDS.split())
"""The doctor's names of mistakes, as far as submissions show them."""


@dataclass(frozen=True)
class Student:
    """One submission.

    Attributes
    ----------
    name : str
        Unique in the suite.
    like : str
        The layer, the loss or the update rule that it means to be, by Handgrad's name.
    forward, backward : callable
        The pair; a loss or an update rule is a `forward` alone.
    wrong : str
        ``'forward'``, ``'backward'``, ``'both'``, or ``''`` for a correct submission.
    mistakes : frozenset of str
        Words of the doctor's vocabulary of which any one names the mistake; empty when correct.
    story : str
        How a student gets there, or what is special about a correct one.
    visible_to_laws : bool
        Whether a check that knows no right answer can possibly see it.
    own_ties : bool
        Whether it is right with another choice than ours among equal maxima.
    """

    name: str
    like: str
    forward: Function
    backward: Function | None
    wrong: str
    mistakes: frozenset[str]
    story: str
    visible_to_laws: bool
    own_ties: bool = False

    @property
    def buggy(self) -> bool:
        """Whether the submission is wrong."""
        return bool(self.mistakes)

    def __str__(self) -> str:
        return self.name


def buggy(
    like: str, wrong: str, mistakes: str, story: str, *, laws: bool = True
) -> Callable[[Callable[[], Any]], Student]:
    """Make a wrong submission of a function that returns its pair; `mistakes` separated by spaces."""

    def hand_in(make: Callable[[], Any]) -> Student:
        forward, backward = _pair(make)
        words = frozenset(mistakes.split())
        return Student(make.__name__, like, forward, backward, wrong, words, story, laws)

    return hand_in


def right(like: str, story: str, *, own_ties: bool = False) -> Callable[[Callable[[], Any]], Student]:
    """Make a correct submission of a function that returns its pair."""

    def hand_in(make: Callable[[], Any]) -> Student:
        forward, backward = _pair(make)
        return Student(make.__name__, like, forward, backward, "", frozenset(), story, True, own_ties)

    return hand_in


def _pair(make: Callable[[], Any]) -> tuple[Function, Function | None]:
    made = make()
    return made if isinstance(made, tuple) else (made, None)
