"""How near the layers that only move numbers come to the speed at which this machine copies.

python benchmarks/bandwidth.py [--sizes 1 4 16 64] [--rounds 15] [--only pool] [--out results/bandwidth.md]

float32; first the layers of nets A to D (`nets.py`) at their own sizes, then all that there are for images of
64 channels and 32 x 32, by the size of x in MB. Each pass is charged what it cannot avoid: what it reads and
writes once (dropout its mask too, max-pool the bytes that name its winners), and the images again where a
mean must be known first. The copy beside it moves as many bytes; of one on a single thread and one on as
many threads as the pass has the faster counts. Each finds in the caches what its own call before left there:
the copies share their arrays, and the second would else profit from the first. Small arrays go through
several times in a row, as in a training step, where one layer follows another and threads do not fall asleep
in between.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from protocol import interleave, machine, peak

import handgrad
from handgrad import layers

sys.path.append(str(Path(__file__).parent / "contestants"))
from spec import NETS, image_layers

CHANNELS, SIDE = 64, 32
WINDOWS = ((2, 2, 2), (3, 3, 2), (2, 3, 2), (3, 3, 3), (3, 3, 1))  # height, width, stride
Run = Callable[[], object]
Passes = dict[str, tuple[Run, float]]  # what runs, and the bytes it is charged


def passes_of_net(shape: tuple[int, int, int, int], kinds: list[str]) -> Passes:
    """Return those of the kinds of layers that a net has at this shape."""
    x = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    scale = np.ones(shape[1], np.float32)
    known = {
        "bn": lambda: layer("spatial_batchnorm", x, scale, scale, {"mode": "train"}, reads=2),
        "relu": lambda: layer("relu", x),
        "pool": lambda: max_pool(x, 2, 2, 2),
    }
    return {title: run for kind in kinds for title, run in known[kind]().items()}


def passes(megabytes: float) -> Passes:
    """Return all passes by name."""
    rng = np.random.default_rng(0)
    n = max(1, round(megabytes * 1e6 / (4 * CHANNELS * SIDE * SIDE)))
    x = rng.standard_normal((n, CHANNELS, SIDE, SIDE), dtype=np.float32)
    gamma, beta = (rng.standard_normal(CHANNELS, dtype=np.float32) for _ in range(2))
    rows, row_gamma = x.reshape(n * SIDE, -1), np.ones(CHANNELS * SIDE, np.float32)
    scores, y = x.reshape(-1, 1024), rng.integers(0, 1024, x.size // 1024)
    found = {
        **layer("relu", x),
        **layer("gelu", x),
        **layer("dropout", x, {"p": 0.5, "mode": "train", "seed": 1}, written=1),
        **layer("spatial_batchnorm", x, gamma, beta, {"mode": "train"}, reads=2),
        **layer("layernorm", rows, row_gamma, row_gamma, {}),
        **layer("spatial_groupnorm", x, gamma, beta, 8, {}),
    }
    for window in WINDOWS:
        found |= max_pool(x, *window)
        found |= layer("avg_pool", x, pool_param(*window), kept=0)
    found |= layer("global_avg_pool", x, kept=0)
    for loss in (layers.softmax_loss, layers.svm_loss):
        found[f"{loss.__name__}, 1024 classes"] = (lambda loss=loss: loss(scores, y), 2 * scores.nbytes)
    return found


def max_pool(x: np.ndarray, height: int, width: int, stride: int) -> Passes:
    """Return both passes, which write and read a byte for each winner."""
    winners = 1 / (4 * stride * stride)
    return layer("max_pool", x, pool_param(height, width, stride), written=winners, kept=winners)


def pool_param(height: int, width: int, stride: int) -> dict[str, int]:
    return {"pool_height": height, "pool_width": width, "stride": stride}


def layer(
    name: str, x: np.ndarray, *settings: object, reads: int = 1, written: float = 0, kept: float = 1
) -> Passes:
    """Return both passes of a layer.

    `reads`: how often forward reads x, and backward what came from above and what was kept. `written` and
    `kept`: what forward writes beside out, and what backward reads beside dout, as shares of x.
    """
    forward, backward = (getattr(layers, f"{name}_{side}") for side in ("forward", "backward"))
    out, cache = forward(x, *settings)
    dout = np.random.default_rng(1).standard_normal(out.shape, dtype=np.float32)
    title = " ".join([name, *_window(settings)])
    to = (reads + written) * x.nbytes + out.nbytes
    back = reads * (out.nbytes + kept * x.nbytes) + x.nbytes
    return {
        f"{title}, forward": (lambda: forward(x, *settings), to),
        f"{title}, backward": (lambda: backward(dout, cache), back),
    }


def _window(settings: tuple[object, ...]) -> list[str]:
    known = [s for s in settings if isinstance(s, dict) and "pool_height" in s]
    return [f"{s['pool_height']}x{s['pool_width']}, stride {s['stride']}" for s in known]


def copiers(count: int, pool: ThreadPoolExecutor, threads: int) -> dict[str, Run]:
    """Return copies of `count` bytes in all, read and written: by one thread, and by `threads`."""
    source, target = (np.ones(max(threads, count // 8), np.float32) for _ in range(2))
    parts = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))
    return {
        "one thread": lambda: np.copyto(target, source),
        "threads": lambda: list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), parts)),
    }


def in_a_row(one: Run, times: int) -> Run:
    """Return what calls `one` so often and lets each result go, as a copy writes one target again."""

    def run() -> None:
        for _ in range(times):
            one()

    return run


def measure(title: str, found: Passes, rounds: int, only: str) -> str:
    """Return a table of passes."""
    threads = handgrad.get_num_threads()
    lines = [f"### {title}", "", "| | GB/s | of the copy |", "|---|---:|---:|"]
    with ThreadPoolExecutor(threads) as pool:
        for name, (run, count) in found.items():
            if only not in name:
                continue
            times_over = max(1, round(20e6 / count))
            contestants = {"": run, **copiers(int(count), pool, threads)}
            rows = {k: in_a_row(one, times_over) for k, one in contestants.items()}
            times = interleave(rows, rounds, again=True)
            mine, *copies = (float(np.median(values)) for values in times.values())
            lines.append(
                f"| {name} | {1e-6 * count * times_over / mine:.1f} | {100 * min(copies) / mine:.0f} % |"
            )
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="*", type=float, default=[1, 4, 16, 64], help="MB of x")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="passes whose name holds this")
    parser.add_argument("--out", type=Path, help="a file for the tables, which are printed too")
    options = parser.parse_args()
    tables = [
        measure(
            f"net {net}: x of {' x '.join(map(str, shape))}",
            passes_of_net(shape, kinds),
            options.rounds,
            options.only,
        )
        for net in NETS
        for shape, kinds in image_layers(net).items()
    ]
    tables += [
        measure(f"x of {size:g} MB", passes(size), options.rounds, options.only) for size in options.sizes
    ]
    text = "\n".join([*tables, machine(**peak(), threads=str(handgrad.get_num_threads()))])
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
