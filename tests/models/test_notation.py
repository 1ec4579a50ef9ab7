"""The grammar: what parses, to what, and what is refused where."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from models.specs import specs

from handgrad.models.notation import LayerNode, Repeat, Residual, SpecError, parse, unrolled
from handgrad.models.notation.kinds import KINDS, NAMES
from handgrad.models.notation.parser import MOST_LAYERS


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (
            "[conv-relu-pool]x2 - conv - relu - [affine]x3 - [softmax]",
            "[conv3-32 - relu - pool2]x2 - conv3-32 - relu - [affine]x3 - softmax",
        ),
        ("[conv-relu-pool]x2-conv-relu-[affine]x3-SVM", None),
        (
            "[conv - relu - pool]x2 - conv - relu - [affine - relu]x1 - affine - softmax",
            "[conv3-32 - relu - pool2]x2 - conv3-32 - relu - [affine - relu]x1 - affine - softmax",
        ),
        (
            "[conv3-64 - bn - relu - conv3-64 - bn - relu - pool2]x3 - [affine256 - bn - relu - dropout0.5]x1"
            " - affine - svm",
            "[conv3-64 - bn - relu - conv3-64 - bn - relu - pool2]x3 - [affine256 - bn - relu - dropout0.5]x1"
            " - affine - svm",
        ),
        ("conv5", "conv5-32 - softmax"),
        ("conv-64", "conv3-64 - softmax"),
        ("conv - 64", "conv3-64 - softmax"),
        ("conv-relu", "conv3-32 - relu - softmax"),
        ("CONV 3 - 64 / 2 ( PAD = 0 , Bias = NO )", "conv3-64/2(pad=0, bias=no) - softmax"),
        ("conv5-8(pad=2)", "conv5-8 - softmax"),  # the padding that it has anyway
        ("conv3x5-8/1x2", "conv3x5-8/1x2 - softmax"),
        ("conv3x3-8(stride=2)", "conv3-8/2 - softmax"),
        ("pool3/3 - max_pool - avgpool3/2 - gap", "pool3 - pool2 - avgpool3/2 - globalpool - softmax"),
        ("bn(momentum=.6, gamma=no) - bn(eps=1e-12)", "bn(momentum=0.6, gamma=no) - bn(eps=1e-12) - softmax"),
        ("gn - gn4 - ln - batchnorm", "gn - gn4 - ln - bn - softmax"),
        ("leaky_relu - elu - elu.5 - prelu(shared=yes)", None),
        ("maxout - dropout - dropout0 - scale.125 - fc", None),
        ("res(conv - relu | conv1 - bn) - res(relu)", None),
        ("[relu]*3 - [relu] x 4 - [relu]", "[relu]x3 - [relu]x4 - [relu]x1 - softmax"),
        ("\n conv\t-\n relu \n", "conv3-32 - relu - softmax"),
    ],
)
def test_forms(text, canonical):
    found = parse(text)
    assert str(found) == (canonical or str(found))
    assert parse(str(found)) == found


def test_every_name_of_a_layer_is_its_layer():
    for name, kind in NAMES.items():
        text = f"{name}{'2' if KINDS[kind].needs else ''}"
        (node,) = parse(text.upper()).items
        assert node.kind == kind


def test_settings_and_structure():
    spec = parse("[conv3x5-64/2]x2 - res(affine7 | bn) - svm")
    conv = LayerNode("conv", {"size": (3, 5), "filters": 64, "stride": (2, 2), "pad": (1, 2), "bias": True})
    affine = LayerNode("affine", {"units": 7, "bias": True})
    bn = LayerNode("bn", {"momentum": 0.9, "eps": 1e-5, "gamma": True})
    assert spec.items == (Repeat((conv,), 2), Residual((affine,), (bn,)))
    assert spec.loss == "svm"
    assert list(unrolled(spec.items)) == [conv, conv, Residual((affine,), (bn,))]
    assert list(unrolled(parse("[relu]x0 - bn").items)) == [bn]


@given(specs)
@settings(max_examples=300, deadline=None)
def test_text_and_network_are_two_forms_of_one_thing(spec):
    assert parse(str(spec)) == spec
    assert str(parse(str(spec))) == str(spec)
    assert parse(str(spec).upper().replace(" ", "")) == spec


REFUSALS = [
    ("", 1, "spec must have a layer, '[' or 'res(' at column 1, got the end"),
    ("conv - rely", 8, "spec must have a layer, '[' or 'res(' at column 8, got 'rely'; did you mean 'relu'?"),
    ("zzz", 1, "got 'zzz'; known: affine, avgpool, bn, conv, dropout, elu"),
    ("conv -", 7, "spec must have a layer, '[' or 'res(' at column 7, got the end"),
    ("conv - - relu", 8, "spec must have a layer, '[' or 'res(' at column 8, got '-'"),
    ("conv relu", 6, "spec must have '-' or the end at column 6, got 'relu'"),
    ("conv]", 5, "spec must have '-' or the end at column 5, got ']'"),
    ("[conv - relu", 13, "spec must have '-' or ']' at column 13, got the end"),
    ("[conv]xN - affine", 7, "a whole number of repetitions up to 1000, as in x2, at column 7, got 'xN'"),
    ("[conv]x1.5", 8, "a whole number of repetitions up to 1000, as in x2, at column 8, got '1.5'"),
    ("[conv]x", 8, "a whole number of repetitions up to 1000, as in x2, at column 8, got the end"),
    ("[[conv]x999]x999", 1, "spec must have at most 1000 layers at column 1, got 998,001"),
    ("[affine] - [softmax or SVM]", 13, "one loss, softmax or svm, at column 13, got a choice of them"),
    ("softmax", 1, "spec must have a layer before the loss at column 1, got 'softmax'"),
    ("softmax - conv", 9, "spec must have the end behind the loss at column 9, got '-'"),
    ("res(softmax)", 5, "spec must have softmax at the end of all, not at column 5, got it there"),
    ("relu3", 5, "spec must have '-' or another sign, since relu takes no number, at column 5, got '3'"),
    ("conv3 5", 7, "since conv takes no more number, at column 7, got '5'"),
    ("relu/2", 5, "since relu takes no stride, at column 5, got '/'"),
    ("affine-256", 8, "got '256': behind a dash, a number is for conv alone"),
    ("conv0", 5, "(or a height and a width, as in 3x5) for the size of conv at column 5, got '0'"),
    ("conv3-1.5", 7, "a whole number from 1 to 1,000,000 for the filters of conv at column 7, got '1.5'"),
    ("conv3-64/", 10, "for the stride of conv at column 10, got the end"),
    ("dropout1", 8, "a number from 0 to below 1 for the p of dropout at column 8, got '1'"),
    ("bn(momentum=2)", 13, "a number from 0 to 1 for the momentum of bn at column 13, got '2'"),
    ("bn(eps=1e999)", 8, "spec must have a number for the eps of bn at column 8, got '1e999'"),
    ("conv(bias=2)", 11, "spec must have yes or no for the bias of conv at column 11, got '2'"),
    ("conv(foo=2)", 6, "an option of conv (size, filters, stride, pad, bias) at column 6, got 'foo'"),
    ("relu(foo=2)", 6, "spec must have no option, relu has none, at column 6, got 'foo'"),
    ("conv3(size=3)", 7, "spec must have size once at column 7, got it again"),
    ("conv(pad 2)", 10, "spec must have '=' after pad at column 10, got '2'"),
    ("conv(pad=2", 11, "spec must have ',' or ')' at column 11, got the end"),
    ("scale - relu", 7, "spec must have the factor of scale, as in scale0.125, at column 7, got '-'"),
    ("res conv", 5, "spec must have '(' after res at column 5, got 'conv'"),
    ("res(conv", 9, "spec must have '-', '|' or ')' at column 9, got the end"),
    ("cönv", 2, "spec must have a layer, a number or one of [ ] ( ) - / , = | at column 2, got 'ö'"),
    ("[" * 40, 31, "spec must have at most 30 brackets within brackets at column 31, got one more"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "sentence"), REFUSALS, ids=[row[0][:20] for row in REFUSALS])
def test_refusals_name_the_column(text, column, sentence):
    with pytest.raises(SpecError) as caught:
        parse(text)
    error = caught.value
    assert sentence in error.sentence
    assert "\n" not in error.sentence
    assert error.place.column == column
    first, picture, carets = str(error).split("\n")
    assert first == error.sentence
    assert picture == "  " + text
    assert carets.index("^") - 2 == error.place.start


def test_a_long_text_is_shown_around_the_place():
    text = "conv - relu - " * 20 + "rely - " + "conv - relu - " * 20 + "affine"
    with pytest.raises(SpecError) as caught:
        parse(text)
    _, picture, carets = str(caught.value).split("\n")
    assert len(picture) < 80
    start = carets.index("^")
    assert picture[start : carets.rindex("^") + 1] == "rely"


def test_a_text_is_asked_for():
    with pytest.raises(TypeError, match=r"^spec must be a text such as .* got list$"):
        parse(["conv"])


_WORDS = [*NAMES, *"[]()-/,=|x", "res", "softmax", "svm", "2", "0.5", "1e9", " ", "pad", "yes", "é", "\n"]


@given(
    st.one_of(
        st.text(max_size=40),
        st.text(string.printable, max_size=40),
        st.lists(st.sampled_from(_WORDS), max_size=25).map("".join),
        st.lists(st.sampled_from(_WORDS), max_size=25).map(" ".join),
    )
)
@example("[" * 5000)
@example("conv" * 5000)
@example("res(" * 5000)
@example("[[[[relu]x1000]x1000]x1000]x1000")
@example("conv" + "9" * 5000)
@example("\ud800")
@settings(max_examples=1000, deadline=None)
def test_garbage_is_refused_in_one_sentence(text):
    error = None
    try:
        found = parse(text)
    except SpecError as refusal:
        error = refusal
    if error is None:
        assert parse(str(found)) == found
        assert sum(1 for _ in unrolled(found.items)) <= MOST_LAYERS
        return
    assert "\n" not in error.sentence
    assert error.sentence.startswith("spec must have ")
    assert len(error.sentence) < 300
    assert len(str(error).split("\n")) == 3
