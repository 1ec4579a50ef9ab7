"""Networks: anything with ``params`` (arrays by name) and ``loss(X, y=None)``.

``loss(X)`` gives scores, in test mode; ``loss(X, y)`` gives ``(loss, grads)``. A model of your own that
does so trains under `handgrad.training.Solver` as these do.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from handgrad._errors import check_known, nearest
from handgrad.models.cnn import ThreeLayerConvNet
from handgrad.models.conv_net import ConvNet
from handgrad.models.ensemble import Ensemble
from handgrad.models.fc_net import FullyConnectedNet, TwoLayerNet
from handgrad.models.twin import as_conv_net
from handgrad.models.views import Views

__all__ = [
    "MODELS",
    "ConvNet",
    "Ensemble",
    "FullyConnectedNet",
    "ThreeLayerConvNet",
    "TwoLayerNet",
    "Views",
    "as_conv_net",
    "build",
]

MODELS = {model.__name__: model for model in (TwoLayerNet, FullyConnectedNet, ThreeLayerConvNet, ConvNet)}


def build(config: Mapping[str, Any]) -> Any:
    """Make the model that ``model.config()`` describes, with fresh parameters.

    Parameters
    ----------
    config : mapping
        ``'model'``: a name among `MODELS`; the rest are arguments of its constructor.

    Raises
    ------
    ValueError
        When the name or an argument is unknown.

    Examples
    --------
    >>> build({"model": "TwoLayerNet", "input_dim": 4}).params["W1"].shape
    (4, 100)
    """
    settings = dict(config)
    name = settings.pop("model", None)
    if name not in MODELS:
        raise ValueError(f"there is no model {name!r}{nearest(name, MODELS)}")
    check_known(name, settings, inspect.signature(MODELS[name]).parameters)
    return MODELS[name](**settings)
