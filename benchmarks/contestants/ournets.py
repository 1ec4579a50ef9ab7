"""The nets in Handgrad: written in its notation, trained by the courses' protocol.

L2 is the model's, as in the courses, whose loss holds its penalty; or the rule's, as in the other
contestants, whose loss does not.
"""

from __future__ import annotations

import os

from serve import Step, serve
from spec import LEARNING_RATE, REG, batch, notation, weights

import handgrad
from handgrad.models import ConvNet
from handgrad.training import optim

L2_IN_RULE = "native, L2 in the rule"


def make(net: str, variant: str) -> Step:
    X, y = batch(net)
    in_rule = variant == L2_IN_RULE
    model = ConvNet(f"{notation(net)} - softmax", reg=0 if in_rule else REG, seed=0)
    model.params = _by_their_names(weights(net))
    configs: dict = {name: {"learning_rate": LEARNING_RATE} for name in model.params}
    for name in model.params:
        if in_rule and name[0] == "W":
            configs[name]["l2"] = REG

    def step() -> float:
        with handgrad.factored_gradients():  # as the Solver does
            loss, grads = model.loss(X, y)
        for name, grad in grads.items():
            model.params[name], configs[name] = optim.adam(model.params[name], grad, configs[name])
        return loss

    def penalty() -> float:
        return sum(
            0.5 * model.reg * float((w * w).sum()) for name, w in model.params.items() if name[0] == "W"
        )

    step.penalty = penalty
    return step


def _by_their_names(layers: list[dict]) -> dict:
    """Number weights and scales as the courses do: W1 b1 gamma1 beta1 W2 ..."""
    made, counts = {}, {"W": 0, "gamma": 0}
    for params in layers:
        for kind in counts.keys() & params.keys():
            counts[kind] += 1
            made |= {f"{name}{counts[kind]}": array for name, array in params.items()}
    return made


if __name__ == "__main__":
    handgrad.set_num_threads(int(os.environ["BENCH_THREADS"]))
    serve(
        {"Handgrad": handgrad.__version__, "NumPy": __import__("numpy").__version__},
        make,
        ["native", L2_IN_RULE],
    )
