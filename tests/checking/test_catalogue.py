"""The catalogue: every known mistake shows on the cases, is no right answer, and names itself."""

from __future__ import annotations

import numpy as np
import pytest
from checking.wrong import conv_backward_cropped, course

from handgrad import layers
from handgrad.checking import check
from handgrad.checking.answers import catalogue
from handgrad.checking.answers.diagnose import diagnose
from handgrad.checking.answers.judge import samples
from handgrad.checking.answers.mutation import close
from handgrad.checking.answers.sandwich import PIECES
from handgrad.checking.cases import cases_of, known_layers
from handgrad.checking.subject import Layer, Loss
from handgrad.checking.words import HINTS, TITLES

LAYERS = [name for name in known_layers() if catalogue.of(name) and not name.startswith("linear")]
PLAIN = [name for name in LAYERS if name not in PIECES]


def right_samples(layer):
    """Return, by output, what a right implementation gives on every case."""
    if layer.endswith("_loss"):
        subject = Loss(getattr(layers, layer))
    else:
        subject = Layer(getattr(layers, f"{layer}_forward"), getattr(layers, f"{layer}_backward"))
    return samples(layer, [subject.run(case, seed=k) for k, case in enumerate(cases_of(layer))])


def predictions(mutation, of_output):
    """Return what a mistake gives on every sample that it can be made on."""
    found = []
    for sample in of_output:
        try:
            with np.errstate(all="ignore"):
                found.append((sample, np.asarray(mutation.compute(sample.args, sample.dout))))
        except (ValueError, IndexError):
            continue
    return found


@pytest.mark.parametrize("layer", LAYERS)
def test_right_outputs_have_no_diagnosis(layer):
    for output, of_output in right_samples(layer).items():
        assert diagnose(layer, output, of_output) == []


@pytest.mark.parametrize("layer", PLAIN)
def test_every_mistake_shows_and_has_words(layer):
    of_outputs = right_samples(layer)
    for mutation in catalogue.of(layer):
        assert mutation.mistake in TITLES
        assert mutation.output in of_outputs, mutation
        made = predictions(mutation, of_outputs[mutation.output])
        assert made, f"{mutation.mistake} ({mutation.words}) cannot be made on any case"
        assert any(not close(wrong, s.true) for s, wrong in made), (
            f"{mutation.mistake} ({mutation.words}) is right"
        )


@pytest.mark.parametrize(
    "layer", ["conv", "max_pool", "affine", "relu", "batchnorm", "spatial_groupnorm", "svm_loss"]
)
def test_mistakes_name_themselves(layer):
    """Every seventh of them, for time; what equals an earlier one in all numbers takes its name."""
    of_outputs = right_samples(layer)
    known = catalogue.of(layer)
    for mutation in known[::7]:
        made = [(s, wrong) for s, wrong in predictions(mutation, of_outputs[mutation.output])]
        given = [type(s)(s.args, s.dout, wrong, s.true, s.words) for s, wrong in made]
        named = diagnose(layer, mutation.output, given)
        assert named, mutation
        assert named[0].mistake == mutation.mistake or _same_numbers(named[0].evidence, known, mutation, made)


def _same_numbers(evidence, known, mutation, made):
    twins = [m for m in known if m.output == mutation.output and m.words and evidence.startswith(m.words)]
    return any(all(close(twin.compute(s.args, s.dout), wrong) for s, wrong in made) for twin in twins)


def test_every_mistake_has_a_title_and_most_a_hint():
    assert all(TITLES.values())
    assert [name for name, hint in HINTS.items() if not hint] == ["raises"]


def test_hints_give_no_code():
    for name, hint in HINTS.items():
        assert "np.sum" not in hint, name
        assert "+=" not in hint, name
        assert ".T" not in hint, name


@pytest.mark.parametrize(("top", "left"), [(0, 0), (2, 2), (0, 1), (1, 2)])
def test_padding_cropped_on_the_wrong_side(top, left):
    report = check(course.conv_forward_naive, conv_backward_cropped(top, left))
    assert report.findings[0].mistake == "pad-cropped-wrong-side"
    assert report.findings[0].where == "dx"


def test_a_wrong_forward_with_its_own_backward_is_blamed_once():
    def conv_forward(x, w, b, conv_param):
        return course.conv_forward_naive(x, w[:, :, ::-1, ::-1], b, conv_param)

    def conv_backward(dout, cache):
        dx, dw, db = course.conv_backward_naive(dout, cache)
        return dx, dw[:, :, ::-1, ::-1], db

    report = check(conv_forward, conv_backward)
    assert [f.mistake for f in report.findings] == ["kernel-flipped"]
    assert report.findings[0].where == "out"
    assert any("backward is the derivative of this forward" in note for note in report.notes)


def test_a_right_backward_behind_a_wrong_forward_is_not_blamed():
    def conv_forward(x, w, b, conv_param):
        return course.conv_forward_naive(x, w, 0 * b, conv_param)

    report = check(conv_forward, course.conv_backward_naive)
    assert [(f.mistake, f.where) for f in report.findings] == [("bias-missing", "out")]
    assert "backward is right for the right forward" in report.notes


def test_two_mistakes_in_two_outputs_are_both_named():
    def affine_backward(dout, cache):
        x, w, _b = cache
        return (dout @ w.T).reshape(x.shape), (x.reshape(len(x), -1).T @ dout).T, dout.sum()

    report = check(course.affine_forward, affine_backward)
    assert {(f.where, f.mistake) for f in report.findings} == {
        ("dw", "transpose-missing"),
        ("db", "bias-wrong-axes"),
    }


def test_gradients_in_the_wrong_order():
    def affine_backward(dout, cache):
        dx, dw, db = course.affine_backward(dout, cache)
        return dw, dx, db

    found = check(course.affine_forward, affine_backward).findings[0]
    assert found.mistake == "swapped-outputs"
    assert "dw, dx, db come" in found.evidence
