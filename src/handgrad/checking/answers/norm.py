"""Mistakes of batch, layer and group norm, on one picture: numbers of a group share mean and variance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..cases import Args
from .mutation import Mutation
from .sums import bias_mutations

Axes = tuple[int, ...]


class Norm:
    """One norm on one case: x as an array whose `axes` share statistics, and everything from it.

    Options are mistakes: `ddof` 1 divides by N - 1, `eps` is where it stands, `axes` other axes.
    """

    def __init__(
        self, layer: str, args: Args, *, ddof: int = 0, eps: str = "inside", axes: Axes | None = None
    ) -> None:
        x = args["x"]
        self.layer, self.args, self.shape = layer, args, x.shape
        param: dict[str, Any] = next(v for v in args.values() if isinstance(v, dict))
        value = float(param.get("eps", 1e-5))
        folded = self.fold(x)
        self.x = folded
        self.axes = _axes(layer) if axes is None else axes
        self.mean = folded.mean(axis=self.axes, keepdims=True)
        self.var = folded.var(axis=self.axes, keepdims=True, ddof=ddof)
        if param.get("mode") == "test" and axes is None and ddof == 0:
            self.mean, self.var = (self.column(param[key]) for key in ("running_mean", "running_var"))
        self.std = {
            "inside": lambda: np.sqrt(self.var + value),
            "outside": lambda: np.sqrt(self.var) + value,
            "missing": lambda: np.sqrt(self.var),
            "default": lambda: np.sqrt(self.var + 1e-5),
            "squared": lambda: np.sqrt(self.var + value**2),
            "no root": lambda: self.var + value,
        }[eps]()
        self.centred = folded - self.mean
        self.x_hat = self.centred / self.std
        self.gamma, self.beta = self.column(args["gamma"]), self.column(args["beta"])

    def fold(self, x: np.ndarray) -> np.ndarray:
        """Split the channels into groups where the layer has groups."""
        if self.layer != "spatial_groupnorm":
            return x
        n, c, h, w = x.shape
        groups = self.args["G"]
        return x.reshape(n, groups, c // groups, h, w)

    def column(self, scale: np.ndarray) -> np.ndarray:
        """Shape a number for each feature so that it meets x."""
        flat = np.asarray(scale).reshape(-1)
        if self.layer == "spatial_groupnorm":
            return flat.reshape(1, self.x.shape[1], -1, 1, 1)
        return flat.reshape(1, -1, *(1 for _ in self.shape[2:]))

    def forward(self, gamma: bool = True, beta: bool = True) -> np.ndarray:
        """Scale and shift."""
        out = self.x_hat * (self.gamma if gamma else 1.0) + (self.beta if beta else 0.0)
        return out.reshape(self.shape)

    def terms(self, dout: np.ndarray, gamma: bool = True) -> dict[str, np.ndarray]:
        """Return the terms of dx by name: their sum is the gradient."""
        dx_hat = self.fold(dout) * (self.gamma if gamma else 1.0)
        direct = dx_hat / self.std
        mean = -dx_hat.mean(axis=self.axes, keepdims=True) / self.std
        variance = -self.x_hat * (dx_hat * self.x_hat).mean(axis=self.axes, keepdims=True) / self.std
        named = {"direct": direct, "mean": mean + 0 * direct, "variance": variance}
        return {name: term.reshape(self.shape) for name, term in named.items()}

    def summed(self, values: np.ndarray) -> np.ndarray:
        """Sum over all but the features, in gamma's shape."""
        values = np.asarray(values).reshape(self.shape)
        axes = tuple(k for k in range(values.ndim) if k != 1)
        return values.sum(axis=axes).reshape(self.args["gamma"].shape)


def _axes(layer: str) -> Axes:
    return {"batchnorm": (0,), "spatial_batchnorm": (0, 2, 3), "layernorm": (1,)}.get(layer, (2, 3, 4))


