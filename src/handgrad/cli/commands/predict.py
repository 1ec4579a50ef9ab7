"""``handgrad predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli import machine, run_folder
from handgrad.cli.options import whole
from handgrad.cli.output import Output

if TYPE_CHECKING:
    import numpy as np


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files, of any size.")],
    top: Annotated[
        int, typer.Option(metavar="NUMBER", parser=whole(), help="So many classes for each image.")
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result alone, as JSON.")] = False,
) -> None:
    """Say what is on images: the likeliest classes with their probabilities."""
    folder = run_folder.existing(run)
    chosen = folder.settings()
    machine.choose(chosen.backend, chosen.threads)
    net = run_folder.TrainedNet(folder)
    found = list(zip(map(str, images), _classify(net, images, top), strict=True))
    output = Output(as_json)
    for image, classes in found:
        words = "  ".join(f"{each['class']} {each['probability']:.1%}" for each in classes)
        output.line(f"{image}  {words}")
    output.result({"run": str(run), "images": [{"image": i, "classes": c} for i, c in found]})


def probabilities(net: run_folder.TrainedNet, X: np.ndarray) -> np.ndarray:
    """Return what softmax makes of the scores (N, K) of uint8 images."""
    import numpy as np

    from handgrad.training import evaluation

    scores = evaluation.predict(net, X).astype(np.float64)
    found: np.ndarray = np.exp(scores - scores.max(axis=1, keepdims=True))
    return found / found.sum(axis=1, keepdims=True)


def _classify(net: run_folder.TrainedNet, images: list[Path], top: int) -> list[list[dict[str, Any]]]:
    import numpy as np

    from handgrad.data import load_image

    X = np.stack([load_image(image, net.input_dim[1:]) for image in images])
    return [
        [
            {"class": net.class_names[k], "probability": float(row[k])}
            for k in np.argsort(-row, kind="stable")[:top]
        ]
        for row in probabilities(net, X)
    ]
