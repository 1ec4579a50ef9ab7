"""Normalisation: batch norm for features and for images, layer norm, group norm."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np

from handgrad import backend
from handgrad.layers import params
from handgrad.layers.caches import NormCache, keep, recall
from handgrad.layers.checks import check_gradient, check_rank, check_shape, float_arrays


def batchnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: MutableMapping[str, Any]
) -> tuple[np.ndarray, NormCache]:
    """Normalise each feature over the batch, then scale and shift it.

    ``out = gamma * (x - mean) / sqrt(var + eps) + beta``; in training mean and variance (the biased one,
    divided by N) are those of the batch, at test time the running ones.

    Parameters
    ----------
    x : ndarray (N, D)
        A batch of features.
    gamma, beta : ndarray (D,)
        Scale and shift.
    bn_param : dict
        ``'mode'``: 'train' or 'test', needed. ``'eps'`` (default 1e-5) is added to the variance.
        ``'momentum'`` (default 0.9): ``running = momentum * running + (1 - momentum) * batch``.
        ``'running_mean'``, ``'running_var'`` (D,), default zeros: in training the new ones are written
        into this dictionary, the only input that any layer changes. An empty batch leaves them.

    Returns
    -------
    out : ndarray (N, D)
    cache : NormCache
        For `batchnorm_backward`.

    Raises
    ------
    TypeError, ValueError
        When an array or a setting is of the wrong type or shape.

    Notes
    -----
    Ioffe and Szegedy, "Batch normalization", ICML 2015; running averages as in Stanford CS231n.

    Examples
    --------
    >>> import numpy as np
    >>> bn_param = {"mode": "train", "eps": 0.0}
    >>> out, cache = batchnorm_forward(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), bn_param)
    >>> out.ravel(), bn_param["running_mean"].round(2)
    (array([-1.,  1.]), array([0.2]))
    """
    return _batchnorm_forward(x, gamma, beta, bn_param, "N, D")


def batchnorm_backward(dout: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Backward pass of `batchnorm_forward`, in the mode that forward ran in.

    Parameters
    ----------
    dout : ndarray (N, D)
        Gradient of the loss with respect to out.
    cache : NormCache
        From `batchnorm_forward`.

    Returns
    -------
    dx : ndarray (N, D)
    dgamma, dbeta : ndarray (D,)
    """
    return _batchnorm_backward(dout, cache)


def spatial_batchnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: MutableMapping[str, Any]
) -> tuple[np.ndarray, NormCache]:
    """Normalise each channel over the batch and all its pixels: `batchnorm_forward` for images.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
        Images.
    gamma, beta : ndarray (C,)
        Scale and shift of each channel.
    bn_param : dict
        As for `batchnorm_forward`, with statistics of shape (C,).

    Returns
    -------
    out : ndarray (N, C, H, W)
    cache : NormCache
        For `spatial_batchnorm_backward`.

    Raises
    ------
    TypeError, ValueError
        When an array or a setting is of the wrong type or shape.
    """
    return _batchnorm_forward(x, gamma, beta, bn_param, "N, C, H, W")


