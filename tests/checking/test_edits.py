"""Edits of worked solutions: what they are made of, that they name themselves, and that they fail safely."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from handgrad.checking import check, check_rule
from handgrad.checking.answers.edits.alternatives import alternatives
from handgrad.checking.answers.edits.explain import explain, mutations
from handgrad.checking.answers.edits.naming import UNNAMED
from handgrad.checking.answers.edits.variants import Worked
from handgrad.checking.answers.judge import samples
from handgrad.checking.answers.mutation import close
from handgrad.checking.answers.pattern import relate
from handgrad.checking.answers.rules import _RIGHT, edited, points
from handgrad.checking.answers.truth import truth
from handgrad.checking.answers.worked import BY_LAYER, RULES
from handgrad.checking.cases import cases_of
from handgrad.checking.rules import draw
from handgrad.checking.subject import Run, draw_dout
from handgrad.checking.words import TITLES


def runs(layer):
    """Return the runs of a right implementation on the cases of a layer."""
    found = []
    for case in cases_of(layer):
        out = truth(layer, case, None).get("out")
        dout = None if out is None else draw_dout(out)
        found.append(Run(case, dict(truth(layer, case, dout)), dout, args=case.copy_args()))
    return found


SOLUTIONS = [(layer, worked) for layer, solutions in BY_LAYER.items() for worked in solutions]


def named(layer, worked, run):
    parameters = inspect.signature(worked.solution).parameters
    return {name: run.dout if name == "dout" else run.case.args[name] for name in parameters}


@pytest.mark.parametrize(("layer", "worked"), SOLUTIONS, ids=lambda v: getattr(v, "solution", v))
def test_a_worked_solution_is_right(layer, worked):
    for run in runs(layer):
        ties = "ties" in run.case.properties and worked.solution.__name__ in (
            "_max_backward_mask",
            "_maxout_backward",
        )
        if "large" in run.case.properties or ties:
            continue
        if not run.case.backward and "dout" in inspect.signature(worked.solution).parameters:
            continue
        results = worked.solution(**named(layer, worked, run))
        for output, value in results.items():
            if output in run.outputs:
                assert close(value, run.outputs[output]), (output, run.case.words)


@pytest.mark.parametrize("rule", RULES)
def test_a_worked_rule_is_right(rule):
    settings, gradients, start = draw(rule)
    for worked in RULES[rule]:
        walked = points(worked.solution, settings, gradients, start)
        np.testing.assert_allclose(walked, points(_RIGHT[rule], settings, gradients, start), rtol=1e-9)


@pytest.mark.parametrize(("layer", "worked"), SOLUTIONS, ids=lambda v: getattr(v, "solution", v))
def test_roles_are_of_the_vocabulary(layer, worked):
    assert {mistake for *_, mistake in worked.roles} <= set(TITLES)
    assert UNNAMED in TITLES


@pytest.mark.parametrize("layer", ["affine", "batchnorm", "max_pool", "sigmoid", "softmax_loss"])
def test_an_edit_that_is_made_is_found(layer):
    """Hand in what every fifth edit that computes gives: some edit with the same numbers is named."""
    good = runs(layer)
    outputs = [name for name in good[0].outputs if name != "loss" or layer.endswith("_loss")]
    count = 0
    for output in outputs:
        for mutation in [m for m in mutations(layer, output) if computes(m, good, output)][::5]:
            bad = [Run(r.case, {**r.outputs, output: value(mutation, r, output)}, r.dout) for r in good]
            given = samples(layer, bad)[output]
            if all(close(s.given, s.true) for s in given):
                continue
            assert explain(layer, output, given) is not None, mutation.words
            count += 1
    assert count > 0


def value(mutation, run, output):
    return mutation.compute(run.case.args, run.dout) if output in run.outputs else None


def computes(mutation, all_runs, output):
    try:
        values = [value(mutation, run, output) for run in all_runs if output in run.outputs]
    except Exception:
        return False
    return all(v.dtype != object and np.isfinite(v).all() for v in values)


def test_edits_do_not_change_the_solution():
    def solution(x):
        out = x * 2 - 1
        return {"out": out}

    before = inspect.getsource(solution)
    variants = Worked(solution).variants
    results = {float(v(np.array(3.0))["out"]) for v in variants if np.ndim(v(np.array(3.0))["out"]) == 0}
    assert solution(3.0)["out"] == 5.0
    assert inspect.getsource(solution) == before
    assert {7.0, 2.0, 6.0, -1.0} <= results  # a sign, a factor lost, a term lost, and the other one


def test_alternatives_of_a_name_are_its_group_and_its_default():
    import ast

    found = alternatives(ast.Name("H", ast.Load()), (frozenset("HW"),), False, {"H": (1,)})
    assert [(a.kind, ast.unparse(a.new)) for a in found] == [("ignored", "1"), ("name", "W")]


def test_rules_have_edits():
    assert len(edited("adam")) > 100


def related(spoil):
    good = runs("conv")
    bad = [Run(r.case, {**r.outputs, "dw": spoil(r.outputs["dw"].copy())}, r.dout) for r in good]
    return relate("dw", samples("conv", bad)["dw"])


def set_last(dw):
    dw[-1] = 0
    return dw


@pytest.mark.parametrize(
    ("spoil", "mistake", "words"),
    [
        (np.trunc, "dtype-lost", "whole numbers"),
        (set_last, "part-missing", "only filter"),
        (lambda dw: 0 * dw, "part-missing", "every number is zero"),
        (lambda dw: dw[:, ::-1], "reshape-order", "the channels come in reversed order"),
        (lambda dw: np.roll(dw, 1, 2), "wrong-window", "are moved by one"),
        (
            lambda dw: dw.ravel()[np.argsort(np.sin(np.arange(dw.size)))].reshape(dw.shape),
            "reshape-order",
            "wrong places",
        ),
        (
            lambda dw: 0 * dw + dw.sum(axis=1, keepdims=True),
            "wrong-axes",
            "all channels get the sum over them",
        ),
        (lambda dw: 0 * dw + dw[:, :1] ** 3, "wrong-axes", "it is the same for all channels"),
    ],
)
def test_relations_to_the_right_numbers(spoil, mistake, words):
    found = related(spoil)
    assert found is not None
    assert found[0] == mistake
    assert words in found[1]


def test_no_relation():
    assert related(lambda dw: dw**3 + 1) is None


def test_a_slip_that_no_catalogue_lists_is_told_in_words():
    def forward(x):
        out = 1 / (1 + np.exp(-x))
        return out, out

    def backward(dout, out):
        return dout * out + (1 - out)

    first = check(forward, backward, like="sigmoid").findings[0]
    assert first.mistake == "derivative-wrong"
    assert "1 - out" in first.evidence


def test_what_the_wrong_cases_share_is_told():
    def forward(x, pool_param):
        h, w, s = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
        windows = np.lib.stride_tricks.sliding_window_view(x, (h, w), axis=(2, 3))
        out = windows[:, :, ::s, ::s].mean(axis=(4, 5))
        return (out + 0.1 if s > 2 else out), (x, pool_param)

    first = check(forward, None, like="avg_pool").findings[0]
    assert first.where == "out"


def test_float32_in_disguise():
    def forward(x):
        return np.tanh(x.astype(np.float32)).astype(np.float64), x

    assert check(forward, None, like="tanh", answers=False).findings[0].mistake == "dtype-lost"


def test_one_mask_for_all_samples():
    def forward(x, dropout_param):
        p, rng = dropout_param["p"], np.random.default_rng(dropout_param.get("seed"))
        if dropout_param["mode"] == "test":
            return x.copy(), None
        mask = (rng.random(x.shape[1:]) >= p) / (1 - p)
        return x * mask, mask

    def backward(dout, mask):
        return dout.copy() if mask is None else dout * mask

    for answers in (True, False):
        first = check(forward, backward, like="dropout", answers=answers).findings[0]
        assert first.mistake == "mask-shared"
        assert "every sample drops the same numbers" in first.evidence


def test_an_unusual_default_of_a_rule():
    def rule(w, dw, config=None):
        config = dict(config or {})
        v = config.get("momentum", 0.0) * config.get("velocity", 0.0) - config.get("learning_rate", 0.01) * dw
        return w + v, {**config, "velocity": v}

    for answers in (True, False):
        (found,) = check_rule(rule, "sgd_momentum", answers=answers).findings
        assert (found.mistake, found.severity) == ("default-differs", "doubtful")


def test_dropout_that_needs_a_seed():
    def forward(x, dropout_param):
        rng = np.random.default_rng(dropout_param["seed"])
        p = dropout_param["p"]
        mask = (rng.random(x.shape) >= p) / (1 - p) if dropout_param["mode"] == "train" else np.ones(x.shape)
        return x * mask, mask

    (found,) = check(forward, lambda dout, mask: dout * mask, like="dropout").findings
    assert found.mistake == "fails-without-seed"
    assert "KeyError" in found.evidence
