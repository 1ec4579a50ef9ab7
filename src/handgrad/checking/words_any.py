"""Mistakes that any function may have: what each means, and a hint."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
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
    "fails-for-zeros": (
        "it fails where the input holds zeros",
        "a division, a logarithm or a comparison with 0: which of your lines minds a zero?",
    ),
    "fails-without-seed": (
        "it fails where no seed is given",
        "what stands for the seed when the settings hold none?",
    ),
    "fails-for-odd-size": (
        "it fails where a size is odd",
        "which step halves a size, or rebuilds an array from half of it?",
    ),
    "fails-at-ties": (
        "it fails where numbers are equal or an input lies at the kink",
        "compare what your code does with two equal numbers in forward and in backward.",
    ),
    "fails-for-large": (
        "it fails for large numbers",
        "which step grows beyond what a float holds, or cuts a number off?",
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
    "part-unused": (
        "a part of what it is made of is not used",
        "which loop or index leaves the others out: all samples and windows have a share in it.",
    ),
    "another-function": (
        "another function comes out, or is applied on the way",
        "say in one word what this function is named after, and look for what your lines do beyond that.",
    ),
    "input-mixed-in": (
        "something is multiplied in or added that does not belong there",
        "name every factor and every term of your line, and ask of each where it comes from.",
    ),
    "wrong-index": (
        "an index picks other numbers than those that are meant",
        "say aloud which rows and which columns it picks: one number of each row, or whole rows?",
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
