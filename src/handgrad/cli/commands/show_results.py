"""``handgrad show``: pictures of how a run went, of its mistakes, and of convolutions by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli import chosen_images, pictures, run_folder
from handgrad.cli.options import whole

if TYPE_CHECKING:
    import numpy as np

_SIDE = 200  # pixels that an image file is scaled to where no net wants another size


def curves(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    stacked: Annotated[
        bool, typer.Option("--stacked", help="One below the other, for a narrow page.")
    ] = False,
    out: pictures.Out = None,
    theme: pictures.Theme = "light",
    as_json: pictures.Json = False,
) -> None:
    """Draw loss and accuracy of a run, or those of several runs in one picture."""
    from handgrad import viz

    picture = pictures.Picture("curves", out, theme, as_json)
    records = {name: run_folder.existing(run).read_log() for name, run in _named(runs).items()}
    if len(records) > 1:
        figure = viz.compare_curves(records, stacked, theme)
    else:
        figure = viz.curves(next(iter(records.values())), stacked, theme)
    picture.write(figure, f"Curves of {', '.join(records)}", runs=[str(run) for run in runs])


def _named(runs: list[Path]) -> dict[str, Path]:
    """Return runs by the names of their folders, or by their paths where two names are equal."""
    names = [run.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run) for run in runs]
    return dict(zip(names, runs, strict=True))


def convolution(
    images: Annotated[
        list[Path] | None, typer.Argument(metavar="[IMAGE...]", help="Image files (default: two drawings).")
    ] = None,
    out: pictures.Out = None,
    theme: pictures.Theme = "light",
    as_json: pictures.Json = False,
) -> None:
    """Draw what filters that were set by hand make of pictures: greyscale, and edges. Needs no run."""
    import numpy as np

    from handgrad import viz

    picture = pictures.Picture("convolution", out, theme, as_json)
    picture.keep_off(images or [])
    X = np.stack([_square(image) for image in images]) if images else None
    figure = viz.convolution(X, [image.name for image in images] if images else None, theme)
    picture.write(figure, "Pictures and what three filters make of them")


def _square(path: Path) -> np.ndarray:
    """Return the middle of an image file, uint8 (3, 200, 200)."""
    from PIL import Image, ImageOps

    from handgrad.data import load_image

    load_image(path)  # says what is wrong with the file
    with Image.open(path) as image:
        width, height = ImageOps.exif_transpose(image).size
    scale = _SIDE / min(width, height)
    h, w = (max(_SIDE, round(length * scale)) for length in (height, width))
    top, left = (h - _SIDE) // 2, (w - _SIDE) // 2
    return load_image(path, (h, w))[:, top : top + _SIDE, left : left + _SIDE]


def confusion(
    run: pictures.Run,
    split: chosen_images.Split = "val",
    path: chosen_images.DataPath = None,
    out: pictures.Out = None,
    theme: pictures.Theme = "light",
    as_json: pictures.Json = False,
) -> None:
    """Draw which classes a net takes for which."""
    from handgrad import viz

    picture = pictures.Picture("confusion", out, theme, as_json)
    _, y, scores, names = _judged(run, split, path)
    said = scores.argmax(axis=1)
    title = f"{len(y):,} {chosen_images.SPLITS[split]} images"
    figure = viz.confusion_matrix(y, said, names, title, theme)
    counts = viz.count_confusions(y, said, len(names)).tolist()
    picture.write(figure, f"Confusion matrix of {title}", classes=names, counts=counts)


def mistakes(
    run: pictures.Run,
    count: Annotated[
        int, typer.Option(metavar="NUMBER", parser=whole(), help="So many images at the most.")
    ] = 20,
    columns: Annotated[int, typer.Option(metavar="NUMBER", parser=whole(), help="Images in a row.")] = 5,
    split: chosen_images.Split = "val",
    path: chosen_images.DataPath = None,
    out: pictures.Out = None,
    theme: pictures.Theme = "light",
    as_json: pictures.Json = False,
) -> None:
    """Draw the mistakes that a net is surest of, each with its number for the other pictures."""
    from handgrad import viz

    picture = pictures.Picture("mistakes", out, theme, as_json)
    X, y, scores, names = _judged(run, split, path)
    figure = viz.mistakes(X, y, scores, names, count, columns, theme)
    indices, probabilities = viz.confident_mistakes(y, scores, count)
    said = scores.argmax(axis=1)
    facts = [
        {"image": int(i), "class": names[y[i]], "predicted": names[said[i]], "probability": float(p)}
        for i, p in zip(indices, probabilities, strict=True)
    ]
    wrong = int((said != y).sum())
    what = f"The {len(facts)} most confident of {wrong:,} mistakes on {len(y):,}"
    picture.write(figure, f"{what} {chosen_images.SPLITS[split]} images", mistakes=facts)


def _judged(run: Path, split: str, path: str | None) -> tuple[Any, Any, Any, list[str]]:
    """Return images, right classes, scores and the names of the classes."""
    from handgrad.training import evaluation

    folder, net = pictures.opened(run)
    X, y = chosen_images.split_of(folder, net, split, path)
    return X, y, evaluation.predict(net, X), net.class_names