def spatial_batchnorm_backward(dout: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Backward pass of `spatial_batchnorm_forward`.

    Parameters
    ----------
    dout : ndarray (N, C, H, W)
        Gradient of the loss with respect to out.
    cache : NormCache
        From `spatial_batchnorm_forward`.

    Returns
    -------
    dx : ndarray (N, C, H, W)
    dgamma, dbeta : ndarray (C,)
    """
    return _batchnorm_backward(dout, cache)


def layernorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, ln_param: Mapping[str, Any]
) -> tuple[np.ndarray, NormCache]:
    """Normalise each sample over its features, then scale and shift each feature.

    Parameters
    ----------
    x : ndarray (N, D)
        A batch of features; D at least 1.
    gamma, beta : ndarray (D,)
        Scale and shift.
    ln_param : dict
        ``'eps'`` (default 1e-5) is added to the variance.

    Returns
    -------
    out : ndarray (N, D)
    cache : NormCache
        For `layernorm_backward`.

    Raises
    ------
    TypeError, ValueError
        When an array or a setting is of the wrong type or shape.

    Notes
    -----
    Ba, Kiros and Hinton, "Layer normalization", 2016. The same in training and at test time.
    """
    x, gamma, beta = float_arrays(x=x, gamma=gamma, beta=beta)
    check_rank("x", x, "N, D")
    check_scale(gamma, beta, x.shape[1])
    eps = params.eps_only("ln_param", ln_param)
    ops = backend.ops()
    out, kept = ops.layernorm_forward(x, gamma, beta, eps)
    return out, keep(NormCache, ops, kept, x, gamma)


def layernorm_backward(dout: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Backward pass of `layernorm_forward`.

    Parameters
    ----------
    dout : ndarray (N, D)
        Gradient of the loss with respect to out.
    cache : NormCache
        From `layernorm_forward`.

    Returns
    -------
    dx : ndarray (N, D)
    dgamma, dbeta : ndarray (D,)
    """
    cache = recall(NormCache, cache)
    x, gamma = cache
    dout = check_gradient(dout, x.shape, x.dtype)
    return cache.ops.layernorm_backward(dout, x, gamma, cache.kept)


def spatial_groupnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, G: int, gn_param: Mapping[str, Any]
) -> tuple[np.ndarray, NormCache]:
    """Normalise each image over groups of its channels, then scale and shift each channel.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
        Images.
    gamma, beta : ndarray (C,) or (1, C, 1, 1)
        Scale and shift of each channel; their gradients come in the same shape.
    G : int
        Number of groups; divides C.
    gn_param : dict
        ``'eps'`` (default 1e-5) is added to the variance.

    Returns
    -------
    out : ndarray (N, C, H, W)
    cache : NormCache
        For `spatial_groupnorm_backward`.

    Raises
    ------
    TypeError, ValueError
        When an array or a setting is of the wrong type or shape, or G does not divide C.

    Notes
    -----
    Wu and He, "Group normalization", ECCV 2018. The same in training and at test time.
    """
    x, gamma, beta = float_arrays(x=x, gamma=gamma, beta=beta)
    check_rank("x", x, "N, C, H, W")
    channels = x.shape[1]
    flat_gamma, flat_beta = (
        array.reshape(-1) if array.shape == (1, channels, 1, 1) else array for array in (gamma, beta)
    )
    check_scale(flat_gamma, flat_beta, channels)
    groups = params.divisor("G", G, channels)
    eps = params.eps_only("gn_param", gn_param)
    ops = backend.ops()
    out, kept = ops.groupnorm_forward(x, flat_gamma, flat_beta, groups, eps)
    return out, keep(NormCache, ops, (groups, kept), x, gamma)


def spatial_groupnorm_backward(dout: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Backward pass of `spatial_groupnorm_forward`.

    Parameters
    ----------
    dout : ndarray (N, C, H, W)
        Gradient of the loss with respect to out.
    cache : NormCache
        From `spatial_groupnorm_forward`.

    Returns
    -------
    dx : ndarray (N, C, H, W)
    dgamma, dbeta : ndarray in gamma's shape
    """
    cache = recall(NormCache, cache)
    x, gamma = cache
    groups, kept = cache.kept
    dout = check_gradient(dout, x.shape, x.dtype)
    dx, dgamma, dbeta = cache.ops.groupnorm_backward(dout, x, gamma.reshape(-1), groups, kept)
    return dx, dgamma.reshape(gamma.shape), dbeta.reshape(gamma.shape)


def _batchnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: MutableMapping[str, Any], letters: str
) -> tuple[np.ndarray, NormCache]:
    x, gamma, beta = float_arrays(x=x, gamma=gamma, beta=beta)
    check_rank("x", x, letters)
    check_scale(gamma, beta, x.shape[1])
    settings = params.batchnorm(bn_param, x.shape[1], x.dtype)
    ops = backend.ops()
    out, running_mean, running_var, kept = ops.batchnorm_forward(x, gamma, beta, *settings)
    if settings.mode == "train":
        bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
    return out, keep(NormCache, ops, kept, x, gamma)


def _batchnorm_backward(dout: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cache = recall(NormCache, cache)
    x, gamma = cache
    dout = check_gradient(dout, x.shape, x.dtype)
    return cache.ops.batchnorm_backward(dout, x, gamma, cache.kept)


def check_scale(gamma: np.ndarray, beta: np.ndarray, features: int) -> None:
    """Refuse gamma and beta of another shape than (features,)."""
    check_shape("gamma", gamma, (features,), "(one number for each of axis 1 of x)")
    check_shape("beta", beta, (features,), "(one number for each of axis 1 of x)")
