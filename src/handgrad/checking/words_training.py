"""The mistakes of losses and update rules: what each means, and a hint."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    # losses
    "mean-missing": (
        "the mean over the batch is missing",
        "twice the same batch must give the same loss, and half the gradient for each sample.",
    ),
    "label-off-by-one": (
        "the labels are read one off",
        "labels count from 0; look up the score of the right class of one row by hand.",
    ),
    "log-of-zero": (
        "large scores overflow: the exponentials are not shifted, or the log meets a zero",
        "softmax does not change when one number is subtracted from a whole row; which number makes it safe?",
    ),
    "normaliser-missing": (
        "the exponentials are not divided by their sum",
        "a probability is one of several that add up to 1: at which step do yours?",
    ),
    "sum-not-zero": (
        "it must sum to zero, and does not",
        "what changes nothing in the loss has no gradient along it.",
    ),
    "gradient-sign": (
        "the sign is wrong",
        "a step against the gradient must lower the loss: which class should be pushed up?",
    ),
    "one-hot-missing": (
        "the right class is not subtracted as it should be",
        "raise the score of the right class a little, then that of a wrong one: which way does the loss go?",
    ),
    "margin-counts-right-class": (
        "the right class counts as a margin",
        "the sum goes over the wrong classes only; for the right one the margin is always the constant 1.",
    ),
    "margin-zero-counted": (
        "margins that are not above zero send a gradient",
        "only a margin above zero changes the loss.",
    ),
    "regularisation-missing": (
        "the regularisation is missing",
        "does the loss grow with reg, and does the gradient hold the derivative of that penalty?",
    ),
    "regularisation-doubled": (
        "the regularisation has the wrong weight",
        "loss and gradient must speak of the same penalty: differentiate the one in the loss, once.",
    ),
    # update rules
    "bias-correction-missing": (
        "the averages are not corrected for their start at zero",
        "with a constant gradient every step of Adam has the same length; the first moments start at zero.",
    ),
    "corrected-twice": (
        "what was corrected already is corrected again",
        "which average goes into the config, the one before or the one after its correction?",
    ),
    "look-ahead-missing": (
        "the look-ahead is missing or made wrongly",
        "Nesterov's step needs the velocity from before and the one from after: a second name for an array "
        "that is changed in place is no copy of it.",
    ),
    "t-not-advanced": (
        "the step counter does not advance as it should",
        "the first step is t = 1, and the counter must survive in the config.",
    ),
    "momentum-sign": (
        "velocity and gradient are combined with the wrong sign",
        "the velocity points where the parameter goes: downhill, against the gradient.",
    ),
    "epsilon-inside-root": (
        "epsilon is missing or stands in the wrong place",
        "the small number is added to the root, to keep the quotient finite.",
    ),
    "state-not-kept": (
        "the memory of the rule is not kept from step to step",
        "what the next step needs must be in the config that you return.",
    ),
    "decay-reversed": (
        "the decay weighs the old and the new value wrongly",
        "a decay of 0.99 keeps ninety-nine hundredths of the old average.",
    ),
    "learning-rate-missing": (
        "the learning rate is not used as it should",
        "a learning rate of zero must leave the parameter alone, a double one double the first step.",
    ),
    "default-differs": (
        "a setting that the config leaves out gets an unusual number",
        "which number stands for momentum or beta where nobody gives one?",
    ),
}
