"""The mistakes of layers: what each means in words, and a hint that teaches without code."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    # convolution and pooling
    "pad-not-cropped": (
        "the gradient of the padding is still in it",
        "forward padded the image; which part of the padded gradient belongs to the image itself?",
    ),
    "pad-cropped-wrong-side": (
        "the padding is put or cropped on the wrong side, so that everything is shifted",
        "forward put the same number of zeros on both sides; where does the image begin in the padded one?",
    ),
    "overwrite-overlap": (
        "a later contribution overwrites an earlier one instead of adding to it",
        "a number that is used several times gets a gradient from each use; they add up.",
    ),
    "kernel-flipped": (
        "the filter is rotated by 180 degrees",
        "a CNN layer is a correlation: filter and window are multiplied without turning either. "
        "Write the index of w that meets x[i] for one small example.",
    ),
    "swapped-height-width": (
        "height and width are exchanged",
        "try an image and a window that are not square, and name every size by the axis that it belongs to.",
    ),
    "stride-missing": (
        "the stride is not used in an index",
        "output row i looks at the input from row i times the stride on, and columns alike; in backward too.",
    ),
    "bias-wrong-axes": (
        "the bias is not added, or its gradient not gathered, as it should be",
        "one bias serves every position that shares it; its gradient collects dout over exactly those axes.",
    ),
    "bias-missing": (
        "the bias is not added",
        "with all weights zero the output must be the bias.",
    ),
    "channels-mixed": (
        "channels are left out, exchanged or grouped wrongly",
        "every filter sees all channels of its window: which index is summed, and which one is kept?",
    ),
    "ties-all-credited": (
        "every maximum of a window is credited when several are equal",
        "one output number came from one input number; the gradient that comes in once may go out only once.",
    ),
    "argmax-last": (
        "the last of equal maxima takes the gradient instead of the first",
        "forward's rule is the first maximum in reading order; a comparison that accepts equality moves on.",
    ),
    "wrong-window": (
        "the window lies in the wrong place or windows are left out",
        "draw the first and the last window of one row of the image, and compare with your indices.",
    ),
    "average-not-divided": (
        "the mean is not divided by the size of the window exactly once",
        "each of the k numbers of a window has weight 1/k in the mean, forward and backward.",
    ),
    # affine
    "transpose-missing": (
        "a matrix is transposed that should not be, or the other way round",
        "write the shapes below the product: only one order makes the inner sizes meet and gives the shape "
        "of the array itself.",
    ),
    "reshape-order": (
        "numbers are flattened or folded in the wrong order",
        "which index runs fastest? Flatten and fold back the same way, sample by sample.",
    ),
    # activations
    "mask-inverted": (
        "the mask is inverted: the gradient passes where it should stop",
        "where the input was clipped, a small change of it changes nothing.",
    ),
    "mask-missing": (
        "nothing is stopped: the mask is missing",
        "backward must know which numbers forward clipped; what did you keep in the cache?",
    ),
    "mask-of-dout": (
        "the mask is made from dout instead of from x",
        "whether a unit was active was decided in forward by its input, not by the gradient that comes back.",
    ),
    "slope-missing": (
        "the slope for negative inputs is missing or another one",
        "below zero the line is not flat here; what is its slope?",
    ),
    "gradient-from-input-not-output": (
        "the derivative's formula in terms of the output is fed the input",
        "the slope can be written by what went in or by what came out: of which does your formula "
        "speak, and which did you keep?",
    ),
    "derivative-wrong": (
        "the derivative of the activation is wrong",
        "differentiate the formula of forward once more on paper, and do not forget the chain rule's dout.",
    ),
    # norms
    "mean-term-missing": (
        "the term through the mean is missing",
        "each x moves the mean of its group and by that every other output: count the paths.",
    ),
    "variance-term-missing": (
        "the term through the variance is missing",
        "each x moves the variance of its group and by that every other output: count the paths.",
    ),
    "term-doubled": (
        "a term is counted with the wrong weight",
        "go through the paths from x to out one by one; each is to be walked exactly once.",
    ),
    "term-sign": (
        "a term has the wrong sign",
        "the mean is subtracted, and the deviation is in the denominator: both bring a minus.",
    ),
    "gamma-missing": (
        "gamma is missing",
        "out = gamma * x_hat + beta: what is the derivative of out for x_hat?",
    ),
    "gamma-without-xhat": (
        "gamma's gradient does not hold x_hat as it should",
        "what does gamma multiply in forward? That stands beside dout in its gradient.",
    ),
    "beta-gradient-wrong": (
        "beta's gradient is wrong",
        "beta is added to every number of its feature: which axes does that gather?",
    ),
    "variance-unbiased": (
        "the variance is divided by N - 1",
        "batch norm takes the mean squared deviation, divided by N.",
    ),
    "eps-misplaced": (
        "eps is not inside the root, once",
        "x_hat = (x - mean) / sqrt(var + eps), with the eps of the settings, in forward and in backward.",
    ),
    "wrong-axes": (
        "a sum, a mean or a maximum is taken over the wrong axes",
        "which numbers share one mean here: a feature over the batch, a channel over batch and pixels, "
        "or one sample over its features?",
    ),
    "statistics-swapped": (
        "the statistics of the batch and the running ones are confused",
        "training normalises with the batch's own mean and variance, test time with the running ones.",
    ),
    "momentum-reversed": (
        "momentum weighs the old and the new value wrongly",
        "with momentum 0.9 nine tenths of the old running value stay.",
    ),
    "running-not-written": (
        "the running statistics are not written back",
        "the next call must find the new running mean and variance in the dictionary that it was given.",
    ),
    "factor-n": (
        "a factor N is extra or missing",
        "every mean brings 1/N exactly once; which N is it for this layer: samples, or samples times pixels?",
    ),
    "root-missing": (
        "the root is missing",
        "which of your names holds a variance or a mean square, and which the root of it?",
    ),
    "division-missing": (
        "a division is missing, or is made once too often",
        "count the divisions of the formula, and those of your line.",
    ),
    "wrong-padding": (
        "what stands around the image is not zero",
        "the course pads with zeros: what does your line put there?",
    ),
    # dropout
    "mask-shared": (
        "several numbers share one draw of the mask",
        "each number is dropped on its own: what shape has the mask?",
    ),
    "scaled-twice": (
        "the scale of dropout is applied once too often",
        "training divides by the probability to keep, once; then test time has nothing to scale.",
    ),
    "scale-missing": (
        "what is kept is not scaled up in training",
        "inverted dropout keeps the expected output equal to the input already in training.",
    ),
    "drops-at-test": (
        "dropout changes its input at test time",
        "at test time the layer passes its input on as it is.",
    ),
    "keep-drop-swapped": (
        "p is used as the probability to keep instead of to drop",
        "with p = 0.25 a quarter is dropped. (Stanford's courses since 2018 mean the opposite: say so with "
        "course='stanford'.)",
    ),
    "mask-not-used-in-backward": (
        "backward does not use the mask of forward",
        "what was dropped had no influence on the loss.",
    ),
    "mask-redrawn": (
        "backward draws a new mask",
        "the gradient must take the way that forward took: keep the mask in the cache.",
    ),
    # sandwiches
    "piece-missing": (
        "a layer of the sandwich is left out or stands in another place",
        "write the layers down in their order; backward goes through all of them in reverse.",
    ),
}
