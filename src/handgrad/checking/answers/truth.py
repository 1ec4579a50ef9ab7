"""The true results of a case, by the reference tier."""

from __future__ import annotations

import numpy as np

from handgrad import reference

from ..cases import Args, Case

Outputs = dict[str, np.ndarray]


def truth(layer: str, case: Case, dout: np.ndarray | None) -> Outputs:
    """Return every output that a right implementation gives: out, running statistics, gradients.

    Parameters
    ----------
    layer : str
    case : Case
    dout : ndarray or None
        The upstream gradient; None, or one of a wrong shape, leaves the gradients out.
    """
    if layer.startswith("linear_"):
        return _linear_loss(layer.removeprefix("linear_"), case.args)
    if layer.endswith("_loss"):
        loss, gradient = getattr(reference, f"{layer}_naive")(*case.args.values())
        return {"loss": np.array(loss), "d" + case.arrays[0]: gradient}
    args = case.copy_args()
    out, cache = getattr(reference, f"{layer}_forward_naive")(*args.values())
    results: Outputs = {"out": out}
    if "bn_param" in args:
        when = "" if args["bn_param"]["mode"] == "train" else " at test time"
        keys = [key for key in ("running_mean", "running_var") if key in args["bn_param"]]
        results |= {key + when: args["bn_param"][key] for key in keys}
    if dout is not None and case.backward and np.shape(dout) == out.shape:
        gradients = getattr(reference, f"{layer}_backward_naive")(dout, cache)
        if not isinstance(gradients, tuple):
            gradients = (gradients,)
        results |= {"d" + name: array for name, array in zip(case.arrays, gradients, strict=True)}
    return results


def _linear_loss(loss: str, args: Args) -> Outputs:
    """Return loss and dW of a linear classifier with the penalty ``penalty * reg * sum(W**2)``."""
    W, X, weight = args["W"], args["X"], args.get("penalty", 1.0) * args["reg"]
    value, dscores = getattr(reference, f"{loss}_naive")(X @ W, args["y"])
    return {"loss": np.array(value + weight * np.sum(W * W)), "dW": X.T @ dscores + 2 * weight * W}
