"""What the training doctor finds: ids, causes before what they lead to, in words with a hint."""

from __future__ import annotations

_WORDS: dict[str, tuple[str, str]] = {
    "label-off-by-one": (
        "the labels do not count from 0",
        "K classes are numbered 0 to K - 1; labels from 1 to K pick the score of the next class.",
    ),
    "label-out-of-range": (
        "there are labels that name no class",
        "scores have one column a class, and a label is the number of a column, counted from 0. A "
        "negative one silently picks a column from the end.",
    ),
    "raises": (
        "the model cannot be run",
        "read the last line of the error: it names the line of the model that failed. Print the shapes "
        "there.",
    ),
    "shape-wrong": (
        "something has the wrong shape",
        "scores have one row a sample and one column a class; a gradient has the shape of its parameter.",
    ),
    "nan-layer": (
        "there are numbers that are no numbers (NaN or infinity)",
        "one NaN reaches everything after it, so look at the first place that has one. What is divided, "
        "rooted, exponentiated or taken the logarithm of there?",
    ),
    "class-imbalance-or-constant-labels": (
        "the labels are not spread over the classes",
        "a net that always answers the most frequent class is then hard to beat: look at how often each "
        "label occurs, and at how the labels were read.",
    ),
    "labels-shuffled": (
        "the labels tell nothing about the images",
        "were images and labels put into another order by one and the same permutation? Look at ten "
        "images with their labels.",
    ),
    "not-centred": (
        "the inputs are not centred",
        "when all inputs are positive, the gradients of one unit's weights all have one sign. Subtract "
        "the mean of the training images, and the very same mean from all others.",
    ),
    "validation-leak": (
        "validation images are in the training set",
        "an image that was trained on says nothing about images never seen. Split first, then augment.",
    ),
    "units-alike": (
        "all units of a layer are alike, and stay so",
        "units that begin with equal weights compute the same and get the same gradient: the layer "
        "is one unit. Weights begin at random to break the symmetry.",
    ),
    "dead-relus": (
        "relus are dead: no image makes them positive",
        "a unit that is never positive gets no gradient, and never will. Biases far below zero, weights "
        "drawn too wide, inputs that are not centred or one step too large kill it.",
    ),
    "saturated": (
        "units are saturated: their activation is flat at its bounds",
        "where sigmoid and tanh are flat their slope is almost 0, and no gradient passes. Their inputs "
        "should be of the order of 1: how large are inputs and weights?",
    ),
    "bn-wrong-mode": (
        "batch norm runs in the wrong mode",
        "in training it normalises with the batch's own mean and variance; at test time with the running "
        "ones, so that a sample's scores do not depend on its neighbours.",
    ),
    "bn-recreated": (
        "batch norm forgets its running statistics",
        "the running mean and variance must live as long as the model: who makes the dictionary that "
        "holds them, and how often?",
    ),
    "first-loss-wrong": (
        "the first loss is not what guessing costs",
        "before training all K classes are about equally likely, so softmax begins at log K and the hinge "
        "loss at K - 1. Another number is a wrong loss, or scores that begin too large.",
    ),
    "drops-at-test": (
        "scores at test time are random",
        "asked twice about the same images the model must answer the same: dropout is for training only.",
    ),
    "float64-drift": (
        "numbers leave the model's dtype",
        "one float64 array or NumPy scalar turns everything that it meets into float64, twice the memory "
        "and half the speed. Where do they come from that do not have the model's dtype?",
    ),
    "input-changed": (
        "the model changes the images that it is given",
        "the next epoch sees what is left of them: which step writes into X instead of a new array?",
    ),
    "gradient-missing": (
        "a parameter has no gradient",
        "a parameter that no gradient reaches never learns: the gradients have the keys of the parameters.",
    ),
    "gradient-zero": (
        "a parameter's gradient is always exactly zero",
        "follow the gradient backwards from the loss: which step before this parameter lets nothing "
        "through, or is its gradient never filled in?",
    ),
    "gradient-wrong": (
        "a gradient is not the slope of the loss",
        "a small step along the gradient must raise the loss by as much as the gradient says. Check this "
        "layer's backward pass by itself.",
    ),
    "regularisation-has-no-effect": (
        "regularisation does not act as it should",
        "a penalty on the weights must raise the loss when its strength is raised, and its slope must be "
        "in the gradient of every weight.",
    ),
    "update-ratio-too-large": (
        "the steps are too large for the weights",
        "a healthy step changes the weights by about a thousandth of their size. Try a smaller learning "
        "rate, by factors of 10.",
    ),
    "update-ratio-too-small": (
        "the steps are too small for the weights",
        "a healthy step changes the weights by about a thousandth of their size. Try a larger learning "
        "rate, by factors of 10.",
    ),
    "loss-does-not-fall": (
        "the loss did not fall during the run",
        "a net that cannot fit twenty images cannot fit all of them; one that can wants another learning "
        "rate.",
    ),
    "cannot-overfit": (
        "the model cannot learn twenty images by heart",
        "with the penalty off every sound net can. When it cannot, a gradient is wrong, or does not reach "
        "the weights, or all units of a layer are alike.",
    ),
}
TITLES = {mistake: title for mistake, (title, _) in _WORDS.items()}
HINTS = {mistake: hint for mistake, (_, hint) in _WORDS.items()}
RANK = {mistake: rank for rank, mistake in enumerate(_WORDS)}
"""Causes before what they lead to."""
