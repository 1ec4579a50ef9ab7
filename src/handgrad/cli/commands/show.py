"""``handgrad show``: pictures of what a trained net is, and of what it sees in images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from handgrad.cli import chosen_images, pictures
from handgrad.cli.commands import predict
from handgrad.cli.options import whole

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
        typer.Option(
            metavar="NUMBER", parser=whole(), help="Filters at the most (default: 64 in colours, else 16)."
        ),
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
    channels: Annotated[
        int, typer.Option(metavar="NUMBER", parser=whole(), help="Channels of a layer at the most.")
    ] = 12,
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
