"""Pictures of training: matplotlib figures, made without any global state.

Each function returns a `matplotlib.figure.Figure`; a notebook shows it, `save` writes it to a file and
`png` gives the bytes. Matplotlib is loaded by the first call.
"""

from __future__ import annotations

from handgrad.viz.activations import activations
from handgrad.viz.confusion import confusion_matrix, count_confusions
from handgrad.viz.convolution import convolution, hand_set_filters
from handgrad.viz.curves import compare_curves, curves
from handgrad.viz.figures import png, save
from handgrad.viz.filters import filter_images, filters, layer_filters
from handgrad.viz.grad_cam import grad_cam, grad_cam_layer, grad_cam_maps
from handgrad.viz.images import image_grid
from handgrad.viz.learning_rates import learning_rates
from handgrad.viz.mistakes import confident_mistakes, mistakes
from handgrad.viz.saliency import saliency, saliency_maps

__all__ = [
    "activations",
    "compare_curves",
    "confident_mistakes",
    "confusion_matrix",
    "convolution",
    "count_confusions",
    "curves",
    "filter_images",
    "filters",
    "grad_cam",
    "grad_cam_layer",
    "grad_cam_maps",
    "hand_set_filters",
    "image_grid",
    "layer_filters",
    "learning_rates",
    "mistakes",
    "png",
    "saliency",
    "saliency_maps",
    "save",
]
