"""Normalisation: subtract the mean, divide by the standard deviation, then scale and shift.

The four layers differ only in which numbers share one mean: a feature over the batch (batchnorm), a
channel over batch and pixels (spatial_batchnorm), one example (layernorm), a group of channels of one
example (spatial_groupnorm). `_normalise` does one such set of numbers.
"""

from __future__ import annotations

import numpy as np


def _statistics(values: np.ndarray) -> tuple[float, float]:
    count = max(values.size, 1)  # an empty batch has no mean; any number will do for no values
    mean = np.sum(values) / count
    var = np.sum((values - mean) ** 2) / count  # biased, as in the courses
    return mean, var


def _normalise(values: np.ndarray, eps: float, mean: float, var: float) -> tuple[np.ndarray, float]:
    std = np.sqrt(var + eps)
    return (values - mean) / std, std


def _normalise_backward(dx_hat: np.ndarray, x_hat: np.ndarray, std: float) -> np.ndarray:
    """Return the gradient for values whose mean and variance were their own."""
    count = max(x_hat.size, 1)
    # x_hat = centred / std
    dcentred = dx_hat / std
    dstd = np.sum(dx_hat * -x_hat) / std
    # std = np.sqrt(var + eps)
    dvar = dstd * 0.5 / std
    # var = np.sum(centred ** 2) / count
    dcentred += dvar * 2 * (x_hat * std) / count
    # centred = values - mean;  mean = np.sum(values) / count
    dmean = -np.sum(dcentred)
    return dcentred + dmean / count


def batchnorm_forward_naive(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: dict
) -> tuple[np.ndarray, tuple]:
    """Normalise each feature over the batch: ``out = gamma (x - mean) / sqrt(var + eps) + beta``.

    Parameters
    ----------
    x : ndarray (N, D)
    gamma, beta : ndarray (D,)
    bn_param : dict
        ``mode``: ``'train'`` (statistics of the batch, biased variance) or ``'test'`` (the running
        ones). ``eps`` (default 1e-5). ``momentum`` (default 0.9). ``running_mean``, ``running_var``
        (D,) (default zeros): in train mode replaced by
        ``momentum * running + (1 - momentum) * batch`` in the dtype of x, unless the batch is empty.

    Returns
    -------
    out : ndarray (N, D)
    cache : (x, gamma, beta, bn_param)
        bn_param as a copy from before the running statistics moved.

    References
    ----------
    Ioffe and Szegedy, "Batch normalization", 2015.
    """
    D = x.shape[1]
    cache = (x, gamma, beta, dict(bn_param))
    running_mean, running_var = _running(bn_param, x)
    next_mean, next_var = np.copy(running_mean), np.copy(running_var)
    momentum = float(bn_param.get("momentum", 0.9))
    out = np.zeros(x.shape, dtype=x.dtype)
    for d in range(D):
        mean, var = _feature_statistics(x, d, bn_param)
        x_hat, _ = _normalise(x[:, d].astype(np.float64), _eps(bn_param), mean, var)
        out[:, d] = float(gamma[d]) * x_hat + float(beta[d])
        next_mean[d] = momentum * float(running_mean[d]) + (1 - momentum) * mean
        next_var[d] = momentum * float(running_var[d]) + (1 - momentum) * var
    if bn_param["mode"] == "train" and x.shape[0] > 0:
        bn_param["running_mean"], bn_param["running_var"] = next_mean, next_var
    return out, cache


def batchnorm_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx (N, D), dgamma (D,) and dbeta (D,); in test mode the statistics are constants."""
    x, gamma, beta, bn_param = cache
    D = x.shape[1]
    dx, dgamma, dbeta = np.zeros(x.shape), np.zeros(D), np.zeros(D)
    for d in range(D):
        mean, var = _feature_statistics(x, d, bn_param)
        x_hat, std = _normalise(x[:, d].astype(np.float64), _eps(bn_param), mean, var)
        dcolumn = dout[:, d].astype(np.float64)
        # out[:, d] = gamma[d] * x_hat + beta[d]
        dbeta[d] = np.sum(dcolumn)
        dgamma[d] = np.sum(dcolumn * x_hat)
        dx_hat = dcolumn * float(gamma[d])
        train = bn_param["mode"] == "train"
        dx[:, d] = _normalise_backward(dx_hat, x_hat, std) if train else dx_hat / std
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype), dbeta.astype(beta.dtype)


def _feature_statistics(x: np.ndarray, d: int, bn_param: dict) -> tuple[float, float]:
    if bn_param["mode"] == "train":
        return _statistics(x[:, d].astype(np.float64))
    if bn_param["mode"] != "test":
        raise ValueError(f"bn_param['mode'] must be 'train' or 'test', got {bn_param['mode']!r}")
    running_mean, running_var = _running(bn_param, x)
    return float(running_mean[d]), float(running_var[d])


def _running(bn_param: dict, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    zeros = np.zeros(x.shape[1])
    running_mean = np.asarray(bn_param.get("running_mean", zeros), dtype=x.dtype)
    running_var = np.asarray(bn_param.get("running_var", zeros), dtype=x.dtype)
    return running_mean, running_var


def _eps(param: dict) -> float:
    return float(param.get("eps", 1e-5))


def spatial_batchnorm_forward_naive(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: dict
) -> tuple[np.ndarray, tuple]:
    """Normalise each channel of x (N, C, H, W) over batch and pixels; gamma, beta (C,).

    Each pixel is an example with C features: bn_param, its running statistics (C,) and the cache are
    those of `batchnorm_forward_naive` on x as (N H W, C).
    """
    out, cache = batchnorm_forward_naive(_pixels_as_rows(x), gamma, beta, bn_param)
    return _rows_as_pixels(out, x), cache


def spatial_batchnorm_backward_naive(
    dout: np.ndarray, cache: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx (N, C, H, W), dgamma (C,) and dbeta (C,)."""
    dx, dgamma, dbeta = batchnorm_backward_naive(_pixels_as_rows(dout), cache)
    return _rows_as_pixels(dx, dout), dgamma, dbeta


