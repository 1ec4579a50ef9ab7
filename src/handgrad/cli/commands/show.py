"""``handgrad show``: pictures of trained nets."""

from __future__ import annotations

from typing import Annotated

import typer

from handgrad.cli import pictures


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
    net = pictures.opened(run).with_layers()
    layer = layer or next(name for name in net.layer_names if "W1" in net.layer(name).parameters)
    w = viz.layer_filters(net, layer)
    title = _title(layer, w.shape)
    figure = viz.filters(w, title=title, theme=theme, most=most)
    picture.write(figure, title, layer=layer, shape=w.shape)


def _title(layer: str, shape: tuple[int, ...]) -> str:
    count, channels, height, width = shape
    if layer.startswith("affine"):
        return f"{layer}: weights of {count} units"
    return f"{layer}: {count} filters of {height}x{width} on {channels} channels"
