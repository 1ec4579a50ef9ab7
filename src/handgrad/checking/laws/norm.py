"""Laws of norms: what comes out has the mean and the spread that beta and gamma say."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..sandbox import Failure
from ..subject import Run
from .common import good_runs, near, off, value


def batchnorm(state: Any) -> None:
    """Train: statistics of the output over the batch. Test: each sample by itself. Running averages."""
    for run in good_runs(state):
        axes = (0, *range(2, run.case.args["x"].ndim))
        if run.case.args["bn_param"]["mode"] == "test":
            _test_mode(state, run)
            continue
        if not _statistics(state, run, axes, "bn_param") or not _running(state, run, axes):
            return
    _gradient_sums(state)


def per_sample(state: Any) -> None:
    """Statistics of the output within each sample, or each group of its channels."""
    for run in good_runs(state):
        key = "ln_param" if "ln_param" in run.case.args else "gn_param"
        if not _statistics(state, run, None, key):
            return
        x = run.case.args["x"]
        if len(x) > 1:
            alone = value(state, run, x=x[:1])
            if alone is not None and not near(alone, run.outputs["out"][:1], 1e-6):
                state.add(
                    "wrong-axes",
                    "out",
                    f"a sample comes out differently when it is alone in the batch: "
                    f"{off(alone, run.outputs['out'][:1])}, on {run.case.words}",
                )
                return


def _groups(run: Run, values: np.ndarray) -> np.ndarray:
    """Fold so that the last axis holds the numbers that share statistics."""
    groups = run.case.args.get("G", 1)
    return values.reshape(len(values), groups, -1)


def _statistics(state: Any, run: Run, axes: tuple[int, ...] | None, key: str) -> bool:
    """With gamma 1 and beta 0: mean 0, and variance var / (var + eps)."""
    args = run.case.args
    x, gamma, beta = args["x"], args["gamma"], args["beta"]
    out = run.outputs["out"]
    words = f"on {run.case.words}"
    if out.shape != x.shape:
        state.add("shape-wrong", "out", f"out has shape {out.shape}, x has {x.shape}, {words}")
        return False
    plain = value(state, run, gamma=0 * gamma + 1, beta=0 * beta)
    if plain is None:
        return True
    eps = float(args[key].get("eps", 1e-5))
    if axes is None:
        plain_folded, x_folded, over = _groups(run, plain), _groups(run, x), (2,)
    else:
        plain_folded, x_folded, over = plain, x, axes  # type: ignore[assignment]
    mean, var, given = plain_folded.mean(axis=over), plain_folded.var(axis=over), x_folded.var(axis=over)
    if not near(mean, 0 * mean):
        state.add(
            "wrong-axes", "out", f"with gamma 1 and beta 0 the mean must be 0: {off(mean, 0 * mean)}, {words}"
        )
        return False
    due = given / (given + eps)
    if not near(var, due, 1e-5):
        count = x_folded.size / max(1, given.size)
        state.add(
            _variance_mistake(var, given, eps, count),
            "out",
            f"with gamma 1 and beta 0 the variance must be var / (var + eps): {off(var, due)}, {words}",
        )
        return False
    shaped = gamma.reshape(-1, *(1 for _ in x.shape[2:])), beta.reshape(-1, *(1 for _ in x.shape[2:]))
    if not near(out, plain * shaped[0] + shaped[1]):
        state.add(
            "gamma-missing",
            "out",
            f"gamma must scale and beta shift each feature: "
            f"{off(out, plain * shaped[0] + shaped[1])}, {words}",
        )
        return False
    return True


def _variance_mistake(var: np.ndarray, given: np.ndarray, eps: float, count: float) -> str:
    """Name an output variance that another place of eps, or N - 1, would give."""
    places = (
        given / (np.sqrt(given) + eps) ** 2,
        0 * given + 1,
        given / (given + 1e-5),
        given / (given + eps) ** 2,
    )
    if any(near(var, place, 1e-5) for place in places):
        return "eps-misplaced"
    unbiased = given / (given * count / max(count - 1, 1.0) + eps)
    return "variance-unbiased" if near(var, unbiased, 1e-5) else "forward-wrong"


def _running(state: Any, run: Run, axes: tuple[int, ...]) -> bool:
    """Running averages go the share 1 - momentum of the way to the batch's mean and variance."""
    x, param = run.case.args["x"], run.case.args["bn_param"]
    momentum = float(param.get("momentum", 0.9))
    for key, batch in (("running_mean", x.mean(axis=axes)), ("running_var", x.var(axis=axes))):
        old = np.asarray(param.get(key, np.zeros(x.shape[1])))
        new = run.outputs.get(key)
        if new is None or new.shape != old.shape or near(new, old):
            state.add(
                "running-not-written", key, f"after a call it is what it was before, on {run.case.words}"
            )
            return False
        way = (new - old) / np.where(np.abs(batch - old) > 1e-9, batch - old, 1.0)
        if not near(way, 0 * way + (1 - momentum), 1e-5):
            mistake = "momentum-reversed" if near(way, 0 * way + momentum, 1e-5) else "forward-wrong"
            state.add(
                mistake,
                key,
                f"it must go {1 - momentum:.3g} of the way from the old value to the batch's, it goes "
                f"{way.flat[0]:.3g}, on {run.case.words}",
            )
            return False
    return True


