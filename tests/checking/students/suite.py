"""All submissions, wrong and right.

The first batch was written before there was a doctor. The second was written when the doctor already
recognised all of the first, to see how it does on what it has not seen.
"""

from __future__ import annotations

from types import ModuleType

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
from checking.students.second import images as images_2
from checking.students.second import norms as norms_2
from checking.students.second import right as right_2
from checking.students.second import rows as rows_2
from checking.students.second import training as training_2
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


SECOND_FILES = (images_2, rows_2, norms_2, training_2, right_2)


def _handed_in(files: tuple[ModuleType, ...]) -> list[Student]:
    found = {id(s): s for file in files for s in vars(file).values() if isinstance(s, Student)}
    return list(found.values())


FIRST = _handed_in(FILES)
SECOND = _handed_in(SECOND_FILES)
STUDENTS = FIRST + SECOND
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
