"""Which names of a norm are alike, and which mistake an edit of one is."""

from __future__ import annotations

from ..edits.variants import Solution, Worked

_GROUPS = tuple(
    frozenset(names.split())
    for names in (
        "N D",
        "x centred x_hat",
        "mean old_mean running_mean batch_mean",
        "var old_var running_var batch_var",
        "std var",
        "mean var",
        "old_mean old_var",
        "momentum eps",
        "gamma beta",
        "dout dx_hat",
        "dout x_hat",
        "dbeta dgamma",
        "total along",
        "N C H W M G S",
    )
)
_ROLES = (
    ("inside", "std|out|x_hat|scale", "sqrt", "eps-misplaced"),
    ("*", "scale", "*", "wrong-at-test"),
    ("line", "mean|centred", "*", "step-differs"),
    ("late|line", "running_*", "*", "running-not-written"),
    ("late|line", "*", "*", "step-differs"),
    ("dropped call", "std|out|x_hat", "sqrt", "root-missing"),
    ("ignored", "*", "eps", "eps-misplaced"),
    ("*", "running_*", "momentum|1 - momentum", "momentum-reversed"),
    ("twice|times|power|plus|call", "running_*", "var|mean|old_var|old_mean", "step-differs"),
    ("constant|sign|exchange|twice|times|power|plus", "running_*", "*", "momentum-reversed"),
    ("factor|term", "running_*", "*", "momentum-reversed"),
    (
        "name|exchange",
        "running_*",
        "var>mean|mean>var|old_mean>old_var|old_var>old_mean|var|mean",
        "step-differs",
    ),
    ("name|exchange", "running_*", "*", "statistics-swapped"),
    ("term|sign|name|factor|times", "*", "eps", "eps-misplaced"),
    ("name|exchange", "mean|var|x_hat|out", "old_*|mean|var|running_*", "statistics-swapped"),
    ("compare", "a condition", "*", "statistics-swapped"),
    ("axis", "dbeta", "*", "beta-gradient-wrong"),
    ("*", "dbeta", "*", "beta-gradient-wrong"),
    ("factor|name|exchange", "dgamma", "x_hat*", "gamma-without-xhat"),
    ("axis", "*", "*", "wrong-axes"),
    ("ddof", "*", "*", "variance-unbiased"),
    ("order|transpose", "*", "*", "reshape-order"),
    ("factor|name|exchange", "out|dx_hat", "gamma", "gamma-missing"),
    ("twice|times", "dx_hat", "gamma", "term-doubled"),
    ("term", "out", "beta", "bias-missing"),
    ("brackets", "out", "beta", "bias-wrong-axes"),
    ("name|exchange", "*", "N|D|C|H|W|M|G|S", "factor-n"),
    ("call", "*", "sum|mean", "factor-n"),
    ("divisor|factor|twice|times", "*", "N|D|M", "factor-n"),
    ("term|factor|name", "d*", "dmean*|total", "mean-term-missing"),
    ("term|factor|name", "d*", "dvar*|dstd*|along|2 * centred * dvar*", "variance-term-missing"),
    ("sign|turned", "d*", "*", "term-sign"),
    ("*", "dgamma", "*", "gamma-without-xhat"),
    ("constant|power|factor|divisor|twice|times|plus|term|name|exchange", "d*", "*", "term-doubled"),
)


def norm_solutions(*solutions: Solution) -> tuple[Worked, ...]:
    """Return worked solutions of norms."""
    return tuple(
        Worked(one, _GROUPS, {}, _ROLES, {"eps": (1e-5, 1e-8), "momentum": (0.9, 0.1)}) for one in solutions
    )
