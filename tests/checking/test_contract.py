"""Contract probes: each bad manner is found in a layer that is otherwise right, and none in a right one."""

from __future__ import annotations

import numpy as np
import pytest
from checking.wrong import SAMPLES, course

from handgrad import layers
from handgrad.checking import check, check_loss, check_module
from handgrad.checking.cases import known_layers
from handgrad.layers.registry import LAYERS, LOSSES

BOTH = pytest.mark.parametrize("answers", [True, False], ids=["answers", "laws"])


def mistakes(forward, backward, like, answers):
    return [f.mistake for f in check(forward, backward, like, answers=answers).findings]


def affine(forward=course.affine_forward, backward=course.affine_backward):
    return forward, backward, "affine"


def changes_x():
    def forward(x, w, b):
        x -= 1.0
        out, cache = course.affine_forward(x + 1.0, w, b)
        return out, cache

    return affine(forward)


def changes_dout():
    def relu_backward(dout, cache):
        dout[cache <= 0] = 0
        return dout.copy()

    return course.relu_forward, relu_backward, "relu"


def reseeds():
    def forward(x, w, b):
        np.random.seed(0)  # noqa: NPY002 - a learner's
        return course.affine_forward(x, w, b)

    return affine(forward)


def aliases():
    return (lambda x: (np.maximum(x, 0, out=x) if False else np.maximum(x, 0), x)), _same_memory, "relu"


def _same_memory(dout, x):
    mask = x > 0
    if mask.all():
        return dout
    np.multiply(dout, mask, out=dout)
    return dout


def lowers_dtype():
    return affine(lambda x, w, b: (course.affine_forward(x, w, b)[0].astype(np.float32), (x, w, b)))


def forgets_to_write():
    def relu_forward(x):
        out = np.empty(x.shape)
        out[x > 0] = x[x > 0]
        return out, x

    return relu_forward, course.relu_backward, "relu"


def adds_to_empty():
    def backward(dout, cache):
        dx, dw, db = course.affine_backward(dout, cache)
        total = np.empty(db.shape)
        total += db
        return dx, dw, total

    return affine(backward=backward)


def remembers_the_last_call():
    last = {}

    def forward(x, w, b):
        last["x"] = x
        return course.affine_forward(x, w, b)

    def backward(dout, cache):
        _, w, b = cache
        return course.affine_backward(dout, (last["x"], w, b))

    return affine(forward, backward)


def counts_its_calls():
    calls = []

    def forward(x, w, b):
        calls.append(1)
        out, cache = course.affine_forward(x, w, b)
        return out * (1.0 + len(calls) % 2), cache

    return affine(forward)


def one_buffer():
    room = {}

    def forward(x):
        out = room.setdefault(x.shape, np.zeros(x.shape))
        np.maximum(x, 0, out=out)
        return out, x.copy()

    return forward, course.relu_backward, "relu"


def eats_its_cache():
    def backward(dout, cache):
        x, w, b = cache
        w *= 0.5
        return course.affine_backward(dout, (x, 2 * w, b))

    return affine(backward=backward)


def reads_memory_order():
    def forward(x, w, b):
        rows = np.ravel(x, order="K").reshape(len(x), -1)
        return rows @ w + b, (x, w, b)

    return affine(forward)


@BOTH
@pytest.mark.parametrize(
    ("make", "mistake"),
    [
        (changes_x, "input-changed"),
        (changes_dout, "input-changed"),
        (reseeds, "global-random-touched"),
        (aliases, "input-changed"),
        (lowers_dtype, "dtype-lost"),
        (forgets_to_write, "uninitialised-memory"),
        (adds_to_empty, "uninitialised-memory"),
        (remembers_the_last_call, "cache-not-enough"),
        (counts_its_calls, "second-call-differs"),
        (one_buffer, "second-call-differs"),
        (eats_its_cache, "input-changed"),
        (reads_memory_order, "fails-for-fortran"),
    ],
)
def test_bad_manners_are_found(make, mistake, answers):
    assert mistake in mistakes(*make(), answers)


