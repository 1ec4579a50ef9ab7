"""The suite judges the doctor; here it is judged itself, by means that know nothing of the doctor."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
from checking.students.cases import CALLS, Call
from checking.students.referee import apply, as_tuple, complaints
from checking.students.student import VOCABULARY, Student
from checking.students.suite import BUGGY, LOSSES, RIGHT, RULES, STUDENTS, family
from handgrad import reference
from handgrad.checking import numerical_gradient
from handgrad.training import optim

ARRAYS = ("x", "w", "b", "gamma", "beta")  # in the order of a backward's gradients
CONSISTENT = [s for s in BUGGY if not s.visible_to_laws and s.like not in RULES]


@pytest.mark.parametrize("student", BUGGY, ids=str)
def test_a_buggy_student_is_wrong(student: Student) -> None:
    assert complaints(student)


@pytest.mark.parametrize("student", RIGHT, ids=str)
def test_a_right_student_is_right(student: Student) -> None:
    assert complaints(student) == []


@pytest.mark.parametrize("like", sorted({s.like for s in STUDENTS}))
def test_the_referee_has_no_complaints_about_the_reference(like: str) -> None:
    if like in RULES:
        forward, backward = getattr(optim, like), None
    elif like in LOSSES:
        loss = getattr(reference, f"{like}_naive")
        forward, backward = (lambda x, y: loss(x, y)), None
    else:
        forward, backward = (getattr(reference, f"{like}_{way}_naive") for way in ("forward", "backward"))
    if like == "dropout":  # which draws from a generator that is handed in, not from one of its own
        drop, rng = forward, np.random.default_rng(0)

        def forward(x: np.ndarray, dropout_param: dict) -> tuple:
            return drop(x, {"rng": rng} | dropout_param)

    ours = Student(like, like, forward, backward, "", frozenset(), "", True)
    assert complaints(ours) == []


@pytest.mark.parametrize("student", [s for s in RIGHT if s.like not in RULES] + CONSISTENT, ids=str)
def test_gradients_are_those_of_the_own_forward(student: Student) -> None:
    """Right ones, and wrong ones of which it is said that no law can see them, agree with themselves."""
    for call in CALLS[student.like](np.random.default_rng(2)):
        if _smooth(call, student):
            _agrees_with_itself(student, call)


def _smooth(call: Call, student: Student) -> bool:
    """Whether differences can be taken: no ties, no huge scores, no test mode without a cache."""
    x, mode = call["x"], call.get("bn_param", {}).get("mode")
    tied = student.like in ("max_pool", "maxout") and len(np.unique(x)) < x.size
    return mode != "test" and not tied and np.max(np.abs(x)) < 100


def _agrees_with_itself(student: Student, call: Call) -> None:
    """Hold each gradient against the slope along two random directions."""
    if student.like in LOSSES:
        results = student.forward(call["x"].copy(), call["y"])
        gradients, dout = results[1:], 1.0
    else:
        result, cache = apply(student.forward, copy.deepcopy(call))
        dout = np.random.default_rng(3).standard_normal(result.shape)
        gradients = as_tuple(student.backward(dout.copy(), cache))
    names = [n for n in (*ARRAYS, "alpha") if isinstance(call.get(n), np.ndarray)]
    rng = np.random.default_rng(4)
    for name, gradient in zip(names, gradients, strict=True):
        for _ in range(2):
            way = rng.standard_normal(call[name].shape)

            def out(t: np.ndarray, name: str = name, way: np.ndarray = way) -> np.ndarray:
                return apply(student.forward, copy.deepcopy(call) | {name: call[name] + t * way})[0]

            slope = numerical_gradient(out, np.zeros(1), dout, step=1e-5)
            np.testing.assert_allclose(np.sum(gradient * way), slope[0], atol=1e-7, rtol=1e-7)


@pytest.mark.parametrize(
    "name", ["conv_assigns_dx", "batchnorm_mean_path_forgotten", "relu_mask_inverted", "softmax_sign"]
)
def test_differences_see_a_wrong_gradient(name: str) -> None:
    student = next(s for s in BUGGY if s.name == name)
    with pytest.raises(AssertionError):
        test_gradients_are_those_of_the_own_forward(student)


def test_the_suite_is_large_and_mixed() -> None:
    assert len(BUGGY) >= 90
    assert len(RIGHT) >= 40
    assert len({s.name for s in STUDENTS}) == len(STUDENTS)
    assert {family(s) for s in BUGGY} == {family(s) for s in RIGHT}


@pytest.mark.parametrize("student", BUGGY, ids=str)
def test_labels_are_complete(student: Student) -> None:
    assert student.mistakes <= VOCABULARY
    assert 1 <= len(student.mistakes) <= 3
    assert student.wrong in ("forward", "backward", "both")
    assert student.story.endswith(".") or student.story.endswith("'.")


def test_the_referee_leaves_numpy_as_it_was() -> None:
    empty = np.empty
    complaints(RIGHT[0])
    assert np.empty is empty
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.empty(3)