_WRONG_AXES: dict[str, tuple[Axes, ...]] = {
    "batchnorm": ((1,), (0, 1)),
    "spatial_batchnorm": ((0,), (2, 3), (1,), (0, 1, 2, 3), (1, 2, 3), (0, 2), (0, 3)),
    "layernorm": ((0,), (0, 1)),
    "spatial_groupnorm": ((3, 4), (2,), (0, 2, 3, 4), (1, 2, 3, 4), (0, 3, 4), (0,), (1,)),
}
_AXIS_WORDS = {
    "batchnorm": "ND",
    "layernorm": "ND",
    "spatial_batchnorm": "NCHW",
    "spatial_groupnorm": "NGcHW",
}
_EPS = (("outside", "it is added to the root"), ("missing", "there is none"),
        ("default", "it is always 1e-5, whatever the settings say"), ("squared", "its square is added"),
        ("no root", "there is no root"))  # fmt: skip


def mutations(layer: str) -> list[Mutation]:
    """Return the mistakes of a norm."""
    batch = layer.endswith("batchnorm")
    return [
        *_forward_mutations(layer),
        *(_running_mutations(layer) if batch else []),
        *_dx_mutations(layer),
        *_scale_mutations(layer),
    ]


def _train(args: Args) -> bool:
    return "bn_param" not in args or args["bn_param"]["mode"] == "train"


def _forward_mutations(layer: str) -> list[Mutation]:
    def out(mistake: str, words: str, gamma: bool = True, beta: bool = True, **options: Any) -> Mutation:
        def compute(a: Args, _: Any) -> np.ndarray:
            chosen = options if _train(a) or "eps" in options else {}
            return Norm(layer, a, **chosen).forward(gamma, beta)

        return Mutation(mistake, "out", compute, words)

    found = [
        out("variance-unbiased", "the variance is that of a sample", ddof=1),
        *(out("eps-misplaced", f"eps: {words}", eps=eps) for eps, words in _EPS),
        *(
            out("wrong-axes", f"statistics over {_letters(layer, axes)}", axes=axes)
            for axes in _WRONG_AXES[layer]
        ),
        out("gamma-missing", "out = x_hat + beta", gamma=False),
        out("bias-missing", "beta is not added", beta=False),
        out("gamma-missing", "out = x_hat: neither gamma nor beta", gamma=False, beta=False),
        Mutation("forward-wrong", "out", lambda a, _: _uncentred(layer, a), "the mean is not subtracted"),
        Mutation(
            "forward-wrong", "out", lambda a, _: _unscaled(layer, a), "it is not divided by the deviation"
        ),
    ]
    if layer.endswith("batchnorm"):
        found += [
            Mutation("statistics-swapped", "out", lambda a, _: _swapped(layer, a), "training normalises with the "
                     "running statistics, test time with those of the batch"),
            Mutation("statistics-swapped", "out", lambda a, _: Norm(layer, _as(a, "train")).forward(),
                     "test time normalises with the batch's own statistics"),
            Mutation("statistics-swapped", "out", lambda a, _: Norm(layer, _as(a, "test")).forward(),
                     "training normalises with the old running statistics"),
            Mutation("statistics-swapped", "out", lambda a, _: _with_new_running(layer, a),
                     "training normalises with the new running statistics"),
            Mutation("eps-misplaced", "out", lambda a, _: _test_only(layer, a, "missing"), "eps is missing at test time"),
            Mutation("eps-misplaced", "out", lambda a, _: _test_only(layer, a, "outside"),
                     "at test time eps is added to the root"),
            Mutation("gamma-missing", "out", lambda a, _: Norm(layer, a).forward(_train(a), True), "at test time"),
            Mutation("gamma-missing", "out", lambda a, _: Norm(layer, a).forward(_train(a), _train(a)),
                     "neither gamma nor beta at test time"),
            Mutation("statistics-swapped", "out", lambda a, _: _root_forgotten(layer, a),
                     "at test time the running variance stands where its root should"),
        ]  # fmt: skip
    return found


def _letters(layer: str, axes: Axes) -> str:
    return ", ".join(_AXIS_WORDS[layer][k] for k in axes)


def _uncentred(layer: str, a: Args) -> np.ndarray:
    norm = Norm(layer, a)
    return (norm.x / norm.std * norm.gamma + norm.beta).reshape(norm.shape)


