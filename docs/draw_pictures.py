"""Draws the pictures of docs/pictures.md again: python docs/draw_pictures.py (two minutes on two cores)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from handgrad import viz
from handgrad.data import Standardize, load_shapes
from handgrad.models import ConvNet
from handgrad.training import Solver, evaluation, find_learning_rate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = Path(__file__).parent / "pictures"
SPEC = (
    "conv5-32 - bn - relu - pool2 - conv3-32 - bn - relu - pool2 - conv3-64 - bn - relu - globalpool - affine"
)


def trained(dataset, epochs: int, spec: str = SPEC) -> tuple[ConvNet, Standardize, Solver]:
    """Return a net (by itself of 99 % accuracy on the drawn shapes), and what its images go through."""
    arrays = dataset.split()
    prepare = Standardize.fit(arrays["X_train"], per="channel", scale=True)
    net = ConvNet(spec, weight_scale=0.02, reg=1e-3, seed=1)
    settings = {"update_rule": "adam", "optim_config": {"learning_rate": 3e-3}, "schedule": "one_cycle"}
    solver = Solver(
        net,
        arrays,
        batch_size=100,
        num_epochs=epochs,
        preprocess=prepare,
        seed=1,
        print_every=100,
        **settings,
    )
    solver.train()
    return net, prepare, solver


def keep(name: str, figure: Figure) -> None:
    """Write the figure with 256 colours, which is small and looks the same."""
    image = Image.open(io.BytesIO(viz.png(figure, dpi=80))).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)


def main() -> None:
    """Train and draw."""
    dataset = load_shapes()
    net, prepare, solver = trained(dataset, epochs=6)
    images, y = dataset.X_val[10:16], dataset.y_val[10:16]
    labels = [dataset.class_names[k] for k in y]
    keep("convolution", viz.convolution())
    keep("filters", viz.filters(viz.layer_filters(net, "conv1"), columns=16, title="conv1"))
    keep("filters_deep", viz.filters(viz.layer_filters(net, "conv2"), title="conv2", most=12))
    shown = {"image": images[3], "class_names": dataset.class_names, "title": "a ring"}
    layers = ["conv1", "relu1", "pool1", "conv2", "relu2", "conv3", "relu3", "globalpool1", "affine4"]
    keep("activations", viz.activations(net, prepare(images)[3], layers, channels=10, **shown))
    keep("saliency", viz.saliency(net, prepare(images), y, images, labels))
    keep("gradcam", viz.grad_cam(net, prepare(images), y, images=images, labels=labels))
    scores = evaluation.predict(net, dataset.X_test, preprocess=prepare)
    keep("mistakes", viz.mistakes(dataset.X_test, dataset.y_test, scores, dataset.class_names, 5))
    courses = "conv7-32 - relu - pool2 - affine100 - relu - affine"
    three, _, solver_of_three = trained(dataset, 6, courses)
    said = evaluation.predict(three, dataset.X_test, preprocess=prepare).argmax(axis=1)
    keep("confusion", viz.confusion_matrix(dataset.y_test, said, dataset.class_names))
    plain = trained(dataset, 6, SPEC.replace("bn - ", ""))[2]
    runs = {"with batch norm": solver, "without": plain, "the courses' three layers": solver_of_three}
    keep("curves", viz.compare_curves(runs))
    find(dataset)


def find(dataset) -> None:
    """Draw what the learning-rate finder sees."""
    arrays = dataset.split()
    prepare = Standardize.fit(arrays["X_train"], per="channel", scale=True)
    settings = {"update_rule": "sgd_nesterov_momentum", "batch_size": 128, "preprocess": prepare, "seed": 1}
    solver = Solver(ConvNet(SPEC, seed=1), arrays, **settings)
    keep("lr_find", viz.learning_rates(find_learning_rate(solver)))


if __name__ == "__main__":
    main()
