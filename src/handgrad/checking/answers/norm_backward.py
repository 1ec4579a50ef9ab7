"""Mistakes of the backward of norms."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..cases import Args
from .mutation import Mutation
from .norm import EPS_PLACES, WRONG_AXES, Axes, Norm, letters_of_axes
from .sums import bias_mutations


def dx_mutations(layer: str) -> list[Mutation]:
    """Return the mistakes of dx that no combination of its terms makes."""

    def dx(
        mistake: str, value: Callable[[Norm, np.ndarray], np.ndarray], words: str, **options: Any
    ) -> Mutation:
        def compute(a: Args, d: np.ndarray) -> np.ndarray:
            return value(Norm(layer, a, **options), d)

        return Mutation(mistake, "dx", compute, words)

    def total(norm: Norm, d: np.ndarray) -> np.ndarray:
        return sum(norm.terms(d).values())  # type: ignore[return-value]

    def divided(norm: Norm, d: np.ndarray, place: str) -> np.ndarray:
        """Divide by another deviation, x_hat being that of forward."""
        other = Norm(layer, norm.args, eps=place).std_of_x
        return total(norm, d) * norm.std_of_x / other

    def only_gamma(norm: Norm, d: np.ndarray) -> np.ndarray:
        return (norm.fold(d) * norm.gamma).reshape(norm.shape)

    def x_for_x_hat(norm: Norm, d: np.ndarray) -> np.ndarray:
        terms = norm.terms(d)
        dx_hat = norm.fold(d) * norm.gamma
        variance = -norm.centred * (dx_hat * norm.x_hat).mean(axis=norm.axes, keepdims=True) / norm.std
        return terms["direct"] + terms["mean"] + variance.reshape(norm.shape)

    return [
        dx("variance-unbiased", _unbiased_terms, "the variance term is divided by N - 1"),
        dx("variance-unbiased", total, "the deviation of backward comes from N - 1", ddof=1),
        *(dx("eps-misplaced", total, f"eps: {words}", eps=eps) for eps, words in EPS_PLACES),
        *(
            dx("eps-misplaced", functools.partial(divided, place=eps), f"eps of the last division: {words}")
            for eps, words in EPS_PLACES
        ),
        dx(
            "root-missing",
            functools.partial(divided, place="no root"),
            "it is divided by the variance, not by its root",
        ),
        dx("division-missing", lambda n, d: total(n, d) * n.std_of_x, "it is not divided by the deviation"),
        *(
            dx("wrong-axes", total, f"statistics over {letters_of_axes(layer, axes)}", axes=axes)
            for axes in WRONG_AXES[layer]
        ),
        *(
            dx(
                "wrong-axes",
                functools.partial(_means_over, axes=axes),
                f"the means are taken over {letters_of_axes(layer, axes)}",
            )
            for axes in WRONG_AXES[layer]
        ),
        dx("variance-term-missing", only_gamma, "dx = dout gamma: nothing goes through mean and deviation"),
        dx("term-doubled", x_for_x_hat, "the variance term lacks one division by the deviation"),
        dx("mean-term-missing", lambda n, d: n.fold(d).reshape(n.shape), "dx = dout"),
    ]


def _means_over(norm: Norm, d: np.ndarray, axes: Axes) -> np.ndarray:
    dx_hat = norm.fold(d) * norm.gamma
    mean = dx_hat.mean(axis=axes, keepdims=True)
    variance = norm.x_hat * (dx_hat * norm.x_hat).mean(axis=axes, keepdims=True)
    return ((dx_hat - mean - variance) / norm.std).reshape(norm.shape)


def _unbiased_terms(norm: Norm, d: np.ndarray) -> np.ndarray:
    terms = norm.terms(d)
    count = norm.x.size / norm.mean.size
    return terms["direct"] + terms["mean"] + terms["variance"] * count / (count - 1)


def scale_mutations(layer: str) -> list[Mutation]:
    """Return the mistakes of dgamma and dbeta."""

    def dgamma(mistake: str, weight: Callable[[Norm], np.ndarray], words: str) -> Mutation:
        def compute(a: Args, d: np.ndarray) -> np.ndarray:
            norm = Norm(layer, a)
            return norm.summed(norm.fold(d) * weight(norm))

        return Mutation(mistake, "dgamma", compute, words)

    def overletters_of_axes(a: Args, d: np.ndarray, axes: Axes) -> np.ndarray:
        norm = Norm(layer, a)
        return np.sum(d * norm.x_hat.reshape(norm.shape), axis=axes)

    letters = "ND" if layer in ("batchnorm", "layernorm") else "NCHW"
    rest = tuple(k for k in range(len(letters)) if k != 1)
    wrong = [
        axes
        for axes in ((0,), (1,), (0, 1), (2, 3), (0, 2), (0, 1, 2, 3))
        if max(axes) < len(letters) and axes != rest
    ]
    shaped = bias_mutations("dbeta", letters, axis=1, mistake="beta-gradient-wrong")
    if layer == "spatial_groupnorm":
        whole = [
            m for m in shaped if "summed over" not in m.words or ", C, " in m.words or "stays" in m.words
        ]
        shaped += [_kept_shape(m) for m in whole if not m.words.endswith(("C, H", "C, W"))]
    return [
        dgamma("gamma-without-xhat", lambda n: 1 + 0 * n.x, "dgamma = sum of dout"),
        dgamma("gamma-without-xhat", lambda n: n.x, "x stands where x_hat should"),
        dgamma("gamma-without-xhat", lambda n: n.centred, "x - mean stands where x_hat should"),
        dgamma("gamma-without-xhat", lambda n: n.x_hat * n.gamma + n.beta, "out stands where x_hat should"),
        dgamma("gamma-without-xhat", lambda n: n.x_hat * n.gamma, "gamma x_hat stands where x_hat should"),
        dgamma("gamma-without-xhat", lambda n: n.x / n.std, "x / std stands where x_hat should"),
        dgamma("gamma-without-xhat", lambda n: n.centred / n.std**2, "x_hat / std stands where x_hat should"),
        *(
            Mutation(
                "wrong-axes",
                "dgamma",
                lambda a, d, x=axes: overletters_of_axes(a, d, x),
                f"dgamma is summed over {', '.join(letters[k] for k in axes)}",
            )
            for axes in wrong
        ),
        *(
            Mutation("gamma-without-xhat", "dgamma", m.compute, f"no x_hat, and {m.words}")
            for m in bias_mutations("dgamma", letters, axis=1)
        ),
        *shaped,
    ]


def _kept_shape(mutation: Mutation) -> Mutation:
    def compute(a: Args, d: np.ndarray) -> np.ndarray:
        return np.broadcast_to(mutation.compute(a, d), a["beta"].size).reshape(a["beta"].shape)

    return Mutation(mutation.mistake, mutation.output, compute, mutation.words)


_LACKING = (("mean", "mean-term-missing"), ("variance", "variance-term-missing"), ("direct", "term-doubled"))


def term_mutations(layer: str) -> list[Mutation]:
    """Return dx with a term missing, doubled or of the wrong sign, for where terms cannot be fitted."""

    def weighed(weights: dict[str, float], gamma: bool = True) -> Any:
        def compute(a: Args, d: np.ndarray) -> np.ndarray:
            terms = Norm(layer, a).terms(d, gamma)
            return sum(weights.get(name, 1.0) * term for name, term in terms.items())  # type: ignore[return-value]

        return compute

    found = [Mutation("gamma-missing", "dx", weighed({}, gamma=False), "the terms lack gamma")]
    for name, mistake in _LACKING:
        found.append(Mutation(mistake, "dx", weighed({name: 0.0}), f"the {name} term is missing"))
        found.append(Mutation("term-doubled", "dx", weighed({name: 2.0}), f"the {name} term is doubled"))
        found.append(
            Mutation("term-sign", "dx", weighed({name: -1.0}), f"the {name} term has the wrong sign")
        )
    found.append(
        Mutation("mean-term-missing", "dx", weighed({"mean": 0.0, "variance": 0.0}), "both terms are missing")
    )
    return found