def _unscaled(layer: str, a: Args) -> np.ndarray:
    norm = Norm(layer, a)
    return (norm.centred * norm.gamma + norm.beta).reshape(norm.shape)


def _as(a: Args, mode: str) -> Args:
    features = a["x"].shape[1]
    param = {
        "running_mean": np.zeros(features),
        "running_var": np.zeros(features),
        **a["bn_param"],
        "mode": mode,
    }
    return a | {"bn_param": param}


def _swapped(layer: str, a: Args) -> np.ndarray:
    return Norm(layer, _as(a, "test" if _train(a) else "train")).forward()


def _with_new_running(layer: str, a: Args) -> np.ndarray:
    if not _train(a):
        return Norm(layer, a).forward()
    new = _running(layer, a, lambda old, batch, m, norm: m * old + (1 - m) * batch)
    return Norm(layer, a | {"bn_param": a["bn_param"] | {"mode": "test"} | new}).forward()


def _test_only(layer: str, a: Args, eps: str) -> np.ndarray:
    return Norm(layer, a, **({} if _train(a) else {"eps": eps})).forward()


def _root_forgotten(layer: str, a: Args) -> np.ndarray:
    return Norm(layer, a, **({} if _train(a) else {"eps": "no root"})).forward()


Update = Callable[[np.ndarray, np.ndarray, float, Norm], np.ndarray]


def _running(layer: str, a: Args, update: Update) -> dict[str, np.ndarray]:
    param = _as(a, "train")["bn_param"]
    norm = Norm(layer, a)
    momentum = float(param.get("momentum", 0.9))
    batch = {"running_mean": norm.mean.reshape(-1), "running_var": norm.var.reshape(-1)}
    return {key: update(param[key], batch[key], momentum, norm) for key in batch}


def _running_mutations(layer: str) -> list[Mutation]:
    def count(norm: Norm) -> float:
        return norm.x.size / norm.mean.size

    rows: list[tuple[str, Update, str]] = [
        ("momentum-reversed", lambda old, new, m, _: (1 - m) * old + m * new, "running = (1 - momentum) old + momentum new"),
        ("running-not-written", lambda old, new, m, _: old, "it keeps its old value"),
        ("running-not-written", lambda old, new, m, _: new, "the batch's value replaces it: momentum is not used"),
        ("running-not-written", lambda old, new, m, _: m * old, "the new value is never added"),
        ("momentum-reversed", lambda old, new, m, _: old + (1 - m) * new, "the old value is not reduced"),
        ("momentum-reversed", lambda old, new, m, _: m * old + new, "the new value comes with its whole weight"),
        ("momentum-reversed", lambda old, new, m, _: m * (old + new), "both come with the weight momentum"),
        ("variance-unbiased", lambda old, new, m, n: m * old + (1 - m) * new * count(n) / (count(n) - 1),
         "the running variance is that of a sample"),
        ("statistics-swapped", lambda old, new, m, _: m * old + (1 - m) * np.sqrt(new),
         "it gathers the standard deviation, not the variance"),
        ("eps-misplaced", lambda old, new, m, n: m * old + (1 - m) * np.sqrt(new + _eps_of(n)),
         "it gathers the root of variance plus eps"),
        ("eps-misplaced", lambda old, new, m, n: m * old + (1 - m) * (new + _eps_of(n)), "eps is in it"),
    ]  # fmt: skip

    def one(mistake: str, key: str, update: Update, words: str) -> Mutation:
        return Mutation(mistake, key, lambda a, _: _running(layer, a, update)[key], words)

    found = [
        one(m, key, update, words) for m, update, words in rows for key in ("running_mean", "running_var")
    ]
    for axes in _WRONG_AXES[layer]:
        words = f"statistics over {_letters(layer, axes)}"
        found += [
            Mutation("wrong-axes", key, lambda a, _, x=axes, k=key: _running_over(layer, a, x)[k], words)
            for key in ("running_mean", "running_var")
        ]
    return found


def _eps_of(norm: Norm) -> float:
    return float(norm.args["bn_param"].get("eps", 1e-5))


