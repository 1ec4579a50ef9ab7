"""All submissions, wrong and right."""

from __future__ import annotations

from checking.students.buggy import (
    affine,
    avg_pool,
    batchnorm_backward,
    batchnorm_forward,
    conv_details,
    conv_loops,
    conv_vectorised,
    dropout,
    image_norms,
    layernorm,
    losses,
    max_pool,
    rectifiers,
    rules,
    sandwiches,
    smooth,
)
from checking.students.right import conv, norms, pointwise, pool, training
from checking.students.right import sandwiches as right_sandwiches
from checking.students.student import Student

LOSSES = ("softmax_loss", "svm_loss")
RULES = ("sgd", "sgd_momentum", "sgd_nesterov_momentum", "adagrad", "rmsprop", "adam")
FILES = (
    conv_loops,
    conv_details,
    conv_vectorised,
    max_pool,
    avg_pool,
    affine,
    rectifiers,
    smooth,
    batchnorm_backward,
    batchnorm_forward,
    layernorm,
    image_norms,
    dropout,
    losses,
    rules,
    sandwiches,
    conv,
    pool,
    pointwise,
    norms,
    training,
    right_sandwiches,
)


def _handed_in() -> list[Student]:
    found = {id(s): s for file in FILES for s in vars(file).values() if isinstance(s, Student)}
    return list(found.values())


STUDENTS = _handed_in()
BUGGY = [student for student in STUDENTS if student.buggy]
RIGHT = [student for student in STUDENTS if not student.buggy]


def family(student: Student) -> str:
    """Return the heading under which a submission is counted."""
    if student.like in RULES:
        return "update rules"
    if student.like in LOSSES:
        return "losses"
    if student.like.count("_relu") and student.like != "leaky_relu":
        return "sandwiches"
    if student.like in ("relu", "leaky_relu", "prelu", "elu", "gelu", "sigmoid", "tanh", "maxout"):
        return "activations"
    return student.like
