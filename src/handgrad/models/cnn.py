"""The courses' convolutional network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from handgrad.layers import (
    affine_backward,
    affine_bn_relu_backward,
    affine_bn_relu_forward,
    affine_forward,
    affine_relu_backward,
    affine_relu_forward,
    conv_bn_relu_pool_backward,
    conv_bn_relu_pool_forward,
    conv_relu_pool_backward,
    conv_relu_pool_forward,
    softmax_loss,
)
from handgrad.layers.params import whole
from handgrad.models.base import Model, check_sizes


class ThreeLayerConvNet(Model):
    """The network ``conv - (bn) - relu - 2x2 max-pool - affine - (bn) - relu - affine - softmax``.

    Parameters
    ----------
    input_dim : (C, H, W), default (3, 32, 32)
        Shape of an image.
    num_filters : int, default 32
        F.
    filter_size : int, default 7
        Side of the filters; the image is padded by ``(filter_size - 1) // 2``, so that an odd side keeps
        its size.
    hidden_dim : int, default 100
        Units of the hidden affine layer.
    num_classes : int, default 10
        K.
    weight_scale : float, default 1e-3
        Standard deviation of the first weights.
    reg : float, default 0
        Strength of the L2 penalty.
    dtype : float32 or float64, default float32
    use_batchnorm : bool, default False
        Whether batch norm follows the convolution and the hidden affine layer: then `params` has
        ``gamma1 beta1 gamma2 beta2`` too, and `bn_params` their running statistics.
    seed : int, Generator or None
        Of the first weights.

    Raises
    ------
    TypeError, ValueError
        When an argument is of the wrong type or out of range, or the image is too small for the filters
        and the pool.

    Notes
    -----
    From Stanford CS231n, assignment 2.

    Examples
    --------
    >>> import numpy as np
    >>> net = ThreeLayerConvNet(seed=0)
    >>> loss, grads = net.loss(np.zeros((2, 3, 32, 32)), np.array([3, 7]))
    >>> round(loss, 4)
    2.3026
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (3, 32, 32),
        num_filters: int = 32,
        filter_size: int = 7,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float = 1e-3,
        reg: float = 0.0,
        dtype: DTypeLike = np.float32,
        use_batchnorm: bool = False,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        shape = check_sizes("input_dim", input_dim)
        if len(shape) != 3:
            raise ValueError(f"input_dim must be (C, H, W), got {input_dim!r}")
        filters = whole("num_filters", num_filters, least=1)
        side = whole("filter_size", filter_size, least=1)
        hidden = whole("hidden_dim", hidden_dim, least=1)
        classes = whole("num_classes", num_classes, least=1)
        super().__init__(
            {
                "input_dim": shape,
                "num_filters": filters,
                "filter_size": side,
                "hidden_dim": hidden,
                "num_classes": classes,
                "weight_scale": weight_scale,
                "reg": reg,
                "dtype": dtype,
                "use_batchnorm": bool(use_batchnorm),
                "seed": seed,
            }
        )
        c, h, w = self._image = tuple(shape)
        self.conv_param = {"stride": 1, "pad": (side - 1) // 2}
        self.pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
        pooled = [(length + 2 * self.conv_param["pad"] - side + 1) // 2 for length in (h, w)]
        if min(pooled) < 1:
            raise ValueError(
                f"input_dim {self._image} is too small for filters of side {side} and a 2x2 pool"
            )
        self._add_affine(1, (filters, c, side, side))
        self._add_affine(2, (filters * pooled[0] * pooled[1], hidden))
        self._add_affine(3, (hidden, classes))
        self.use_batchnorm = bool(use_batchnorm)
        if use_batchnorm:
            self._add_scale(1, filters)
            self._add_scale(2, hidden)
            self.bn_params = [{"mode": "train"}, {"mode": "train"}]

    def loss(self, X: np.ndarray, y: np.ndarray | None = None) -> Any:
        """Return scores or loss and gradients.

        Parameters
        ----------
        X : ndarray (N, C, H, W)
            A batch of images.
        y : ndarray (N,) of whole numbers, or None
            The right classes.

        Returns
        -------
        scores : ndarray (N, K)
            When y is None: batch norm in test mode.
        loss, grads : float, dict
            Otherwise: the loss with its penalty, and the gradient of each of `params`.
        """
        X = self._cast(X, self._image)
        scores, caches = self._forward(X, "test" if y is None else "train")
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        grads = self._backward(dscores, *caches)
        return float(loss) + self._penalty(grads), grads

    def _forward(self, X: np.ndarray, mode: str) -> tuple[np.ndarray, tuple[Any, Any, Any]]:
        p = self.params
        first: Any
        second: Any
        if self.use_batchnorm:
            for bn_param in self.bn_params:
                bn_param["mode"] = mode
            bn1, bn2 = self.bn_params
            out, first = conv_bn_relu_pool_forward(
                X, p["W1"], p["b1"], self.conv_param, p["gamma1"], p["beta1"], bn1, self.pool_param
            )
            out, second = affine_bn_relu_forward(out, p["W2"], p["b2"], p["gamma2"], p["beta2"], bn2)
        else:
            out, first = conv_relu_pool_forward(X, p["W1"], p["b1"], self.conv_param, self.pool_param)
            out, second = affine_relu_forward(out, p["W2"], p["b2"])
        scores, third = affine_forward(out, p["W3"], p["b3"])
        return scores, (first, second, third)

    def _backward(self, dout: np.ndarray, first: Any, second: Any, third: Any) -> dict[str, np.ndarray]:
        g: dict[str, np.ndarray] = {}
        dout, g["W3"], g["b3"] = affine_backward(dout, third)
        if self.use_batchnorm:
            dout, g["W2"], g["b2"], g["gamma2"], g["beta2"] = affine_bn_relu_backward(dout, second)
            _, g["W1"], g["b1"], g["gamma1"], g["beta1"] = conv_bn_relu_pool_backward(
                dout, first, need_dx=False
            )
        else:
            dout, g["W2"], g["b2"] = affine_relu_backward(dout, second)
            _, g["W1"], g["b1"] = conv_relu_pool_backward(dout, first, need_dx=False)
        return g