def _running_over(layer: str, a: Args, axes: Axes) -> dict[str, np.ndarray]:
    param = _as(a, "train")["bn_param"]
    norm, momentum = Norm(layer, a, axes=axes), float(param.get("momentum", 0.9))
    batch = {"running_mean": np.squeeze(norm.mean), "running_var": np.squeeze(norm.var)}
    return {key: momentum * param[key] + (1 - momentum) * batch[key] for key in batch}


def _dx_mutations(layer: str) -> list[Mutation]:
    def dx(
        mistake: str, value: Callable[[Norm, np.ndarray], np.ndarray], words: str, **options: Any
    ) -> Mutation:
        def compute(a: Args, d: np.ndarray) -> np.ndarray:
            return value(Norm(layer, a, **options), d)

        return Mutation(mistake, "dx", compute, words)

    def total(norm: Norm, d: np.ndarray) -> np.ndarray:
        return sum(norm.terms(d).values())  # type: ignore[return-value]

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
        *(dx("eps-misplaced", total, f"eps: {words}", eps=eps) for eps, words in _EPS),
        *(dx("wrong-axes", total, f"statistics over {_letters(layer, axes)}", axes=axes) for axes in _WRONG_AXES[layer]),
        *(dx("wrong-axes", lambda n, d, x=axes: _means_over(n, d, x), f"the means are taken over {_letters(layer, axes)}")
          for axes in _WRONG_AXES[layer]),
        dx("variance-term-missing", only_gamma, "dx = dout gamma: nothing goes through mean and deviation"),
        dx("variance-term-missing", x_for_x_hat, "the variance term lacks one division by the deviation"),
        dx("mean-term-missing", lambda n, d: n.fold(d).reshape(n.shape), "dx = dout"),
    ]  # fmt: skip


def _means_over(norm: Norm, d: np.ndarray, axes: Axes) -> np.ndarray:
    dx_hat = norm.fold(d) * norm.gamma
    mean = dx_hat.mean(axis=axes, keepdims=True)
    variance = norm.x_hat * (dx_hat * norm.x_hat).mean(axis=axes, keepdims=True)
    return ((dx_hat - mean - variance) / norm.std).reshape(norm.shape)


def _unbiased_terms(norm: Norm, d: np.ndarray) -> np.ndarray:
    terms = norm.terms(d)
    count = norm.x.size / norm.mean.size
    return terms["direct"] + terms["mean"] + terms["variance"] * count / (count - 1)


def _scale_mutations(layer: str) -> list[Mutation]:
    def dgamma(mistake: str, weight: Callable[[Norm], np.ndarray], words: str) -> Mutation:
        def compute(a: Args, d: np.ndarray) -> np.ndarray:
            norm = Norm(layer, a)
            return norm.summed(norm.fold(d) * weight(norm))

        return Mutation(mistake, "dgamma", compute, words)

    def over_letters(a: Args, d: np.ndarray, axes: Axes) -> np.ndarray:
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
        shaped += [_kept_shape(m) for m in shaped]
    return [
        dgamma("gamma-without-xhat", lambda n: 1 + 0 * n.x, "dgamma = sum of dout"),
        dgamma("gamma-without-xhat", lambda n: n.x, "x stands where x_hat should"),
        dgamma("gamma-without-xhat", lambda n: n.centred, "x - mean stands where x_hat should"),
        dgamma("gamma-without-xhat", lambda n: n.x_hat * n.gamma + n.beta, "out stands where x_hat should"),
        dgamma("gamma-without-xhat", lambda n: n.x_hat * n.gamma, "gamma x_hat stands where x_hat should"),
        dgamma("gamma-without-xhat", lambda n: n.x / n.std, "x / std stands where x_hat should"),
        dgamma("gamma-without-xhat", lambda n: n.centred / n.std**2, "x_hat / std stands where x_hat should"),
        *(Mutation("wrong-axes", "dgamma", lambda a, d, x=axes: over_letters(a, d, x),
                   f"dgamma is summed over {', '.join(letters[k] for k in axes)}") for axes in wrong),
        *(Mutation("gamma-without-xhat", "dgamma", m.compute, f"no x_hat, and {m.words}")
          for m in bias_mutations("dgamma", letters, axis=1)),
        *shaped,
    ]  # fmt: skip


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
