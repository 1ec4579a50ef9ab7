"""Networks of any depth from one line of text."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from handgrad._errors import nearest
from handgrad._numbers import fraction
from handgrad.layers import softmax_loss, softmax_losses, svm_loss
from handgrad.layers.params import whole
from handgrad.models.base import Model, check_sizes
from handgrad.models.fusion import fused
from handgrad.models.init import INITS, whitened
from handgrad.models.notation import parse
from handgrad.models.plan import Parameter, plan
from handgrad.models.sizes import Sizes
from handgrad.models.steps import Layer, Step


class ConvNet(Model):
    """A network that is written as a text, in the way of the courses.

    Parameters
    ----------
    spec : str
        Such as ``"[conv3-64 - bn - relu - pool2]x3 - [affine256 - relu - dropout0.5]x1 - affine - softmax"``.
        The page *The notation* of the documentation is its grammar.
    input_dim : (C, H, W), default (3, 32, 32)
        Shape of an image. Images of other sizes do, too, where the parameters fit them, as they do where
        ``globalpool`` stands before the first affine layer.
    num_classes : int, default 10
        K. The last affine layer has so many units where the text gives it no number.
    reg : float, default 0
        Strength of the L2 penalty.
    dtype : float32 or float64, default float32
    weight_scale : float, optional
        Standard deviation of the first weights, in the place of `init`.
    init : {'he', 'glorot', 'orthogonal', 'dirac'}, default 'he'
        How weights begin (`handgrad.models.init`). Biases and beta begin with 0, gamma with 1, the slopes of
        prelu with 0.25.
    label_smoothing : float, default 0
        Of the softmax loss.
    seed : int, Generator or None
        Of the first weights and of dropout's masks.
    dropout_seed : int or None
        When given, the same masks are drawn each time: for gradient checks, not for training.

    Attributes
    ----------
    params : dict of ndarray
        ``W1, b1, ...`` of the conv and affine layers together, ``gamma1, beta1, ...`` of the norms,
        ``alpha1, ...`` of prelu, in the order of the layers.
    input_dim, num_classes
        As given.
    frozen : collection of str, at first empty
        Parameters whose gradients `loss` leaves out; backward ends at the first layer with others. A Solver
        sets it for what ``freeze_after`` names, a step at a time.
    sample_losses : ndarray (N,)
        Of the last batch whose loss was weighted; see `loss`.
    steps : handgrad.models.steps.Chain
        What is computed, one after the other: single layers, sandwiches and residual blocks.
    layer_names : list of str
        Every layer, in order: the layer ``conv2`` has the parameters ``W2`` and ``b2``, ``affine3`` has
        ``W3`` and ``b3``, ``bn1`` has ``gamma1`` and ``beta1``; others are counted by kind. The layers of
        a residual block come before the block, ``res1``.

    Raises
    ------
    TypeError, ValueError
        When an argument is of the wrong type or out of range. What is wrong with the text is said with its
        column.

    Notes
    -----
    ``str(net)`` is the text in its canonical form, and gives the same network again.

    Examples
    --------
    >>> import numpy as np
    >>> net = ConvNet("[conv-relu-pool]x2 - affine - SVM", seed=0)
    >>> print(net)
    [conv3-32 - relu - pool2]x2 - affine - svm
    >>> {name: w.shape for name, w in net.params.items() if name.startswith("W")}
    {'W1': (32, 3, 3, 3), 'W2': (32, 32, 3, 3), 'W3': (2048, 10)}
    >>> loss, grads = net.loss(np.zeros((2, 3, 32, 32)), np.array([3, 7]))
    >>> loss
    9.0
    """

    def __init__(
        self,
        spec: str,
        input_dim: tuple[int, int, int] = (3, 32, 32),
        num_classes: int = 10,
        reg: float = 0.0,
        dtype: DTypeLike = np.float32,
        weight_scale: float | None = None,
        init: str = "he",
        label_smoothing: float = 0.0,
        seed: int | np.random.Generator | None = None,
        dropout_seed: int | None = None,
    ) -> None:
        self.spec = parse(spec)
        shape = check_sizes("input_dim", input_dim)
        if len(shape) != 3:
            raise ValueError(f"input_dim must be (C, H, W), got {input_dim!r}")
        classes = whole("num_classes", num_classes, least=1)
        if init not in INITS:
            raise ValueError(f"there is no init {init!r}{nearest(init, INITS)}")
        settings = {
            "spec": str(self.spec),
            "input_dim": shape,
            "num_classes": classes,
            "reg": reg,
            "dtype": dtype,
            "weight_scale": weight_scale,
            "init": init,
            "label_smoothing": fraction("label_smoothing", label_smoothing, include_one=True),
            "seed": seed,
        }
        super().__init__(settings)
        if label_smoothing and self.spec.loss != "softmax":
            raise ValueError(f"label_smoothing is a setting of softmax, but the loss is {self.spec.loss}")
        self.label_smoothing = float(label_smoothing)
        self.input_dim = (shape[0], shape[1], shape[2])
        self.num_classes = classes
        made = plan(self.spec, self.input_dim, classes)
        self._layers = made.chain
        self.steps = fused(made.chain.steps)
        self.bn_params = made.bn_params
        self._dropout_params = made.dropout_params
        for dropout_param in self._dropout_params:
            dropout_param |= {"rng": self.rng} if dropout_seed is None else {"seed": dropout_seed}
        self.params = {name: self._begun(each) for name, each in made.parameters.items()}
        self._sizes = Sizes(self.spec, classes, made.parameters)
        self.frozen: Collection[str] = ()
        self.sample_losses = np.zeros(0)

    def __str__(self) -> str:
        return str(self.spec)

    def __repr__(self) -> str:
        return f"ConvNet({str(self)!r})"

    @property
    def layer_names(self) -> list[str]:
        """The names of the layers, in the order of computation."""
        return self._layers.names

    def layer(self, name: str) -> Step:
        """Return the layer of that name in `layer_names`: its text, parameters, shapes of input and output.

        Raises
        ------
        ValueError
            When there is none.

        Examples
        --------
        >>> layer = ConvNet("[conv - relu - pool]x2 - affine").layer("conv2")
        >>> layer.text, layer.parameters, layer.outputs
        ('conv3-32', ['W2', 'b2'], (32, 16, 16))
        """
        found = {step.name: step for step in self._layers.layers}
        if name not in found:
            raise ValueError(f"the network has no layer {name!r}{nearest(name, found)}")
        return found[name]

    @property
    def first_input(self) -> tuple[int, ...]:
        """The shape of a sample of what the first conv or affine layer gets, whose weights are `W1`."""
        return next(step.inputs for step in self._layers.layers if "W1" in step.parameters)

    def _cast(self, X: np.ndarray, sample: tuple[int, ...]) -> np.ndarray:
        shape = np.shape(X)[1:]
        return super()._cast(X, shape if self._sizes.fit(shape) else sample)

    def _begun(self, parameter: Parameter) -> np.ndarray:
        if parameter.begin != "weights":
            return np.full(parameter.shape, parameter.begin, self.dtype)
        if self._settings["weight_scale"] is not None:
            w = self.rng.standard_normal(parameter.shape) * self._weight_scale
        else:
            w = INITS[self._settings["init"]](parameter.shape, self.rng)
        return w.astype(self.dtype)

    def loss(self, X: np.ndarray, y: np.ndarray | None = None, weights: np.ndarray | None = None) -> Any:
        """Return scores or loss and gradients.

        Parameters
        ----------
        X : ndarray (N, C, H, W)
            A batch of images.
        y : ndarray (N,) of whole numbers, or None
            The right classes.
        weights : ndarray (N,), optional
            How much each image counts, as for `handgrad.layers.softmax_loss`; the loss of each, without the
            penalty, is then in `sample_losses`. With the softmax loss only.

        Returns
        -------
        scores : ndarray (N, K)
            When y is None: batch norm and dropout in test mode; nothing is kept for backward.
        loss, grads : float, dict
            Otherwise: the loss with its penalty, and the gradient of each of `params` but the `frozen` ones.
        """
        X = self._cast(X, self.input_dim)
        if y is None:
            self._set_mode("test")
            return self.steps.forward(X, self.params, keep=False)[0]
        self._set_mode("train")
        scores, caches = self.steps.forward(X, self.params)
        loss, dscores = self._score_loss(scores, y, weights)
        grads: dict[str, np.ndarray] = {}
        self.steps.backward(dscores, caches, grads, need_dx=False, frozen=self.frozen)
        grads = {name: grads[name] for name in self.params if name not in self.frozen}
        return float(loss) + self._penalty(grads), grads

    def _score_loss(
        self, scores: np.ndarray, y: np.ndarray, weights: np.ndarray | None
    ) -> tuple[Any, np.ndarray]:
        if self.spec.loss == "svm":
            if weights is not None:
                raise ValueError("weights go with the softmax loss, but this net has svm")
            return svm_loss(scores, y)
        smoothing = self.label_smoothing
        if weights is not None:
            self.sample_losses = softmax_losses(scores, y, label_smoothing=smoothing)
        return softmax_loss(scores, y, label_smoothing=smoothing, weights=weights)

    def _set_mode(self, mode: str) -> None:
        for param in (*self.bn_params, *self._dropout_params):
            param["mode"] = mode

    def activations(self, X: np.ndarray) -> dict[str, np.ndarray]:
        """Return the output of every layer in test mode, by its name in `layer_names`.

        Parameters
        ----------
        X : ndarray (N, C, H, W)

        Returns
        -------
        outputs : dict of ndarray
            Each (N, C', H', W') or (N, D); the last layer's are the scores.
        """
        seen: dict[str, np.ndarray] = {}
        self._set_mode("test")
        self._layers.forward(self._cast(X, self.input_dim), self.params, keep=False, seen=seen)
        return seen

    def score_gradients(self, X: np.ndarray, y: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return how the score of a class changes with the input and with every layer's output, in test mode.

        Parameters
        ----------
        X : ndarray (N, C, H, W)
        y : ndarray (N,) of whole numbers, optional
            The class of each image whose score is followed back; the one with the highest score if left out.

        Returns
        -------
        gradients : dict of ndarray
            The gradient of ``scores[n, y[n]]`` with respect to each layer's output, by its name, and to X
            under 'input'; each has the shape of what it belongs to.

        Notes
        -----
        'input' is what saliency maps show (Simonyan, Vedaldi and Zisserman, 2014), and a convolution's
        gradients weigh its `activations` in Grad-CAM (Selvaraju et al., ICCV 2017).
        """
        self._set_mode("test")
        scores, caches = self._layers.forward(self._cast(X, self.input_dim), self.params)
        dscores = np.zeros_like(scores)
        classes = scores.argmax(axis=1) if y is None else np.asarray(y)
        if classes.shape != scores.shape[:1] or classes.dtype.kind not in "iu":
            raise ValueError(f"y must hold a class for each of {len(scores)} images, got {classes!r}")
        if classes.size and not 0 <= classes.min() <= classes.max() < scores.shape[1]:
            raise ValueError(f"y must hold classes from 0 to {scores.shape[1] - 1}, got {classes!r}")
        dscores[np.arange(len(scores)), classes] = 1
        seen: dict[str, np.ndarray] = {}
        dx = self._layers.backward(dscores, caches, {}, seen=seen)
        return {"input": dx, **{name: seen[name] for name in self.layer_names}}

    def input_gradient(self, X: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """Return the gradient (N, C, H, W) of the score of each image's class with respect to the image.

        Parameters
        ----------
        X, y
            As for `score_gradients`.
        """
        return self.score_gradients(X, y)["input"]

    def whiten(self, X: np.ndarray, eps: float = 5e-4) -> None:
        """Set the filters of the first layer so that they whiten the patches of images.

        Parameters
        ----------
        X : ndarray (N, C, H, W)
            Training images as the network gets them, some thousands at the most.
        eps : float, default 5e-4
            As for `handgrad.models.init.whitening`.

        Raises
        ------
        ValueError
            When the first layer is no convolution, or no image is given.

        Notes
        -----
        F filters are the F / 2 directions in which patches vary the most, and their opposites; filters
        beyond 2 C HH WW stay as they are.
        """
        first = self._layers.steps[0]
        if not (isinstance(first, Layer) and first.function == "conv"):
            raise ValueError(f"whiten needs a convolution as the first layer, got {first.name}")
        X = self._cast(X, self.input_dim)
        if len(X) == 0:
            raise ValueError("X must hold at least one image, got none")
        self.params["W1"] = whitened(self.params["W1"], X, eps)
