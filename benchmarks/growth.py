"""How the cost of a layer grows: time against batch, side of the image, channels and threads, beside PyTorch.

python benchmarks/growth.py [--layers conv bn ...] [--rounds 5] [--out results/2026-11-21-growth]

Forward and backward together, float32. Writes OUT.md (the table) and OUT.png (the plots).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from nets import Contestant
from protocol import machine, peak

sys.path.append(str(Path(__file__).parent / "contestants"))
from cases import LAYERS

# One axis grows, the others stay: batch, channels, side.
AXES = {
    "batch": [(n, 64, 16) for n in (1, 4, 16, 64, 256, 1024)],
    "side": [(8, 32, side) for side in (8, 16, 32, 64, 128, 224)],
    "channels": [(16, c, 16) for c in (3, 16, 32, 64, 128, 256, 512)],
}
POSITION = {"batch": 0, "channels": 1, "side": 2}
Times = dict[tuple[str, int, str, tuple[int, int, int]], dict[str, float]]


def measure(layers: list[str], threads: int, rounds: int, seconds: float) -> Times:
    """Return the median of each contestant for each (layer, threads, axis, sizes)."""
    contestants = [
        Contestant(script, sys.executable, threads, False) for script in ("ourlayers.py", "torchlayers.py")
    ]
    times: Times = {}
    for layer in layers:
        for axis, points in AXES.items():
            for sizes in points:
                case = f"{layer} {' '.join(map(str, sizes))}"
                times[layer, threads, axis, sizes] = _medians(case, contestants, rounds, seconds)
        print(f"{layer}, {threads} threads", file=sys.stderr)
    for contestant in contestants:
        contestant.stop()
    return times


def _medians(case: str, contestants: list[Contestant], rounds: int, seconds: float) -> dict[str, float]:
    entries = [(c, variant) for c in contestants for variant in c.variants]
    results = [c.ask(net=case, variant=variant, steps=1)["losses"][0] for c, variant in entries]
    scale = 1 + max(map(abs, results))
    if max(results) - min(results) > 1e-3 * scale:
        raise SystemExit(f"{case}: the results differ: {results}")
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for contestant, variant in entries:
            name = next(iter(contestant.versions))
            times.setdefault(f"{name}, {variant}", []).extend(
                contestant.ask(net=case, variant=variant, seconds=seconds)["times"]
            )
    medians = {name: float(np.median(values)) for name, values in times.items()}
    peers = [value for name, value in medians.items() if name.startswith("PyTorch")]
    return {"Handgrad": medians["Handgrad, native"], "PyTorch": min(peers)}


def plot(times: Times, layers: list[str], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(layers), len(AXES), figsize=(11, 2.6 * len(layers)), squeeze=False)
    styles = {("Handgrad", 1): "C0--", ("Handgrad", 2): "C0-", ("PyTorch", 1): "C1--", ("PyTorch", 2): "C1-"}
    for row, layer in zip(axes, layers, strict=True):
        for ax, (axis, points) in zip(row, AXES.items(), strict=True):
            xs = [point[POSITION[axis]] for point in points]
            for threads in sorted({key[1] for key in times}):
                for who in ("Handgrad", "PyTorch"):
                    ys = [times[layer, threads, axis, sizes][who] for sizes in points]
                    label = f"{who}, {threads} thread{'s' if threads > 1 else ''}"
                    ax.loglog(xs, ys, styles[who, min(threads, 2)], marker=".", label=label)
            ax.set_xticks(xs, map(str, xs))
            ax.set_xticks([], minor=True)
            fixed = [f"{name} {points[0][place]}" for name, place in POSITION.items() if name != axis]
            ax.set(title=f"{layer}: {', '.join(fixed)}", xlabel=axis, ylabel="ms")
    axes[0][0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=75)


def table(times: Times) -> str:
    lines = ["| layer | threads | batch, channels, side | Handgrad ms | PyTorch ms | PyTorch / Handgrad |"]
    lines.append("|---|---:|---|---:|---:|---:|")
    for (layer, threads, _, sizes), t in times.items():
        lines.append(
            f"| {layer} | {threads} | {', '.join(map(str, sizes))} | {t['Handgrad']:.3g} | "
            f"{t['PyTorch']:.3g} | {t['PyTorch'] / t['Handgrad']:.2f} |"
        )
    slower = [t for t in times.values() if t["Handgrad"] > 1.2 * t["PyTorch"]]
    lines += ["", f"Slower than PyTorch by more than 1.2 times: {len(slower)} of {len(times)} points.", ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", nargs="+", default=list(LAYERS), choices=LAYERS)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.05, help="length of a visit")
    parser.add_argument("--out", help="path without ending; default: the terminal")
    options = parser.parse_args()
    times: Times = {}
    for threads in options.threads:
        times |= measure(options.layers, threads, options.rounds, options.seconds)
    text = "\n".join([table(times), machine(**peak())])
    print(text)
    if options.out:
        Path(f"{options.out}.md").write_text(text, encoding="utf-8")
        plot(times, options.layers, Path(f"{options.out}.png"))


if __name__ == "__main__":
    main()
