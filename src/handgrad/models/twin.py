"""The courses' models as a `ConvNet`, which can tell of its layers."""

from __future__ import annotations

from typing import Any

from handgrad.models.cnn import ThreeLayerConvNet
from handgrad.models.conv_net import ConvNet
from handgrad.models.fc_net import FullyConnectedNet

_NORMS = {None: "", "batchnorm": "bn - ", "layernorm": "ln - "}


def as_conv_net(net: Any, input_dim: tuple[int, int, int] | None = None) -> ConvNet:
    """Return the same network as a `ConvNet`, for its `layer_names`, `activations` and `score_gradients`.

    Parameters
    ----------
    net : ConvNet, ThreeLayerConvNet, FullyConnectedNet or TwoLayerNet
        A `ConvNet` is handed back as it is.
    input_dim : (C, H, W), optional
        Shape of an image, for nets that see it as a row of numbers; default: (D, 1, 1).

    Returns
    -------
    ConvNet
        Its `params` is the dictionary of `net`; running statistics are those of this moment.

    Raises
    ------
    TypeError
        When `net` is another model.
    ValueError
        When images of that shape have another number of numbers than the net wants.

    Examples
    --------
    >>> net = ThreeLayerConvNet(num_filters=8, use_batchnorm=True, seed=0)
    >>> print(as_conv_net(net))
    conv7-8 - bn - relu - pool2 - affine100 - bn - relu - affine - softmax
    """
    if isinstance(net, ConvNet):
        return net
    if isinstance(net, ThreeLayerConvNet):
        spec, image = _text_of_three_layers(net), tuple(net.config()["input_dim"])
    elif isinstance(net, FullyConnectedNet):
        spec, image = _text_of_affine_layers(net), _image(len(net.params["W1"]), input_dim)
    else:
        raise TypeError(f"net must be one of handgrad.models with layers, got {type(net).__name__}")
    classes = net.config()["num_classes"]
    twin = ConvNet(spec, image, classes, net.reg, net.dtype, weight_scale=0.0)
    twin.params = net.params
    for own, given in zip(twin.bn_params, net.bn_params, strict=True):
        own.update(given)
    return twin


def _text_of_three_layers(net: ThreeLayerConvNet) -> str:
    filters, _, side, _ = net.params["W1"].shape
    pad, norm = net.conv_param["pad"], "bn - " if net.use_batchnorm else ""
    hidden = net.params["W2"].shape[1]
    conv = f"conv(size={side}, filters={filters}, pad={pad})"
    return f"{conv} - {norm}relu - pool2 - affine{hidden} - {norm}relu - affine"


def _text_of_affine_layers(net: FullyConnectedNet) -> str:
    norm, p = _NORMS[net.normalization], net.dropout_param["p"]
    dropout = f"dropout(p={p}) - " if p else ""
    hidden = [net.params[f"W{number}"].shape[1] for number in range(1, net.num_layers)]
    return "".join(f"affine{units} - {norm}relu - {dropout}" for units in hidden) + "affine"


def _image(numbers: int, given: tuple[int, int, int] | None) -> tuple[int, int, int]:
    c, h, w = given or (numbers, 1, 1)
    if c * h * w != numbers:
        raise ValueError(f"input_dim must have the {numbers} numbers that the net wants, got {given}")
    return c, h, w