def _pixels_as_rows(x: np.ndarray) -> np.ndarray:
    N, C, H, W = x.shape
    return x.transpose(0, 2, 3, 1).reshape(N * H * W, C)


def _rows_as_pixels(rows: np.ndarray, like: np.ndarray) -> np.ndarray:
    N, C, H, W = like.shape
    return np.ascontiguousarray(rows.reshape(N, H, W, C).transpose(0, 3, 1, 2))


def layernorm_forward_naive(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, ln_param: dict
) -> tuple[np.ndarray, tuple]:
    """Normalise each example over its features, in training and testing alike.

    Parameters
    ----------
    x : ndarray (N, D)
    gamma, beta : ndarray (D,)
    ln_param : dict
        ``eps`` (default 1e-5).

    Returns
    -------
    out : ndarray (N, D)
    cache : (x, gamma, beta, ln_param)

    References
    ----------
    Ba, Kiros and Hinton, "Layer normalization", 2016.
    """
    out = np.zeros(x.shape, dtype=x.dtype)
    for n in range(x.shape[0]):
        row = x[n].astype(np.float64)
        x_hat, _ = _normalise(row, _eps(ln_param), *_statistics(row))
        out[n] = gamma * x_hat + beta
    return out, (x, gamma, beta, ln_param)


def layernorm_backward_naive(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx (N, D), dgamma (D,) and dbeta (D,)."""
    x, gamma, beta, ln_param = cache
    dx, dgamma, dbeta = np.zeros(x.shape), np.zeros(gamma.shape), np.zeros(beta.shape)
    for n in range(x.shape[0]):
        row, drow = x[n].astype(np.float64), dout[n].astype(np.float64)
        x_hat, std = _normalise(row, _eps(ln_param), *_statistics(row))
        # out[n] = gamma * x_hat + beta
        dbeta += drow
        dgamma += drow * x_hat
        dx[n] = _normalise_backward(drow * gamma, x_hat, std)
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype), dbeta.astype(beta.dtype)


def spatial_groupnorm_forward_naive(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, G: int, gn_param: dict
) -> tuple[np.ndarray, tuple]:
    """Normalise each example over groups of C / G neighbouring channels and their pixels.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
    gamma, beta : ndarray (C,) or (1, C, 1, 1)
        Scale and shift of each channel.
    G : int
        Number of groups; divides C.
    gn_param : dict
        ``eps`` (default 1e-5).

    Returns
    -------
    out : ndarray (N, C, H, W)
    cache : (x, gamma, beta, G, gn_param)

    References
    ----------
    Wu and He, "Group normalization", 2018.
    """
    N, C = x.shape[:2]
    scale, shift = gamma.reshape(C, 1, 1), beta.reshape(C, 1, 1)
    out = np.zeros(x.shape, dtype=x.dtype)
    for n in range(N):
        for g in range(G):
            group = _group(g, C, G)
            values = x[n, group].astype(np.float64, order="C")
            x_hat, _ = _normalise(values, _eps(gn_param), *_statistics(values))
            out[n, group] = scale[group] * x_hat + shift[group]
    return out, (x, gamma, beta, G, gn_param)


def spatial_groupnorm_backward_naive(
    dout: np.ndarray, cache: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx (N, C, H, W), and dgamma and dbeta in the shapes of gamma and beta."""
    x, gamma, beta, G, gn_param = cache
    N, C = x.shape[:2]
    scale = gamma.reshape(C, 1, 1)
    dx, dscale, dshift = np.zeros(x.shape), np.zeros(C), np.zeros(C)
    for n in range(N):
        for g in range(G):
            group = _group(g, C, G)
            values = x[n, group].astype(np.float64, order="C")
            dvalues = dout[n, group].astype(np.float64, order="C")
            x_hat, std = _normalise(values, _eps(gn_param), *_statistics(values))
            # out[n, group] = scale[group] * x_hat + shift[group]
            dshift[group] += np.sum(dvalues, axis=(1, 2))
            dscale[group] += np.sum(dvalues * x_hat, axis=(1, 2))
            dx[n, group] = _normalise_backward(dvalues * scale[group], x_hat, std)
    dgamma = dscale.reshape(gamma.shape).astype(gamma.dtype)
    return dx.astype(x.dtype), dgamma, dshift.reshape(beta.shape).astype(beta.dtype)


def _group(g: int, C: int, G: int) -> slice:
    return slice(g * C // G, (g + 1) * C // G)
