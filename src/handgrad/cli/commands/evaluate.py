"""``handgrad evaluate``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from handgrad._errors import nearest
from handgrad.cli import assembly, machine, run_folder
from handgrad.cli.chosen_images import SPLITS
from handgrad.cli.output import Output


def command(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of runs; several vote together.")
    ],
    split: Annotated[str, typer.Option(help="val, test or train; test is for the end.")] = "val",
    tta: Annotated[
        str | None, typer.Option(help="Test-time augmentation: mirror, or translate, which mirrors too.")
    ] = None,
    snapshots: Annotated[
        bool,
        typer.Option("--snapshots", help="Let a run's snapshots vote in the place of its best net."),
    ] = False,
    data: Annotated[
        str | None, typer.Option(help="Other data, as for 'handgrad train' (default: the run's).")
    ] = None,
    path: Annotated[str | None, typer.Option(help="Where CIFAR-10 is.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result alone, as JSON.")] = False,
) -> None:
    """Measure accuracy and loss of a run, or of several as an ensemble."""
    if split not in SPLITS:
        raise ValueError(f"split has no option {split!r}{nearest(split, SPLITS)}")
    folders = [run_folder.existing(each) for each in runs]
    chosen = folders[0].settings()
    machine.choose(chosen.backend, chosen.threads)
    if snapshots:
        nets = [net for folder in folders for net in run_folder.trained_snapshots(folder)]
    else:
        nets = [run_folder.TrainedNet(folder) for folder in folders]
    if data is not None:
        chosen = replace(chosen, data=data, path=None, num_training=None, num_validation=None, num_test=None)
    chosen = assembly.settle(replace(chosen, path=path) if path is not None else chosen)
    dataset, arrays = assembly.load_data(chosen)
    result = _measure(nets, dataset.class_names, arrays[f"X_{split}"], arrays[f"y_{split}"], tta)
    output = Output(as_json)
    output.line(f"{result['images']:,} {SPLITS[split]} images of {dataset.name}")
    output.line(f"accuracy {result['accuracy']:.4f}, loss {result['loss']:.4f}")
    output.line()
    rows = [(row["class"], f"{row['images']:,}", _percent(row["accuracy"])) for row in result["classes"]]
    output.table(("class", "images", "accuracy"), rows, numbers=2)
    told = {"runs": [str(each) for each in runs], "data": dataset.name, "split": split, "tta": tta}
    output.result({**told, "nets": len(nets), **result})


def _measure(
    nets: list[run_folder.TrainedNet], class_names: tuple[str, ...], X: Any, y: Any, tta: str | None
) -> dict[str, Any]:
    import numpy as np

    from handgrad.cli import results
    from handgrad.layers import softmax_loss
    from handgrad.models import Ensemble, Views
    from handgrad.training import evaluation

    for net in nets:
        net.check_data(class_names, X)
    seeing = nets if tta is None else [Views(net, tta) for net in nets]
    scores = evaluation.predict(seeing[0] if len(seeing) == 1 else Ensemble(seeing), X)
    predicted = scores.argmax(axis=1)
    return {
        "images": len(y),
        "accuracy": float(np.mean(predicted == y)),
        "loss": float(softmax_loss(scores.astype(np.float64), y)[0]),
        "classes": results.per_class(y, predicted, class_names),
    }


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