def _test_mode(state: Any, run: Run) -> None:
    """At test time a sample comes out the same alone, and the running statistics map to beta and gamma."""
    args = run.case.args
    x, param = args["x"], args["bn_param"]
    words = f"on {run.case.words}"
    alone = value(state, run, x=x[:1])
    if alone is not None and not near(alone, run.outputs["out"][:1]):
        state.add(
            "statistics-swapped",
            "out",
            f"at test time a sample comes out differently when it is alone, {words}",
        )
        return
    column = (1, -1, *(1 for _ in x.shape[2:]))
    mean, var = (np.asarray(param[key]).reshape(column) for key in ("running_mean", "running_var"))
    gamma, beta = args["gamma"].reshape(column), args["beta"].reshape(column)
    middle = value(state, run, x=np.broadcast_to(mean, x.shape).copy())
    if middle is not None and not near(middle, np.broadcast_to(beta, x.shape)):
        state.add(
            "statistics-swapped",
            "out",
            f"at test time an input equal to the running mean must give beta, {words}",
        )
        return
    above = value(
        state, run, x=np.broadcast_to(mean + np.sqrt(var + float(param.get("eps", 1e-5))), x.shape).copy()
    )
    if above is not None and not near(above, np.broadcast_to(beta + gamma, x.shape), 1e-5):
        state.add(
            "eps-misplaced",
            "out",
            "at test time an input one root of (running variance + eps) above the running "
            f"mean must give beta + gamma, {words}",
        )
        return
    kept = [run.outputs.get(f"{key} at test time") for key in ("running_mean", "running_var")]
    if any(
        new is not None and not near(new, np.asarray(param[k]))
        for new, k in zip(kept, ("running_mean", "running_var"), strict=True)
    ):
        state.add("statistics-swapped", "running_mean", f"test time changes the running statistics, {words}")


def _gradient_sums(state: Any) -> None:
    """Dx sums to zero over the batch, and is orthogonal to x_hat as eps goes to 0."""
    for run in good_runs(state):
        dx, x = run.outputs.get("dx"), run.case.args["x"]
        if dx is None or dx.shape != x.shape or not run.case.backward:
            continue
        axes = (0, *range(2, x.ndim))
        if not near(dx.sum(axis=axes), np.zeros(x.shape[1]), 1e-6 * max(1.0, float(np.abs(dx).sum()))):
            state.add(
                "mean-term-missing",
                "dx",
                f"a shift of the whole batch changes nothing, so dx must sum to 0 over "
                f"it: the sum is {dx.sum(axis=axes).flat[0]:.3g}, on {run.case.words}",
            )
            return
        if _parallel(state, run, axes):
            return


def _parallel(state: Any, run: Run, axes: tuple[int, ...]) -> bool:
    args = run.case.copy_args()
    args["bn_param"] = {**args["bn_param"], "eps": 1e-10}
    x = run.case.args["x"]
    try:
        _, cache = state.subject.forward(args)
        dx = state.subject.backward(run.dout.copy(), cache, ["dx", "dgamma", "dbeta"])["dx"]  # type: ignore[union-attr]
    except Failure:
        return False
    if dx.shape != x.shape:
        return False
    x_hat = (x - x.mean(axis=axes, keepdims=True)) / x.std(axis=axes, keepdims=True)
    along = (dx * x_hat).sum(axis=axes)
    scale = float(np.abs(dx * x_hat).sum()) + 1e-9
    if np.abs(along).max() > 1e-5 * scale:
        state.add(
            "variance-term-missing",
            "dx",
            "a stretch of the whole batch changes nothing (eps near 0), so dx must "
            f"be orthogonal to x_hat: the product is {along.flat[0]:.3g}, on {run.case.words}",
        )
        return True
    return False
