"""Where an error is, in words."""

from __future__ import annotations

import numpy as np
import pytest
from checking.wrong import course

from handgrad.checking import check
from handgrad.checking.geography import describe


def mask(*places):
    wrong = np.zeros((4, 3, 7, 6), dtype=bool)
    for place in places:
        wrong[place] = True
    return wrong


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (mask(np.s_[2]), "only sample 2"),
        (mask(np.s_[:, 0]), "only channel 0 (the first)"),
        (mask(np.s_[:, :, -1]), "only row 6 (the last)"),
        (mask(np.s_[..., 5]), "only column 5 (the last)"),
        (mask(np.s_[1:]), "all but sample 0 (the first)"),
        (mask(np.s_[:, :, 1::2]), "every second row from 1"),
        (mask(np.s_[..., 2:5]), "columns 2 to 4"),
        (mask(np.s_[:, :, [0, 1, 4]]), "rows 0, 1, 4"),
        (mask(np.s_[:, :, 0], np.s_[:, :, -1], np.s_[..., 0], np.s_[..., -1]), "only on the border"),
        (mask(np.s_[:, :, 1:-1, 1:-1]), "only inside, not on the border"),
        (mask(np.s_[:]), "504 of 504 numbers: everywhere"),
        (mask(np.s_[1, 2, 3, 4]), "only sample 1; only channel 2 (the last); only row 3"),
    ],
)
def test_patterns(wrong, words):
    assert words in describe(wrong, "NCHW")


def test_no_pattern_is_said_so():
    wrong = np.random.default_rng(0).random((4, 3, 7, 6)) < 0.5
    assert describe(wrong, "NCHW").endswith("without a pattern along any axis")


def test_the_share_is_counted():
    assert describe(mask(np.s_[0]), "NCHW").startswith("126 of 504 numbers")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda dx: dx[0], "only sample 0 (the first)"),
        (lambda dx: dx[:, -1], "(the last)"),
        (lambda dx: dx[:, :, 0], "only row 0 (the first)"),
        (lambda dx: dx[..., 1::2], "every second column from 1"),
    ],
)
@pytest.mark.parametrize("answers", [True, False])
def test_an_unknown_error_is_placed(spoil, words, answers):
    def conv_backward(dout, cache):
        dx, dw, db = course.conv_backward_naive(dout, cache)
        spoil(dx)[...] *= 1.37
        return dx, dw, db

    found = check(course.conv_forward_naive, conv_backward, answers=answers).findings[0]
    assert (found.mistake, found.where) == ("wrong-unknown", "dx")
    assert words in found.evidence
