"""The vocabulary of mistakes: an id, what it means in words, and a hint that teaches without code."""

from __future__ import annotations

_WORDS: dict[str, tuple[str, str]] = {
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
        "the bias or its gradient is taken over the wrong axes",
        "one bias serves every position that shares it; its gradient collects dout over exactly those axes.",
    ),
    "bias-missing": (
        "the bias is not added",
        "with all weights zero the output must be the bias.",
    ),
    "channels-mixed": (
        "channels are left out or exchanged",
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
        "dout passes unchanged: the mask is missing",
        "backward must know which numbers forward clipped; what did you keep in the cache?",
    ),
    "mask-of-dout": (
        "the mask is made from dout instead of from x",
        "whether a unit was active was decided in forward by its input, not by the gradient that comes back.",
    ),
    "slope-missing": (
        "the slope for negative inputs is missing",
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
        "gamma's gradient lacks x_hat",
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
        "the statistics are taken over the wrong axes",
        "which numbers share one mean here: a feature over the batch, a channel over batch and pixels, "
        "or one sample over its features?",
    ),
    "statistics-swapped": (
        "the statistics of training and test are exchanged",
        "training normalises with the batch's own mean and variance, test time with the running ones.",
    ),
    "momentum-reversed": (
        "momentum weighs the new value instead of the old",
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
    # dropout
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
    "sum-not-zero": (
        "it must sum to zero, and does not",
        "what changes nothing in the loss has no gradient along it.",
    ),
    "gradient-sign": (
        "the sign is wrong",
        "a step against the gradient must lower the loss: which class should be pushed up?",
    ),
    "one-hot-missing": (
        "the right class is not subtracted",
        "raise the score of the right class a little, then that of a wrong one: which way does the loss go?",
    ),
    "margin-counts-right-class": (
        "the right class counts as a margin",
        "the sum goes over the wrong classes only; for the right one the margin is always the constant 1.",
    ),
    "margin-zero-counted": (
        "margins that are zero send a gradient",
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
    "t-not-advanced": (
        "the step counter does not advance as it should",
        "the first step is t = 1, and the counter must survive in the config.",
    ),
    "momentum-sign": (
        "velocity and gradient are combined with the wrong sign",
        "the velocity points where the parameter goes: downhill, against the gradient.",
    ),
    "epsilon-inside-root": (
        "epsilon stands inside the root",
        "the small number is added to the root, to keep the quotient finite.",
    ),
    "state-not-kept": (
        "the memory of the rule is not kept from step to step",
        "what the next step needs must be in the config that you return.",
    ),
    "decay-reversed": (
        "the decay weighs the new value instead of the old",
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
    # anything
    "factor": ("it is scaled by a constant", "count the factors and means in your formula."),
    "sign": ("the sign is wrong", "follow one number through: does the output rise or fall with it?"),
    "shape-wrong": (
        "the shape is wrong",
        "a gradient has the shape of its array, an output that of the layer.",
    ),
    "shape-transposed": ("it is transposed", "a gradient has the shape of its array: compare axis by axis."),
    "input-changed": (
        "an input is changed in place",
        "the caller still needs its array, and backward may need yours: work on a copy.",
    ),
    "global-random-touched": (
        "NumPy's global random state is changed",
        "a layer that reseeds or draws from the global generator changes the rest of the program.",
    ),
    "result-aliases-input": (
        "the result shares its memory with an input",
        "who changes the one later changes the other: return an array of its own.",
    ),
    "one-array": (
        "two results are one array",
        "a second name for an array is no second array: which line makes it, and how often?",
    ),
    "dtype-lost": (
        "precision is lost: float64 comes back as a smaller type",
        "which line makes an array of a fixed dtype?",
    ),
    "uninitialised-memory": (
        "memory that was never written is part of the result",
        "np.empty gives whatever lay there; who writes each element, and who adds to it?",
    ),
    "fails-for-N1": ("it fails for a batch of one", "is an axis lost when there is a single sample?"),
    "fails-for-nonsquare": (
        "it fails where height and width differ",
        "name every size by the axis that it belongs to, for image, window and output.",
    ),
    "fails-for-square": (
        "it fails where two sizes are equal",
        "a test on a shape cannot tell which axis is which when both have one size.",
    ),
    "fails-without-pad": (
        "it fails where there is no padding",
        "what does a slice such as [pad:-pad] hold when pad is 0?",
    ),
    "fails-with-pad": (
        "it is wrong as soon as there is padding",
        "what stands around the image, on how many sides, and who takes it off again?",
    ),
    "fails-at-first": (
        "it is wrong where no running statistics are given yet",
        "the first call finds no running mean and variance: what stands for them then?",
    ),
    "wrong-at-test": (
        "it is wrong at test time only",
        "compare the branch for test time with that for training, line by line.",
    ),
    "fails-for-C-not-F": (
        "it fails where channels in and filters differ in number",
        "which of your loops or axes runs over C, and which over F?",
    ),
    "fails-for-fortran": (
        "it depends on the memory order of its inputs",
        "reshape, ravel and strides of a transposed view are not what they are for a fresh array.",
    ),
    "fails-for-nondividing-stride": (
        "it fails where the stride does not divide",
        "the last rows that no window reaches are left out, and get gradient 0.",
    ),
    "second-call-differs": (
        "the same call gives another result the second time",
        "something is remembered or changed in between: a global, a default argument, the cache, an input.",
    ),
    "cache-not-enough": (
        "backward uses something that is not in its cache",
        "call forward twice, then backward for the first: it may only know what the first left in its cache.",
    ),
    "raises": ("it raises an error", ""),
    "not-a-number": ("there are NaN or infinite numbers in it", "find the first step that gives one."),
    "swapped-outputs": (
        "the results come in the wrong order",
        "one gradient for each input, in their order.",
    ),
    "part-missing": (
        "a part of it is never written",
        "which loop ends too early, or which index is never reached?",
    ),
    "wrong-strides": (
        "the steps from one number to the next in memory are those of another array",
        "strides belong to the array whose memory is read: which array is that?",
    ),
    "std-for-variance": (
        "the standard deviation stands where the variance should",
        "running_var gathers variances; the root is taken when it is used.",
    ),
    "running-at-test": (
        "the running statistics change at test time",
        "at test time they are read and left as they are.",
    ),
    "state-stale": (
        "the step uses the memory as it was before this step",
        "first the new gradient goes into the memory, then the step is made with it.",
    ),
    "state-aliased": (
        "what the config keeps and the new parameter are one array",
        "an array that is changed in place changes under every name that it has.",
    ),
    "bias-unused": (
        "the bias is left out where a gradient is computed",
        "whether a unit is active is decided by all that forward adds up, the bias too.",
    ),
    "step-differs": (
        "one step of the computation is another",
        "write this step down on paper with the shapes below it, and compare it with your line.",
    ),
    "wrong-unknown": (
        "it is wrong, and no known mistake explains it",
        "take the smallest case that fails, and compare number by number where the error is.",
    ),
    "forward-wrong": (
        "it does not compute what it is defined to",
        "work one output number out by hand.",
    ),
}

TITLES = {mistake: title for mistake, (title, _) in _WORDS.items()}
HINTS = {mistake: hint for mistake, (_, hint) in _WORDS.items()}
