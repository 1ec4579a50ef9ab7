"""Training steps of the fast example's net at each precision, and how far off their gradients are.

    python benchmarks/precision.py [--images 1000] [--rounds 9] [--out results/2026-11-23-precision.md]

Forward, loss and backward of random images, with the first layer at rest as in the example. Gradients are
further off than the outputs of one layer: errors add up from layer to layer, and on the way back.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from protocol import interleave, machine, peak, table

import handgrad
from handgrad.backend.precision import PRECISIONS

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from cifar10_fast import make

SIDES = 26, 32  # of the images: those of the example
FARTHEST = 0.01  # of the loss: more is another computation, not one of fewer digits

Result = tuple[float, dict[str, np.ndarray]]  # loss and gradients


def at(precision: str, run: Callable[[], Result]) -> Result:
    handgrad.set_precision(precision)
    return run()


def length(gradients: dict[str, np.ndarray]) -> float:
    return float(np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in gradients.values())))


def distances(run: Callable[[], Result]) -> dict[str, float]:
    """Return how far each precision's gradients are from those at the highest, as a share of their length."""
    right_loss, right = at("highest", run)
    found = {}
    for precision in PRECISIONS:
        loss, other = at(precision, run)
        if abs(loss - right_loss) > FARTHEST * abs(right_loss):
            raise SystemExit(f"at precision {precision} the loss is {loss}, at the highest {right_loss}")
        found[precision] = length({name: other[name] - g for name, g in right.items()}) / length(right)
    return found


def measure(side: int, images: int, rounds: int) -> str:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((images, 3, side, side), dtype=np.float32)
    y = rng.integers(0, 10, images)
    net = make(rng.standard_normal((1_000, 3, 32, 32), dtype=np.float32), seed=0)
    net.frozen = frozenset({"W1", "b1"})

    def run() -> Result:
        return net.loss(X, y)

    away = ", ".join(f"{name} {share:.2g}" for name, share in distances(run).items())
    times = interleave({name: partial(at, name, run) for name in PRECISIONS}, rounds)
    return table(f"{images} images of {side} x {side}", times) + f"\nGradients' distance: {away}.\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, help="also write here")
    options = parser.parse_args()
    text = "\n".join(measure(side, options.images, options.rounds) for side in SIDES)
    text += "\n" + machine(threads=str(handgrad.get_num_threads()), **peak())
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
