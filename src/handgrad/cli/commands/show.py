"""``handgrad show``: pictures of trained nets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from handgrad.cli import chosen_images, pictures, run_folder
from handgrad.cli.commands import predict

_IMAGES = 6  # where none are named

_Class = Annotated[
    str | None,
    typer.Option("--class", metavar="NAME", help="Whose score is followed (default: the likeliest)."),
]


def filters(
    run: pictures.Run,
    layer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Such as conv2 (default: the first with weights).")
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Filters at the most (default: 64 in colours, else 16)."),
    ] = None,
    out: pictures.Out = None,
    theme: pictures.Theme = "light",
    as_json: pictures.Json = False,
) -> None:
    """Draw the filters of a layer: in colours where it looks at images, else channel by channel."""
    from handgrad import viz

    picture = pictures.Picture("filters", out, theme, as_json)
    net = pictures.opened(run)[1].with_layers()
    layer = layer or next(name for name in net.layer_names if "W1" in net.layer(name).parameters)
    w = viz.layer_filters(net, layer)
    title = _title(layer, w.shape)
    figure = viz.filters(w, title=title, theme=theme, most=most)
    picture.write(figure, title, layer=layer, shape=w.shape)


def activations(
    run: pictures.Run,
    image: Annotated[
        str,
        typer.Argument(metavar="[IMAGE]", help="An image file, or a number of an image of the data."),
    ] = "0",
    layer: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Such as relu2; may be repeated (default: every layer)."),
    ] = None,
    channels: Annotated[int, typer.Option(metavar="NUMBER", help="Channels of a layer at the most.")] = 12,
    split: chosen_images.Split = "val",
    path: chosen_images.DataPath = None,
    out: pictures.Out = None,
    theme: pictures.Theme = "light",
    as_json: pictures.Json = False,
) -> None:
    """Draw what an image becomes on its way through the net, a row for each layer."""
    from handgrad import viz

    picture = pictures.Picture("activations", out, theme, as_json)
    seen = _Seen(picture, run, [image], split, path)
    figure = viz.activations(
        seen.layers,
        seen.X[0],
        layer or None,
        seen.chosen.X[0],
        seen.class_names,
        channels,
        title=seen.labels[0].replace("\n", ", "),
        theme=theme,
    )
    picture.write(figure, "Activations", **seen.facts())


def saliency(
    run: pictures.Run,
    images: chosen_images.Images = None,
    class_: _Class = None,
    split: chosen_images.Split = "val",
    path: chosen_images.DataPath = None,
    out: pictures.Out = None,
    theme: pictures.Theme = "light",
    as_json: pictures.Json = False,
) -> None:
    """Draw which pixels the score of a class hangs on (default: six images, each for what the net says)."""
    from handgrad import viz

    picture = pictures.Picture("saliency", out, theme, as_json)
    seen = _Seen(picture, run, images, split, path, class_)
    figure = viz.saliency(
        seen.layers, seen.X, seen.y, seen.chosen.X, seen.labels, title=f"Saliency: {seen.of}", theme=theme
    )
    picture.write(figure, "Saliency", **seen.facts())


def gradcam(
    run: pictures.Run,
    images: chosen_images.Images = None,
    layer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Such as relu2 (default: where the last convolution ends up)."),
    ] = None,
    class_: _Class = None,
    split: chosen_images.Split = "val",
    path: chosen_images.DataPath = None,
    out: pictures.Out = None,
    theme: pictures.Theme = "light",
    as_json: pictures.Json = False,
) -> None:
    """Draw where a layer finds what speaks for a class (default: six images, each for what the net says)."""
    from handgrad import viz

    picture = pictures.Picture("gradcam", out, theme, as_json)
    seen = _Seen(picture, run, images, split, path, class_)
    layer = layer or viz.grad_cam_layer(seen.layers)
    title = f"Grad-CAM of {layer}: {seen.of}"
    figure = viz.grad_cam(seen.layers, seen.X, seen.y, layer, seen.chosen.X, seen.labels, title, theme)
    picture.write(figure, f"Grad-CAM of {layer}", layer=layer, **seen.facts())


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
    count: Annotated[int, typer.Option(metavar="NUMBER", help="So many images at the most.")] = 20,
    columns: Annotated[int, typer.Option(metavar="NUMBER", help="Images in a row.")] = 5,
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


class _Seen:
    """Images, and what the net of a run says of them."""

    def __init__(
        self,
        picture: pictures.Picture,
        run: Path,
        words: list[str] | None,
        split: str,
        path: str | None,
        class_: str | None = None,
    ) -> None:
        import numpy as np

        words = words or [str(number) for number in range(_IMAGES)]
        picture.keep_off(chosen_images.files_among(words))
        folder, net = pictures.opened(run)
        followed = None if class_ is None else pictures.known("class", class_, net.class_names)
        self.chosen = chosen_images.choose(folder, net, words, split, path)
        self.layers, self.X = net.with_layers(), net.prepared(self.chosen.X)
        self.class_names = net.class_names
        self.probabilities = predict.probabilities(net, self.chosen.X)
        self.said = self.probabilities.argmax(axis=1)
        self.y = self.said if followed is None else np.full(len(self.X), followed)
        self.of = "what the net says" if class_ is None else class_

    @property
    def labels(self) -> list[str]:
        """What each image is called, what it shows as far as that is known, and what the net says of it."""
        from handgrad.viz.images import shortened

        found = []
        for i, (name, right) in enumerate(zip(self.chosen.names, self.chosen.right, strict=True)):
            said, probability = self.class_names[self.said[i]], self.probabilities[i, self.said[i]]
            shown = name if right is None else f"{name}: {self.class_names[right]}"
            found.append(f"{shortened(shown, 15)}\nas {shortened(said)} {probability:.0%}")
        return found

    def facts(self) -> dict[str, Any]:
        """Return the same for machines."""
        return {
            "images": [
                {"image": name, "class": self.class_names[said], "followed": self.class_names[followed]}
                for name, said, followed in zip(self.chosen.names, self.said, self.y, strict=True)
            ]
        }


def _title(layer: str, shape: tuple[int, ...]) -> str:
    count, channels, height, width = shape
    if layer.startswith("affine"):
        return f"{layer}: weights of {count} units"
    return f"{layer}: {count} filters of {height}x{width} on {channels} channels"
