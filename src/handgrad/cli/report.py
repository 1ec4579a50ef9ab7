"""The end of a run: its pictures, and report.html, one file that opens anywhere without a network."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import viz
from handgrad._files import atomic_write
from handgrad.cli import results
from handgrad.cli.run_folder import RunFolder
from handgrad.layers import softmax_loss
from handgrad.training import evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from handgrad.cli.assembly import Parts
    from handgrad.cli.settings import Settings

_MOST_FILTERS = 64
_MISTAKES = 24


def write(run: RunFolder, settings: Settings, parts: Parts) -> dict[str, Any]:
    """Write curves.png, filters.png, report.html and the result into run.json; return the result.

    The net of `parts` must have the parameters that count, as a Solver at the end of its run leaves it.
    """
    X, y = parts.arrays["X_val"], parts.arrays["y_val"]
    scores = evaluation.predict(parts.net, X, preprocess=parts.preprocess)
    records = run.read_log()
    val_loss = float(softmax_loss(scores.astype(np.float64), y)[0])
    result = results.summarize(records, val_loss, parts.dataset.num_classes)
    filters = _first_filters(parts)
    viz.save(viz.curves(records), run.curves)
    viz.save(viz.filters(filters, title=_filters_title(parts)), run.filters)
    facts = run.read_facts() | {"result": result}
    run.write_facts(facts)
    page = _page(run, settings, parts, facts, records, scores, filters)
    atomic_write(run.report, page)
    return result


def _page(
    run: RunFolder,
    settings: Settings,
    parts: Parts,
    facts: Mapping[str, Any],
    records: list[dict[str, Any]],
    scores: np.ndarray,
    filters: np.ndarray,
) -> str:
    y, names = parts.arrays["y_val"], parts.dataset.class_names
    X, result = parts.arrays["X_val"], facts["result"]
    wrong = int((scores.argmax(axis=1) != y).sum())
    return Template(
        resources.files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    ).substitute(
        title=_text(f"{parts.net} on {parts.dataset.name}"),
        verdict=_text(result["verdict"]),
        figures="".join(
            f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>"
            for name, value in results.figures(result)
        ),
        curves=_picture("loss and accuracy over epochs", lambda theme: viz.curves(records, True, theme)),
        validation=f"{len(y):,}",
        confusions=_picture(
            "confusion matrix",
            lambda theme: viz.confusion_matrix(y, scores.argmax(axis=1), names, title="", theme=theme),
        ),
        filters_title=_text(_filters_title(parts)),
        filters=_filters(filters),
        mistakes_title=f"The most confident of {wrong:,} mistakes" if wrong else "No mistakes",
        mistakes=_mistakes(X, y, scores, names),
        settings=_rows(settings.of_model()),
        machine=_rows(_data_facts(facts) | facts["machine"]),
        run=_text(run),
    )


def _data_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    data = facts["data"]
    return {
        "data": data["name"],
        "images": ", ".join(f"{count:,} {part}" for part, count in data["images"].items()),
        "image": " x ".join(map(str, data["input_dim"])),
        "classes": ", ".join(data["class_names"]),
    }


def _first_filters(parts: Parts) -> np.ndarray:
    """Return the first layer's weights as images (F, C, HH, WW)."""
    return viz.layer_filters(parts.net, input_dim=parts.dataset.input_dim)[:_MOST_FILTERS]


def _filters_title(parts: Parts) -> str:
    w = parts.net.params["W1"]
    what, count = ("filters", len(w)) if w.ndim == 4 else ("weights of the hidden units", w.shape[1])
    shown = f", {_MOST_FILTERS} of {count}" if count > _MOST_FILTERS else ""
    return f"First-layer {what}{shown}"


def _mistakes(X: np.ndarray, y: np.ndarray, scores: np.ndarray, names: tuple[str, ...]) -> str:
    found = []
    for i, probability in zip(*viz.confident_mistakes(y, scores, _MISTAKES), strict=True):
        right, said = _text(names[y[i]]), _text(names[scores[i].argmax()])
        image = _image(X[i], right)
        caption = f"<b>{i}: {right}</b><br>as {said}, {probability:.0%}"
        found.append(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")
    return f'<div class="images">{"".join(found)}</div>'


def _filters(filters: np.ndarray) -> str:
    images = np.round(255 * viz.filter_images(filters)).astype(np.uint8)
    found = "".join(_image(image, f"filter {i}") for i, image in enumerate(images))
    return f'<div class="filters">{found}</div>'


def _image(image: np.ndarray, alt: str) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.broadcast_to(image.transpose(1, 2, 0), (*image.shape[1:], 3))).save(buffer, "PNG")
    return f'<img alt="{alt}" src="{_data_uri(buffer.getvalue())}">'


def _picture(alt: str, draw: Callable[[str], Figure]) -> str:
    """Return the figure for light and dark pages; the browser takes the one that suits."""
    figures = [draw("light"), draw("dark")]
    light, dark = (_data_uri(viz.png(figure, dpi=120, transparent=True)) for figure in figures)
    width = math.ceil(figures[0].get_figwidth() * 96)  # pixels of CSS in an inch
    source = f'<source media="(prefers-color-scheme: dark)" srcset="{dark}">'
    return f'<picture>{source}<img alt="{alt}" width="{width}" src="{light}"></picture>'


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _rows(values: Mapping[str, Any]) -> str:
    return "".join(
        f"<tr><td>{_text(name)}</td><td>{_text(_shown(value))}</td></tr>"
        for name, value in values.items()
        if value not in (None, "", {})
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(map(_shown, value))
    return str(value)


def _text(value: Any) -> str:
    return html.escape(str(value))