@BOTH
def test_a_result_in_the_memory_of_an_input(answers):
    def maxout_forward(x, pieces):
        groups = x.reshape(len(x), x.shape[1] // pieces, pieces, *x.shape[2:])
        return groups.max(axis=2), (x, groups)

    def backward(dout, cache):
        return layers.relu_backward(dout, cache)

    def relu_forward(x):
        return (x if (x > 0).all() else np.maximum(x, 0)), x

    report = check(
        relu_forward, course.relu_backward, inputs=[np.abs(np.random.default_rng(0).random((3, 4))) + 1]
    )
    assert [f.mistake for f in report.findings] == ["result-aliases-input"]


def conv_of_squares():
    def forward(x, w, b, conv_param):
        H, HH = x.shape[2], w.shape[2]
        x = x[:, :, :, :H] if x.shape[3] > H else np.pad(x, ((0, 0), (0, 0), (0, 0), (0, H - x.shape[3])))
        w = np.pad(w, ((0, 0), (0, 0), (0, 0), (0, HH - w.shape[3])))
        return course.conv_forward_naive(x, w, b, conv_param)[0], (x, w, b, conv_param)

    return forward, course.conv_backward_naive, "conv"


def conv_of_one_channel_count():
    def forward(x, w, b, conv_param):
        out, cache = course.conv_forward_naive(x, w, b, conv_param)
        return (out * 1.5 if x.shape[1] != w.shape[0] else out), cache

    return forward, course.conv_backward_naive, "conv"


def affine_of_batches():
    def forward(x, w, b):
        out, cache = course.affine_forward(x, w, b)
        return np.squeeze(out), cache

    return affine(forward)


def pool_of_dividing_strides():
    def forward(x, pool_param):
        out, cache = course.max_pool_forward_naive(x, pool_param)
        H, W = x.shape[2:]
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        return (out + 1.0 if (H - ph) % s or (W - pw) % s else out), cache

    return forward, course.max_pool_backward_naive, "max_pool"


@pytest.mark.parametrize(
    ("make", "mistake"),
    [
        (conv_of_squares, "swapped-height-width"),
        (conv_of_one_channel_count, "fails-for-C-not-F"),
        (affine_of_batches, "fails-for-N1"),
        (pool_of_dividing_strides, "fails-for-nondividing-stride"),
    ],
)
def test_what_fails_for_some_shapes_says_for_which(make, mistake):
    assert mistakes(*make(), True)[0] == mistake


def test_a_refusal_in_so_many_words_is_a_note():
    report = check(course.max_pool_forward_reshape, course.max_pool_backward_naive, "max_pool")
    assert report.verdict == "right"
    assert "it refuses 6 of 10 cases" in report.notes[0]


# no false alarms


@BOTH
@pytest.mark.parametrize("row", LAYERS, ids=str)
def test_our_layers_are_right(row, answers):
    report = check(row.forward, row.backward, row.name, answers=answers)
    assert report.verdict == "right", str(report)


@BOTH
@pytest.mark.parametrize("row", LOSSES, ids=str)
def test_our_losses_are_right(row, answers):
    report = check_loss(row.function, answers=answers)
    assert report.verdict == "right", str(report)


@BOTH
def test_a_whole_course_file_is_right(answers):
    reports = check_module(SAMPLES / "course_layers.py", answers=answers)
    assert len(reports) == 21
    assert [str(report) for report in reports if report.verdict != "right"] == []


def test_every_layer_of_ours_has_cases():
    assert {row.name for row in LAYERS} | {row.name for row in LOSSES} <= set(known_layers())


@pytest.mark.parametrize("at_zero", [0.0, 0.5, 1.0])
def test_a_slope_at_the_kink_is_a_matter_of_taste(at_zero):
    def relu_backward(dout, x):
        return dout * np.where(x == 0, at_zero, x > 0)

    report = check(course.relu_forward, relu_backward)
    assert report.verdict == "right"
    assert any("a matter of taste" in note for note in report.notes) == (at_zero != 0)


def test_ties_credited_to_all_are_named():
    def backward(dout, cache):
        x, p = cache
        dx, s = np.zeros_like(x), p["stride"]
        for i, j in np.ndindex(dout.shape[2:]):
            window = np.s_[:, :, i * s : i * s + p["pool_height"], j * s : j * s + p["pool_width"]]
            mask = x[window] == x[window].max(axis=(2, 3), keepdims=True)
            dx[window] += mask * dout[:, :, i, j, None, None]
        return dx

    for answers in (True, False):
        assert mistakes(course.max_pool_forward_naive, backward, "max_pool", answers) == ["ties-all-credited"]
