"""The true gradients as sums of named terms, and the learner's gradient as a combination of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..cases import Args
from .mutation import Sample
from .norm import Norm

Terms = Callable[[Args, np.ndarray], dict[str, np.ndarray]]
EXACT = 1e-6


@dataclass(frozen=True)
class Attribution:
    """The weights of the terms that make the learner's gradient.

    Attributes
    ----------
    names : tuple of str
    weights : ndarray (samples, terms)
    residual : float
        What the terms leave over, as a share of the gradient.
    words : str
        The combination, written out for the first sample.
    """

    names: tuple[str, ...]
    weights: np.ndarray
    residual: float
    words: str


def attribute(terms: Terms, output: str, samples: list[Sample]) -> Attribution | None:
    """Fit the learner's gradient to named terms; None when they do not make it on every sample.

    Parameters
    ----------
    terms : callable
        ``terms(args, dout)`` gives the terms by name; their sum is the true gradient.
    output : str
        Name of the gradient, for the words.
    samples : list of Sample
    """
    weights: list[np.ndarray] = []
    residuals: list[float] = []
    words, names = "", tuple[str, ...]()
    for sample in samples:
        if sample.given is None or sample.given.shape != sample.true.shape:
            return None
        named = {k: np.asarray(v).ravel() for k, v in terms(sample.args, sample.dout).items()}
        names = tuple(named)
        columns = np.stack(list(named.values()), axis=1)
        given = sample.given.ravel().astype(float)
        if not np.isfinite(given).all() or columns.shape[0] <= columns.shape[1]:
            return None
        fit, _, rank, _ = np.linalg.lstsq(columns, given, rcond=1e-9)
        if rank < len(names):
            continue  # too few numbers here to tell the terms apart
        left_over = float(np.linalg.norm(columns @ fit - given) / max(float(np.linalg.norm(given)), 1e-12))
        if left_over > EXACT and np.linalg.norm(given) > EXACT:
            return None
        weights.append(fit)
        residuals.append(left_over)
        words = words or _written_out(output, names, fit, left_over, sample.words)
    if not weights:
        return None
    return Attribution(names, np.array(weights), max(residuals), words)


def _written_out(output: str, names: tuple[str, ...], fit: np.ndarray, residual: float, words: str) -> str:
    parts = " + ".join(
        f"{round(weight, 2) + 0.0:.2f} * ({name} term)" for name, weight in zip(names, fit, strict=True)
    )
    return f"{output} = {parts.replace('+ -', '- ')}, residual {residual:.0e}, on {words}."


def norm_terms(layer: str, gamma: bool = True) -> Terms:
    """Return the terms of a norm's dx: straight through, through the mean, through the variance."""
    return lambda args, dout: Norm(layer, args).terms(dout, gamma)


def norm_terms_apart(layer: str) -> Terms:
    """Return each term of a norm's dx with gamma in it and without."""

    def terms(args: Args, dout: np.ndarray) -> dict[str, np.ndarray]:
        norm = Norm(layer, args)
        without = {f"{name} without gamma": term for name, term in norm.terms(dout, gamma=False).items()}
        return norm.terms(dout) | without

    return terms


def _softmax(args: Args, dout: np.ndarray) -> dict[str, np.ndarray]:
    x, y = args["x"], args["y"]
    power = np.exp(x - x.max(axis=1, keepdims=True))
    one_hot = np.eye(x.shape[1])[y]
    return {"prediction": power / power.sum(axis=1, keepdims=True) / len(x), "right-class": -one_hot / len(x)}


def _svm(args: Args, dout: np.ndarray) -> dict[str, np.ndarray]:
    x, y = args["x"], args["y"]
    rows = np.arange(len(x))
    violated = (x - x[rows, y][:, None] + 1 > 0) * 1.0
    violated[rows, y] = 0
    right = np.zeros(x.shape)
    right[rows, y] = -violated.sum(axis=1)
    return {"wrong-class": violated / len(x), "right-class": right / len(x)}


def _linear(terms: Terms) -> Terms:
    def linear(args: Args, dout: np.ndarray) -> dict[str, np.ndarray]:
        inner = terms({"x": args["X"] @ args["W"], "y": args["y"]}, dout)
        outer = {name: args["X"].T @ term for name, term in inner.items()}
        return outer | (
            {"penalty": 2 * args.get("penalty", 1.0) * args["reg"] * args["W"]} if args["reg"] else {}
        )

    return linear


TERMS: dict[tuple[str, str], Terms] = {
    **{
        (layer, "dx"): norm_terms(layer)
        for layer in ("batchnorm", "spatial_batchnorm", "layernorm", "spatial_groupnorm")
    },
    ("softmax_loss", "dx"): _softmax,
    ("svm_loss", "dx"): _svm,
    ("linear_softmax_loss", "dW"): _linear(_softmax),
    ("linear_svm_loss", "dW"): _linear(_svm),
    ("sigmoid", "dx"): lambda a, d: _powers(1 / (1 + np.exp(-a["x"])), d, 1, 2),
    ("tanh", "dx"): lambda a, d: _powers(np.tanh(a["x"]), d, 0, 2),
}


def _powers(out: np.ndarray, dout: np.ndarray, first: int, second: int) -> dict[str, np.ndarray]:
    names = {0: "dout", 1: "dout out", 2: "dout out^2"}
    return {names[first]: dout * out**first, names[second]: -dout * out**second}
